import type { EventFilter } from "../event-filter.ts";

/** A table of the remaining life after the last reading. */
export interface RemainingLifeTable {
  readonly source: string;
  readonly physical: string;
  readonly match: "row_number" | "asset";
}

export interface EndPlan {
  /** Parts it applies to; absent: all. */
  readonly parts?: readonly string[];
  readonly at: "last_reading" | "not_failed" | RemainingLifeTable;
}

/** What is asked of a label that is a time to failure. Horizon in units of `__t`, cap in `timeUnit`. */
export type LifeTarget =
  | { readonly task: "rul"; readonly cap?: number }
  | { readonly task: "failure_within"; readonly horizon: number };

/** One horizon of a forecast, in units of `__t`. */
export interface HorizonPlan {
  readonly span: number;
  readonly tolerance: number;
}

/** What is forecast of a column; nearest horizon first. */
export interface ForecastPlan {
  readonly kind: "forecast";
  /** Name of a column of the readings or of an expression over them. */
  readonly column: string;
  readonly statistic: "value" | "mean" | "min" | "max";
  readonly horizons: readonly HorizonPlan[];
  /** In units of `__t`. */
  readonly season?: number;
}

/**
 * The label of a view, resolved.
 *
 * - `end_of_life`: remaining life counted back from the end of the series. For `failure_within` a reading at the
 *   very end (remaining 0) counts as failing: 0 ≤ remaining ≤ horizon.
 * - `events`: time to the next failure event after t; for `failure_within` 1 when it lies in (t, t + horizon],
 *   0 when the asset is still observed at t + horizon, otherwise unlabelled. `ignoreAfter`: readings in
 *   [failure, failure + span] are unlabelled. `keepsCensored`: of rows that no failure follows, the time to the last
 *   reading is a lower bound, and where it reaches the cap the label is the cap.
 *   `replacements`: a failure after the next one is that of another life, and the time to it is all that is seen.
 * - `forecast`: later values of a column, one per horizon.
 * - `column`: a class (code = position in the class labels, or 1 for the positive value), or a number to predict.
 */
export type LabelPlan =
  | { readonly kind: "end_of_life"; readonly ends: readonly EndPlan[]; readonly target: LifeTarget }
  | {
      readonly kind: "events";
      readonly failures: EventFilter;
      readonly target: LifeTarget;
      readonly ignoreAfter?: number;
      /** Events that end a life without a failure. */
      readonly replacements?: EventFilter;
      /** Remaining life: rows without a next failure are lower bounds. Absent: they are unlabelled. */
      readonly keepsCensored?: true;
    }
  | {
      readonly kind: "column";
      readonly physical: string;
      readonly isText: boolean;
      readonly target: "number" | "class";
      readonly positive?: string | number;
    }
  | ForecastPlan
  | { readonly kind: "none" };

/** Whether a label says of some rows only what their remaining life exceeds (`__y_least`). */
export function keepsCensored(label: LabelPlan): boolean {
  if (label.kind === "events") return label.keepsCensored === true;
  if (label.kind !== "end_of_life" || label.target.task !== "rul") return false;
  return label.ends.some(({ at }) => at === "not_failed");
}

/** Microseconds in an hour: lives of timestamped assets are counted in hours. */
export const HOUR_US = 3_600_000_000;

/** How many units of `__t` make one unit of a remaining life or an age. */
export function timeUnitsPer(timeKind: "timestamp" | "cycle" | "none"): number {
  return timeKind === "timestamp" ? HOUR_US : 1;
}
