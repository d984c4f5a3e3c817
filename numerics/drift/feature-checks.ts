/**
 * How far one column has moved from its reference, and how surely: the checks a verdict rests on.
 *
 *   distribution  numeric: Kolmogorov–Smirnov, size by its distance or by PSI; categorical: χ², size by total variation
 *   missing       share of rows without a value
 *   range         numeric: share of values outside what training has seen
 *   categories    categorical: share of rows of categories that training has not seen
 */
import { missingShift } from "./checks/missing-rate.ts";
import { newCategoryShift } from "./checks/new-category.ts";
import { rangeShift } from "./checks/range.ts";
import { countCategories } from "./reference.ts";
import type { CategoricalReference, FeatureReference, NumericReference } from "./reference.ts";
import { chiSquareTest, poolRareCategories } from "./statistics/chi-square-test.ts";
import { jensenShannonDistance } from "./statistics/jensen-shannon.ts";
import { ksAgainstSketch } from "./statistics/kolmogorov-smirnov.ts";
import { stabilityIndex } from "./statistics/psi.ts";
import type { StabilityIndex } from "./statistics/psi.ts";
import { wassersteinDistance } from "./statistics/wasserstein.ts";
import { binCounts, countWindow, cumulativeAt, pointsOf, unionOf } from "./window-counts.ts";
import type { WindowCounts } from "./window-counts.ts";
import { plotEdges } from "./plot-bins.ts";

export type CheckName = "distribution" | "missing" | "range" | "categories" | "reconstruction";

/** One question asked of a column, before the correction for asking many. */
export interface CheckOutcome {
  readonly check: CheckName;
  /** rows it looked at */
  readonly n: number;
  /** share or distance in [0, 1], or deviations of a reconstruction error; null: it could not be asked */
  readonly effect: number | null;
  /** effect in units of what counts as large: 1 or more is large */
  readonly size: number;
  /** chance of such an effect without drift; 1 where it could not be asked */
  readonly pValue: number;
  /** why it could not be asked */
  readonly unavailable?: string;
}

/** Effects from which on a shift is large. */
export interface EffectLimits {
  readonly minEffect: number;
  readonly minPsi: number;
  readonly minOutside: number;
  readonly minUnseen: number;
  readonly minReconstruction: number;
}

/** Statistics shown beside the checks; null: not of this kind of column, or too few values. */
export interface ColumnStatistics {
  readonly ks: number | null;
  /** W₁ in reference standard deviations */
  readonly wasserstein: number | null;
  readonly jensenShannon: number | null;
  readonly chiSquare: number | null;
  readonly totalVariation: number | null;
  readonly missingShare: number;
  readonly missingShareReference: number;
  readonly missingCohenH: number;
  readonly outsideShare: number | null;
  readonly unseenShare: number | null;
  readonly mean: number | null;
  readonly meanReference: number | null;
}

/** Rows per bin or category of the window, beside the same of the reference. */
export interface ColumnShares {
  /** numeric: ends of the bins; values beyond them are in the outer ones */
  readonly low: number | null;
  readonly high: number | null;
  /** categorical: names, the last two being all others and missing */
  readonly labels: readonly string[] | null;
  readonly reference: readonly number[];
  readonly window: readonly number[];
}

/** All that is found of one column. */
export interface ColumnShift {
  readonly missing: number;
  readonly stability: StabilityIndex;
  readonly outcomes: readonly CheckOutcome[];
  readonly statistics: ColumnStatistics;
  readonly shares: ColumnShares | null;
}

/** Fewer present values than this on a side, and their distribution is not compared. */
const MIN_PRESENT = 50;

/** Categories drawn by name. */
const MAX_DRAWN = 12;

const NONE_HIDDEN = { live: 0, before: 0 };

const NO_STABILITY: StabilityIndex = { psi: 0, nullMean: 0, corrected: 0 };

const NO_STATISTICS = {
  ks: null,
  wasserstein: null,
  jensenShannon: null,
  chiSquare: null,
  totalVariation: null,
  outsideShare: null,
  unseenShare: null,
  mean: null,
  meanReference: null,
} as const;

export interface ColumnContext {
  /** independent rows per live row, in (0, 1] */
  readonly ratio: number;
  readonly limits: EffectLimits;
}

export interface CategoricalContext extends ColumnContext {
  /** What training has not seen comes as missing, and is counted with it. */
  readonly isUnseenMissing?: boolean;
}

/** Thresholds that the statistics of a numeric column need counts at. */
export function thresholdsOf(reference: NumericReference): Float64Array {
  const range = reference.min === null || reference.max === null ? [] : [reference.min, reference.max];
  const plot = reference.plot === null ? [] : plotEdges(reference.plot);
  return unionOf(reference.edges, reference.sketch, range, plot);
}

/**
 * Checks of a numeric column.
 *
 * @param values live values, NaN = missing
 * @throws {RangeError} for an infinite value
 *
 * Cost: O(n), one pass.
 */
