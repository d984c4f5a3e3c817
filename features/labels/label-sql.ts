import { numberLiteral } from "../../schemas/sql-quoting.ts";
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
  /** More columns of the set, DOUBLE; of forecasts. */
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
