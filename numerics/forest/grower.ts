/**
 * Grows one tree of a forest, depth first and unpruned: each node tries a random share of the features
 * and is split while a split gains and both children keep enough rows.
 *
 * More features than the share are tried while none of those tried can split. scikit-learn does so where a feature is
 * constant in the node; here also where every border leaves a child too few rows, so that trees are deeper.
 */
import type { DecisionTree } from "../decision-tree.ts";
import { appendLeaf, createTree, splitLeaf } from "../decision-tree.ts";
import { midpoint, MISSING_BIN } from "../gbdt/binning.ts";
import type { Split } from "../gbdt/splitting.ts";
import { createSplit } from "../gbdt/splitting.ts";
import type { Generator } from "../random/generator.ts";
import type { Criterion, NodeFeature, NodeRows } from "./criterion.ts";

export interface ForestGrowInput {
  readonly criterion: Criterion;
  /** Uint16Array, row-major (training rows × features). */
  readonly bins: Uint16Array;
  readonly upperBounds: readonly Float64Array[];
  /** Distinct drawn rows, ascending; permuted in place. */
  readonly rows: Int32Array;
  readonly generator: Generator;
  readonly nFeaturesTried: number;
  /** −1 for no limit. */
  readonly maxDepth: number;
  /** One drawn border per feature instead of the best one. */
  readonly isRandom: boolean;
}

interface PendingNode extends NodeRows {
  readonly node: number;
  readonly depth: number;
}

/** Deterministic for a generator. Cost: about depth · rows · features tried. */
export function growForestTree(input: ForestGrowInput): DecisionTree {
  const { rows, criterion, bins, upperBounds } = input;
  const nFeatures = upperBounds.length;
  const tree = createTree(0, criterion.width);
  const scratch = new Int32Array(rows.length);
  const search: Search = {
    order: Int32Array.from(upperBounds, (_, index) => index),
    codes: Array.from({ length: input.nFeaturesTried }, () => new Uint16Array(rows.length)),
  };
  const pending: PendingNode[] = [
    { node: appendLeaf(tree, rows.length), rows, begin: 0, end: rows.length, depth: 0 },
  ];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const split = findSplit(node, input, search);
    if (split.feature < 0) {
      criterion.writeLeaf(node, tree.value, node.node * criterion.width);
      continue;
    }
    const column: Column = { bins, nFeatures, index: split.feature };
    const threshold = chooseThreshold(node, split, column, upperBounds[split.feature]);
    const middle = partition(node, split, column, scratch);
    splitLeaf(tree, node.node, {
      feature: split.feature,
      threshold,
      isMissingLeft: split.isMissingLeft,
      gain: split.gain,
      leftCount: middle - node.begin,
      rightCount: node.end - middle,
    });
    const depth = node.depth + 1;
    pending.push({ node: tree.right[node.node], rows, begin: middle, end: node.end, depth });
    pending.push({ node: tree.left[node.node], rows, begin: node.begin, end: middle, depth });
  }
  return tree;
}

/** Buffers of one tree. */
interface Search {
  /** Features, permuted as far as they are drawn. */
  readonly order: Int32Array;
  /** Bins of each feature tried, in the node's order. */
  readonly codes: readonly Uint16Array[];
}

/** One column of the bins. */
interface Column {
  readonly bins: Uint16Array;
  readonly nFeatures: number;
  readonly index: number;
}

/** Tries features in a fresh random order, which is permuted as far as it is used. */
function findSplit(node: PendingNode, input: ForestGrowInput, search: Search): Split {
  const { criterion, upperBounds, generator, nFeaturesTried, maxDepth, isRandom } = input;
  const { order, codes } = search;
  const split = createSplit();
  if (maxDepth >= 0 && node.depth >= maxDepth) return split;
  split.gain = criterion.enter(node);
  if (split.gain === Infinity) return split;
  for (let first = 0; first < order.length;) {
    // Once the share is tried, one more at a time.
    const last = first === 0 ? nFeaturesTried : first + 1;
    for (let tried = first; tried < last; tried++) {
      const chosen = tried + generator.integer(order.length - tried);
      const feature = order[chosen];
      order[chosen] = order[tried];
      order[tried] = feature;
    }
    const drawn = order.subarray(first, last);
    gather(node, input, drawn, codes);
    drawn.forEach((index, place) => {
      const feature = { index, nValueBins: upperBounds[index].length, codes: codes[place] };
      if (isRandom) scanDrawn(node, input, feature, split);
      else criterion.scan(node, feature, split);
    });
    if (split.feature >= 0) break;
    first = last;
  }
  return split;
}

