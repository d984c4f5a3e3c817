/**
 * Grows one tree of a forest, depth first and unpruned: each node tries a random share of the features
 * and is split while a split gains and both children keep enough rows.
 *
 * More features than the share are tried while none of those tried can split. scikit-learn does so where a feature is
 * constant in the node; here also where every border leaves a child too few rows, so that trees are deeper.
 */
import { midpoint, MISSING_BIN } from "../gbdt/binning.ts";
import type { Split } from "../gbdt/splitting.ts";
import { createSplit } from "../gbdt/splitting.ts";
import type { Generator } from "../random/generator.ts";
import { tryDrawnBorder } from "./border-draw.ts";
import type { BorderKnots } from "./border-draw.ts";
import type { Criterion, NodeRows } from "./criterion.ts";
import { NodeCodes } from "./node-codes.ts";
import type { TreeBuffer } from "./tree-buffer.ts";

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
  /** By feature, for one drawn border per feature instead of the best one; null for the best. */
  readonly knots: readonly BorderKnots[] | null;
}

interface PendingNode extends NodeRows {
  readonly node: number;
  readonly depth: number;
}

/** Writes `tree`. Deterministic for a generator. Cost: about depth · rows · features tried. */
export function growForestTree(tree: TreeBuffer, input: ForestGrowInput): void {
  const { rows, criterion, bins, upperBounds, knots } = input;
  tree.clear();
  const scratchCodes = new Uint16Array(rows.length);
  const search: Search = {
    order: Int32Array.from(upperBounds, (_, index) => index),
    codes: new NodeCodes({ bins, nFeatures: upperBounds.length }, rows.length, input.nFeaturesTried),
    split: createSplit(),
    chosen: scratchCodes,
    scratchCodes,
    focused: { begin: 0, end: 0 },
    scratch: new Int32Array(rows.length),
  };
  const pending: PendingNode[] = [
    { node: tree.appendLeaf(rows.length), rows, begin: 0, end: rows.length, depth: 0 },
  ];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    focus(node, input, search);
    findSplit(node, input, search);
    const { split } = search;
    if (split.feature < 0) {
      criterion.writeLeaf(node, tree.value, node.node * criterion.width);
      continue;
    }
    // A search for the best border leaves its codes in another order, and one with missing values in two bins.
    if (search.chosen === search.scratchCodes) search.codes.gatherOne(node, split.feature, search.chosen);
    const middle = partition(node, search);
    const left = tree.splitLeaf(node.node, {
      feature: split.feature,
      threshold: knots === null ? chooseThreshold(node, search, upperBounds[split.feature]) : split.bin,
      isMissingLeft: split.isMissingLeft,
      gain: split.gain,
      leftCount: middle - node.begin,
      rightCount: node.end - middle,
    });
    const depth = node.depth + 1;
    pending.push({ node: left + 1, rows, begin: middle, end: node.end, depth });
    pending.push({ node: left, rows, begin: node.begin, end: middle, depth });
  }
  if (knots !== null) readBorders(tree, upperBounds);
}

/**
 * From the bins that drawn borders lie after to the borders: a drawn threshold stays where it was drawn, at the border below
 * it. All at the end, because each is far from the others in memory.
 */
function readBorders({ feature, threshold, nNodes }: TreeBuffer, upperBounds: readonly Float64Array[]): void {
  for (let node = 0; node < nNodes; node++) {
    if (feature[node] >= 0) threshold[node] = upperBounds[feature[node]][threshold[node] - 1];
  }
}

/** Buffers of one tree. */
interface Search {
  /** Features, permuted as far as they are drawn. */
  readonly order: Int32Array;
  readonly codes: NodeCodes;
  /** The best of the node in hand. */
  readonly split: Split;
  /** Bins of the feature that the node is split by, in its order: as they were gathered, or the buffer below. */
  chosen: Uint16Array;
  readonly scratchCodes: Uint16Array;
  /** Nodes within have rows that count within it. */
  focused: { readonly begin: number; readonly end: number };
  /** Rows that go right. */
  readonly scratch: Int32Array;
}

