import { numberLiteral } from "../../schemas/text/sql-quoting.ts";
import type { FeatureView } from "../feature-view.ts";
import { onlyWhen } from "../sql-text.ts";
import type { SqlPlan } from "../sql-plan.ts";
import { columnLabelSql } from "./column.ts";
import { endOfLifeSql } from "./end-of-life.ts";
import { eventsLabelSql } from "./events.ts";
import { forecastLabelSql } from "./forecast.ts";
import { timeUnitsPer } from "./label-plan.ts";
import type { LabelPlan, LifeTarget } from "./label-plan.ts";

/** SQL scalars of `__y` and `__y_raw`, DOUBLE, NULL = unlabelled. */
export interface LabelSql {
  readonly y: string;
  readonly raw: string;
  /**
   * More columns of the set, DOUBLE: of forecasts; and `__y_least` of a label that keeps lives that have not ended: what the
   * label exceeds, NULL where it is known.
   */
  readonly more?: readonly { readonly name: string; readonly sql: string }[];
}

export interface LabelContext {
  readonly plan: SqlPlan;
  readonly view: FeatureView;
  /** Class labels in code order; needed by class columns without a positive value. */
  readonly classLabels: readonly string[];
  /** Table expression over all shards of the readings: row-number labels count every asset. */
  readonly allReadings: string;
}

/** The label of a view as SQL. */
export function labelSql(label: LabelPlan, context: LabelContext): LabelSql {
  switch (label.kind) {
    case "end_of_life":
      return endOfLifeSql(label, context);
    case "events":
      return eventsLabelSql(label, context);
    case "column":
      return columnLabelSql(label, context);
    case "forecast":
      return forecastLabelSql(label, context);
    case "none":
      return { y: "NULL::DOUBLE", raw: "NULL::DOUBLE" };
    default:
      return label satisfies never;
  }
}

/**
 * RUL with its cap, of some rows only what it exceeds. A bound that reaches the cap says all that is learnt: the label is
 * the cap then, and its raw value stays unknown. A bound of 0 says nothing.
 *
 * @param remaining SQL of the time to failure in units of `__t`, NULL where it is not known
 * @param seen SQL of the time that the asset was still seen for, NULL where nothing is known
 */
export function censoredRulSql(
  { remaining, seen }: { readonly remaining: string; readonly seen: string },
  target: Extract<LifeTarget, { task: "rul" }>,
  view: FeatureView,
): LabelSql {
  const known = rulSql(remaining, target, view);
  const bound = `CAST(${seen} AS DOUBLE) / ${numberLiteral(timeUnitsPer(view.timeKind))}`;
  const isBound = `${remaining} IS NULL AND ${seen} > 0`;
  const least = (sql: string) => [{ name: "__y_least", sql }];
  if (target.cap === undefined) return { ...known, more: least(onlyWhen(isBound, bound)) };
  const cap = numberLiteral(target.cap);
  return {
    y: `CASE WHEN ${isBound} AND ${bound} >= ${cap} THEN ${cap} ELSE ${known.y} END`,
    raw: known.raw,
    more: least(onlyWhen(`${isBound} AND ${bound} < ${cap}`, bound)),
  };
}

/**
 * RUL with its cap, in hours or cycles.
 *
 * @param remaining SQL of the time to failure in units of `__t`
 */
export function rulSql(
  remaining: string,
  target: Extract<LifeTarget, { task: "rul" }>,
  view: FeatureView,
): LabelSql {
  const raw = `CAST(${remaining} AS DOUBLE) / ${numberLiteral(timeUnitsPer(view.timeKind))}`;
  if (target.cap === undefined) return { y: raw, raw };
  return { y: onlyWhen(`${remaining} IS NOT NULL`, `least(${raw}, ${numberLiteral(target.cap)})`), raw };
}
