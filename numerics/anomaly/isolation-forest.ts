/**
 * Isolation forest: rows that few random cuts separate from the rest are unusual. Each tree cuts a small sample at
 * random features and thresholds; the path to a row's leaf is short where rows are sparse.
 *
 *   score = 2^(−E[h] / c(ψ)),  h = depth + c(rows of the leaf),  c(n) = 2 (ln(n − 1) + γ) − 2 (n − 1) / n
 *
 * with ψ the rows of a tree: about 0.5 for the usual, towards 1 for the unusual. Leaves hold h − c(ψ), so that the sum
 * of many trees stays small and loses nothing in the graph's float32 output; raw is the logarithm of the score.
 *
 * Source: Liu, Ting & Zhou 2008 (doi:10.1109/ICDM.2008.17). A missing value goes to the side with more rows.
 */
import type { DecisionTree } from "../decision-tree.ts";
import { appendLeaf, createTree, splitLeaf } from "../decision-tree.ts";
import type { Matrix } from "../matrix.ts";
import type { TreeEnsembleModel } from "../model.ts";
import { resolveParameters } from "../parameter-table.ts";
import type { Generator } from "../random/generator.ts";
import { createGenerator } from "../random/generator.ts";
import { stopIfAsked } from "../training-hooks.ts";
import type { IsolationForestParameters } from "./parameters.ts";
import { ISOLATION_FOREST_PARAMETERS } from "./parameters.ts";
import type { DetectorInput } from "./training-rows.ts";
import { trainingRowsOf } from "./training-rows.ts";

const EULER = 0.577_215_664_901_532_9;

/**
 * Trains an isolation forest.
 *
 * @throws {RangeError} for a parameter, shape, value or row index out of range, or no rows
 * @throws {TrainingCancelledError} when `hooks.shouldStop` says so
 *
 * Deterministic for a seed: tree i draws from a stream of its own. Cost: trees · samples · log(samples).
 */
export function trainIsolationForest(
  input: DetectorInput<IsolationForestParameters> & { readonly seed: number | string },
): TreeEnsembleModel {
  const { matrix, hooks } = input;
  const parameters = resolveParameters(ISOLATION_FOREST_PARAMETERS, input.parameters ?? {});
  const { numTrees } = parameters;
  const rows = trainingRowsOf(input);
  const nSamples = Math.min(rows.length, parameters.maxSamples);
  const expectedPath = averagePath(nSamples);
  const generator = createGenerator(input.seed);
  const nFeatures = Math.max(1, Math.round(matrix.nColumns * parameters.maxFeatures));
  const trees: DecisionTree[] = [];
  for (let index = 0; index < numTrees; index++) {
    stopIfAsked(hooks, index);
    const own = generator.fork(`tree/${index}`);
    const columns = drawSome(own, matrix.nColumns, nFeatures);
    const sample = drawSome(own, rows.length, nSamples).map((place) => rows[place]);
    trees.push(growIsolationTree({ matrix, sample, columns, generator: own, expectedPath }));
    hooks?.onProgress?.({ iteration: index + 1, of: numTrees });
  }
  return {
    kind: "tree_ensemble",
    taskKind: "anomaly",
    nFeatures: matrix.nColumns,
    nOutputs: 1,
    postTransform: "exponential",
    base: [-Math.LN2],
    scale: -Math.LN2 / (Math.max(1, expectedPath) * numTrees),
    trees,
  };
}

/** Mean length of an unsuccessful search in a binary tree of n rows. */
export function averagePath(n: number): number {
  if (n <= 1) return 0;
  if (n === 2) return 1;
  return 2 * (Math.log(n - 1) + EULER) - (2 * (n - 1)) / n;
}

/** `count` of 0 … n − 1 without replacement, ascending (Floyd's algorithm). */
function drawSome(generator: Generator, n: number, count: number): Int32Array {
  if (count >= n) return Int32Array.from({ length: n }, (_, place) => place);
  const drawn = new Set<number>();
  for (let last = n - count; last < n; last++) {
    const place = generator.integer(last + 1);
    drawn.add(drawn.has(place) ? last : place);
  }
  return Int32Array.from(drawn).sort();
}

interface TreeInput {
  readonly matrix: Matrix;
  /** Rows of the matrix; reordered. */
  readonly sample: Int32Array;
  readonly columns: Int32Array;
  readonly generator: Generator;
  readonly expectedPath: number;
}

interface OpenNode {
  readonly node: number;
  readonly begin: number;
  readonly end: number;
  readonly depth: number;
}

function growIsolationTree(input: TreeInput): DecisionTree {
  const { sample, expectedPath } = input;
  const tree = createTree(0, 1);
  const maxDepth = Math.ceil(Math.log2(Math.max(2, sample.length)));
  const open: OpenNode[] = [
    { node: appendLeaf(tree, sample.length), begin: 0, end: sample.length, depth: 0 },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, begin, end, depth } = next;
    const cut = depth < maxDepth && end - begin > 1 ? drawCut(input, begin, end) : undefined;
    if (cut === undefined) {
      tree.value[node] = depth + averagePath(end - begin) - expectedPath;
      continue;
    }
    const { middle, isMissingLeft } = partition(input, { begin, end }, cut);
    splitLeaf(tree, node, {
      ...cut,
      isMissingLeft,
      gain: 0,
      leftCount: middle - begin,
      rightCount: end - middle,
    });
    // Right first: the left side is grown next, so that draws follow the order of a depth-first walk.
    open.push({ node: tree.right[node], begin: middle, end, depth: depth + 1 });
    open.push({ node: tree.left[node], begin, end: middle, depth: depth + 1 });
  }
  return tree;
}

interface Cut {
  readonly feature: number;
  readonly threshold: number;
}

/** A random feature that differs among the rows, and a threshold between its extremes; undefined where none differs. */
function drawCut(
  { matrix, sample, columns, generator }: TreeInput,
  begin: number,
  end: number,
): Cut | undefined {
  const left = Int32Array.from(columns);
  for (let nLeft = left.length; nLeft > 0; nLeft--) {
    const place = generator.integer(nLeft);
    const feature = left[place];
    left[place] = left[nLeft - 1];
    let low = Infinity;
    let high = -Infinity;
    for (let index = begin; index < end; index++) {
      const value = matrix.data[sample[index] * matrix.nColumns + feature];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (!(low < high)) continue;
    // Halves first: high − low may overflow.
    const threshold = 2 * (low / 2 + generator.next() * (high / 2 - low / 2));
    // Rounding may reach the largest value, which must be on the right.
    return { feature, threshold: threshold >= low && threshold < high ? threshold : low };
  }
  return undefined;
}

/** Rows at or below the threshold to the front; those without a value to the larger side. */
function partition(
  { matrix, sample }: TreeInput,
  { begin, end }: { readonly begin: number; readonly end: number },
  { feature, threshold }: Cut,
): { readonly middle: number; readonly isMissingLeft: boolean } {
  const left: number[] = [];
  const right: number[] = [];
  const missing: number[] = [];
  for (const row of sample.subarray(begin, end)) {
    const value = matrix.data[row * matrix.nColumns + feature];
    (Number.isNaN(value) ? missing : value <= threshold ? left : right).push(row);
  }
  const isMissingLeft = left.length >= right.length;
  (isMissingLeft ? left : right).push(...missing);
  sample.set([...left, ...right], begin);
  return { middle: begin + left.length, isMissingLeft };
}
