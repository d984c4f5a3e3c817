/**
 * Bootstrap intervals that resample whole groups.
 *
 * Rows of one asset resemble each other, so resampling rows would pretend to more evidence than there is and give intervals
 * far too narrow. Here a resample draws nGroups groups with replacement and takes all rows of each, as often as drawn.
 *
 * The rows of a resample come in ascending order with repeats: sums run in a fixed order, and when the caller keeps its rows
 * sorted by score, order statistics cost O(n) per resample instead of a sort.
 */
import { computeMetrics } from "../metrics/compute-metrics.ts";
import type { MetricOptions } from "../metrics/compute-metrics.ts";
import type { MetricTask } from "../metrics/metric-table.ts";
import { createGenerator } from "../random/generator.ts";
import {
  requireInRange,
  requireInteger,
  requireNonEmpty,
  requireSameLength,
} from "../stats/checked-array.ts";
import { quantileSorted } from "../stats/quantile.ts";
import { ascendingOrder } from "../stats/rank.ts";
import { valuesAt } from "../stats/values-at.ts";
import { compareIds, indexGroups } from "../splits/groups.ts";
import type { GroupId } from "../splits/groups.ts";

/** How often and how wide. */
export interface BootstrapOptions {
  /** integer */
  readonly seed: number;
  /** resamples, 10…100,000; default 500 */
  readonly nResamples?: number;
  /** coverage in (0, 1); default 0.95 */
  readonly level?: number;
}

/** A percentile interval of one metric. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  /** resamples on which the metric was defined */
  readonly nResamples: number;
}

/** An interval is left out when the metric was undefined on more than this share of the resamples. */
const MAX_UNDEFINED_RATIO = 0.1;

/**
 * Percentile intervals of metrics by group bootstrap.
 *
 * @param groups  id per row
 * @param measure metrics of some rows (Int32Array, ascending, with repeats; valid during the call only); a metric that is
 *                undefined there has no key
 * @param options seed, number of resamples, level
 * @returns interval per metric key; empty with fewer than two groups; a metric undefined on over 10 % of the resamples is
 *          left out, as its percentiles would describe other data
 * @throws {RangeError} when there is no row or an option is out of range
 *
 * Cost: nResamples · (n + measure). Deterministic for a seed; the groups drawn depend on ids and seed only.
 * Source: Efron & Tibshirani 1993, ch. 13; Field & Welsh 2007 (cluster bootstrap).
 */
export function bootstrapIntervals(
  groups: ArrayLike<GroupId>,
  measure: (rows: Int32Array) => Readonly<Record<string, number>>,
  options: BootstrapOptions,
): Record<string, Interval> {
  const nResamples = options.nResamples ?? 500;
  const level = options.level ?? 0.95;
  requireNonEmpty("groups", groups);
  requireInteger("nResamples", nResamples, [10, 100_000]);
  requireInRange("level", level, [Number.MIN_VALUE, 1 - Number.EPSILON]);
  const index = indexGroups(groups);
  const nGroups = index.ids.length;
  if (nGroups < 2) return {};
  const generator = createGenerator(options.seed).fork("bootstrap");
  // Drawing by the order of the ids gives two models on the same rows the same resamples, however they are sorted.
  const byId = Int32Array.from(index.sizes, (_, group) => group);
  byId.sort((a, b) => compareIds(index.ids[a], index.ids[b]));
  const draws = new Int32Array(nGroups);
  const resample = (): Readonly<Record<string, number>> => {
    draws.fill(0);
    for (let i = 0; i < nGroups; i++) draws[byId[generator.integer(nGroups)]]++;
    return measure(repeatRows(index.codes, index.sizes, draws));
  };
  return percentileIntervals(resample, { nResamples, level });
}

/**
 * Percentile intervals of what a repeated draw comes to.
 *
 * @param draw metrics of one more draw; a metric that is undefined has no key, or is not finite
 * @returns interval per metric key; one that was undefined on over 10 % of the draws is left out
 */
