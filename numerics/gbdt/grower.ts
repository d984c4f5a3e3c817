/**
 * Grows one tree leaf-wise: of all open leaves, the one whose split gains most is split next, until
 * `numLeaves` are reached or nothing gains. For equal leaves this fits closer than level by level.
 *
 * Rows of a node are one segment of the row list; a split deals them out stably, so that
 * rows of a leaf stay in ascending order and every later sum has one order. Of two children only the
 * smaller one's histogram is counted; the larger one is parent − smaller. Children that can never be
 * split again (too small, too deep, or the last ones) get no histogram at all.
 */
import type { DecisionTree } from "../decision-tree.ts";
import { appendLeaf, createTree, splitLeaf } from "../decision-tree.ts";
import { boundChildren, FREE_OUTPUTS, leafOutput } from "./constrained-scan.ts";
import type { OutputBounds } from "./constrained-scan.ts";
import { MISSING_BIN } from "./binning.ts";
import { HISTOGRAM_BINS } from "./kernels/kernels.ts";
import { CHUNK_ROWS, SPLIT_FIELDS } from "./layout.ts";
import type { TrainingViews } from "./layout.ts";
import type { NodeSums, Packing } from "./packing.ts";
import { unpackSums } from "./packing.ts";
import type { GrowLimits, PackedTotals } from "./splitting.ts";
import type { TrainingThread } from "./threads/training-thread.ts";
import { DOUBLES } from "./threads/context.ts";
import type { Team } from "./threads/team.ts";

/** A training as its first thread sees it. */
export interface Crew {
  readonly team: Team;
  readonly self: TrainingThread;
  readonly limits: GrowLimits;
  /** The value of a leaf is a quantile, which needs all its rows at once. */
  readonly isLeafWhole: boolean;
  /** Groups of columns that may meet on one path; null where any may. */
  readonly interactions: readonly ReadonlySet<number>[] | null;
}

interface GrowInput {
  /** Rows to grow on are `views.rows[0 … nRows)`, ascending; permuted. */
  readonly nRows: number;
  readonly packing: Packing;
  /** Score that the leaf values add to. */
  readonly output: number;
}

interface OpenLeaf {
  readonly node: number;
  readonly begin: number;
  readonly end: number;
  readonly depth: number;
  readonly totals: PackedTotals;
  readonly bounds: OutputBounds;
  /** Columns that its path has split on. */
  readonly path: readonly number[];
  gain: number;
  column: number;
  bin: number;
  isMissingLeft: boolean;
  /** Of a split of categories: 1 for the bins that go left. */
  leftBins: Uint8Array;
  left: PackedTotals;
  /** Place of its histogram; −1 for none. */
  histogram: number;
}

type NewLeaf = Pick<OpenLeaf, "node" | "begin" | "end" | "depth" | "totals" | "bounds" | "path">;

/** Fewer rows than this are partitioned by one thread: waking another takes longer. */
const SOLO_ROWS = 2 * CHUNK_ROWS;
/** What the scan of a column costs, and what is too little to wake a thread for, in additions to a histogram. */
const SCAN_COST = 1000;
const SOLO_WORK = 50_000;
const NO_BINS = new Uint8Array(0);
const NO_TOTALS: PackedTotals = { first: 0, second: 0 };

/**
 * Grows a tree, sets its leaf values and adds them to the scores of the rows it grew on.
 *
 * Deterministic: equal gains keep the older leaf, the lower feature, the lower threshold.
 */
export function growTree(crew: Crew, input: GrowInput): DecisionTree {
  return new Growth(crew, input).run();
}

class Growth {
  readonly #crew: Crew;
  readonly #input: GrowInput;
  readonly #views: TrainingViews;
  readonly #tree: DecisionTree;
  readonly #open: OpenLeaf[] = [];
  readonly #closed: OpenLeaf[] = [];
  readonly #freeHistograms: number[];
  readonly #sums: NodeSums = { gradient: 0, hessian: 0, count: 0 };

  constructor(crew: Crew, input: GrowInput) {
    this.#crew = crew;
    this.#input = input;
    this.#views = crew.self.views;
    this.#tree = createTree(input.output, 1);
    this.#freeHistograms = Array.from({ length: crew.limits.numLeaves + 1 }, (_, place) => place);
  }

