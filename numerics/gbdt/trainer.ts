/**
 * Gradient boosting of decision trees: bin once, then round by round compute gradients, grow one tree
 * per score, shrink it and add it to the scores.
 *
 * Same input, parameters and seed give the same model, byte for byte, for any number of threads: exact histogram
 * sums, leaf values summed in row order, and random streams forked by name of round. A training that
 * resumes from a checkpoint is therefore equal to an undisturbed one.
 *
 * Source: Ke et al. 2017, LightGBM (NeurIPS 30); parameters are named as there.
 */
import type { DecisionTree } from "../decision-tree.ts";
import { findLeaf } from "../decision-tree.ts";
import type { Matrix } from "../matrix.ts";
import { checkCells, checkRowIndices } from "../matrix.ts";
import type { PostTransform, TreeEnsembleModel } from "../model.ts";
import type { RowReader } from "../row-reader.ts";
import { readerOf } from "../row-reader.ts";
import { resolveParameters } from "../parameter-table.ts";
import type { Generator } from "../random/generator.ts";
import { createGenerator } from "../random/generator.ts";
import type { TaskKind, TaskTarget } from "../task-kind.ts";
import { checkTarget, combineWeights } from "../task-kind.ts";
import type { CheckpointHooks, TreeCheckpoint } from "../training-hooks.ts";
import { isCheckpointDue, stopIfAsked } from "../training-hooks.ts";
import type { BinnedRows } from "./binned-rows.ts";
import { copyBins, takeBins } from "./binned-rows.ts";
import { sampleRows } from "./binning.ts";
import type { Crew } from "./grower.ts";
import { growTree } from "./grower.ts";
import type { KernelKind } from "./kernels/kernels.ts";
import type { TrainingSizes, TrainingViews } from "./layout.ts";
import { planLayout, sampledColumns, stagedRows } from "./layout.ts";
import type { ObjectiveChoice, TargetRows } from "./objectives/objective.ts";
import { LOSSES } from "./objectives/table.ts";
import type { Packing } from "./packing.ts";
import { planPacking } from "./packing.ts";
import type { GbdtParameters } from "./parameters.ts";
import { GBDT_PARAMETERS } from "./parameters.ts";
import { checkSampling, drawBag, drawOneSided } from "./sampling.ts";
import { TILE_ROWS } from "./threads/bin-steps.ts";
import { DOUBLES } from "./threads/context.ts";
import type { StoppingMetric } from "./stopping-metric.ts";
import {
  checkMonotone,
  chooseMetric,
  chooseObjective,
  groupColumns,
  knownPlaces,
} from "./training-choices.ts";
import { Team } from "./threads/team.ts";

export interface GbdtInput {
  /** All rows, those for validation too; finite or NaN. A reader for more than fit into memory as doubles. */
  readonly matrix: Matrix | RowReader;
  /** One value per row of `matrix`; only those of the rows below are read. */
  readonly target: TaskTarget;
  /** Rows to train on; all when absent. */
  readonly trainRows?: Int32Array;
  /** Rows whose loss decides when to stop; the caller keeps groups apart. */
  readonly validationRows?: Int32Array;
  /** Float64Array (matrix.nRows), ≥ 0. */
  readonly weights?: Float64Array;
  /** One factor per class code. */
  readonly classWeights?: readonly number[];
  /** Uint8Array (matrix.nRows): 1 where the target is a lower bound; for the objective `censoredNormal`. */
  readonly censored?: Uint8Array;
  /** By column: +1 where predictions must not fall as it rises, −1 where they must not rise, 0 where free. */
  readonly monotone?: readonly number[];
  /** Columns of category codes, which are whole numbers or missing: split by groups of codes instead of thresholds. */
  readonly categorical?: readonly number[];
  /** Groups of columns that may meet on one path of a tree; a column in no group splits alone. */
  readonly interactions?: readonly (readonly number[])[];
  /** Trees to start from: the result holds them and those that are added. */
  readonly initModel?: TreeEnsembleModel;
  readonly parameters?: Partial<GbdtParameters>;
  readonly seed: number | string;
  readonly hooks?: GbdtHooks;
  /** Continue the training that gave this checkpoint, with the same input otherwise. */
  readonly resumeFrom?: TreeCheckpoint;
  /** Bins of an earlier training on the same matrix and rows, with the same columns, settings of binning and seed. */
  readonly binned?: BinnedRows;
  /** Threads that take part where there is enough for them to do. The model does not depend on them. */
  readonly team?: Team;
  /** "plain" for the reference kernels; the model does not depend on it. */
  readonly kernels?: KernelKind;
}

