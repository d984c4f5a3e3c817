import { numberLiteral, quoteIdentifier, quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import { onlyWhen } from "../sql-text.ts";
import type { EndPlan, LabelPlan, RemainingLifeTable } from "./label-plan.ts";
import { keepsCensored, timeUnitsPer } from "./label-plan.ts";
import { censoredRulSql, rulSql } from "./label-sql.ts";
import type { LabelContext, LabelSql } from "./label-sql.ts";

/**
 * Remaining life counted back from the end of the asset's series.
 *
 *   remaining(t) = last time of the asset − t + remaining life after its last reading
 *
 * Parts that no end names are unlabelled. The first end that names the part counts. Of an asset that had not failed
 * remaining(t) is NULL, and the time to its last reading a lower bound.
 */
export function endOfLifeSql(
  label: Extract<LabelPlan, { kind: "end_of_life" }>,
  context: LabelContext,
): LabelSql {
  const { plan, view } = context;
  const last = plan.window("max(__t)", "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING");
  const cases = label.ends.map((end) => `WHEN ${partCondition(end)} THEN ${afterLast(end, context)}`);
  const remaining = `(${last} - b.__t + CASE ${cases.join(" ")} END)`;
  const isRunning = label.ends.map(
    (end) => `WHEN ${partCondition(end)} THEN ${String(end.at === "not_failed")}`,
  );
  const seen = `CASE WHEN CASE ${isRunning.join(" ")} END THEN ${last} - b.__t END`;
  if (label.target.task === "rul") {
    if (!keepsCensored(label)) return rulSql(remaining, label.target, view);
    return censoredRulSql({ remaining, seen: `(${seen})` }, label.target, view);
  }
  const { horizon } = label.target;
  const known = onlyWhen(
    `${remaining} IS NOT NULL`,
    `CASE WHEN ${remaining} BETWEEN 0 AND ${horizon} THEN 1e0 ELSE 0e0 END`,
  );
  // Seen for as long as the horizon, it did not fail within it.
  const y = label.ends.some(({ at }) => at === "not_failed")
    ? `CASE WHEN (${seen}) >= ${horizon} THEN 0e0 ELSE ${known} END`
    : known;
  return { y, raw: y };
}

function partCondition(end: EndPlan): string {
  return end.parts === undefined ? "true" : `b.__part IN (${end.parts.map(quoteLiteral).join(", ")})`;
}

/** Remaining life after the last reading, in units of `__t`. */
function afterLast(end: EndPlan, context: LabelContext): string {
  if (end.at === "last_reading") return "0";
  if (end.at === "not_failed") return "NULL";
  const table = end.at;
  const name = context.plan.join((joined) =>
    table.match === "asset" ? byAsset(table, context, joined) : byRowNumber(table, context, joined),
  );
  return `${name}.life * ${numberLiteral(timeUnitsPer(context.view.timeKind))}`;
}

function byAsset(table: RemainingLifeTable, { plan }: LabelContext, name: string): string {
  const life = `arg_max(${quoteIdentifier(table.physical)}, __seq) AS life`;
  return `LEFT JOIN (SELECT __asset, ${life} FROM ${plan.table(table.source)} GROUP BY __asset) AS ${name} ON b.__asset = ${name}.__asset`;
}

/**
 * The n-th row of the table belongs to the n-th asset of its part, in numeric order of the digits that end the id.
 * Rows are numbered within their own part when the table has several, else all together.
 */
function byRowNumber(table: RemainingLifeTable, { plan, allReadings }: LabelContext, name: string): string {
  const digits = "TRY_CAST(nullif(regexp_extract(__asset, '(\\d+)$', 1), '') AS HUGEINT)";
  const assets =
    `SELECT __asset, __part, row_number() OVER (PARTITION BY __part ORDER BY ${digits} NULLS LAST, __asset) AS n` +
    ` FROM (SELECT DISTINCT __asset, __part FROM ${allReadings})`;
  const rows =
    `SELECT __part, ${quoteIdentifier(table.physical)} AS life, row_number() OVER (PARTITION BY __part ORDER BY __seq) AS n,` +
    ` min(__part) OVER () = max(__part) OVER () AS is_only_part FROM ${plan.table(table.source)}`;
  return (
    `LEFT JOIN (SELECT a.__asset, a.__part, r.life FROM (${assets}) AS a JOIN (${rows}) AS r` +
    ` ON a.n = r.n AND (r.is_only_part OR a.__part = r.__part)) AS ${name}` +
    ` ON b.__asset = ${name}.__asset AND b.__part = ${name}.__part`
  );
}
