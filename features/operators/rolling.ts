/**
 * Statistics over the last readings or the last span of time, the present reading included.
 *
 * | stat | definition over the values x present in the window (n of them) | missing when |
 * |---|---|---|
 * | mean, min, max | | n < minPeriods |
 * | sum | Σ x | n < minPeriods |
 * | std | sample, ddof 1 | n < max(2, minPeriods) |
 * | median, q10, q90 | type 7 (linear between neighbours) | n < minPeriods |
 * | slope | least squares on the reading's position (count window, per reading) or on time (duration window, per hour) | n < max(2, minPeriods), or no two times differ |
 * | count | n | never |
 *
 * A missing value is skipped but its reading still takes a place in a count window.
 */
import type { OperatorParams } from "../../schemas/pipeline/features.ts";
import { HOUR_US } from "../labels/label-plan.ts";
import { spreadOf, spreadOfExact } from "../far-window.ts";
import { SplitWindow } from "../split-window.ts";
import { meanSql, onlyWhen } from "../sql-text.ts";
import type { SqlPlan } from "../sql-plan.ts";
import { combineMoments, momentsOf, NO_MOMENTS, sampleStd } from "../windows/moments.ts";
import type { Moments } from "../windows/moments.ts";
import { combinePairs, NO_PAIRS, pairOf, slopeOf } from "../windows/pair-moments.ts";
import { OrderedValues } from "../windows/ordered-values.ts";
import { SlidingWindow } from "../windows/sliding-window.ts";
import { windowKey, windowStart } from "../windows/window-span.ts";
import type { WindowSpan } from "../windows/window-span.ts";
import { quantileOf, stdOf, sumOf } from "../windows/plain-statistics.ts";
import type { FeatureState, InputColumn, Operator, StateRow } from "./operator.ts";

type RollingStat = OperatorParams<"rolling">["stats"][number];
type RollingArgs = {
  readonly column: string;
  readonly stat: RollingStat;
  readonly window: WindowSpan;
  readonly minPeriods: number;
};

/** Positions from here on leave less than nine digits of one step. */
const LATE_INDEX = 2 ** 20;

const QUANTILES: Partial<Record<RollingStat, number>> = { median: 0.5, q10: 0.1, q90: 0.9 };

export const rollingOperator: Operator<"rolling", RollingArgs> = {
  name: "rolling",
  needs: "series",
  expand: (params, context) =>
    context.numbers(params.columns, "columns").flatMap((column) =>
      params.windows.flatMap((span, i) => {
        const window = context.window(span, `windows.${i}`);
        return params.stats.map((stat) => {
          const unit = unitOf(column, stat, window);
          return {
            name: `${column.name}_${stat}_${span}`,
            kind: "number" as const,
            ...(unit === undefined ? {} : { unit }),
            args: { column: column.name, stat, window, minPeriods: params.minPeriods },
          };
        });
      }),
    ),
  sql: rollingSql,
  state: (args, _feature, shared) => rollingState(args, shared ?? new Map<string, unknown>()),
  reference(args, series) {
    const values = series.numbers(args.column);
    return Float64Array.from({ length: series.nRows }, (_, i) => {
      const start = windowStart(args.window, i, series.t);
      const rows = Array.from({ length: i - start + 1 }, (__, j) => start + j);
      return statOf(args, {
        x: rows.map((r) => ("rows" in args.window ? r : ((series.t[r] ?? 0) - (series.t[i] ?? 0)) / HOUR_US)),
        y: rows.map((r) => values[r] ?? Number.NaN),
      });
    });
  },
};

function unitOf(column: InputColumn, stat: RollingStat, window: WindowSpan): string | undefined {
  if (stat === "count") return "count";
  if (stat !== "slope" || column.unit === undefined) return column.unit;
  return `${column.unit}/${"rows" in window ? "reading" : "h"}`;
}

