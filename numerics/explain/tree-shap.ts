/**
 * Exact Shapley values of tree ensembles: how much each feature moved a row's raw score away from the expected one.
 *
 * For a leaf with value v, U the features its path tests, d = |U|: feature i is satisfied by a row (o_i = 1) or not,
 * and z_i is the share of training rows that would satisfy it where it is unknown, the product of
 * count(child) / count(parent) over its splits on the path. The leaf contributes
 *
 *   φ_i = v · (o_i − z_i) · Σ_{S ⊆ U∖i}  |S|! (d − |S| − 1)! / d!  ·  Π_{j∈S} o_j · Π_{j∉S∪i} z_j
 *       = v · (o_i − z_i) · ∫₀¹ Π_{j≠i} (t o_j + (1 − t) z_j) dt
 *
 * since s! (d − s − 1)! / d! is ∫ t^s (1 − t)^(d−s−1) dt. The integrand is a polynomial of degree d − 1, which
 * Gauss–Legendre quadrature with ⌈d / 2⌉ points integrates exactly; the product without i is the whole product divided
 * by one factor, all of them being positive. A leaf costs d²/2 multiplications, whatever the row, and nothing is kept
 * between rows. (Keeping the sums of the patterns seen was tried: rows of many features keep
 * bringing new ones, and a row took three times as long.)
 *
 * Contributions and the expected score sum to the raw score, up to rounding.
 *
 * Source: Lundberg et al. 2020 (doi:10.1038/s42256-019-0138-9), path-dependent TreeSHAP; the integral: Owen 1972.
 */
import type { DecisionTree } from "../decision-tree.ts";
import type { TreeEnsembleModel } from "../model.ts";
import type { Explainer } from "./explainer.ts";
import { gaussLegendre } from "./gauss-legendre.ts";

/** Where no training row would satisfy a feature: factors stay positive, and what they belong to vanishes. */
const LEAST_SHARE = 1e-300;

/** One leaf as the features its path tests. */
interface LeafPath {
  readonly features: readonly number[];
  /** Of each of them. */
  readonly conditions: readonly Condition[];
  /** First output, and one value per output. */
  readonly output: number;
  readonly values: readonly number[];
}

/**
 * All leaves of an ensemble in flat lists, so that a row walks through memory in order: tests of leaf l are the entries
 * firstTest[l] … firstTest[l + 1] − 1, its values firstValue[l] … firstValue[l + 1] − 1.
 */
interface LeafTable {
  readonly nLeaves: number;
  readonly firstTest: Int32Array;
  readonly features: Int32Array;
  /** A row satisfies a test where low < x ≤ high, or x is missing and `takesMissing` is 1. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly takesMissing: Uint8Array;
  /** Where a category is tested: the codes that satisfy it, else null; null for an ensemble without such tests. */
  readonly codes: readonly (CodeTest | null)[] | null;
  /** z of each test, > 0. */
  readonly shares: Float64Array;
  readonly firstValue: Int32Array;
  /** Times the ensemble's scale. */
  readonly values: Float64Array;
  /** Output of each leaf's first value. */
  readonly outputs: Int32Array;
}

/** Of the longest path. */
interface Scratch {
  /** o: 1 where the row satisfies the test. */
  readonly satisfied: Float64Array;
  readonly factors: Float64Array;
  readonly sums: Float64Array;
}

/**
 * @throws {RangeError} for a node without training rows
 *
 * Cost: per row O(Σ over leaves of features² of their paths).
 */