export function numericChecks(
  reference: NumericReference,
  values: ArrayLike<number>,
  context: ColumnContext,
): ColumnShift {
  const { limits, ratio } = context;
  const counts = countWindow(reference.name, values, thresholdsOf(reference));
  const live = { count: counts.present, independent: counts.present * ratio };
  const before = { count: reference.count, independent: reference.count * reference.independentRatio };
  const isComparable = live.count >= MIN_PRESENT && before.count >= MIN_PRESENT;
  const bins = binCounts(counts, reference.edges);
  const stability = isComparable ? stabilityIndex(reference.counts, bins) : NO_STABILITY;
  const ks = isComparable
    ? ksAgainstSketch({ ...cumulativeAt(counts, reference.sketch), count: live.count }, reference, {
        live: live.independent,
        stored: before.independent,
      })
    : null;
  const missing = missingOutcome(reference, counts, context);
  const outside = outsideOf(reference, counts);
  const range = outside === null ? null : rangeShift(outside, live, before);
  const distribution = ks && { effect: ks.statistic, pValue: ks.pValue };
  return {
    missing: counts.missing,
    stability,
    outcomes: [
      distributionOutcome({ n: live.count, distribution, stability }, limits),
      missing.outcome,
      range === null
        ? unavailable("range", live.count, rangeReason(reference))
        : outcomeOf({ check: "range", n: live.count, shift: range }, limits.minOutside),
    ],
    statistics: {
      ...NO_STATISTICS,
      ...missing.statistics,
      ks: ks?.statistic ?? null,
      wasserstein: isComparable ? normalisedWasserstein(reference, counts) : null,
      jensenShannon: isComparable ? jensenShannonDistance(reference.counts, bins) : null,
      outsideShare: range?.share ?? null,
      mean: live.count === 0 ? null : meanOf(counts),
      meanReference: reference.mean,
    },
    shares: numericShares(reference, counts),
  };
}

/**
 * Checks of a categorical column. Missing rows are a check of their own; rare and unseen categories count as one.
 *
 * effect = max(0, ½ Σ |qᵢ − pᵢ| − ½ Σ √(2/π · p̄ᵢ (1 − p̄ᵢ)(1/n + 1/m)))
 *
 * The subtrahend is what the distance averages without drift (mean absolute value of a normal difference); with many
 * categories it is not small.
 *
 * @param values  live values, null = missing
 *
 * Cost: O(n).
 */
export function categoricalChecks(
  reference: CategoricalReference,
  values: ArrayLike<string | null>,
  context: CategoricalContext,
): ColumnShift {
  const { limits, ratio } = context;
  const found = countCategories(values);
  const present = values.length - found.missing;
  const before = [...reference.categories.map((category) => category.count), reference.otherCount];
  const named = reference.categories.map((category) => found.counts.get(category.value) ?? 0);
  const unnamed = present - named.reduce((sum, count) => sum + count, 0);
  const live = [...named, unnamed];
  const isComparable = present >= MIN_PRESENT && reference.count >= MIN_PRESENT;
  const stability = isComparable ? stabilityIndex(before, live) : NO_STABILITY;
  const scaled = poolRareCategories(
    before.map((count) => count * reference.independentRatio),
    live.map((count) => count * ratio),
  );
  const test = chiSquareTest(scaled.before, scaled.live);
  const distance = isComparable ? totalVariation(reference, { before, live, ratio }) : null;
  const missing = missingOutcome(reference, { present, missing: found.missing }, context);
  const categories = unseenShift(reference, { unnamed, present, missing: found.missing }, context);
  const distribution = distance && { effect: distance.aboveChance, pValue: test.pValue };
  return {
    missing: found.missing,
    stability,
    outcomes: [
      distributionOutcome({ n: present, distribution, stability }, limits),
      missing.outcome,
      outcomeOf({ check: "categories", ...categories }, limits.minUnseen),
    ],
    statistics: {
      ...NO_STATISTICS,
      ...missing.statistics,
      jensenShannon: isComparable ? jensenShannonDistance(before, live) : null,
      chiSquare: test.statistic,
      totalVariation: distance?.plain ?? null,
      unseenShare: categories.shift.share,
    },
    shares: categoricalShares(reference, live, found.missing),
  };
}

/** How large an effect is, and the chance of it without drift. */
type Shift = Pick<CheckOutcome, "pValue"> & { readonly effect: number };

function outcomeOf(
  { check, n, shift }: { readonly check: CheckName; readonly n: number; readonly shift: Shift },
  limit: number,
): CheckOutcome {
  const { effect, pValue } = shift;
  return { check, n, effect, size: effect / limit, pValue };
}

function distributionOutcome(
  found: {
    readonly n: number;
    readonly distribution: Shift | null;
    readonly stability: StabilityIndex;
  },
  { minEffect, minPsi }: EffectLimits,
): CheckOutcome {
  const { n, distribution, stability } = found;
  if (distribution === null)
    return unavailable("distribution", n, `fewer than ${MIN_PRESENT} values on a side`);
  const outcome = outcomeOf({ check: "distribution", n, shift: distribution }, minEffect);
  return { ...outcome, size: Math.max(outcome.size, stability.corrected / minPsi) };
}

