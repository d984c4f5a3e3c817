/**
 * A binary decision tree as flat lists, node 0 the root: what trainers grow, models store as JSON and
 * the ONNX writer reads.
 *
 * A row goes left where x ≤ threshold, and where x is missing and `missingLeft` is 1; thresholds are
 * exact doubles. Where a node tests a category instead, a row goes left whose code is listed, every other and a
 * missing one right. Children come after their parent.
 */

/** Plain lists of equal length nNodes (`value`: nNodes · width). */
export interface DecisionTree {
  /** First output that the leaf values add to. */
  readonly output: number;
  /** Outputs per leaf: 1, or all classes at once. */
  readonly width: number;
  /** Column that is tested; −1 marks a leaf. */
  readonly feature: number[];
  readonly threshold: number[];
  readonly missingLeft: number[];
  /** Node indices; −1 at leaves. */
  readonly left: number[];
  readonly right: number[];
  /** Leaf outputs, node-major; 0 at inner nodes. */
  readonly value: number[];
  /** Loss drop of the split; 0 at leaves. */
  readonly gain: number[];
  /** Distinct training rows that reached the node. */
  readonly count: number[];
  /** By node: the codes that go left; only nodes that test a category are there. */
  leftCodes?: Record<number, readonly number[]>;
}

export function createTree(output: number, width: number): DecisionTree {
  return {
    output,
    width,
    feature: [],
    threshold: [],
    missingLeft: [],
    left: [],
    right: [],
    value: [],
    gain: [],
    count: [],
  };
}

/** Appends a leaf with zero output; returns its index. Mutates `tree`. */
export function appendLeaf(tree: DecisionTree, count: number): number {
  tree.feature.push(-1);
  tree.threshold.push(0);
  tree.missingLeft.push(0);
  tree.left.push(-1);
  tree.right.push(-1);
  for (let output = 0; output < tree.width; output++) tree.value.push(0);
  tree.gain.push(0);
  tree.count.push(count);
  return tree.feature.length - 1;
}

/** The decision that turns a leaf into an inner node. */
export interface TreeDecision {
  readonly feature: number;
  readonly threshold: number;
  readonly isMissingLeft: boolean;
  /** Codes that go left, instead of a threshold. */
  readonly leftCodes?: readonly number[];
  readonly gain: number;
  readonly leftCount: number;
  readonly rightCount: number;
}

/** Turns leaf `node` into a split with two new leaves, left then right. Mutates `tree`. */
export function splitLeaf(tree: DecisionTree, node: number, decision: TreeDecision): void {
  tree.feature[node] = decision.feature;
  tree.threshold[node] = decision.threshold;
  tree.missingLeft[node] = decision.isMissingLeft ? 1 : 0;
  tree.gain[node] = decision.gain;
  if (decision.leftCodes !== undefined) (tree.leftCodes ??= {})[node] = decision.leftCodes;
  tree.left[node] = appendLeaf(tree, decision.leftCount);
  tree.right[node] = appendLeaf(tree, decision.rightCount);
}

/**
 * The leaf that a row falls into.
 *
 * @param data   row-major values, NaN = missing
 * @param offset index of the row's first value
 */
export function findLeaf(tree: DecisionTree, data: Float64Array, offset: number): number {
  const { feature, threshold, missingLeft, left, right, leftCodes } = tree;
  let node = 0;
  while (feature[node] >= 0) {
    const value = data[offset + feature[node]];
    const codes = leftCodes?.[node];
    if (codes !== undefined) {
      node = codes.includes(value) && !Number.isNaN(value) ? left[node] : right[node];
      continue;
    }
    // The comparison is false for NaN, so that only its own direction can send it left.
    const isLeft = value <= threshold[node] || (missingLeft[node] === 1 && Number.isNaN(value));
    node = isLeft ? left[node] : right[node];
  }
  return node;
}
