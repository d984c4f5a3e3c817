/**
 * Grows one tree leaf-wise: of all open leaves, the one whose split gains most is split next, until
 * `numLeaves` are reached or nothing gains. For equal leaves this fits closer than level by level.
 *
 * Rows of a node are one segment of an index list; a split partitions it in place and stably, so that
 * rows of a leaf stay in ascending order and every later sum has one order. Of two children only the
 * smaller one's histogram is counted; the larger one is parent − smaller. Children that can never be
 * split again (too small, too deep, or the last ones) get no histogram at all.
 *
 * Memory: one histogram of nFeatures · nBins · lanes doubles per open leaf, from a pool that outlives
 * the tree.
 */
import type { DecisionTree } from "../decision-tree.ts";
import { appendLeaf, createTree, splitLeaf } from "../decision-tree.ts";
import type { BinnedMatrix } from "./binning.ts";
import { MISSING_BIN } from "./binning.ts";
import type { CountedCells, NodeSums, Packing } from "./histogram.ts";
import { accumulate, subtractFrom, unpackSums } from "./histogram.ts";
import type { PackedTotals, Split, SplitLimits } from "./splitting.ts";
import { createSplit, describeNode, leastGain, scanFeature } from "./splitting.ts";

/** When growing ends. */
export interface GrowLimits extends SplitLimits {
  readonly numLeaves: number;
  /** Deepest leaf, the root being 0; −1 for no limit. */
  readonly maxDepth: number;
}

/** The binned columns a tree may use; splits name them by their place in `columns`. */
export interface GrowFeatures extends CountedCells {
  /** Upper bounds of each of `columns`. */
  readonly upperBounds: readonly Float64Array[];
}

export interface GrowInput {
  readonly features: GrowFeatures;
  readonly packing: Packing;
  /** Rows to grow on, ascending; permuted in place. */
  readonly rows: Int32Array;
  readonly limits: GrowLimits;
  readonly pool: HistogramPool;
  /** Output that the leaf values add to. */
  readonly output: number;
}

/** A leaf and its rows, `rows[begin … end)` of the grown segment list. */
export interface LeafSegment {
  readonly node: number;
  readonly begin: number;
  readonly end: number;
}

/** A tree whose leaf values are still zero: the trainer sets them from unrounded gradients. */
export interface GrownTree {
  readonly tree: DecisionTree;
  readonly leaves: readonly LeafSegment[];
  /** Per node: rows with a bin up to this one go left; 0 at leaves. */
  readonly lastLeftBins: readonly number[];
}

/**
 * The leaf that a binned row falls into: the same as `findLeaf` of its raw values, from an eighth of the
 * memory.
 */
export function findBinnedLeaf({ tree, lastLeftBins }: GrownTree, binned: BinnedMatrix, row: number): number {
  const { feature, missingLeft, left, right } = tree;
  const offset = row * binned.nFeatures;
  let node = 0;
  while (feature[node] >= 0) {
    const bin = binned.bins[offset + feature[node]];
    const isLeft = bin === MISSING_BIN ? missingLeft[node] === 1 : bin <= lastLeftBins[node];
    node = isLeft ? left[node] : right[node];
  }
  return node;
}

interface OpenLeaf {
  readonly node: number;
  readonly begin: number;
  readonly end: number;
  readonly depth: number;
  readonly totals: PackedTotals;
  readonly split: Split;
  histogram: Float64Array | null;
}

/** Histograms of one size, cleared when handed out, reused over all trees of a training. */
export class HistogramPool {
  readonly #size: number;
  readonly #free: Float64Array[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  acquire(): Float64Array {
    return this.#free.pop()?.fill(0) ?? new Float64Array(this.#size);
  }

  release(histogram: Float64Array | null): void {
    if (histogram !== null) this.#free.push(histogram);
  }
}

/**
 * Grows a tree.
 *
 * @param input see GrowInput; `rows` is permuted
 * @returns the tree, with the rows of each leaf ascending
 *
 * Deterministic: equal gains keep the older leaf, the lower feature, the lower threshold.
 */
export function growTree(input: GrowInput): GrownTree {
  return new Growth(input).run();
}

class Growth {
  readonly #input: GrowInput;
  readonly #tree: DecisionTree;
  readonly #open: OpenLeaf[] = [];
  readonly #closed: LeafSegment[] = [];
  readonly #scratch: Int32Array;
  /** By node; holes at leaves. */
  readonly #lastLeftBins: number[] = [];
  readonly #sums: NodeSums = { gradient: 0, hessian: 0, count: 0 };

  constructor(input: GrowInput) {
    this.#input = input;
    this.#tree = createTree(input.output, 1);
    this.#scratch = new Int32Array(input.rows.length);
  }

