/**
 * How far one feature has moved from its reference, and how surely: the two numbers a verdict rests on.
 */
import { chiSquareTail } from "../stats/chi-square.ts";
import { histogram } from "../stats/histogram.ts";
import { ksAgainstSketch } from "./kolmogorov-smirnov.ts";
import { stabilityIndex } from "./psi.ts";
import type { StabilityIndex } from "./psi.ts";
import { countCategories, presentSorted } from "./reference.ts";
import type { CategoricalReference, NumericReference } from "./reference.ts";

/** Size and certainty of a shift. */
export interface FeatureShift {
  readonly stability: StabilityIndex;
  /**
   * Shift of probability, in [0, 1]. Numeric: the larger of the Kolmogorov–Smirnov distance and the change of the missing
   * share. Categorical: total variation distance above what chance alone gives.
   */
  readonly effect: number;
  /** chance of such a shift without drift, for independent rows */
  readonly pValue: number;
}

/** Fewer present values than this on a side, and only the missing share is tested. */
const MIN_PRESENT = 50;

/** Categories expected to hold fewer rows than this are pooled before the χ² test (Cochran's rule). */
const MIN_EXPECTED = 5;

/**
 * Shift of a numeric feature: KS on the present values and a test of the missing share, whose p-values are joined by
 * Bonferroni (2 · min). PSI treats missing as one more bin.
 *
 * @param reference frozen at training
 * @param values    live values, NaN = missing, not empty
 * @param ratio     independent rows per live row, in (0, 1]: scales n in both tests
 * @throws {RangeError} for an infinite value
 */
export function numericShift(
  reference: NumericReference,
  values: ArrayLike<number>,
  ratio: number,
): FeatureShift {
  const live = presentSorted(reference.name, values);
  const missing = values.length - live.length;
  const bins = histogram(live, reference.edges).counts;
  const isTestable = live.length >= MIN_PRESENT && reference.count >= MIN_PRESENT;
  const independent = { live: live.length * ratio, stored: reference.count * reference.independentRatio };
  const ks = isTestable ? ksAgainstSketch(live, reference, independent) : { statistic: 0, pValue: 1 };
  if (missing + reference.missing === 0) {
    return { stability: stabilityIndex(reference.counts, bins), effect: ks.statistic, pValue: ks.pValue };
  }
  const ratios = { before: reference.independentRatio, live: ratio };
  const shareBefore = reference.missing / (reference.missing + reference.count);
  const pMissing = homogeneityTail([reference.count, reference.missing], [live.length, missing], ratios);
  return {
    stability: stabilityIndex([...reference.counts, reference.missing], [...bins, missing]),
    effect: Math.max(ks.statistic, Math.abs(missing / values.length - shareBefore)),
    pValue: Math.min(1, 2 * Math.min(ks.pValue, pMissing)),
  };
}

/**
 * Shift of a categorical feature: χ² test of homogeneity and total variation distance.
 *
 * effect = max(0, ½ Σ |qᵢ − pᵢ| − ½ Σ √(2/π · p̄ᵢ (1 − p̄ᵢ)(1/n + 1/m)))
 *
 * The subtrahend is what the distance averages without drift (mean absolute value of a normal difference); with many
 * categories it is not small. Missing, rare and unseen categories count as categories of their own.
 *
 * @param reference frozen at training
 * @param values    live values, null = missing, not empty
 * @param ratio     independent rows per live row, in (0, 1]
 */
export function categoricalShift(
  reference: CategoricalReference,
  values: ArrayLike<string | null>,
  ratio: number,
): FeatureShift {
  const { counts, missing } = countCategories(values);
  const before = [...reference.categories.map((category) => category.count), reference.otherCount];
  const live = reference.categories.map((category) => counts.get(category.value) ?? 0);
  const named = live.reduce((sum, count) => sum + count, 0);
  live.push(values.length - missing - named);
  before.push(reference.missing);
  live.push(missing);
  const m = reference.count + reference.missing;
  const n = values.length;
  let distance = 0;
  let expected = 0;
  for (let i = 0; i < before.length; i++) {
    const pooled = (before[i] + live[i]) / (m + n);
    distance += Math.abs(live[i] / n - before[i] / m) / 2;
    expected +=
      Math.sqrt(
        (2 / Math.PI) * pooled * (1 - pooled) * (1 / (n * ratio) + 1 / (m * reference.independentRatio)),
      ) / 2;
  }
  return {
    stability: stabilityIndex(before, live),
    effect: Math.max(0, distance - expected),
    pValue: homogeneityTail(before, live, { before: reference.independentRatio, live: ratio }),
  };
}

interface Ratios {
  readonly before: number;
  readonly live: number;
}

/** p-value of Pearson's χ² test that two rows of counts share one distribution; each is scaled to independent rows. */
function homogeneityTail(before: readonly number[], live: readonly number[], ratios: Ratios): number {
  const pairs = poolRare(before.map((count, i) => [count * ratios.before, live[i] * ratios.live]));
  const m = pairs.reduce((sum, pair) => sum + pair[0], 0);
  const n = pairs.reduce((sum, pair) => sum + pair[1], 0);
  if (pairs.length < 2 || m === 0 || n === 0) return 1;
  let statistic = 0;
  for (const [a, b] of pairs) {
    const expectedBefore = ((a + b) * m) / (m + n);
    const expectedLive = ((a + b) * n) / (m + n);
    statistic += (a - expectedBefore) ** 2 / expectedBefore + (b - expectedLive) ** 2 / expectedLive;
  }
  return chiSquareTail(statistic, pairs.length - 1);
}

/** Joins categories whose expected count is too small on either side into one; drops those without any row. */
function poolRare(pairs: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const m = pairs.reduce((sum, pair) => sum + pair[0], 0);
  const n = pairs.reduce((sum, pair) => sum + pair[1], 0);
  const smallerShare = Math.min(m, n) / (m + n);
  const common = pairs.filter(([a, b]) => (a + b) * smallerShare >= MIN_EXPECTED);
  const rare = pairs.filter(([a, b]) => a + b > 0 && (a + b) * smallerShare < MIN_EXPECTED);
  if (rare.length === 0) return common;
  return [
    ...common,
    [rare.reduce((sum, pair) => sum + pair[0], 0), rare.reduce((sum, pair) => sum + pair[1], 0)],
  ];
}
