/**
 * Grows one tree of a forest, depth first and unpruned: each node tries a random share of the features
 * and is split while a split gains and both children keep enough rows.
 *
 * As in scikit-learn, more features than the share are tried while none of those tried can split.
 */
import type { DecisionTree } from "../decision-tree.ts";
import { appendLeaf, createTree, splitLeaf } from "../decision-tree.ts";
import { midpoint, MISSING_BIN } from "../gbdt/binning.ts";
import type { Split } from "../gbdt/splitting.ts";
import { createSplit } from "../gbdt/splitting.ts";
import type { Generator } from "../random/generator.ts";
import type { Criterion, FeatureBins, NodeRows } from "./criterion.ts";

export interface ForestGrowInput {
  readonly criterion: Criterion;
  readonly features: readonly FeatureBins[];
  readonly upperBounds: readonly Float64Array[];
  /** Distinct drawn rows, ascending; permuted in place. */
  readonly rows: Int32Array;
  readonly generator: Generator;
  readonly nFeaturesTried: number;
  /** −1 for no limit. */
  readonly maxDepth: number;
}

interface PendingNode extends NodeRows {
  readonly node: number;
  readonly depth: number;
}

/** Deterministic for a generator. Cost: about depth · rows · features tried. */
export function growForestTree(input: ForestGrowInput): DecisionTree {
  const { rows, criterion } = input;
  const tree = createTree(0, criterion.width);
  const scratch = new Int32Array(rows.length);
  const order = Int32Array.from(input.features, (_, index) => index);
  const pending: PendingNode[] = [
    { node: appendLeaf(tree, rows.length), rows, begin: 0, end: rows.length, depth: 0 },
  ];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const split = findSplit(node, input, order);
    if (split.feature < 0) {
      criterion.writeLeaf(node, tree.value, node.node * criterion.width);
      continue;
    }
    const { bins } = input.features[split.feature];
    const threshold = chooseThreshold(node, split, bins, input.upperBounds[split.feature]);
    const middle = partition(node, split, bins, scratch);
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

/** Tries features in a fresh random order, which is permuted as far as it is used. */
function findSplit(node: PendingNode, input: ForestGrowInput, order: Int32Array): Split {
  const { criterion, features, generator, nFeaturesTried, maxDepth } = input;
  const split = createSplit();
  if (maxDepth >= 0 && node.depth >= maxDepth) return split;
  split.gain = criterion.enter(node);
  if (split.gain === Infinity) return split;
  for (let tried = 0; tried < order.length; tried++) {
    if (tried >= nFeaturesTried && split.feature >= 0) break;
    const chosen = tried + generator.integer(order.length - tried);
    const feature = order[chosen];
    order[chosen] = order[tried];
    order[tried] = feature;
    criterion.scan(node, features[feature], split);
  }
  return split;
}

/**
 * Halfway between the node's own neighbours of the border, as far as bin borders tell: the bins between
 * them are empty here, and a threshold at their edge would lean to the left child's values.
 */
function chooseThreshold(node: PendingNode, split: Split, bins: Uint16Array, bounds: Float64Array): number {
  let highestLeft = MISSING_BIN;
  let lowestRight = bounds.length + 1;
  for (let index = node.begin; index < node.end; index++) {
    const bin = bins[node.rows[index]];
    if (bin > split.bin) {
      if (bin < lowestRight) lowestRight = bin;
    } else if (bin > highestLeft) highestLeft = bin;
  }
  const isAllPresentLeft = lowestRight > bounds.length;
  if (isAllPresentLeft) return bounds[bounds.length - 1];
  return midpoint(bounds[highestLeft - 1], bounds[lowestRight - 2]);
}

/** Moves the rows that go left before the others, both in their order; returns the border. */
function partition(node: PendingNode, split: Split, bins: Uint16Array, scratch: Int32Array): number {
  const { rows } = node;
  let nLeft = node.begin;
  let nRight = 0;
  for (let index = node.begin; index < node.end; index++) {
    const row = rows[index];
    const bin = bins[row];
    if (bin === MISSING_BIN ? split.isMissingLeft : bin <= split.bin) rows[nLeft++] = row;
    else scratch[nRight++] = row;
  }
  rows.set(scratch.subarray(0, nRight), nLeft);
  return nLeft;
}