function rollingSql(args: RollingArgs, plan: SqlPlan): string {
  const { column, stat, window, minPeriods } = args;
  const frame = plan.frame(window);
  const raw = plan.column(column);
  const count = () => plan.window(`count(${raw})`, frame);
  const checked = (value: string) =>
    minPeriods > 1 ? onlyWhen(`${count()} >= ${minPeriods}`, value) : value;
  switch (stat) {
    case "count":
      return `CAST(${count()} AS DOUBLE)`;
    case "mean":
      return checked(meanSql(plan.window(`avg(${raw})`, frame), raw));
    case "sum":
    case "min":
    case "max":
      return checked(plan.window(`${stat}(${raw})`, frame));
    case "std":
      return checked(stdSql(plan, args));
    case "slope":
      return checked("rows" in window ? slopeSql(plan, args) : slopeOverTimeSql(plan, args));
    case "median":
    case "q10":
    case "q90":
      return checked(plan.window(`quantile_cont(${raw}, ${QUANTILES[stat]})`, frame));
    default:
      return stat satisfies never;
  }
}

function stdSql(plan: SqlPlan, { column, window }: RollingArgs): string {
  const { std, isFar } = spreadOf(plan, column, { window });
  return plan.unlessFar(isFar, std, () => new SplitWindow(plan, window).std(plan.column(column)));
}

function slopeSql(plan: SqlPlan, { column, window }: RollingArgs): string {
  if (!("rows" in window)) throw new RangeError("slope per reading: expected a window of readings");
  const frame = plan.frame(window);
  const [value, y] = [plan.column(column), plan.shifted(column)];
  const x = plan.term(`CAST(${plan.index()} AS DOUBLE)`);
  const { isFar, isFlat } = spreadOf(plan, column, { window });
  const count = plan.window(`count(${value})`, frame);
  // Positions lose digits as values do.
  const isLate = `${plan.index()} >= ${LATE_INDEX} * CASE WHEN ${count} = ${window.rows} THEN ${window.rows} ELSE 1 END`;
  const slope = `CASE WHEN ${isFlat} THEN 0e0 ELSE ${plan.window(`regr_slope(${y}, ${x})`, frame)} END`;
  const index = onlyWhen(`${value} IS NOT NULL`, plan.index());
  return onlyWhen(
    `${count} >= 2`,
    plan.unlessFar(`${isFar} OR ${isLate}`, slope, () => new SplitWindow(plan, window).slope(index, value)),
  );
}

function slopeOverTimeSql(plan: SqlPlan, { column, window }: RollingArgs): string {
  const frame = plan.frame(window);
  const [value, y] = [plan.column(column), plan.shifted(column)];
  // Whole microseconds stay exact as doubles; hours would round each time before the spread is taken.
  const elapsed = plan.term(onlyWhen(`${value} IS NOT NULL`, `CAST(__t - ${plan.firstTime()} AS DOUBLE)`));
  const time = spreadOfExact(plan, elapsed, frame);
  const ofValues = spreadOf(plan, column, { window });
  const slope = `CASE WHEN ${ofValues.isFlat} THEN 0e0 ELSE ${plan.window(`regr_slope(${y}, ${elapsed})`, frame)} * ${HOUR_US}e0 END`;
  const t = onlyWhen(`${value} IS NOT NULL`, "__t");
  return onlyWhen(
    `NOT ${time.isFlat}`,
    plan.unlessFar(
      `${time.isFar} OR ${ofValues.isFar}`,
      slope,
      () => `${new SplitWindow(plan, window).slope(t, value)} * ${HOUR_US}e0`,
    ),
  );
}

function rollingState(args: RollingArgs, shared: Map<string, unknown>): FeatureState {
  if (args.stat in QUANTILES) return quantileState(args);
  return args.stat === "slope" ? slopeState(args) : momentState(args, shared);
}

function momentState(
  { column, stat, window, minPeriods }: RollingArgs,
  shared: Map<string, unknown>,
): FeatureState {
  const key = `rolling moments ${JSON.stringify([column, window])}`;
  const moments = (shared.get(key) as WindowMoments | undefined) ?? new WindowMoments(column, window);
  shared.set(key, moments);
  return {
    push: (row) => momentStat(stat, moments.at(row), minPeriods),
  };
}

/** Moments of one window of one column, taken once for all statistics of them. */
class WindowMoments {
  readonly #column: string;
  readonly #window: WindowSpan;
  readonly #sliding = new SlidingWindow(NO_MOMENTS, combineMoments);
  #index = -1;
  #total = NO_MOMENTS;