/** Brings all that is known of a small node's rows side by side, for it and all nodes below: they come depth first. */
function focus(node: PendingNode, { criterion }: ForestGrowInput, search: Search): void {
  const { begin, end, rows } = node;
  const { focused, codes } = search;
  if (begin >= focused.begin && end <= focused.end) return;
  const isSmall = codes.fits(end - begin);
  if (!isSmall && focused.end === 0) return;
  search.focused = isSmall ? { begin, end } : { begin: 0, end: 0 };
  codes.focus(isSmall ? node : null);
  criterion.focus(isSmall ? node : null);
  if (isSmall) for (let index = begin; index < end; index++) rows[index] = index - begin;
}

/** Writes `search.split`. Tries features in a fresh random order, which is permuted as far as it is used. */
function findSplit(node: PendingNode, input: ForestGrowInput, search: Search): void {
  const { criterion, upperBounds, generator, nFeaturesTried, maxDepth, knots } = input;
  const { order, codes, split } = search;
  split.feature = -1;
  search.chosen = search.scratchCodes;
  if (maxDepth >= 0 && node.depth >= maxDepth) return;
  split.gain = criterion.enter(node);
  if (split.gain === Infinity) return;
  for (let first = 0; first < order.length;) {
    // Once the share is tried, one more at a time.
    const last = first === 0 ? nFeaturesTried : first + 1;
    for (let tried = first; tried < last; tried++) {
      const chosen = tried + generator.integer(order.length - tried);
      const feature = order[chosen];
      order[chosen] = order[tried];
      order[tried] = feature;
    }
    codes.gather(node, order, first, last);
    for (let tried = first; tried < last; tried++) {
      const index = order[tried];
      const feature = codes.feature(tried - first, { index, nValueBins: upperBounds[index].length });
      if (knots === null) criterion.scan(node, feature, split);
      else {
        tryDrawnBorder(node, feature, { criterion, generator, knots: knots[index] }, split);
        if (split.feature === index) search.chosen = feature.hasMissing ? search.scratchCodes : feature.codes;
      }
    }
    if (split.feature >= 0) return;
    first = last;
  }
}

/**
 * Halfway between the node's own neighbours of the border, as far as bin borders tell: the bins between
 * them are empty here, and a threshold at their edge would lean to the left child's values.
 */
function chooseThreshold(
  { begin, end }: PendingNode,
  { chosen, split }: Search,
  bounds: Float64Array,
): number {
  let highestLeft = MISSING_BIN;
  let lowestRight = bounds.length + 1;
  for (let index = 0; index < end - begin; index++) {
    const bin = chosen[index];
    if (bin > split.bin) {
      if (bin < lowestRight) lowestRight = bin;
    } else if (bin > highestLeft) highestLeft = bin;
  }
  const isAllPresentLeft = lowestRight > bounds.length;
  if (isAllPresentLeft) return bounds[bounds.length - 1];
  return midpoint(bounds[highestLeft - 1], bounds[lowestRight - 2]);
}

/** Moves the rows that go left before the others, both in their order; returns the border. */
function partition({ rows, begin, end }: PendingNode, { chosen, split, scratch }: Search): number {
  const { bin: last, isMissingLeft } = split;
  // Both are written, and the one that is meant is kept: the side of a row cannot be foreseen.
  const first = isMissingLeft ? MISSING_BIN : MISSING_BIN + 1;
  let nLeft = begin;
  let nRight = 0;
  for (let index = begin; index < end; index++) {
    const row = rows[index];
    const bin = chosen[index - begin];
    // 1 where first ≤ bin ≤ last: all below the end, less all below the start.
    const isLeft = ((bin - last - 1) >>> 31) - ((bin - first) >>> 31);
    rows[nLeft] = row;
    scratch[nRight] = row;
    nLeft += isLeft;
    nRight += 1 - isLeft;
  }
  for (let index = 0; index < nRight; index++) rows[nLeft + index] = scratch[index];
  return nLeft;
}