/** Rows of categories that training has not seen; `n` of them could have been. */
function unseenShift(
  reference: CategoricalReference,
  live: { readonly unnamed: number; readonly present: number; readonly missing: number },
  { ratio, isUnseenMissing = false }: CategoricalContext,
): { readonly n: number; readonly shift: Shift & { readonly share: number } } {
  // Where names were chosen by other rows than those counted, the counted ones say it themselves.
  const isWhole = reference.otherCount === 0;
  const alone = isWhole ? reference.categories.filter(({ count }) => count === 1).length : 0;
  // Where unseen ones come as missing, both are rows without a known category, here and at training.
  const hidden = isUnseenMissing ? { live: live.missing, before: reference.missing } : NONE_HIDDEN;
  const n = live.present + hidden.live;
  const nBefore = reference.count + hidden.before;
  const shift = newCategoryShift(
    live.unnamed + hidden.live,
    { count: n, independent: n * ratio },
    {
      count: nBefore,
      independent: nBefore * reference.independentRatio,
      unnamed: reference.otherCount + alone + hidden.before,
    },
  );
  return { n, shift };
}

function unavailable(check: CheckName, n: number, reason: string): CheckOutcome {
  return { check, n, effect: null, size: 0, pValue: 1, unavailable: reason };
}

function missingOutcome(
  reference: FeatureReference,
  live: { readonly present: number; readonly missing: number },
  { ratio, limits }: ColumnContext,
): {
  outcome: CheckOutcome;
  statistics: Pick<ColumnStatistics, "missingShare" | "missingShareReference" | "missingCohenH">;
} {
  const { count, missing, independentRatio } = reference;
  const shift = missingShift(
    { present: count, missing, independentRatio },
    { present: live.present, missing: live.missing, independentRatio: ratio },
  );
  return {
    outcome: {
      check: "missing",
      n: live.present + live.missing,
      effect: shift.effect,
      size: shift.effect / limits.minEffect,
      pValue: shift.pValue,
    },
    statistics: {
      missingShare: shift.share,
      missingShareReference: shift.shareBefore,
      missingCohenH: shift.cohenH,
    },
  };
}

function outsideOf({ min, max }: NumericReference, counts: WindowCounts): number | null {
  if (min === null || max === null) return null;
  const { below } = cumulativeAt(counts, [min]);
  const { upTo } = cumulativeAt(counts, [max]);
  return below[0] + counts.present - upTo[0];
}

const rangeReason = ({ count }: NumericReference): string =>
  count === 0 ? "no value in the reference" : "the reference was frozen before its range was kept";

/** In standard deviations of the reference; null where it had none. */
function normalisedWasserstein(reference: NumericReference, counts: WindowCounts): number | null {
  if (reference.std === null || reference.std === 0) return null;
  return wassersteinDistance(pointsOf(counts), { values: reference.sketch }) / reference.std;
}

function meanOf(counts: WindowCounts): number {
  const { values, weights } = pointsOf(counts);
  return values.reduce((sum, value, i) => sum + (value * weights[i]) / counts.present, 0);
}

function numericShares(reference: NumericReference, counts: WindowCounts): ColumnShares | null {
  if (reference.plot === null) return null;
  const { low, high } = reference.plot;
  return {
    low,
    high,
    labels: null,
    reference: reference.plot.counts,
    window: [...binCounts(counts, plotEdges(reference.plot))],
  };
}

function categoricalShares(
  reference: CategoricalReference,
  live: readonly number[],
  missing: number,
): ColumnShares {
  const drawn = reference.categories.slice(0, MAX_DRAWN);
  const rest = (counts: readonly number[]): number =>
    counts.slice(drawn.length).reduce((sum, count) => sum + count, 0);
  const before = [...reference.categories.map(({ count }) => count), reference.otherCount];
  return {
    low: null,
    high: null,
    labels: [...drawn.map(({ value }) => value), "others", "missing"],
    reference: [...before.slice(0, drawn.length), rest(before), reference.missing],
    window: [...live.slice(0, drawn.length), rest(live), missing],
  };
}

function totalVariation(
  reference: CategoricalReference,
  given: { readonly before: readonly number[]; readonly live: readonly number[]; readonly ratio: number },
): { plain: number; aboveChance: number } {
  const { before, live, ratio } = given;
  const m = reference.count;
  const n = live.reduce((sum, count) => sum + count, 0);
  const perRow = 1 / (n * ratio) + 1 / (m * reference.independentRatio);
  let plain = 0;
  let expected = 0;
  for (let i = 0; i < before.length; i++) {
    const pooled = (before[i] + live[i]) / (m + n);
    plain += Math.abs(live[i] / n - before[i] / m) / 2;
    expected += Math.sqrt((2 / Math.PI) * pooled * (1 - pooled) * perRow) / 2;
  }
  return { plain, aboveChance: Math.max(0, plain - expected) };
}
