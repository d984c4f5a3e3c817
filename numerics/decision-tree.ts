/**
 * A binary decision tree as flat lists, node 0 the root: what trainers grow, models store as JSON and
 * the ONNX writer reads.
 *
 * A row goes left where x ≤ threshold, and where x is missing and `missingLeft` is 1; thresholds are
 * exact doubles. Children come after their parent.
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
  const { feature, threshold, missingLeft, left, right } = tree;
  let node = 0;
  while (feature[node] >= 0) {
    const value = data[offset + feature[node]];
    // The comparison is false for NaN, so that only its own direction can send it left.
    const isLeft = value <= threshold[node] || (missingLeft[node] === 1 && Number.isNaN(value));
    node = isLeft ? left[node] : right[node];
  }
  return node;
}
