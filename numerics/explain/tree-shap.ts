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
 * between rows. (Keeping the sums of the patterns seen was tried: rows bring new patterns for thousands of them, and a
 * first row took 20 times as long.)
 *
 * Contributions and the expected score sum to the raw score, up to rounding.
 *
 * Source: Lundberg et al. 2020 (doi:10.1038/s42256-019-0138-9), path-dependent TreeSHAP; the integral: Owen 1972.
 */
import type { DecisionTree } from "../decision-tree.ts";
import type { TreeEnsembleModel } from "../model.ts";
import type { Explainer } from "./explainer.ts";
import { gaussLegendre } from "./gauss-legendre.ts";
import type { Quadrature } from "./gauss-legendre.ts";

/** Where no training row would satisfy a feature: factors stay positive, and what they belong to vanishes. */
const LEAST_SHARE = 1e-300;

/** One leaf as the features its path tests. */
interface LeafPath {
  readonly features: Int32Array;
  /** A row satisfies feature k where low < x ≤ high, or x is missing and `takesMissing` is 1. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly takesMissing: Uint8Array;
  /** Where a category is tested: the codes that satisfy feature k, or null where a threshold is. */
  readonly codes: readonly (CodeTest | null)[] | null;
  /** z of each feature, > 0. */
  readonly shares: Float64Array;
  /** Exact for the products of this many features. */
  readonly quadrature: Quadrature;
  /** First output, and one value per output. */
  readonly output: number;
  readonly values: readonly number[];
}

/**
 * @throws {RangeError} for a node without training rows
 *
 * Cost: per row O(Σ over leaves of features² of their paths).
 */
export function explainTrees(model: TreeEnsembleModel): Explainer {
  const paths = model.trees.flatMap((tree) => readPaths(tree));
  const expected = Float64Array.from(model.base);
  let longest = 1;
  for (const path of paths) {
    longest = Math.max(longest, path.features.length);
    const reached = path.shares.reduce((product, share) => product * share, 1);
    path.values.forEach((value, place) => (expected[path.output + place] += model.scale * reached * value));
  }
  const scratch = {
    satisfied: new Uint8Array(longest),
    factors: new Float64Array(longest),
    sums: new Float64Array(longest),
  };
  return {
    expected,
    explain(data, offset, contributions) {
      contributions.fill(0);
      for (const path of paths) {
        satisfy(path, { data, offset }, scratch.satisfied);
        weigh(path, scratch);
        for (let place = 0; place < path.values.length; place++) {
          const value = model.scale * path.values[place];
          if (value === 0) continue;
          const from = (path.output + place) * model.nFeatures;
          for (let k = 0; k < path.features.length; k++)
            contributions[from + path.features[k]] += value * scratch.sums[k];
        }
      }
    },
  };
}

/** Which features of a path the row satisfies; writes `satisfied`. */
function satisfy(
  { features, low, high, takesMissing, codes }: LeafPath,
  { data, offset }: { readonly data: Float64Array; readonly offset: number },
  satisfied: Uint8Array,
): void {
  for (let k = 0; k < features.length; k++) {
    const value = data[offset + features[k]];
    const test = codes === null ? null : codes[k];
    if (test !== null) satisfied[k] = meetsCodes(test, value) ? 1 : 0;
    // Both comparisons are false for NaN.
    else if (value > low[k] && value <= high[k]) satisfied[k] = 1;
    else satisfied[k] = takesMissing[k] === 1 && Number.isNaN(value) ? 1 : 0;
  }
}

/** (o_i − z_i) · ∫ … of each feature; writes `sums`. */
function weigh(
  { shares, quadrature: { points, weights } }: LeafPath,
  {
    satisfied,
    factors,
    sums,
  }: { readonly satisfied: Uint8Array; readonly factors: Float64Array; readonly sums: Float64Array },
): void {
  const d = shares.length;
  for (let k = 0; k < d; k++) sums[k] = 0;
  for (let q = 0; q < points.length; q++) {
    const t = points[q];
    let product = weights[q];
    for (let k = 0; k < d; k++) {
      const factor = (1 - t) * shares[k] + (satisfied[k] === 1 ? t : 0);
      factors[k] = factor;
      product *= factor;
    }
    for (let k = 0; k < d; k++) sums[k] += product / factors[k];
  }
  for (let k = 0; k < d; k++) sums[k] *= satisfied[k] - shares[k];
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
  const visit = (node: number, conditions: ReadonlyMap<number, Condition>) => {
    if (tree.feature[node] < 0) {
      paths.push(describePath(tree, node, conditions));
      return;
    }
    for (const isLeft of [true, false]) {
      const child = isLeft ? tree.left[node] : tree.right[node];
      visit(child, new Map([...conditions, [tree.feature[node], narrow(tree, node, child, conditions)]]));
    }
  };
  visit(0, new Map());
  return paths;
}

function narrow(
  tree: DecisionTree,
  node: number,
  child: number,
  conditions: ReadonlyMap<number, Condition>,
): Condition {
  const isLeft = child === tree.left[node];
  const before = conditions.get(tree.feature[node]);
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

function describePath(
  tree: DecisionTree,
  leaf: number,
  conditions: ReadonlyMap<number, Condition>,
): LeafPath {
  const asked = [...conditions.values()];
  return {
    features: Int32Array.from(conditions.keys()),
    low: Float64Array.from(asked, ({ low }) => low),
    high: Float64Array.from(asked, ({ high }) => high),
    takesMissing: Uint8Array.from(asked, ({ takesMissing }) => Number(takesMissing)),
    codes: asked.every(({ codes }) => codes === null) ? null : asked.map(({ codes }) => codes),
    shares: Float64Array.from(asked, ({ share }) => Math.max(share, LEAST_SHARE)),
    quadrature: gaussLegendre(Math.ceil(conditions.size / 2)),
    output: tree.output,
    values: tree.value.slice(leaf * tree.width, (leaf + 1) * tree.width),
  };
}