export function explainTrees(model: TreeEnsembleModel): Explainer {
  const leaves = tabulate(
    model.trees.flatMap((tree) => readPaths(tree)),
    model.scale,
  );
  const { nFeatures } = model;
  const { nLeaves, firstTest, features, firstValue, values, outputs } = leaves;
  let longest = 1;
  for (let leaf = 0; leaf < nLeaves; leaf++)
    longest = Math.max(longest, firstTest[leaf + 1] - firstTest[leaf]);
  const scratch: Scratch = {
    satisfied: new Float64Array(longest),
    factors: new Float64Array(longest),
    sums: new Float64Array(longest),
  };
  const { sums } = scratch;
  return {
    expected: expectedOf(model, leaves),
    explain(data, offset, contributions) {
      contributions.fill(0);
      for (let leaf = 0; leaf < nLeaves; leaf++) {
        const first = firstTest[leaf];
        const nTests = firstTest[leaf + 1] - first;
        satisfy(leaves, { first, nTests, data, offset }, scratch.satisfied);
        weigh(leaves.shares, { first, nTests }, scratch);
        for (let at = firstValue[leaf]; at < firstValue[leaf + 1]; at++) {
          const value = values[at];
          if (value === 0) continue;
          const from = (outputs[leaf] + at - firstValue[leaf]) * nFeatures;
          for (let k = 0; k < nTests; k++) contributions[from + features[first + k]] += value * sums[k];
        }
      }
    },
  };
}

/** Base, and each leaf's value by the share of training rows that reach it. */
function expectedOf(model: TreeEnsembleModel, leaves: LeafTable): Float64Array {
  const { nLeaves, firstTest, shares, firstValue, values, outputs } = leaves;
  const expected = Float64Array.from(model.base);
  for (let leaf = 0; leaf < nLeaves; leaf++) {
    let reached = 1;
    for (let test = firstTest[leaf]; test < firstTest[leaf + 1]; test++) reached *= shares[test];
    for (let at = firstValue[leaf]; at < firstValue[leaf + 1]; at++)
      expected[outputs[leaf] + at - firstValue[leaf]] += reached * values[at];
  }
  return expected;
}

interface LeafTests {
  readonly first: number;
  readonly nTests: number;
}

/** Which tests of a leaf the row satisfies; writes `satisfied`. */
function satisfy(
  { features, low, high, takesMissing, codes }: LeafTable,
  { first, nTests, data, offset }: LeafTests & { readonly data: Float64Array; readonly offset: number },
  satisfied: Float64Array,
): void {
  for (let k = 0; k < nTests; k++) {
    const test = first + k;
    const value = data[offset + features[test]];
    const wanted = codes === null ? null : codes[test];
    if (wanted !== null) satisfied[k] = meetsCodes(wanted, value) ? 1 : 0;
    // Both comparisons are false for NaN.
    else if (value > low[test] && value <= high[test]) satisfied[k] = 1;
    else satisfied[k] = takesMissing[test] === 1 && Number.isNaN(value) ? 1 : 0;
  }
}

/** (o_i − z_i) · ∫ … of each test; writes `sums`. */
function weigh(
  shares: Float64Array,
  { first, nTests }: LeafTests,
  { satisfied, factors, sums }: Scratch,
): void {
  const { points, weights } = gaussLegendre((nTests + 1) >> 1);
  for (let k = 0; k < nTests; k++) sums[k] = 0;
  for (let q = 0; q < points.length; q++) {
    const t = points[q];
    let product = weights[q];
    for (let k = 0; k < nTests; k++) {
      const factor = (1 - t) * shares[first + k] + t * satisfied[k];
      factors[k] = factor;
      product *= factor;
    }
    for (let k = 0; k < nTests; k++) sums[k] += product / factors[k];
  }
  for (let k = 0; k < nTests; k++) sums[k] *= satisfied[k] - shares[first + k];
}