/**
 * Tries one border, drawn evenly between the node's least and largest value as extra trees do (Geurts et al. 2006,
 * doi:10.1007/s10994-006-6226-1). The bins on either side become one bin each, so that a criterion sees two.
 */
function scanDrawn(
  node: PendingNode,
  { criterion, upperBounds, generator }: ForestGrowInput,
  { index, nValueBins, codes }: NodeFeature,
  best: Split,
): void {
  const nRows = node.end - node.begin;
  const bounds = upperBounds[index];
  let lowest = Infinity;
  let highest = MISSING_BIN;
  for (let row = 0; row < nRows; row++) {
    const bin = codes[row];
    if (bin > highest) highest = bin;
    if (bin !== MISSING_BIN && bin < lowest) lowest = bin;
  }
  if (highest === MISSING_BIN) return;
  const border = lowest === highest ? highest : drawBorder(bounds, { lowest, highest }, generator);
  for (let row = 0; row < nRows; row++) {
    if (codes[row] !== MISSING_BIN) codes[row] = codes[row] <= border ? 1 : 2;
  }
  const gainBefore = best.gain;
  // With one value only, all present rows are one bin and can part from the missing ones alone.
  const nBins = lowest === highest ? 1 : 2;
  criterion.scan(node, { index, nValueBins: nBins, codes }, best);
  if (best.gain > gainBefore) best.bin = best.bin === nBins ? nValueBins : border;
}

/** The last bin of the left side: at least the lowest, below the highest. */
function drawBorder(
  bounds: Float64Array,
  { lowest, highest }: { readonly lowest: number; readonly highest: number },
  generator: Generator,
): number {
  const [low, high] = [bounds[lowest - 1], bounds[highest - 2]];
  // Halves first: high − low may overflow.
  const threshold = 2 * (low / 2 + generator.next() * (high / 2 - low / 2));
  let [left, right] = [lowest, highest - 1];
  while (left < right) {
    const middle = (left + right + 1) >> 1;
    if (bounds[middle - 1] <= threshold) left = middle;
    else right = middle - 1;
  }
  return left;
}

/** Rows of 85 features fit the first cache this many at a time. */
const TILE_ROWS = 64;

/**
 * Copies the bins of the features drawn. Rows of a small node lie far apart, and one row's bins side by
 * side: tile by tile each line of memory is fetched once and not once per feature.
 */
function gather(
  { rows, begin, end }: PendingNode,
  { bins, upperBounds }: ForestGrowInput,
  features: Int32Array,
  codes: readonly Uint16Array[],
): void {
  const nFeatures = upperBounds.length;
  for (let from = begin; from < end; from += TILE_ROWS) {
    const to = Math.min(end, from + TILE_ROWS);
    for (let place = 0; place < features.length; place++) {
      const feature = features[place];
      const written = codes[place];
      for (let index = from; index < to; index++)
        written[index - begin] = bins[rows[index] * nFeatures + feature];
    }
  }
}

/**
 * Halfway between the node's own neighbours of the border, as far as bin borders tell: the bins between
 * them are empty here, and a threshold at their edge would lean to the left child's values.
 */
function chooseThreshold(
  node: PendingNode,
  split: Split,
  { bins, nFeatures, index: column }: Column,
  bounds: Float64Array,
): number {
  let highestLeft = MISSING_BIN;
  let lowestRight = bounds.length + 1;
  for (let index = node.begin; index < node.end; index++) {
    const bin = bins[node.rows[index] * nFeatures + column];
    if (bin > split.bin) {
      if (bin < lowestRight) lowestRight = bin;
    } else if (bin > highestLeft) highestLeft = bin;
  }
  const isAllPresentLeft = lowestRight > bounds.length;
  if (isAllPresentLeft) return bounds[bounds.length - 1];
  return midpoint(bounds[highestLeft - 1], bounds[lowestRight - 2]);
}

/** Moves the rows that go left before the others, both in their order; returns the border. */
function partition(node: PendingNode, split: Split, column: Column, scratch: Int32Array): number {
  const { rows } = node;
  const { bins, nFeatures } = column;
  let nLeft = node.begin;
  let nRight = 0;
  for (let index = node.begin; index < node.end; index++) {
    const row = rows[index];
    const bin = bins[row * nFeatures + column.index];
    if (bin === MISSING_BIN ? split.isMissingLeft : bin <= split.bin) rows[nLeft++] = row;
    else scratch[nRight++] = row;
  }
  rows.set(scratch.subarray(0, nRight), nLeft);
  return nLeft;
}