/** A training on rows that lie in memory. */
export interface DenseInput extends GbdtInput {
  readonly matrix: Matrix;
}

export interface GbdtHooks extends CheckpointHooks {
  /** Called once with the bins that were made, for later trainings; not where `binned` was given. */
  readonly onBinned?: (binned: BinnedRows) => void;
}

export interface GbdtResult {
  readonly model: TreeEnsembleModel;
  /** Rounds kept in the model. */
  readonly bestIteration: number;
  /** Mean validation loss after each round; empty without validation rows. */
  readonly history: readonly number[];
  readonly isStoppedEarly: boolean;
}

/**
 * Trains a boosted ensemble by the loss that `parameters.objective` names, or by the usual one of the target's task.
 *
 * @throws {RangeError} for a parameter, shape, target, weight or row index out of range, or no rows
 * @throws {TrainingCancelledError} when `hooks.shouldStop` says so
 *
 * Cost: about numIterations · nScores · 2 · nRows · nFeatures histogram updates. Memory: two bytes per
 * cell, some tens of bytes per row and score, and one histogram per open leaf (layout.ts).
 */
export function trainGbdt(input: GbdtInput): GbdtResult {
  return new Boosting(input).run();
}

const POST_TRANSFORMS: Readonly<Record<TaskKind, PostTransform>> = {
  regression: "identity",
  binary: "sigmoid",
  multiclass: "softmax",
};

const NO_WEIGHTS = new Float64Array(0);
const NO_PLACES = new Int32Array(0);
/** The scatter shrinks by no more than this in a round. */
const LEAST_SHRINK = 0.1;
const NO_FLAGS = new Uint8Array(0);
const NO_ROWS: TargetRows = { targets: new Float64Array(0), weights: NO_WEIGHTS, censored: NO_FLAGS };
/** Beyond, one lane would leave too few bits to a gradient beside the count of rows. */
const MOST_ONE_LANE_ROWS = 100_000;
const SOLO = new Team(1);
/** Fewer cells are trained on by one thread: most steps would end before another wakes up. */
const LEAST_SHARED_CELLS = 100_000;

class Boosting {
  readonly #input: GbdtInput;
  readonly #reader: RowReader;
  readonly #parameters: GbdtParameters;
  readonly #generator: Generator;
  readonly #objective: ObjectiveChoice;
  readonly #metric: StoppingMetric | null;
  /** Trees that the training started from. */
  readonly #nInitTrees: number;
  readonly #base: Float64Array;
  readonly #crew: Crew;
  readonly #views: TrainingViews;
  readonly #hasValidation: boolean;
  readonly #validationWeight: number;
  /** Places of the validation rows that a stopping metric is computed on. */
  readonly #validationKnown: Int32Array;
  readonly #trainingWeight: number;
  readonly #trees: DecisionTree[] = [];
  readonly #history: number[] = [];

