/**
 * Gradient boosting of decision trees: bin once, then round by round compute gradients, grow one tree
 * per score, shrink it and add it to the scores.
 *
 * Same input, parameters and seed give the same model, byte for byte: one thread, exact histogram
 * sums, leaf values summed in row order, and random streams forked by name of round. A training that
 * resumes from a checkpoint is therefore equal to an undisturbed one.
 *
 * Source: Ke et al. 2017, LightGBM (NeurIPS 30); parameters are named as there.
 */
import type { DecisionTree } from "../decision-tree.ts";
import { findLeaf } from "../decision-tree.ts";
import type { Matrix } from "../matrix.ts";
import { checkFiniteOrMissing, checkRowIndices } from "../matrix.ts";
import type { PostTransform, TreeEnsembleModel } from "../model.ts";
import { resolveParameters } from "../parameter-table.ts";
import type { Generator } from "../random/generator.ts";
import { createGenerator } from "../random/generator.ts";
import type { TaskKind, TaskTarget } from "../task-kind.ts";
import { checkTarget, combineWeights } from "../task-kind.ts";
import type { TrainingHooks } from "../training-hooks.ts";
import { stopIfAsked } from "../training-hooks.ts";
import type { BinMapper, BinnedMatrix } from "./binning.ts";
import { binRows, fitBins } from "./binning.ts";
import type { GrowFeatures, GrownTree } from "./grower.ts";
import { findBinnedLeaf, growTree, HistogramPool } from "./grower.ts";
import { packGradients } from "./histogram.ts";
import type { Objective, ObjectiveRows } from "./objective.ts";
import { createObjective, meanLoss } from "./objective.ts";
import type { GbdtParameters } from "./parameters.ts";
import { GBDT_PARAMETERS } from "./parameters.ts";

export interface GbdtInput {
  /** All rows, those for validation too; finite or NaN. */
  readonly matrix: Matrix;
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
  readonly parameters?: Partial<GbdtParameters>;
  readonly seed: number | string;
  readonly hooks?: GbdtHooks;
  /** Continue the training that gave this checkpoint, with the same input otherwise. */
  readonly resumeFrom?: GbdtCheckpoint;
}

export interface GbdtHooks extends TrainingHooks {
  /** Called every `checkpointEvery` rounds (default 50) with all that a resume needs. */
  readonly onCheckpoint?: (checkpoint: GbdtCheckpoint) => void;
  readonly checkpointEvery?: number;
}

/** Plain data. Valid for the same input, parameters and seed. */
export interface GbdtCheckpoint {
  readonly iteration: number;
  readonly trees: readonly DecisionTree[];
  readonly history: readonly number[];
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
 * Trains a boosted ensemble: squared error, binary log-loss or softmax, by the target's task.
 *
 * @throws {RangeError} for a parameter, shape, target, weight or row index out of range, or no rows
 * @throws {TrainingCancelledError} when `hooks.shouldStop` says so
 *
 * Cost: about numIterations · nScores · 2 · nRows · nFeatures histogram updates. Memory: one byte per
 * cell, and one histogram per open leaf.
 */
export function trainGbdt(input: GbdtInput): GbdtResult {
  return new Boosting(input).run();
}

const POST_TRANSFORMS: Readonly<Record<TaskKind, PostTransform>> = {
  regression: "identity",
  binary: "sigmoid",
  multiclass: "softmax",
};

/** Scores of some rows, kept up to date round by round. */
interface ScoredRows extends ObjectiveRows {
  readonly rows: Int32Array;
  readonly binned: BinnedMatrix;
  /** Float64Array (nScores × rows), class-major. */
  readonly scores: Float64Array;
}

class Boosting {
  readonly #input: GbdtInput;
  readonly #parameters: GbdtParameters;
  readonly #generator: Generator;
  readonly #objective: Objective;
  readonly #base: Float64Array;
  readonly #train: ScoredRows;
  readonly #validation: ScoredRows | undefined;
  readonly #mapper: BinMapper;
  /** 0 … nRows − 1: the rows of a round without bagging. */
  readonly #allRows: Int32Array;
  readonly #pools = new Map<number, HistogramPool>();
  readonly #trees: DecisionTree[] = [];
  readonly #history: number[] = [];

