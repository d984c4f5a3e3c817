/**
 * Exact Shapley values of tree ensembles: how much each feature moved a row's raw score away from the expected one.
 *
 * For a leaf with value v, U the features its path tests, d = |U|: feature i is satisfied by a row (o_i = 1) or not,
 * and z_i is the share of training rows that would satisfy it where it is unknown, the product of
 * count(child) / count(parent) over its splits on the path. The leaf contributes
 *
 *   φ_i = v · (o_i − z_i) · Σ_{S ⊆ U∖i}  |S|! (d − |S| − 1)! / d!  ·  Π_{j∈S} o_j · Π_{j∉S∪i} z_j
 *
 * The sum depends on the row only through which features are satisfied: at most 2^d patterns, few of which ever occur.
 * Each is computed once and kept, so that a row costs one comparison and one multiplication per leaf and feature,
 * where the recursion of the original algorithm costs d² per leaf.
 *
 * Contributions and the expected score sum to the raw score, up to rounding.
 *
 * Source: Lundberg et al. 2020 (doi:10.1038/s42256-019-0138-9), path-dependent TreeSHAP; patterns as in Yang 2021,
 * Fast TreeSHAP (arXiv:2109.09847).
 */
import type { DecisionTree } from "../decision-tree.ts";
import type { TreeEnsembleModel } from "../model.ts";
import type { Explainer } from "./explainer.ts";

/** Factors that are kept for one ensemble: 64 MiB of doubles; beyond, they are computed anew each time. */
const MOST_KEPT = 8 * 2 ** 20;
/** A bit of a number per feature of a path. */
const MOST_PATH_FEATURES = 52;

/** One leaf as the features its path tests. */
interface LeafPath {
  readonly features: Int32Array;
  /** A row satisfies feature k where low < x ≤ high, or x is missing and `takesMissing` is 1. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly takesMissing: Uint8Array;
  /** Where a category is tested: the codes that satisfy feature k, or null where a threshold is. */
  readonly codes: readonly (CodeTest | null)[];
  /** z of each feature. */
  readonly shares: Float64Array;
  /** First output, and one value per output. */
  readonly output: number;
  readonly values: readonly number[];
  /** Factors (o_i − z_i) · Σ … of each feature, by pattern. */
  readonly factors: Map<number, Float64Array>;
}

/**
 * @throws {RangeError} for a path of more than 52 features, or a node without training rows
 *
 * Cost: per row O(leaves · features of their paths) once the patterns are known.
 */
export function explainTrees(model: TreeEnsembleModel): Explainer {
  const paths = model.trees.flatMap((tree) => readPaths(tree));
  const expected = Float64Array.from(model.base);
  for (const path of paths) {
    const reached = path.shares.reduce((product, share) => product * share, 1);
    path.values.forEach((value, place) => (expected[path.output + place] += model.scale * reached * value));
  }
  const kept = { n: 0 };
  return {
    expected,
    explain(data, offset, contributions) {
      contributions.fill(0);
      for (const path of paths) {
        const factors = factorsOf(path, findPattern(path, data, offset), kept);
        for (let place = 0; place < path.values.length; place++) {
          const value = model.scale * path.values[place];
          if (value === 0) continue;
          const from = (path.output + place) * model.nFeatures;
          for (let k = 0; k < factors.length; k++)
            contributions[from + path.features[k]] += value * factors[k];
        }
      }
    },
  };
}

/** Bit k is set where the row satisfies feature k. */
function findPattern(path: LeafPath, data: Float64Array, offset: number): number {
  const { features, low, high, takesMissing, codes } = path;
  let pattern = 0;
  let bit = 1;
  for (let k = 0; k < features.length; k++) {
    const value = data[offset + features[k]];
    const test = codes[k];
    if (test !== null) {
      if (meetsCodes(test, value)) pattern += bit;
      bit *= 2;
      continue;
    }
    // Both comparisons are false for NaN.
    if ((value > low[k] && value <= high[k]) || (takesMissing[k] === 1 && Number.isNaN(value)))
      pattern += bit;
    bit *= 2;
  }
  return pattern;
}

function factorsOf(path: LeafPath, pattern: number, kept: { n: number }): Float64Array {
  const known = path.factors.get(pattern);
  if (known !== undefined) return known;
  const factors = computeFactors(path.shares, pattern);
  if (kept.n + factors.length <= MOST_KEPT) {
    kept.n += factors.length;
    path.factors.set(pattern, factors);
  }
  return factors;
}

/** Cost: O(d³), once per pattern. */
function computeFactors(shares: Float64Array, pattern: number): Float64Array {
  const d = shares.length;
  const satisfied = Array.from({ length: d }, (_, k) => Math.floor(pattern / 2 ** k) % 2);
  const weights = subsetWeights(d);
  return Float64Array.from({ length: d }, (_, i) => {
    // Coefficient s of Π_{j≠i} (z_j + o_j t) sums the products over all subsets of size s.
    const polynomial = new Float64Array(d);
    polynomial[0] = 1;
    let degree = 0;
    for (let j = 0; j < d; j++) {
      if (j === i) continue;
      degree += 1;
      for (let s = degree; s > 0; s--) {
        polynomial[s] = polynomial[s] * shares[j] + polynomial[s - 1] * satisfied[j];
      }
      polynomial[0] *= shares[j];
    }
    let sum = 0;
    for (let s = 0; s < d; s++) sum += weights[s] * polynomial[s];
    return (satisfied[i] - shares[i]) * sum;
  });
}

/** s! (d − s − 1)! / d! for s = 0 … d − 1. */
function subsetWeights(d: number): Float64Array {
  const weights = new Float64Array(d);
  let weight = 1 / d;
  for (let s = 0; s < d; s++) {
    weights[s] = weight;
    weight *= (s + 1) / (d - s - 1);
  }
  return weights;
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
  if (conditions.size > MOST_PATH_FEATURES) {
    throw new RangeError(`a path must test at most ${MOST_PATH_FEATURES} features, got ${conditions.size}`);
  }
  const asked = [...conditions.values()];
  return {
    features: Int32Array.from(conditions.keys()),
    low: Float64Array.from(asked, ({ low }) => low),
    high: Float64Array.from(asked, ({ high }) => high),
    takesMissing: Uint8Array.from(asked, ({ takesMissing }) => Number(takesMissing)),
    codes: asked.map(({ codes }) => codes),
    shares: Float64Array.from(asked, ({ share }) => share),
    output: tree.output,
    values: tree.value.slice(leaf * tree.width, (leaf + 1) * tree.width),
    factors: new Map(),
  };
}