  constructor(input: GbdtInput) {
    this.#input = input;
    const parameters = resolveParameters(GBDT_PARAMETERS, input.parameters ?? {});
    this.#parameters = parameters;
    this.#reader = readerOf(input.matrix);
    checkSampling(parameters);
    const trainRows = input.trainRows ?? identity(input.matrix.nRows);
    const validationRows = input.validationRows ?? new Int32Array(0);
    this.#hasValidation = input.validationRows !== undefined;
    if (parameters.earlyStoppingRounds > 0 && !this.#hasValidation) {
      throw new RangeError(`earlyStoppingRounds needs validationRows, got ${parameters.earlyStoppingRounds}`);
    }
    const training = this.#readRows("trainRows", trainRows);
    const validation = this.#hasValidation ? this.#readRows("validationRows", validationRows) : NO_ROWS;
    this.#generator = createGenerator(input.seed);
    this.#objective = chooseObjective(input.target, parameters, training.censored);
    this.#metric = chooseMetric(input.target, parameters);
    this.#validationKnown =
      this.#metric === null
        ? NO_PLACES
        : knownPlaces(validation, this.#metric, { ...parameters, nScores: this.#objective.nScores });
    this.#base = this.#chooseBase(training);
    this.#crew = this.#open(training, { trainRows, validationRows });
    this.#views = this.#crew.self.views;
    if (input.binned === undefined) {
      this.#fitBins(trainRows);
      this.#bin("binTraining", trainRows);
      this.#bin("binValidation", validationRows);
      input.hooks?.onBinned?.(copyBins(this.#views));
    } else takeBins(this.#views, input.binned);
    this.#fill(training, validation);
    this.#validationWeight = sum(validation.weights) || validationRows.length;
    this.#trainingWeight = sum(training.weights) || trainRows.length;
    this.#startScatter(training);
    this.#nInitTrees = input.initModel?.trees.length ?? 0;
  }

  run(): GbdtResult {
    this.#startWith(this.#input.initModel?.trees ?? []);
    this.#resume();
    const { numIterations } = this.#parameters;
    const { hooks } = this.#input;
    let isStoppedEarly = this.#isOverdue();
    while (!isStoppedEarly && this.#nRounds() < numIterations) {
      const iteration = this.#nRounds();
      stopIfAsked(hooks, iteration);
      this.#boost(iteration);
      this.#learnScatter();
      const metric = this.#validationLoss();
      hooks?.onProgress?.({
        iteration: iteration + 1,
        of: numIterations,
        ...(metric === undefined ? {} : { metric }),
      });
      if (isCheckpointDue(hooks, iteration + 1)) this.#checkpoint(iteration + 1);
      isStoppedEarly = this.#isOverdue();
    }
    return this.#finish(isStoppedEarly);
  }

  /** Rounds done, those of the initial model not counted. */
  #nRounds(): number {
    return (this.#trees.length - this.#nInitTrees) / this.#objective.nScores;
  }

  /** @throws {RangeError} when the initial model is not of this training's shape */
  #chooseBase(training: TargetRows): Float64Array {
    const { initModel, matrix } = this.#input;
    const { name, nScores } = this.#objective;
    if (initModel === undefined) return LOSSES[name].base(training, this.#objective);
    const isOfShape =
      initModel.nFeatures === matrix.nColumns &&
      initModel.nOutputs === nScores &&
      initModel.scale === 1 &&
      initModel.postTransform === POST_TRANSFORMS[this.#input.target.taskKind];
    if (!isOfShape) {
      throw new RangeError(
        `initModel must be a boosted ${this.#input.target.taskKind} model of ${matrix.nColumns} features and ${nScores} scores, got one of ${initModel.nFeatures} and ${initModel.nOutputs}`,
      );
    }
    return Float64Array.from(initModel.base);
  }

  /** Targets, weights and censoring of some rows, checked. */
  #readRows(name: string, rows: Int32Array): TargetRows {
    const { matrix, target, weights, classWeights, censored } = this.#input;
    if (censored !== undefined && censored.length !== matrix.nRows) {
      throw new RangeError(`censored must have one flag per row [${matrix.nRows}], got ${censored.length}`);
    }
    if (rows.length === 0) throw new RangeError(`${name} must hold at least one row, got 0`);
    checkRowIndices(name, rows, matrix.nRows);
    checkTarget(target, matrix.nRows, rows);
    const { scalePosWeight } = this.#parameters;
    if (scalePosWeight !== 1 && target.taskKind !== "binary") {
      throw new RangeError(
        `scalePosWeight applies to binary only, got ${scalePosWeight} for ${target.taskKind}`,
      );
    }
    const factors =
      scalePosWeight === 1
        ? classWeights
        : [classWeights?.[0] ?? 1, (classWeights?.[1] ?? 1) * scalePosWeight];
    const targets = new Float64Array(rows.length);
    for (let index = 0; index < rows.length; index++) targets[index] = target.values[rows[index]];
    return {
      targets,
      weights: combineWeights(target, rows, weights, factors) ?? NO_WEIGHTS,
      censored: censored === undefined ? NO_FLAGS : Uint8Array.from(rows, (row) => censored[row]),
    };
  }

  /** Makes the training's memory and hands it to the team. */
  #open(training: TargetRows, rows: Readonly<Record<"trainRows" | "validationRows", Int32Array>>): Crew {
    const { matrix, team: given, interactions, monotone, categorical = [] } = this.#input;
    const isSmall = rows.trainRows.length * matrix.nColumns < LEAST_SHARED_CELLS;
    const team = isSmall || given === undefined ? SOLO : given;
    checkRowIndices("categorical", categorical, matrix.nColumns);
    const { name, nScores } = this.#objective;
    const parameters = this.#parameters;
    const hasWeights = training.weights.length > 0;
    const nRows = rows.trainRows.length;
    const isHessianOne = LOSSES[name].isHessianOne && !hasWeights && parameters.topRate === 1;
    const sizes: TrainingSizes = {
      nRows,
      nValidationRows: rows.validationRows.length,
      nColumns: matrix.nColumns,
      nScores,
      lanes: isHessianOne && nRows <= MOST_ONE_LANE_ROWS ? 1 : 2,
      numLeaves: parameters.numLeaves,
      hasWeights,
      hasCensored: training.censored.length > 0,
      hasCategories: categorical.length > 0,
      nSampled: Math.min(nRows, parameters.binConstructSampleCnt),
      nThreads: team.nThreads,
    };
    const self = team.open({
      memory: team.memory(planLayout(sizes).nBytes),
      sizes,
      objective: this.#objective,
      limits: parameters,
      categories: parameters,
      isConstrained: parameters.lambdaL1 > 0 || (monotone?.some((sign) => sign !== 0) ?? false),
      kernels: this.#input.kernels ?? "wasm",
    });
    self.views.isCategorical.fill(0);
    for (const column of categorical) self.views.isCategorical[column] = 1;
    return {
      team,
      self,
      limits: parameters,
      isLeafWhole: LOSSES[name].leafQuantile?.(this.#objective.settings) !== undefined,
      interactions: groupColumns(interactions, matrix.nColumns),
    };
  }

  /** Fills what the trees begin with; after binning, which uses the same memory. */
  #fill(training: TargetRows, validation: TargetRows): void {
    const { scores, validationScores, sizes } = this.#views;
    const { monotone, matrix } = this.#input;
    this.#views.monotone.set(checkMonotone(monotone, matrix.nColumns));
    this.#views.isColumnAllowed.fill(1);
    this.#views.targets.set(training.targets);
    this.#views.weights.set(training.weights);
    this.#views.censored.set(training.censored);
    this.#views.validationCensored.set(validation.censored);
    this.#views.validationTargets.set(validation.targets);
    this.#views.validationWeights.set(validation.weights);
    this.#base.forEach((base, k) => {
      scores.fill(base, k * sizes.nRows, (k + 1) * sizes.nRows);
      validationScores.fill(base, k * sizes.nValidationRows, (k + 1) * sizes.nValidationRows);
    });
  }

  /** Learns the bin borders from a sample of the training rows. */
  #fitBins(trainRows: Int32Array): void {
    const { maxBin, minDataInBin, binConstructSampleCnt } = this.#parameters;
    const { sample, sizes } = this.#views;
    const { nColumns } = sizes;
    const sampled = sampleRows(trainRows, binConstructSampleCnt, this.#generator.fork("bins"));
    const { team, self } = this.#crew;
    const width = Math.min(nColumns, sampledColumns(sampled.length));
    for (let first = 0; first < nColumns; first += width) {
      const nTaken = Math.min(width, nColumns - first);
      this.#stage(sampled, (staged, begin, nStaged) => {
        for (let row = 0; row < nStaged; row++) {
          for (let column = 0; column < nTaken; column++) {
            sample[column * sampled.length + begin + row] = staged[row * nColumns + first + column];
          }
        }
      });
      team.run(self, "fitBins", nTaken, [sampled.length, maxBin, minDataInBin, first]);
    }
  }

  #bin(step: "binTraining" | "binValidation", rows: Int32Array): void {
    const { team, self } = this.#crew;
    this.#stage(rows, (_, begin, nStaged) => {
      team.run(self, step, Math.ceil(nStaged / TILE_ROWS), [nStaged, begin]);
    });
  }

  /** Reads rows batch by batch to where all threads see them. */
  #stage(rows: Int32Array, use: (staged: Float64Array, begin: number, nStaged: number) => void): void {
    const { nColumns } = this.#reader;
    const { staged } = this.#views;
    this.#eachBatch(rows, staged, (batch, begin) => {
      checkCells(staged, { nRows: batch.length, nColumns, rowOf: (place) => batch[place] });
      use(staged, begin, batch.length);
    });
  }

  /** Reads rows batch by batch into `values`. */
  #eachBatch(rows: Int32Array, values: Float64Array, use: (batch: Int32Array, begin: number) => void): void {
    const most = stagedRows(this.#reader.nColumns);
    for (let begin = 0; begin < rows.length; begin += most) {
      const batch = rows.subarray(begin, begin + most);
      this.#reader.read(batch, values);
      use(batch, begin);
    }
  }

  /** One round: a tree per score, all from the gradients at its start. */
  #boost(iteration: number): void {
    const { team, self } = this.#crew;
    const { nScores } = this.#objective;
    const { sizes, layout } = this.#views;
    if (nScores > 1) team.run(self, "prepare", layout.nChunks);
    const bag = drawBag(this.#parameters, sizes.nRows, iteration, this.#generator);
    for (let k = 0; k < nScores; k++) {
      team.run(self, "derive", layout.nChunks, [k]);
      const drawn = this.#parameters.topRate < 1 ? this.#drawOneSided(iteration, k) : bag;
      const packing = this.#planPacking();
      team.setDouble(DOUBLES.countUnit, packing.countUnit);
      team.setDouble(DOUBLES.gradientUnit, packing.gradientUnit);
      team.setDouble(DOUBLES.hessianUnit, packing.hessianUnit);
      team.run(self, "pack", layout.nChunks, [drawn === null ? 1 : 0]);
      this.#drawColumns(iteration, k);
      if (drawn !== null) this.#listRows(drawn);
      const nRows = drawn?.length ?? sizes.nRows;
      this.#trees.push(growTree(this.#crew, { nRows, packing, output: k }));
      if (drawn !== null) team.run(self, "addUndrawn", layout.nChunks, [k]);
      if (this.#hasValidation) team.run(self, "addValidation", layout.nValidationChunks, [k]);
    }
  }

  #startScatter(training: TargetRows): void {
    const { scatter } = LOSSES[this.#objective.name];
    if (scatter === undefined) return;
    const { scale, validationScale } = this.#views;
    scale[0] = scatter.given(this.#objective.settings) ?? scatter.first(training);
    validationScale[0] = scale[0];
  }

  /**
   * One step towards the most likely scatter. Validation rows have their own: learnt by heart the training rows scatter
   * less and less, and rows that were not learnt from would be judged by it.
   */
  #learnScatter(): void {
    if (!this.#learnsScatter()) return;
    const { layout, scale, validationScale } = this.#views;
    this.#stepScatter("sumSquares", layout.nChunks, [scale, this.#trainingWeight]);
    if (this.#hasValidation)
      this.#stepScatter("sumValidationSquares", layout.nValidationChunks, [
        validationScale,
        this.#validationWeight,
      ]);
  }

  #learnsScatter(): boolean {
    const { scatter } = LOSSES[this.#objective.name];
    return scatter !== undefined && scatter.given(this.#objective.settings) === null;
  }

  /** From sums by chunk, in their order. */
  #stepScatter(
    step: "sumSquares" | "sumValidationSquares",
    nChunks: number,
    [scale, weight]: readonly [Float64Array, number],
  ): void {
    this.#crew.team.run(this.#crew.self, step, nChunks);
    const { chunkSums } = this.#views;
    let total = 0;
    for (let chunk = 0; chunk < nChunks; chunk++) total += chunkSums[chunk];
    // A table that is learnt by heart has no scatter left; nothing may be divided by 0 then.
    scale[0] = Math.max(LEAST_SHRINK * scale[0], Math.sqrt(total / weight));
  }

  #drawOneSided(iteration: number, k: number): Int32Array {
    const drawn = drawOneSided(this.#parameters, this.#views, this.#generator.fork(`rows/${iteration}/${k}`));
    // Raised gradients raise the sums that size the grid: all of them by as much as any.
    const { otherRate, topRate } = this.#parameters;
    const factor = Math.max(1, otherRate > 0 ? (1 - topRate) / otherRate : 1);
    const { chunkSums } = this.#views;
    for (let place = 0; place < chunkSums.length; place++) chunkSums[place] *= 2 * factor;
    return drawn;
  }

  #planPacking(): Packing {
    const { chunkSums, layout, sizes } = this.#views;
    let gradientTotal = 0;
    let hessianTotal = 0;
    for (let chunk = 0; chunk < layout.nChunks; chunk++) {
      gradientTotal += chunkSums[2 * chunk];
      hessianTotal += chunkSums[2 * chunk + 1];
    }
    return planPacking(sizes.nRows, gradientTotal, sizes.lanes === 1 ? null : hessianTotal);
  }

  /** Fills the row list, ascending, and marks the rows on it. */
  #listRows(drawn: Int32Array): void {
    const { rows, isDrawn } = this.#views;
    rows.set(drawn);
    isDrawn.fill(0);
    for (const row of drawn) isDrawn[row] = 1;
  }

  #drawColumns(iteration: number, k: number): void {
    const { isColumnDrawn, sizes } = this.#views;
    const nDrawn = Math.max(1, Math.round(sizes.nColumns * this.#parameters.featureFraction));
    if (nDrawn >= sizes.nColumns) {
      isColumnDrawn.fill(1);
      return;
    }
    const all = Int32Array.from({ length: sizes.nColumns }, (_, column) => column);
    const drawn = this.#generator.fork(`features/${iteration}/${k}`).shuffle(all).subarray(0, nDrawn);
    isColumnDrawn.fill(0);
    for (const column of drawn) isColumnDrawn[column] = 1;
  }

  #validationLoss(): number | undefined {
    if (!this.#hasValidation) return undefined;
    const figure = this.#metric === null ? this.#meanLoss() : this.#metric.compute(...this.#validationRows());
    this.#history.push(figure);
    return figure;
  }

  #validationRows(): [targets: Float64Array, scores: Float64Array] {
    const { validationTargets, validationScores } = this.#views;
    const known = this.#validationKnown;
    if (known.length === validationTargets.length) return [validationTargets, validationScores];
    const pick = (values: Float64Array) => Float64Array.from(known, (place) => values[place]);
    return [pick(validationTargets), pick(validationScores)];
  }

  #meanLoss(): number {
    const { chunkSums, layout } = this.#views;
    this.#crew.team.run(this.#crew.self, "loss", layout.nValidationChunks);
    let total = 0;
    for (let chunk = 0; chunk < layout.nValidationChunks; chunk++) total += chunkSums[chunk];
    return this.#validationWeight > 0 ? total / this.#validationWeight : 0;
  }

  #isOverdue(): boolean {
    const { earlyStoppingRounds } = this.#parameters;
    if (earlyStoppingRounds === 0) return false;
    return this.#history.length - this.#bestIteration() >= earlyStoppingRounds;
  }

  /** Rounds up to the best validation figure, the first of equals. */
  #bestIteration(): number {
    const sign = this.#metric?.isHigherBetter === true ? -1 : 1;
    let best = 0;
    for (let index = 1; index < this.#history.length; index++) {
      // A figure that is undefined on these rows is no better than any.
      if (sign * this.#history[index] < sign * this.#history[best]) best = index;
    }
    return this.#history.length === 0 ? 0 : best + 1;
  }

  /** Takes trees that were grown before: the same leaves as by bins, for thresholds are bin borders. */
  #startWith(trees: readonly DecisionTree[]): void {
    const { trainRows, validationRows } = this.#input;
    const { scores, validationScores, sizes } = this.#views;
    // What was learnt of the scatter after each tree is learnt again.
    for (const some of this.#learnsScatter() ? trees.map((tree) => [tree]) : [trees]) {
      if (some.length === 0) continue;
      this.#addByValue(some, scores, trainRows ?? identity(sizes.nRows));
      if (validationRows !== undefined) this.#addByValue(some, validationScores, validationRows);
      this.#learnScatter();
    }
    this.#trees.push(...trees);
  }

  #addByValue(trees: readonly DecisionTree[], scores: Float64Array, rows: Int32Array): void {
    const { nColumns } = this.#reader;
    // Where values are staged for binning lies what the trees work on by now.
    const values = new Float64Array(Math.min(stagedRows(nColumns), rows.length) * nColumns);
    this.#eachBatch(rows, values, (batch, begin) => {
      for (const tree of trees) {
        const offset = tree.output * rows.length + begin;
        for (let row = 0; row < batch.length; row++) {
          scores[offset + row] += tree.value[findLeaf(tree, values, row * nColumns)];
        }
      }
    });
  }

  #resume(): void {
    const { resumeFrom } = this.#input;
    if (resumeFrom === undefined) return;
    const { nScores } = this.#objective;
    if (resumeFrom.trees.length !== resumeFrom.iteration * nScores) {
      throw new RangeError(
        `resumeFrom must hold ${nScores} trees per round [${resumeFrom.iteration} rounds], got ${resumeFrom.trees.length}`,
      );
    }
    this.#startWith(resumeFrom.trees);
    this.#history.push(...resumeFrom.history);
  }

  #checkpoint(iteration: number): void {
    const trees = this.#trees.slice(this.#nInitTrees);
    this.#input.hooks?.onCheckpoint?.({ iteration, trees, history: [...this.#history] });
  }

  #finish(isStoppedEarly: boolean): GbdtResult {
    const { target, matrix } = this.#input;
    const { nScores } = this.#objective;
    const bestIteration = this.#parameters.earlyStoppingRounds > 0 ? this.#bestIteration() : this.#nRounds();
    const model: TreeEnsembleModel = {
      kind: "tree_ensemble",
      taskKind: target.taskKind,
      nFeatures: matrix.nColumns,
      nOutputs: nScores,
      postTransform: POST_TRANSFORMS[target.taskKind],
      base: [...this.#base],
      scale: 1,
      trees: this.#trees.slice(0, this.#nInitTrees + bestIteration * nScores),
    };
    return { model, bestIteration, history: this.#history, isStoppedEarly };
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** 0 … nRows − 1. */
function identity(nRows: number): Int32Array {
  const rows = new Int32Array(nRows);
  for (let row = 0; row < nRows; row++) rows[row] = row;
  return rows;
}