  constructor(input: GbdtInput) {
    this.#input = input;
    const parameters = resolveParameters(GBDT_PARAMETERS, input.parameters ?? {});
    this.#parameters = parameters;
    checkFiniteOrMissing(input.matrix);
    const trainRows = input.trainRows ?? Int32Array.from({ length: input.matrix.nRows }, (_, row) => row);
    const train = this.#readRows("trainRows", trainRows);
    this.#objective = createObjective(input.target, train);
    this.#base = this.#objective.baseScores();
    this.#generator = createGenerator(input.seed);
    this.#mapper = fitBins(input.matrix, trainRows, {
      maxBin: parameters.maxBin,
      minDataInBin: parameters.minDataInBin,
      sampleRows: parameters.binConstructSampleCnt,
      generator: this.#generator.fork("bins"),
    });
    this.#train = this.#score(train, trainRows);
    this.#validation =
      input.validationRows === undefined
        ? undefined
        : this.#score(this.#readRows("validationRows", input.validationRows), input.validationRows);
    if (parameters.earlyStoppingRounds > 0 && this.#validation === undefined) {
      throw new RangeError(`earlyStoppingRounds needs validationRows, got ${parameters.earlyStoppingRounds}`);
    }
    this.#allRows = Int32Array.from({ length: trainRows.length }, (_, row) => row);
  }

  run(): GbdtResult {
    this.#resume();
    const { numIterations } = this.#parameters;
    const { hooks } = this.#input;
    const { nScores } = this.#objective;
    let isStoppedEarly = this.#isOverdue();
    while (!isStoppedEarly && this.#trees.length < numIterations * nScores) {
      const iteration = this.#trees.length / nScores;
      stopIfAsked(hooks, iteration);
      this.#boost(iteration);
      const metric = this.#validationLoss();
      hooks?.onProgress?.({
        iteration: iteration + 1,
        of: numIterations,
        ...(metric === undefined ? {} : { metric }),
      });
      if ((iteration + 1) % (hooks?.checkpointEvery ?? 50) === 0) this.#checkpoint(iteration + 1);
      isStoppedEarly = this.#isOverdue();
    }
    return this.#finish(isStoppedEarly);
  }

  /** Targets and weights of some rows, checked. */
  #readRows(name: string, rows: Int32Array): ObjectiveRows {
    const { matrix, target, weights, classWeights } = this.#input;
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
    return {
      values: Float64Array.from(rows, (row) => target.values[row]),
      weights: combineWeights(target, rows, weights, factors),
    };
  }

  #score(read: ObjectiveRows, rows: Int32Array): ScoredRows {
    const scores = new Float64Array(this.#objective.nScores * rows.length);
    this.#base.forEach((base, k) => scores.fill(base, k * rows.length, (k + 1) * rows.length));
    return { ...read, rows, binned: binRows(this.#input.matrix, rows, this.#mapper), scores };
  }

  /** One round: a tree per score, all from the gradients at its start. */
  #boost(iteration: number): void {
    const { nScores, isHessianOne } = this.#objective;
    const nRows = this.#train.rows.length;
    const gradients = new Float64Array(nRows);
    const hessians = new Float64Array(nRows);
    const used = this.#drawRows(iteration);
    this.#objective.prepare(this.#train.scores);
    for (let k = 0; k < nScores; k++) {
      this.#objective.gradients(this.#train.scores, k, gradients, hessians);
      const features = this.#drawFeatures(iteration, k);
      const rows = used.slice();
      const grown = growTree({
        features,
        packing: packGradients(gradients, isHessianOne ? null : hessians, used),
        rows,
        limits: this.#parameters,
        pool: this.#poolFor(features.columns.length),
        output: k,
      });
      this.#setLeafValues(grown, rows, gradients, hessians);
      this.#addToTrain(grown, rows);
      if (this.#validation !== undefined) this.#addByBins(grown, this.#validation);
      this.#trees.push(grown.tree);
    }
  }

  /** Newton step of each leaf, shrunk: −rate · Σg / (Σh + λ), from unrounded sums in row order. */
  #setLeafValues(grown: GrownTree, rows: Int32Array, gradients: Float64Array, hessians: Float64Array): void {
    const { lambdaL2, learningRate } = this.#parameters;
    for (const leaf of grown.leaves) {
      let gradient = 0;
      let hessian = 0;
      for (let index = leaf.begin; index < leaf.end; index++) {
        gradient += gradients[rows[index]];
        hessian += hessians[rows[index]];
      }
      const denominator = hessian + lambdaL2;
      // Rows of weight 0 alone leave nothing to fit.
      grown.tree.value[leaf.node] = denominator > 0 ? (-learningRate * gradient) / denominator : 0;
    }
  }

  #addToTrain(grown: GrownTree, rows: Int32Array): void {
    const { scores, rows: trainRows } = this.#train;
    const offset = grown.tree.output * trainRows.length;
    for (const leaf of grown.leaves) {
      const value = grown.tree.value[leaf.node];
      for (let index = leaf.begin; index < leaf.end; index++) scores[offset + rows[index]] += value;
    }
    if (rows.length === trainRows.length) return;
    // Rows left out by bagging lie in no leaf's segment.
    const isDrawn = new Uint8Array(trainRows.length);
    for (const row of rows) isDrawn[row] = 1;
    for (let row = 0; row < trainRows.length; row++) {
      if (isDrawn[row] === 0) {
        scores[offset + row] += grown.tree.value[findBinnedLeaf(grown, this.#train.binned, row)];
      }
    }
  }

  #addByBins(grown: GrownTree, { scores, rows, binned }: ScoredRows): void {
    const offset = grown.tree.output * rows.length;
    for (let row = 0; row < rows.length; row++) {
      scores[offset + row] += grown.tree.value[findBinnedLeaf(grown, binned, row)];
    }
  }

  /** Walks a tree that was resumed, whose bins are not kept; the same leaves, for thresholds are bin borders. */
  #addByValue(tree: DecisionTree, { scores, rows }: ScoredRows): void {
    const { data, nColumns } = this.#input.matrix;
    const offset = tree.output * rows.length;
    for (let index = 0; index < rows.length; index++) {
      scores[offset + index] += tree.value[findLeaf(tree, data, rows[index] * nColumns)];
    }
  }

  #drawRows(iteration: number): Int32Array {
    const { baggingFraction, baggingFreq } = this.#parameters;
    const nRows = this.#train.rows.length;
    const all = this.#allRows;
    if (baggingFreq === 0 || baggingFraction === 1) return all;
    const draw = Math.floor(iteration / baggingFreq);
    const nDrawn = Math.max(1, Math.round(nRows * baggingFraction));
    const shuffled = this.#generator.fork(`rows/${draw}`).shuffle(all.slice());
    const isDrawn = new Uint8Array(nRows);
    for (let index = 0; index < nDrawn; index++) isDrawn[shuffled[index]] = 1;
    return all.filter((row) => isDrawn[row] === 1);
  }

  #drawFeatures(iteration: number, k: number): GrowFeatures {
    const { nBins, upperBounds } = this.#mapper;
    const { binned } = this.#train;
    const { nFeatures } = binned;
    const all = Int32Array.from({ length: nFeatures }, (_, column) => column);
    const nDrawn = Math.max(1, Math.round(nFeatures * this.#parameters.featureFraction));
    if (nDrawn >= nFeatures) return { binned, nBins, upperBounds, columns: all };
    const columns = this.#generator.fork(`features/${iteration}/${k}`).shuffle(all).slice(0, nDrawn).sort();
    return {
      binned,
      nBins,
      upperBounds: Array.from(columns, (column) => upperBounds[column]),
      columns,
    };
  }

  #poolFor(nColumns: number): HistogramPool {
    let pool = this.#pools.get(nColumns);
    if (pool === undefined) {
      const lanes = this.#objective.isHessianOne ? 1 : 2;
      pool = new HistogramPool(nColumns * this.#mapper.nBins * lanes);
      this.#pools.set(nColumns, pool);
    }
    return pool;
  }

  #validationLoss(): number | undefined {
    if (this.#validation === undefined) return undefined;
    const loss = meanLoss(this.#input.target, this.#validation, this.#validation.scores);
    this.#history.push(loss);
    return loss;
  }

  #isOverdue(): boolean {
    const { earlyStoppingRounds } = this.#parameters;
    if (earlyStoppingRounds === 0) return false;
    return this.#history.length - this.#bestIteration() >= earlyStoppingRounds;
  }

  /** Rounds up to the lowest validation loss, the first of equals. */
  #bestIteration(): number {
    let best = 0;
    for (let index = 1; index < this.#history.length; index++) {
      if (this.#history[index] < this.#history[best]) best = index;
    }
    return this.#history.length === 0 ? 0 : best + 1;
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
    for (const tree of resumeFrom.trees) {
      this.#addByValue(tree, this.#train);
      if (this.#validation !== undefined) this.#addByValue(tree, this.#validation);
      this.#trees.push(tree);
    }
    this.#history.push(...resumeFrom.history);
  }

  #checkpoint(iteration: number): void {
    this.#input.hooks?.onCheckpoint?.({ iteration, trees: [...this.#trees], history: [...this.#history] });
  }

  #finish(isStoppedEarly: boolean): GbdtResult {
    const { target, matrix } = this.#input;
    const { nScores } = this.#objective;
    const bestIteration =
      this.#parameters.earlyStoppingRounds > 0 ? this.#bestIteration() : this.#trees.length / nScores;
    const model: TreeEnsembleModel = {
      kind: "tree_ensemble",
      taskKind: target.taskKind,
      nFeatures: matrix.nColumns,
      nOutputs: nScores,
      postTransform: POST_TRANSFORMS[target.taskKind],
      base: [...this.#base],
      scale: 1,
      trees: this.#trees.slice(0, bestIteration * nScores),
    };
    return { model, bestIteration, history: this.#history, isStoppedEarly };
  }
}