  run(): GrownTree {
    const { rows, packing, limits } = this.#input;
    const node = appendLeaf(this.#tree, rows.length);
    const root = this.#createLeaf({
      node,
      begin: 0,
      end: rows.length,
      depth: 0,
      totals: sumPacked(packing, rows),
    });
    if (this.#isSplittable(root)) {
      root.histogram = this.#countRows(root);
      this.#findSplit(root);
    }
    this.#keep(root);
    while (this.#open.length > 0 && this.#open.length + this.#closed.length < limits.numLeaves) {
      this.#split(this.#takeBest());
    }
    for (const leaf of this.#open) this.#close(leaf);
    const lastLeftBins = this.#tree.feature.map((_, place) => this.#lastLeftBins[place] ?? 0);
    return { tree: this.#tree, leaves: this.#closed, lastLeftBins };
  }

  #createLeaf(leaf: Omit<OpenLeaf, "split" | "histogram">): OpenLeaf {
    const split = createSplit();
    unpackSums(this.#input.packing, leaf.totals.first, leaf.totals.second, this.#sums);
    split.gain = leastGain(this.#sums, this.#input.limits);
    return { ...leaf, split, histogram: null };
  }

  /** The open leaf of the largest gain; the oldest of equals. */
  #takeBest(): OpenLeaf {
    let best = 0;
    for (let index = 1; index < this.#open.length; index++) {
      if (this.#open[index].split.gain > this.#open[best].split.gain) best = index;
    }
    const [leaf] = this.#open.splice(best, 1);
    return leaf;
  }

  #split(parent: OpenLeaf): void {
    const { features, limits } = this.#input;
    const { split } = parent;
    const middle = this.#partition(parent);
    splitLeaf(this.#tree, parent.node, {
      feature: features.columns[split.feature],
      threshold: features.upperBounds[split.feature][split.bin - 1],
      isMissingLeft: split.isMissingLeft,
      gain: split.gain,
      leftCount: middle - parent.begin,
      rightCount: parent.end - middle,
    });
    this.#lastLeftBins[parent.node] = split.bin;
    const depth = parent.depth + 1;
    const totals: PackedTotals = { first: split.leftFirst, second: split.leftSecond };
    const rest = { first: parent.totals.first - totals.first, second: parent.totals.second - totals.second };
    const leftNode = this.#tree.left[parent.node];
    const rightNode = this.#tree.right[parent.node];
    const left = this.#createLeaf({ node: leftNode, begin: parent.begin, end: middle, depth, totals });
    const right = this.#createLeaf({ node: rightNode, begin: middle, end: parent.end, depth, totals: rest });
    const nLeaves = this.#open.length + this.#closed.length + 2;
    if (nLeaves < limits.numLeaves) this.#giveHistograms(parent, left, right);
    this.#input.pool.release(parent.histogram);
    this.#keep(left);
    this.#keep(right);
  }

  /** Counts the smaller child, derives the larger, and searches those that may be split. */
  #giveHistograms(parent: OpenLeaf, left: OpenLeaf, right: OpenLeaf): void {
    const isLeftSmaller = left.end - left.begin <= right.end - right.begin;
    const smaller = isLeftSmaller ? left : right;
    const larger = isLeftSmaller ? right : left;
    const needsSmaller = this.#isSplittable(smaller);
    const needsLarger = this.#isSplittable(larger);
    if (!needsSmaller && !needsLarger) return;
    smaller.histogram = this.#countRows(smaller);
    if (needsLarger && parent.histogram !== null) {
      subtractFrom(parent.histogram, smaller.histogram);
      larger.histogram = parent.histogram;
      parent.histogram = null;
      this.#findSplit(larger);
    }
    if (needsSmaller) this.#findSplit(smaller);
  }

  #countRows(leaf: OpenLeaf): Float64Array {
    const { features, packing, rows, pool } = this.#input;
    const histogram = pool.acquire();
    const segment = { rows, begin: leaf.begin, end: leaf.end };
    accumulate(histogram, features, segment, packing);
    return histogram;
  }

  #findSplit(leaf: OpenLeaf): void {
    const { features, packing, limits } = this.#input;
    const { histogram } = leaf;
    if (histogram === null) return;
    const node = describeNode(leaf.totals, packing, limits);
    const stride = features.nBins * packing.lanes;
    for (let index = 0; index < features.columns.length; index++) {
      const feature = { index, nValueBins: features.upperBounds[index].length };
      scanFeature(histogram, index * stride, feature, node, leaf.split);
    }
  }

  #isSplittable(leaf: OpenLeaf): boolean {
    const { limits, packing } = this.#input;
    if (limits.maxDepth >= 0 && leaf.depth >= limits.maxDepth) return false;
    unpackSums(packing, leaf.totals.first, leaf.totals.second, this.#sums);
    return (
      this.#sums.count >= 2 * limits.minDataInLeaf && this.#sums.hessian >= 2 * limits.minSumHessianInLeaf
    );
  }

  /** Open while it has a split to make, closed otherwise. */
  #keep(leaf: OpenLeaf): void {
    if (leaf.split.feature >= 0) this.#open.push(leaf);
    else this.#close(leaf);
  }

  #close(leaf: OpenLeaf): void {
    this.#input.pool.release(leaf.histogram);
    leaf.histogram = null;
    this.#closed.push({ node: leaf.node, begin: leaf.begin, end: leaf.end });
  }

  /** Moves the rows that go left before the others, both in their order; returns the border. */
  #partition(leaf: OpenLeaf): number {
    const { rows, features } = this.#input;
    const { bins, nFeatures } = features.binned;
    const { bin, isMissingLeft } = leaf.split;
    const column = features.columns[leaf.split.feature];
    const scratch = this.#scratch;
    let nLeft = leaf.begin;
    let nRight = 0;
    for (let index = leaf.begin; index < leaf.end; index++) {
      const row = rows[index];
      const value = bins[row * nFeatures + column];
      const isLeft = value === MISSING_BIN ? isMissingLeft : value <= bin;
      if (isLeft) rows[nLeft++] = row;
      else scratch[nRight++] = row;
    }
    rows.set(scratch.subarray(0, nRight), nLeft);
    return nLeft;
  }
}

function sumPacked(packing: Packing, rows: Int32Array): PackedTotals {
  let first = 0;
  let second = 0;
  for (const row of rows) {
    first += packing.rows[row * packing.lanes];
    if (packing.lanes === 2) second += packing.rows[row * packing.lanes + 1];
  }
  return { first, second };
}
