/**
 * What one thread of a training does: steps, cut into tasks. A task writes only what is its own (a chunk of rows,
 * a block of columns, a leaf), so that any thread may do it and the result is the same.
 */
import { findBin, findCodeBin, fitCodes, fitColumn } from "./binning.ts";
import type { BinSource } from "./binning.ts";
import { scanCategories } from "./categorical-scan.ts";
import { leafOutput, scanConstrained } from "./constrained-scan.ts";
import type { OutputBounds } from "./constrained-scan.ts";
import { CONTROL } from "./control.ts";
import { BLOCK_COLUMNS, createKernels, HISTOGRAM_BINS } from "./kernels/kernels.ts";
import type { Kernels } from "./kernels/kernels.ts";
import { CHUNK_ROWS, openViews, planLayout, SPLIT_FIELDS } from "./layout.ts";
import type { TrainingViews } from "./layout.ts";
import { sumLoss } from "./objectives/objective.ts";
import type { Loss, Objective, RowRange, ScoredRows } from "./objectives/objective.ts";
import { LOSSES } from "./objectives/table.ts";
import { weightedQuantile } from "./objectives/weighted-statistics.ts";
import { packRow } from "./packing.ts";
import type { Packing } from "./packing.ts";
import { createSplit, describeNode, leastGain, scanFeature } from "./splitting.ts";
import type { GrowLimits, SearchedNode } from "./splitting.ts";
import type { TrainingJob } from "./team.ts";

/** Every step; its arguments are named at its method. */
export const STEP_NAMES = [
  "fitBins",
  "binTraining",
  "binValidation",
  "prepare",
  "derive",
  "pack",
  "partition",
  "place",
  "count",
  "findSplits",
  "closeLeaves",
  "addUndrawn",
  "addValidation",
  "loss",
] as const;
export type StepName = (typeof STEP_NAMES)[number];

/** Places of the double arguments that steps share. */
export const DOUBLES = {
  countUnit: 0,
  gradientUnit: 1,
  hessianUnit: 2,
  smallerFirst: 3,
  smallerSecond: 4,
  largerFirst: 5,
  largerSecond: 6,
  /** Least and largest output of the smaller child, then of the larger. */
  smallerLowest: 7,
  smallerHighest: 8,
  largerLowest: 9,
  largerHighest: 10,
} as const;

/** One thread's view of a training. */
export class TrainingThread {
  readonly views: TrainingViews;
  readonly #control: Int32Array;
  readonly #doubles: Float64Array;
  readonly #kernels: Kernels;
  readonly #loss: Loss;
  readonly #objective: Objective;
  readonly #job: TrainingJob;
  readonly #limits: GrowLimits;
  readonly #validationRows: ScoredRows;
  readonly #steps: Readonly<Record<StepName, (task: number) => void>>;
  readonly #best = createSplit();