  run(): DecisionTree {
    const { nRows } = this.#input;
    const { limits } = this.#crew;
    const node = this.#appendLeaf(nRows);
    const root = this.#createLeaf({
      node,
      begin: 0,
      end: nRows,
      depth: 0,
      totals: this.#rootTotals(),
      bounds: FREE_OUTPUTS,
      path: [],
    });
    if (this.#isSplittable(root)) this.#search(root, null, null);
    this.#keep(root);
    while (this.#open.length > 0 && this.#open.length + this.#closed.length < limits.numLeaves) {
      this.#split(this.#takeBest());
    }
    for (const leaf of this.#open.splice(0)) this.#close(leaf);
    this.#closeLeaves();
    return this.#tree;
  }

  #rootTotals(): PackedTotals {
    const { packed, packedSums, rows, sizes } = this.#views;
    let first = 0;
    let second = 0;
    if (this.#input.nRows === sizes.nRows) {
      for (let place = 0; place < packedSums.length; place += 2) {
        first += packedSums[place];
        second += packedSums[place + 1];
      }
      return { first, second };
    }
    for (let index = 0; index < this.#input.nRows; index++) {
      const row = rows[index];
      first += packed[row * sizes.lanes];
      if (sizes.lanes === 2) second += packed[row * 2 + 1];
    }
    return { first, second };
  }

  #appendLeaf(count: number): number {
    const node = appendLeaf(this.#tree, count);
    this.#views.treeFeature[node] = -1;
    return node;
  }

  #createLeaf(leaf: NewLeaf): OpenLeaf {
    return {
      ...leaf,
      gain: -1,
      column: -1,
      bin: 0,
      isMissingLeft: false,
      leftBins: NO_BINS,
      left: NO_TOTALS,
      histogram: -1,
    };
  }

  /** The open leaf of the largest gain; the oldest of equals. */
  #takeBest(): OpenLeaf {
    let best = 0;
    for (let index = 1; index < this.#open.length; index++) {
      if (this.#open[index].gain > this.#open[best].gain) best = index;
    }
    const [leaf] = this.#open.splice(best, 1);
    return leaf;
  }

  #split(parent: OpenLeaf): void {
    const { limits } = this.#crew;
    this.#writeSides(parent);
    const nLeft = this.#partition(parent);
    const middle = parent.begin + nLeft;
    this.#writeSplit(parent, nLeft);
    const totals = parent.left;
    const rest = { first: parent.totals.first - totals.first, second: parent.totals.second - totals.second };
    const bounds = this.#boundChildren(parent, totals, rest);
    const shared = { depth: parent.depth + 1, path: this.#extendPath(parent) };
    const [leftNode, rightNode] = [this.#tree.left[parent.node], this.#tree.right[parent.node]];
    const left = this.#createLeaf({
      ...shared,
      node: leftNode,
      begin: parent.begin,
      end: middle,
      totals,
      bounds: bounds.left,
    });
    const right = this.#createLeaf({
      ...shared,
      node: rightNode,
      begin: middle,
      end: parent.end,
      totals: rest,
      bounds: bounds.right,
    });
    const nLeaves = this.#open.length + this.#closed.length + 2;
    if (nLeaves < limits.numLeaves) {
      const isLeftSmaller = left.end - left.begin <= right.end - right.begin;
      this.#search(isLeftSmaller ? left : right, isLeftSmaller ? right : left, parent);
    }
    this.#release(parent);
    this.#keep(left);
    this.#keep(right);
  }

  #boundChildren(parent: OpenLeaf, left: PackedTotals, right: PackedTotals) {
    const monotone = this.#views.monotone[parent.column];
    if (monotone === 0) return { left: parent.bounds, right: parent.bounds };
    const outputOf = ({ first, second }: PackedTotals) => {
      unpackSums(this.#input.packing, first, second, this.#sums);
      return leafOutput(this.#sums.gradient, this.#sums.hessian, this.#crew.limits, parent.bounds);
    };
    return boundChildren(parent.bounds, monotone, { left: outputOf(left), right: outputOf(right) });
  }

  #extendPath({ path, column }: OpenLeaf): readonly number[] {
    return this.#crew.interactions === null || path.includes(column) ? path : [...path, column];
  }

  /** Notes which columns a child's path may still use: those of every group that holds the whole path. */
  #writeAllowed(leaf: OpenLeaf, child: 0 | 1): void {
    const { interactions } = this.#crew;
    if (interactions === null) return;
    const { isColumnAllowed, sizes } = this.#views;
    const open = interactions.filter((group) => leaf.path.every((column) => group.has(column)));
    for (let column = 0; column < sizes.nColumns; column++) {
      const isAllowed = open.some((group) => group.has(column));
      isColumnAllowed[child * sizes.nColumns + column] = isAllowed ? 1 : 0;
    }
  }

  /** Notes which bins of the split column go left. */
  #writeSides({ node, column, bin, isMissingLeft, leftBins }: OpenLeaf): void {
    const { treeSides, isCategorical } = this.#views;
    const sides = treeSides.subarray(node * HISTOGRAM_BINS, (node + 1) * HISTOGRAM_BINS);
    if (isCategorical[column] === 1) {
      sides.set(leftBins);
      return;
    }
    sides.fill(1, 1, bin + 1).fill(0, bin + 1);
    sides[MISSING_BIN] = isMissingLeft ? 1 : 0;
  }

  /** The codes of the bins that go left; undefined for a column of numbers. */
  #leftCodes({ column, leftBins }: OpenLeaf): readonly number[] | undefined {
    const { isCategorical, upperBounds } = this.#views;
    if (isCategorical[column] === 0) return undefined;
    const codes: number[] = [];
    leftBins.forEach((isLeft, bin) => {
      if (isLeft === 1) codes.push(upperBounds[column * HISTOGRAM_BINS + bin - 1]);
    });
    return codes;
  }

  #writeSplit(parent: OpenLeaf, nLeft: number): void {
    const { treeFeature, treeLeft, treeRight, upperBounds } = this.#views;
    const { node, column, bin, isMissingLeft } = parent;
    const leftCodes = this.#leftCodes(parent);
    splitLeaf(this.#tree, node, {
      feature: column,
      threshold: leftCodes === undefined ? upperBounds[column * HISTOGRAM_BINS + bin - 1] : 0,
      isMissingLeft,
      ...(leftCodes === undefined ? {} : { leftCodes }),
      gain: parent.gain,
      leftCount: nLeft,
      rightCount: parent.end - parent.begin - nLeft,
    });
    const [left, right] = [this.#tree.left[node], this.#tree.right[node]];
    treeFeature[node] = column;
    treeLeft[node] = left;
    treeRight[node] = right;
    treeFeature[left] = -1;
    treeFeature[right] = -1;
  }

  /** Deals the rows of a leaf out to its children; returns how many went left. */
  #partition({ begin, end, column, node }: OpenLeaf): number {
    const { team, self } = this.#crew;
    const nTasks = Math.ceil((end - begin) / CHUNK_ROWS);
    const step = [begin, end, column, node];
    const isSolo = end - begin < SOLO_ROWS;
    team.run(self, "partition", nTasks, step, isSolo);
    team.run(self, "place", nTasks, step, isSolo);
    let nLeft = 0;
    for (let task = 0; task < nTasks; task++) nLeft += this.#views.chunkSums[task];
    return nLeft;
  }

  /** Counts the smaller of two children (or the root alone), derives the larger, and finds their best splits. */
  #search(smaller: OpenLeaf, larger: OpenLeaf | null, parent: OpenLeaf | null): void {
    const needsSmaller = this.#isSplittable(smaller);
    const needsLarger = larger !== null && this.#isSplittable(larger);
    if (!needsSmaller && !needsLarger) return;
    const { team, self } = this.#crew;
    const { layout, sizes } = this.#views;
    const histogram = this.#freeHistograms.pop();
    if (histogram === undefined) throw new Error("no free histogram");
    smaller.histogram = histogram;
    const nRows = smaller.end - smaller.begin;
    const nParts = nRows >= SOLO_ROWS ? layout.nParts : 1;
    const spare = this.#crew.limits.numLeaves + 1;
    const parentHistogram = parent?.histogram ?? -1;
    team.setDouble(DOUBLES.smallerFirst, smaller.totals.first);
    team.setDouble(DOUBLES.smallerSecond, smaller.totals.second);
    team.setDouble(DOUBLES.largerFirst, larger?.totals.first ?? 0);
    team.setDouble(DOUBLES.largerSecond, larger?.totals.second ?? 0);
    team.setDouble(DOUBLES.smallerLowest, smaller.bounds.lowest);
    team.setDouble(DOUBLES.smallerHighest, smaller.bounds.highest);
    team.setDouble(DOUBLES.largerLowest, larger?.bounds.lowest ?? 0);
    team.setDouble(DOUBLES.largerHighest, larger?.bounds.highest ?? 0);
    this.#writeAllowed(smaller, 0);
    if (larger !== null) this.#writeAllowed(larger, 1);
    const step = [histogram, smaller.begin, smaller.end, nParts, spare, parentHistogram];
    step.push(needsSmaller ? 1 : 0, needsLarger ? 1 : 0);
    if (nParts > 1) team.run(self, "count", nParts * layout.blocks.length, step);
    team.run(
      self,
      "findSplits",
      layout.strips.length,
      step,
      nRows * sizes.nColumns + SCAN_COST * sizes.nColumns < SOLO_WORK,
    );
    if (needsLarger && parent !== null) {
      larger.histogram = parent.histogram;
      parent.histogram = -1;
      this.#readBest(larger, 1);
    }
    if (needsSmaller) this.#readBest(smaller, 0);
  }

  /** The best of the columns; the lowest of equals. */
  #readBest(leaf: OpenLeaf, child: 0 | 1): void {
    const { splits, splitSides, sizes, isColumnDrawn, isCategorical } = this.#views;
    for (let column = 0; column < sizes.nColumns; column++) {
      if (isColumnDrawn[column] === 0) continue;
      const place = (child * sizes.nColumns + column) * SPLIT_FIELDS;
      if (!(splits[place] > leaf.gain)) continue;
      leaf.gain = splits[place];
      leaf.column = column;
      leaf.bin = splits[place + 1];
      leaf.isMissingLeft = splits[place + 2] === 1;
      leaf.left = { first: splits[place + 3], second: splits[place + 4] };
    }
    if (leaf.column < 0 || isCategorical[leaf.column] === 0) return;
    const from = (child * sizes.nColumns + leaf.column) * HISTOGRAM_BINS;
    leaf.leftBins = splitSides.slice(from, from + HISTOGRAM_BINS);
  }

  #isSplittable(leaf: OpenLeaf): boolean {
    const { limits } = this.#crew;
    if (limits.maxDepth >= 0 && leaf.depth >= limits.maxDepth) return false;
    unpackSums(this.#input.packing, leaf.totals.first, leaf.totals.second, this.#sums);
    return (
      this.#sums.count >= 2 * limits.minDataInLeaf && this.#sums.hessian >= 2 * limits.minSumHessianInLeaf
    );
  }

  /** Open while it has a split to make, closed otherwise. */
  #keep(leaf: OpenLeaf): void {
    if (leaf.column >= 0) this.#open.push(leaf);
    else this.#close(leaf);
  }

  #close(leaf: OpenLeaf): void {
    this.#release(leaf);
    this.#closed.push(leaf);
  }

  #release(leaf: OpenLeaf): void {
    if (leaf.histogram >= 0) this.#freeHistograms.push(leaf.histogram);
    leaf.histogram = -1;
  }

  /**
   * Finds the leaves' values and adds them to the scores. A leaf is summed in pieces of a chunk, in their order, so that its
   * value does not depend on who sums them, and the largest leaf keeps no thread waiting.
   */
  #closeLeaves(): void {
    const { treeValue } = this.#views;
    const { team, self, limits } = this.#crew;
    const firstOf = this.#cutLeaves();
    const nPieces = firstOf[this.#closed.length];
    const isSolo = this.#input.nRows < SOLO_ROWS;
    team.run(self, "sumPieces", nPieces, [], isSolo);
    this.#closed.forEach((leaf, index) => {
      const step = this.#leafStep(leaf, firstOf[index], firstOf[index + 1]);
      treeValue[leaf.node] = limits.learningRate * step;
      this.#tree.value[leaf.node] = treeValue[leaf.node];
    });
    team.run(self, "addPieces", nPieces, [this.#input.output], isSolo);
  }

  /** Lists the pieces; returns the first piece of each leaf, and behind them their number. */
  #cutLeaves(): readonly number[] {
    const { pieceNode, pieceBegin, pieceEnd } = this.#views;
    const firstOf: number[] = [];
    let piece = 0;
    for (const { node, begin, end } of this.#closed) {
      firstOf.push(piece);
      const length = this.#crew.isLeafWhole ? end - begin : CHUNK_ROWS;
      for (let from = begin; from < end; from += length) {
        pieceNode[piece] = node;
        pieceBegin[piece] = from;
        pieceEnd[piece] = Math.min(from + length, end);
        piece += 1;
      }
    }
    return [...firstOf, piece];
  }

  /** How far a leaf moves the scores, before the learning rate. */
  #leafStep({ bounds }: OpenLeaf, first: number, end: number): number {
    const { pieceSums } = this.#views;
    if (this.#crew.isLeafWhole) return pieceSums[2 * first];
    let gradient = 0;
    let hessian = 0;
    for (let piece = first; piece < end; piece++) {
      gradient += pieceSums[2 * piece];
      hessian += pieceSums[2 * piece + 1];
    }
    return leafOutput(gradient, hessian, this.#crew.limits, bounds);
  }
}