function tabulate(paths: readonly LeafPath[], scale: number): LeafTable {
  const nLeaves = paths.length;
  const firstTest = new Int32Array(nLeaves + 1);
  const firstValue = new Int32Array(nLeaves + 1);
  paths.forEach(({ conditions, values }, leaf) => {
    firstTest[leaf + 1] = firstTest[leaf] + conditions.length;
    firstValue[leaf + 1] = firstValue[leaf] + values.length;
  });
  const nTests = firstTest[nLeaves];
  const isOfCodes = paths.some(({ conditions }) => conditions.some(({ codes }) => codes !== null));
  const table = {
    nLeaves,
    firstTest,
    features: new Int32Array(nTests),
    low: new Float64Array(nTests),
    high: new Float64Array(nTests),
    takesMissing: new Uint8Array(nTests),
    codes: isOfCodes ? Array.from<CodeTest | null>({ length: nTests }).fill(null) : null,
    shares: new Float64Array(nTests),
    firstValue,
    values: new Float64Array(firstValue[nLeaves]),
    outputs: new Int32Array(nLeaves),
  };
  paths.forEach(({ features, conditions, output, values }, leaf) => {
    table.features.set(features, firstTest[leaf]);
    table.outputs[leaf] = output;
    for (let k = 0; k < values.length; k++) table.values[firstValue[leaf] + k] = scale * values[k];
    for (let k = 0; k < conditions.length; k++) {
      const test = firstTest[leaf] + k;
      const { low, high, takesMissing, codes, share } = conditions[k];
      table.low[test] = low;
      table.high[test] = high;
      table.takesMissing[test] = Number(takesMissing);
      table.shares[test] = Math.max(share, LEAST_SHARE);
      if (table.codes !== null) table.codes[test] = codes;
    }
  });
  return table;
}

/** Codes that a path wants: one of `within` (null: any code, or none), and none of `without`. */
interface CodeTest {
  readonly within: readonly number[] | null;
  readonly without: readonly number[];
}

function meetsCodes({ within, without }: CodeTest, value: number): boolean {
  return (within === null || within.includes(value)) && !without.includes(value);
}

/** What a path asks of one feature: all its splits on it, met. */
interface Condition {
  codes: CodeTest | null;
  low: number;
  high: number;
  takesMissing: boolean;
  share: number;
}

function readPaths(tree: DecisionTree): LeafPath[] {
  const paths: LeafPath[] = [];
  // Of the node that is visited; its order is that of the first splits.
  const conditions = new Map<number, Condition>();
  const visit = (node: number): void => {
    const feature = tree.feature[node];
    if (feature < 0) {
      const values = tree.value.slice(node * tree.width, (node + 1) * tree.width);
      const tests = { features: [...conditions.keys()], conditions: [...conditions.values()] };
      paths.push({ ...tests, output: tree.output, values });
      return;
    }
    const before = conditions.get(feature);
    for (const child of [tree.left[node], tree.right[node]]) {
      conditions.set(feature, narrow(tree, node, child, before));
      visit(child);
    }
    if (before === undefined) conditions.delete(feature);
    else conditions.set(feature, before);
  };
  visit(0);
  return paths;
}

function narrow(tree: DecisionTree, node: number, child: number, before: Condition | undefined): Condition {
  const isLeft = child === tree.left[node];
  const { low, high, takesMissing, share } = before ?? OPEN_CONDITION;
  if (!(tree.count[node] > 0))
    throw new RangeError(`node ${node} must have training rows, got ${tree.count[node]}`);
  const threshold = tree.threshold[node];
  const listed = tree.leftCodes?.[node];
  if (listed !== undefined) {
    const test = before?.codes ?? { within: null, without: [] };
    const codes = isLeft
      ? { ...test, within: listed.filter((code) => test.within?.includes(code) ?? true) }
      : { ...test, without: [...test.without, ...listed] };
    return { low, high, takesMissing, codes, share: (share * tree.count[child]) / tree.count[node] };
  }
  return {
    codes: null,
    low: isLeft ? low : Math.max(low, threshold),
    high: isLeft ? Math.min(high, threshold) : high,
    takesMissing: takesMissing && (tree.missingLeft[node] === 1) === isLeft,
    share: (share * tree.count[child]) / tree.count[node],
  };
}

const OPEN_CONDITION: Condition = {
  codes: null,
  low: -Infinity,
  high: Infinity,
  takesMissing: true,
  share: 1,
};
