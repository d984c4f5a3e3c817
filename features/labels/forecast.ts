import type { LabelContext, LabelSql } from "./label-sql.ts";
import type { ForecastPlan, HorizonPlan } from "./label-plan.ts";

/** Physical names of a forecast's targets and naive forecasts in a feature set, one each per horizon. */
export function targetColumns(nHorizons: number): { readonly targets: string[]; readonly naive: string[] } {
  const names = (prefix: string) => Array.from({ length: nHorizons }, (_, h) => `${prefix}${h}`);
  return { targets: names("__target"), naive: names("__naive") };
}

/**
 * What the column will be at each horizon.
 *
 * `value`: that of the reading nearest to t + horizon, of two equally near the earlier one, when it is within the
 * tolerance. `mean`, `min`, `max`: over the readings in (t, t + horizon], when the asset is observed until then. NULL
 * otherwise, and where the column has no value now: a forecast begins there.
 *
 * Beside it the naive forecast: the value now, or that of the last season which is over at t.
 */
export function forecastLabelSql(label: ForecastPlan, context: LabelContext): LabelSql {
  const { plan } = context;
  const now = `b.${plan.column(label.column)}`;
  const known = (sql: string) => `CASE WHEN ${now} IS NOT NULL THEN ${sql} END`;
  const { targets, naive } = targetColumns(label.horizons.length);
  const ahead = label.horizons.map((horizon) =>
    known(
      label.statistic === "value" ? valueAt(label, horizon, context) : statisticOf(label, horizon, context),
    ),
  );
  const more = [
    ...ahead.map((sql, h) => ({ name: targets[h] as string, sql })),
    ...label.horizons.map((horizon, h) => ({
      name: naive[h] as string,
      sql: known(`coalesce(${seasonAgo(label, horizon, context)}, ${now})`),
    })),
  ];
  const y = `coalesce(${ahead.join(", ")})`;
  return { y, raw: y, more };
}

/** Readings with a value, as something to join; the alias of the value is `c`. */
function readings({ column }: ForecastPlan, { plan }: LabelContext): string {
  const alias = plan.column(column);
  return `(SELECT __asset, __t AS at_t, ${alias} AS c FROM ${plan.readings()} WHERE ${alias} IS NOT NULL)`;
}

function valueAt(label: ForecastPlan, { span, tolerance }: HorizonPlan, context: LabelContext): string {
  const from = readings(label, context);
  const nearest = (comparison: "<=" | ">=") =>
    context.plan.join(
      (name) =>
        `ASOF LEFT JOIN ${from} AS ${name} ON b.__asset = ${name}.__asset AND b.__t + ${span} ${comparison} ${name}.at_t`,
    );
  const [before, after] = [nearest(">="), nearest("<=")];
  const early = `(b.__t + ${span} - ${before}.at_t)`;
  const late = `(${after}.at_t - b.__t - ${span})`;
  return (
    `CASE WHEN ${early} <= ${tolerance} AND ${early} <= coalesce(${late}, ${early}) THEN ${before}.c` +
    ` WHEN ${late} <= ${tolerance} THEN ${after}.c END`
  );
}

const AGGREGATES = { mean: "avg", min: "min", max: "max" } as const;

function statisticOf(
  { column, statistic }: ForecastPlan,
  { span, tolerance }: HorizonPlan,
  { plan }: LabelContext,
): string {
  if (statistic === "value") throw new RangeError("statistic must be one of several readings, got value");
  const value = plan.ahead(`${AGGREGATES[statistic]}(${plan.column(column)})`, span);
  return `CASE WHEN ${plan.ahead("max(__t)", span)} >= b.__t + ${span - tolerance} THEN ${value} END`;
}

/** The value at the horizon, one or more whole seasons earlier; NULL where no reading is near. */
function seasonAgo(label: ForecastPlan, { span, tolerance }: HorizonPlan, context: LabelContext): string {
  const { season } = label;
  if (season === undefined) return "NULL::DOUBLE";
  const back = Math.ceil(span / season) * season - span;
  const name = context.plan.join(
    (joined) =>
      `ASOF LEFT JOIN ${readings(label, context)} AS ${joined} ON b.__asset = ${joined}.__asset AND b.__t - ${back} >= ${joined}.at_t`,
  );
  const near = Math.max(tolerance, Math.floor(season / 10));
  return `CASE WHEN b.__t - ${back} - ${name}.at_t <= ${near} THEN ${name}.c END`;
}