  constructor(column: string, window: WindowSpan) {
    this.#column = column;
    this.#window = window;
  }

  at(row: StateRow): Moments {
    if (row.index === this.#index) return this.#total;
    this.#index = row.index;
    const { key, least } = windowKey(this.#window, row);
    this.#sliding.push(key, momentsOf(row.number(this.#column)));
    this.#sliding.evictBelow(least);
    this.#total = this.#sliding.total();
    return this.#total;
  }
}

/** A statistic of moments. */
export function momentStat(stat: RollingStat, moments: Moments, minPeriods: number): number {
  const { n, from, mean, min, max } = moments;
  if (stat === "count") return n;
  if (n < minPeriods) return Number.NaN;
  if (stat === "std") return sampleStd(moments);
  if (stat === "sum") return n * from + n * mean;
  if (stat === "min") return min;
  return stat === "max" ? max : from + mean;
}

function slopeState({ column, window, minPeriods }: RollingArgs): FeatureState {
  const sliding = new SlidingWindow(NO_PAIRS, combinePairs);
  return {
    push(row) {
      const x = "rows" in window ? row.index : row.t;
      const { key, least } = windowKey(window, row);
      sliding.push(key, pairOf(x, row.number(column)));
      sliding.evictBelow(least);
      const pairs = sliding.total();
      const slope = pairs.n < minPeriods ? Number.NaN : slopeOf(pairs);
      return "rows" in window ? slope : slope * HOUR_US;
    },
  };
}

/** The window's values in order, and a queue of them by age: O(log w) per reading. */
function quantileState({ column, stat, window, minPeriods }: RollingArgs): FeatureState {
  const share = QUANTILES[stat] ?? 0.5;
  const ordered = new OrderedValues();
  let queue: { readonly key: number; readonly value: number }[] = [];
  let oldest = 0;
  return {
    push(row: StateRow) {
      const { key, least } = windowKey(window, row);
      const value = row.number(column);
      if (!Number.isNaN(value)) {
        queue.push({ key, value });
        ordered.insert(value);
      }
      for (let entry = queue[oldest]; entry !== undefined && entry.key < least; entry = queue[++oldest])
        ordered.remove(entry.value);
      if (oldest > queue.length >> 1) {
        queue = queue.slice(oldest);
        oldest = 0;
      }
      if (ordered.size < minPeriods) return Number.NaN;
      // Type 7, as `quantile` of the numerics.
      const place = (ordered.size - 1) * share;
      const low = Math.floor(place);
      const value7 = ordered.at(low);
      return value7 + (place - low) * (ordered.at(Math.min(low + 1, ordered.size - 1)) - value7);
    },
  };
}

/** The definition of each statistic on plain arrays. */
function statOf(args: RollingArgs, window: { x: number[]; y: number[] }): number {
  const { stat, minPeriods } = args;
  const values = window.y.filter((v) => !Number.isNaN(v));
  if (stat === "count") return values.length;
  if (values.length < minPeriods) return Number.NaN;
  const quantile = QUANTILES[stat];
  if (quantile !== undefined) return quantileOf(values, quantile);
  if (stat === "sum") return sumOf(values);
  if (stat === "std") return stdOf(values);
  if (stat === "min") return Math.min(...values);
  if (stat === "max") return Math.max(...values);
  if (stat === "mean") return sumOf(values) / values.length;
  return plainSlope(window);
}

function plainSlope({ x, y }: { x: number[]; y: number[] }): number {
  const rows = x.map((_, i) => i).filter((i) => !Number.isNaN(y[i]));
  const xs = rows.map((i) => x[i] ?? 0);
  const ys = rows.map((i) => y[i] ?? 0);
  const meanX = sumOf(xs) / xs.length;
  const shift = ys[0] ?? 0;
  const meanY = sumOf(ys.map((v) => v - shift)) / ys.length;
  const spread = sumOf(xs.map((v) => (v - meanX) ** 2));
  const cross = sumOf(xs.map((v, i) => (v - meanX) * ((ys[i] ?? 0) - shift - meanY)));
  return xs.length < 2 || xs.every((v) => v === xs[0]) ? Number.NaN : cross / spread;
}