export function percentileIntervals(
  draw: () => Readonly<Record<string, number>>,
  { nResamples, level }: { readonly nResamples: number; readonly level: number },
): Record<string, Interval> {
  const values = new Map<string, number[]>();
  for (let resample = 0; resample < nResamples; resample++) {
    for (const [key, value] of Object.entries(draw())) {
      if (!Number.isFinite(value)) continue;
      const known = values.get(key);
      if (known) known.push(value);
      else values.set(key, [value]);
    }
  }
  const minDefined = nResamples * (1 - MAX_UNDEFINED_RATIO);
  return Object.fromEntries(
    [...values].filter(([, v]) => v.length >= minDefined).map(([key, v]) => [key, percentiles(v, level)]),
  );
}

/** Rows with an identity, for intervals of the product's own metrics. */
export interface ScoredRows {
  readonly task: MetricTask;
  readonly truth: ArrayLike<number>;
  /** as `computeMetrics` takes it */
  readonly prediction: ArrayLike<number>;
  /** asset id per row */
  readonly groups: ArrayLike<GroupId>;
  readonly metricOptions?: MetricOptions;
}

/**
 * Group-bootstrap intervals of every metric of a task; see {@link bootstrapIntervals}.
 *
 * Takes single-column predictions sorted by score first, so that a resample of 10,000 rows costs about a millisecond.
 *
 * @throws {RangeError} when rows and groups differ in number, or as `computeMetrics`
 */
export function metricIntervals(rows: ScoredRows, options: BootstrapOptions): Record<string, Interval> {
  requireSameLength(["truth", "groups"], rows.truth, rows.groups);
  const nColumns = rows.prediction.length / rows.truth.length;
  const order =
    nColumns === 1
      ? ascendingOrder(rows.prediction)
      : Int32Array.from({ length: rows.truth.length }, (_, row) => row);
  const groups = Array.from(order, (row) => rows.groups[row]);
  return bootstrapIntervals(
    groups,
    (sample) =>
      selectMetrics(
        rows,
        sample.map((i) => order[i]),
      ),
    options,
  );
}

/**
 * Metrics of some of the rows.
 *
 * @param rows     the scored rows
 * @param selected row indices, repeats allowed, not empty
 */
export function selectMetrics(
  rows: Omit<ScoredRows, "groups">,
  selected: Int32Array,
): Record<string, number> {
  const nColumns = rows.prediction.length / rows.truth.length;
  const takeWide = (values: ArrayLike<number>): Float64Array => {
    const taken = new Float64Array(selected.length * nColumns);
    selected.forEach((row, i) => {
      for (let c = 0; c < nColumns; c++) taken[i * nColumns + c] = values[row * nColumns + c];
    });
    return taken;
  };
  const { truthRaw: raw, reference } = rows.metricOptions ?? {};
  const options = {
    ...rows.metricOptions,
    ...(raw ? { truthRaw: valuesAt(raw, selected) } : {}),
    ...(reference ? { reference: takeWide(reference) } : {}),
  };
  return computeMetrics(rows.task, valuesAt(rows.truth, selected), takeWide(rows.prediction), options);
}

function repeatRows(codes: Int32Array, sizes: Int32Array, draws: Int32Array): Int32Array {
  let nRows = 0;
  for (let group = 0; group < draws.length; group++) nRows += draws[group] * sizes[group];
  const rows = new Int32Array(nRows);
  let filled = 0;
  for (let row = 0; row < codes.length; row++) {
    for (let copy = draws[codes[row]]; copy > 0; copy--) rows[filled++] = row;
  }
  return rows;
}

function percentiles(values: readonly number[], level: number): Interval {
  const sorted = Float64Array.from(values).sort();
  return {
    low: quantileSorted(sorted, (1 - level) / 2),
    high: quantileSorted(sorted, (1 + level) / 2),
    nResamples: values.length,
  };
}