  constructor(job: TrainingJob, control: Int32Array, doubles: Float64Array) {
    const { memory, sizes } = job;
    const views = openViews(memory.buffer, sizes, planLayout(sizes));
    this.views = views;
    this.#job = job;
    this.#limits = job.limits;
    this.#control = control;
    this.#doubles = doubles;
    this.#kernels = createKernels(memory, job.kernels);
    this.#validationRows = {
      targets: views.validationTargets,
      weights: views.validationWeights,
      censored: views.validationCensored,
      scores: views.validationScores,
    };
    this.#loss = LOSSES[job.objective.name];
    this.#objective = this.#loss.bind(views, views, job.objective);
    this.#steps = {
      fitBins: (task) => this.#fitBins(task),
      binTraining: (task) => this.#binTraining(task),
      binValidation: (task) => this.#binValidation(task),
      prepare: (task) => this.#objective.prepare?.(this.#chunk(task)),
      derive: (task) => this.#derive(task),
      pack: (task) => this.#pack(task),
      partition: (task) => this.#partition(task),
      place: (task) => this.#place(task),
      count: (task) => this.#count(task),
      findSplits: (task) => this.#findSplits(task),
      closeLeaves: (task) => this.#closeLeaf(task),
      addUndrawn: (task) => this.#addUndrawn(task),
      addValidation: (task) => this.#addValidation(task),
      loss: (task) => this.#sumLoss(task),
    };
  }

  /** Takes tasks of the present step until none is left. */
  takeTasks(step: StepName): void {
    const perform = this.#steps[step];
    const nTasks = this.#control[CONTROL.nTasks];
    for (let task = this.#takeTask(); task < nTasks; task = this.#takeTask()) perform(task);
  }

  /** All tasks, in order, on this thread alone. */
  runAll(step: StepName, nTasks: number): void {
    const perform = this.#steps[step];
    for (let task = 0; task < nTasks; task++) perform(task);
  }

  #takeTask(): number {
    return Atomics.add(this.#control, CONTROL.nextTask, 1);
  }

  #argument(place: number): number {
    return this.#control[CONTROL.arguments + place];
  }

  #chunk(task: number): RowRange {
    const begin = task * CHUNK_ROWS;
    return { begin, end: Math.min(begin + CHUNK_ROWS, this.views.sizes.nRows) };
  }

  #validationChunk(task: number): RowRange {
    const begin = task * CHUNK_ROWS;
    return { begin, end: Math.min(begin + CHUNK_ROWS, this.views.sizes.nValidationRows) };
  }

  get #source(): BinSource {
    if (this.#job.source === null) throw new Error("raw values are not shared with this thread");
    return this.#job.source;
  }

  /** Task: a column. Arguments: sampled rows (which lie in `leftRows`), maxBin, minDataInBin. */
  #fitBins(column: number): void {
    const { leftRows, upperBounds, nValueBins, isCategorical } = this.views;
    const sampled = leftRows.subarray(0, this.#argument(0));
    const fit = isCategorical[column] === 1 ? fitCodes : fitColumn;
    const bounds = fit(this.#source, sampled, column, {
      maxBin: this.#argument(1),
      minDataInBin: this.#argument(2),
    });
    upperBounds.set(bounds, column * HISTOGRAM_BINS);
    nValueBins[column] = bounds.length;
  }

  #binTraining(task: number): void {
    this.#binRows(this.#source.trainRows, this.views.bins, this.#chunk(task));
  }

  #binValidation(task: number): void {
    this.#binRows(this.#source.validationRows, this.views.validationBins, this.#validationChunk(task));
  }

  #binRows(rows: Int32Array, bins: Uint8Array, { begin, end }: RowRange): void {
    const { data, nColumns } = this.#source;
    const { upperBounds, nValueBins, isCategorical } = this.views;
    for (let column = 0; column < nColumns; column++) {
      const from = column * HISTOGRAM_BINS;
      const bounds = upperBounds.subarray(from, from + nValueBins[column]);
      const place = blockPlace(column, rows.length);
      if (isCategorical[column] === 1) {
        for (let index = begin; index < end; index++) {
          bins[place + index * BLOCK_COLUMNS] = findCodeBin(data[rows[index] * nColumns + column], bounds);
        }
        continue;
      }
      for (let index = begin; index < end; index++) {
        bins[place + index * BLOCK_COLUMNS] = findBin(data[rows[index] * nColumns + column], bounds);
      }
    }
  }

  /** Task: a chunk of rows. Argument: the score. Notes Σ|g| and Σh of the chunk. */
  #derive(task: number): void {
    const { gradients, hessians, chunkSums, sizes } = this.views;
    const range = this.#chunk(task);
    this.#objective.derive(this.#argument(0), range);
    let gradientSum = 0;
    let hessianSum = 0;
    for (let row = range.begin; row < range.end; row++) gradientSum += Math.abs(gradients[row]);
    if (sizes.lanes === 2) for (let row = range.begin; row < range.end; row++) hessianSum += hessians[row];
    chunkSums[2 * task] = gradientSum;
    chunkSums[2 * task + 1] = hessianSum;
  }

  get #packing(): Packing {
    return {
      lanes: this.views.sizes.lanes,
      countUnit: this.#doubles[DOUBLES.countUnit],
      gradientUnit: this.#doubles[DOUBLES.gradientUnit],
      hessianUnit: this.#doubles[DOUBLES.hessianUnit],
    };
  }

  /** Task: a chunk of rows. */
  #pack(task: number): void {
    const packing = this.#packing;
    const { begin, end } = this.#chunk(task);
    for (let row = begin; row < end; row++) packRow(packing, row, this.views);
  }

  /** Task: a chunk of a node's rows. Arguments: begin, end, column, node. Notes how many went left. */
  #partition(task: number): void {
    const { layout, sizes, chunkSums } = this.views;
    const { addresses } = layout;
    const begin = this.#argument(0) + task * CHUNK_ROWS;
    const end = Math.min(begin + CHUNK_ROWS, this.#argument(1));
    chunkSums[task] = this.#kernels.partition(
      addresses.bins + blockPlace(this.#argument(2), sizes.nRows),
      addresses.rows,
      begin,
      end,
      addresses.treeSides + this.#argument(3) * HISTOGRAM_BINS,
      addresses.leftRows + begin * 4,
      addresses.rightRows + begin * 4,
    );
  }

  /** Task: the same chunk, to where its rows belong. Arguments as for partition; chunkSums are complete. */
  #place(task: number): void {
    const { rows, leftRows, rightRows, chunkSums } = this.views;
    const first = this.#argument(0);
    const last = this.#argument(1);
    const begin = first + task * CHUNK_ROWS;
    const end = Math.min(begin + CHUNK_ROWS, last);
    let nLeftBefore = 0;
    let nLeft = 0;
    for (let chunk = 0; chunk * CHUNK_ROWS < last - first; chunk++) {
      if (chunk < task) nLeftBefore += chunkSums[chunk];
      nLeft += chunkSums[chunk];
    }
    const nLeftHere = chunkSums[task];
    const nRightBefore = task * CHUNK_ROWS - nLeftBefore;
    rows.set(leftRows.subarray(begin, begin + nLeftHere), first + nLeftBefore);
    rows.set(rightRows.subarray(begin, end - nLeftHere), first + nLeft + nRightBefore);
  }

  /**
   * Task: a part of a block's rows, part-major. Arguments: histogram, begin, end, parts, first spare histogram.
   * Part 0 goes to the histogram itself, the others to spare ones.
   */
  #count(task: number): void {
    const { nBlocks } = this.views.layout;
    const part = Math.floor(task / nBlocks);
    const block = task % nBlocks;
    const first = this.#argument(1);
    const nRows = this.#argument(2) - first;
    const nParts = this.#argument(3);
    const histogram = part === 0 ? this.#argument(0) : this.#argument(4) + part - 1;
    this.#countBlock(histogram, block, {
      begin: first + Math.floor((nRows * part) / nParts),
      end: first + Math.floor((nRows * (part + 1)) / nParts),
    });
  }

  #countBlock(histogram: number, block: number, { begin, end }: RowRange): void {
    if (!this.#isBlockDrawn(block)) return;
    const { layout, sizes, histograms } = this.views;
    const { addresses, histogramLength } = layout;
    const length = BLOCK_COLUMNS * HISTOGRAM_BINS * sizes.lanes;
    const from = histogram * histogramLength + block * length;
    histograms.fill(0, from, from + length);
    const nColumns = sizes.nColumns - block * BLOCK_COLUMNS;
    const kernels = this.#kernels;
    const isWide = nColumns > BLOCK_COLUMNS / 2;
    const add =
      sizes.lanes === 2
        ? isWide
          ? kernels.addEightTwo
          : kernels.addFourTwo
        : isWide
          ? kernels.addEightOne
          : kernels.addFourOne;
    add(
      addresses.histograms + from * 8,
      addresses.bins + block * sizes.nRows * BLOCK_COLUMNS,
      addresses.rows,
      begin,
      end,
      addresses.packed,
    );
  }

  /** Whether a block holds a column that this tree may use. */
  #isBlockDrawn(block: number): boolean {
    const { isColumnDrawn, sizes } = this.views;
    const end = Math.min(sizes.nColumns, (block + 1) * BLOCK_COLUMNS);
    for (let column = block * BLOCK_COLUMNS; column < end; column++) {
      if (isColumnDrawn[column] === 1) return true;
    }
    return false;
  }

  /**
   * Task: a block. Arguments: smaller child's histogram, begin, end, parts, first spare histogram, parent's
   * histogram or −1, whether the smaller and the larger child are searched. Counts the smaller child (unless
   * its parts were counted before), makes the parent's histogram the larger child's, and searches both.
   */
  #findSplits(block: number): void {
    if (!this.#isBlockDrawn(block)) return;
    const { layout, sizes } = this.views;
    const nBytes = BLOCK_COLUMNS * HISTOGRAM_BINS * sizes.lanes * 8;
    const smaller = this.#argument(0);
    const nParts = this.#argument(3);
    const parent = this.#argument(5);
    const address = (histogram: number) =>
      layout.addresses.histograms + histogram * layout.histogramLength * 8 + block * nBytes;
    if (nParts === 1) this.#countBlock(smaller, block, { begin: this.#argument(1), end: this.#argument(2) });
    for (let part = 1; part < nParts; part++) {
      this.#kernels.addInto(address(smaller), address(this.#argument(4) + part - 1), nBytes);
    }
    if (this.#argument(7) === 1) {
      this.#kernels.subtractFrom(address(parent), address(smaller), nBytes);
      this.#scanBlock(block, 1, parent);
    }
    if (this.#argument(6) === 1) this.#scanBlock(block, 0, smaller);
  }

  #scanBlock(block: number, child: 0 | 1, histogram: number): void {
    const { layout, sizes, splits, isColumnDrawn, isColumnAllowed } = this.views;
    const first = this.#doubles[child === 0 ? DOUBLES.smallerFirst : DOUBLES.largerFirst];
    const second = this.#doubles[child === 0 ? DOUBLES.smallerSecond : DOUBLES.largerSecond];
    const node = describeNode({ first, second }, this.#packing, this.#limits);
    const least = leastGain(node, this.#limits);
    const best = this.#best;
    const end = Math.min(sizes.nColumns, (block + 1) * BLOCK_COLUMNS);
    for (let column = block * BLOCK_COLUMNS; column < end; column++) {
      if (isColumnDrawn[column] === 0) continue;
      best.feature = -1;
      best.gain = least;
      const offset = histogram * layout.histogramLength + column * HISTOGRAM_BINS * sizes.lanes;
      if (isColumnAllowed[child * sizes.nColumns + column] === 1) this.#scan(offset, column, child, node);
      const place = (child * sizes.nColumns + column) * SPLIT_FIELDS;
      splits[place] = best.feature < 0 ? -1 : best.gain;
      splits[place + 1] = best.bin;
      splits[place + 2] = best.isMissingLeft ? 1 : 0;
      splits[place + 3] = best.leftFirst;
      splits[place + 4] = best.leftSecond;
    }
  }

  #scan(offset: number, column: number, child: 0 | 1, node: SearchedNode): void {
    const { histograms, nValueBins, monotone, isCategorical, splitSides, sizes } = this.views;
    const feature = { index: column, nValueBins: nValueBins[column], monotone: monotone[column] };
    if (isCategorical[column] === 1) {
      const place = (child * sizes.nColumns + column) * HISTOGRAM_BINS;
      const sides = splitSides.subarray(place, place + HISTOGRAM_BINS);
      scanCategories(histograms, offset, feature, { node, limits: this.#job.categories, sides }, this.#best);
      return;
    }
    if (!this.#job.isConstrained) {
      scanFeature(histograms, offset, feature, node, this.#best);
      return;
    }
    const lowest = this.#doubles[child === 0 ? DOUBLES.smallerLowest : DOUBLES.largerLowest];
    const highest = this.#doubles[child === 0 ? DOUBLES.smallerHighest : DOUBLES.largerHighest];
    scanConstrained(histograms, offset, feature, { node, bounds: { lowest, highest } }, this.#best);
  }

  /** Task: a leaf. Argument: the score. Finds its value and adds it to the scores of the leaf's rows. */
  #closeLeaf(leaf: number): void {
    const { rows, scores, sizes, leafBegin, leafEnd, leafNode, treeValue } = this.views;
    const range = { begin: leafBegin[leaf], end: leafEnd[leaf] };
    const level = this.#loss.leafQuantile?.(this.#job.objective.settings);
    const step = level === undefined ? this.#newtonStep(leaf, range) : this.#leafQuantile(level, range);
    const value = this.#limits.learningRate * step;
    treeValue[leafNode[leaf]] = value;
    const offset = this.#argument(0) * sizes.nRows;
    for (let index = range.begin; index < range.end; index++) scores[offset + rows[index]] += value;
  }

  /** From unrounded sums in row order. */
  #newtonStep(leaf: number, { begin, end }: RowRange): number {
    const { rows, gradients, hessians, sizes, leafLowest, leafHighest } = this.views;
    let gradient = 0;
    for (let index = begin; index < end; index++) gradient += gradients[rows[index]];
    let hessian = end - begin;
    if (sizes.lanes === 2) {
      hessian = 0;
      for (let index = begin; index < end; index++) hessian += hessians[rows[index]];
    }
    const bounds: OutputBounds = { lowest: leafLowest[leaf], highest: leafHighest[leaf] };
    return leafOutput(gradient, hessian, this.#limits, bounds);
  }

  /** The quantile of the residuals of the leaf's rows. */
  #leafQuantile(level: number, { begin, end }: RowRange): number {
    const { rows, targets, scores, weights } = this.views;
    const residuals = new Float64Array(end - begin);
    const itsWeights = new Float64Array(weights.length === 0 ? 0 : end - begin);
    for (let index = begin; index < end; index++) {
      const row = rows[index];
      residuals[index - begin] = targets[row] - scores[row];
      if (weights.length > 0) itsWeights[index - begin] = weights[row];
    }
    return weightedQuantile(residuals, itsWeights, level);
  }

  /** Task: a chunk of rows. Argument: the score. Rows left out by bagging lie in no leaf's segment. */
  #addUndrawn(task: number): void {
    const { isDrawn, scores, bins, sizes } = this.views;
    const offset = this.#argument(0) * sizes.nRows;
    const { begin, end } = this.#chunk(task);
    for (let row = begin; row < end; row++) {
      if (isDrawn[row] === 0) scores[offset + row] += this.#leafValue(bins, sizes.nRows, row);
    }
  }

  /** Task: a chunk of validation rows. Argument: the score. */
  #addValidation(task: number): void {
    const { validationScores, validationBins, sizes } = this.views;
    const offset = this.#argument(0) * sizes.nValidationRows;
    const { begin, end } = this.#validationChunk(task);
    for (let row = begin; row < end; row++) {
      validationScores[offset + row] += this.#leafValue(validationBins, sizes.nValidationRows, row);
    }
  }

  /** What the present tree adds to a binned row: the same leaf as by raw values, from an eighth of the memory. */
  #leafValue(bins: Uint8Array, nRows: number, row: number): number {
    const { treeFeature, treeSides, treeLeft, treeRight, treeValue } = this.views;
    let node = 0;
    while (treeFeature[node] >= 0) {
      const bin = bins[blockPlace(treeFeature[node], nRows) + row * BLOCK_COLUMNS];
      node = treeSides[node * HISTOGRAM_BINS + bin] === 1 ? treeLeft[node] : treeRight[node];
    }
    return treeValue[node];
  }

  /** Task: a chunk of validation rows. Notes its loss. */
  #sumLoss(task: number): void {
    const range = this.#validationChunk(task);
    this.views.chunkSums[task] = sumLoss(this.#loss, this.#validationRows, range, this.#job.objective);
  }
}

/** Where a column's bin of row 0 lies in blocked bins. */
function blockPlace(column: number, nRows: number): number {
  return Math.floor(column / BLOCK_COLUMNS) * nRows * BLOCK_COLUMNS + (column % BLOCK_COLUMNS);
}
