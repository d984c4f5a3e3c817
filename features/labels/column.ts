import { numberLiteral, quoteIdentifier, quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import type { FeatureView } from "../feature-view.ts";
import { cleanSql, onlyWhen } from "../sql-text.ts";
import type { SqlEngine } from "../sql-engine.ts";
import type { LabelPlan } from "./label-plan.ts";
import type { LabelContext, LabelSql } from "./label-sql.ts";

type ColumnLabel = Extract<LabelPlan, { kind: "column" }>;

/** Alias of the label column in the base layer. */
export const LABEL_ALIAS = "__label";

/** A class code, or a number as it stands. A class that is not among the class labels is unlabelled. */
export function columnLabelSql(label: ColumnLabel, context: LabelContext): LabelSql {
  if (label.target === "number") return { y: LABEL_ALIAS, raw: LABEL_ALIAS };
  const y = label.positive === undefined ? codeSql(label, context.classLabels) : positiveSql(label);
  return { y, raw: y };
}

/** The label column as the base layer selects it. */
export function labelColumnSql(label: ColumnLabel): string {
  const column = quoteIdentifier(label.physical);
  return label.isText ? column : cleanSql(column);
}

function positiveSql({ positive = "" }: ColumnLabel): string {
  const value = typeof positive === "string" ? quoteLiteral(positive) : numberLiteral(positive);
  return onlyWhen(`${LABEL_ALIAS} IS NOT NULL`, `CASE WHEN ${LABEL_ALIAS} = ${value} THEN 1e0 ELSE 0e0 END`);
}

function codeSql({ isText }: ColumnLabel, classLabels: readonly string[]): string {
  if (classLabels.length === 0) return "NULL::DOUBLE";
  const values = classLabels.map((v) => (isText ? quoteLiteral(v) : numberLiteral(Number(v))));
  return `CAST(list_position([${values.join(", ")}], ${LABEL_ALIAS}) - 1 AS DOUBLE)`;
}

/**
 * Class labels in code order: text in code-unit order, numbers ascending. Two-class labels with a positive value
 * are `["not <positive>", "<positive>"]`, so that the class index is the label.
 *
 * @param paths     all Parquet parts of the readings
 * @param condition SQL over a reading that says whether it may be learnt from; default: all may
 * @returns undefined when the label is no class
 */
export async function learnClassLabels(
  engine: SqlEngine,
  view: FeatureView,
  paths: readonly string[],
  condition = "true",
): Promise<string[] | undefined> {
  const { label } = view;
  if (label.kind !== "column" || label.target !== "class") return undefined;
  if (label.positive !== undefined) return [`not ${label.positive}`, String(label.positive)];
  const table = await engine.columns(
    `SELECT DISTINCT ${labelColumnSql(label)} AS value FROM ${await engine.parquet(paths)} WHERE value IS NOT NULL AND (${condition})`,
  );
  const values = [...(table.columns["value"] ?? [])];
  if (label.isText) return values.map(String).sort();
  return values
    .map(Number)
    .sort((a, b) => a - b)
    .map(String);
}

/** Readings that have a class which is not among the class labels, and so are unlabelled. */
export async function countUnseenClass(
  engine: SqlEngine,
  view: FeatureView,
  given: { readonly paths: readonly string[]; readonly classLabels: readonly string[] },
): Promise<number> {
  const { label } = view;
  if (label.kind !== "column" || label.target !== "class" || label.positive !== undefined) return 0;
  const table = await engine.columns(
    `SELECT count(*)::DOUBLE AS n FROM (SELECT ${labelColumnSql(label)} AS ${LABEL_ALIAS} FROM ${await engine.parquet(given.paths)})` +
      ` WHERE ${LABEL_ALIAS} IS NOT NULL AND (${codeSql(label, given.classLabels)}) IS NULL`,
  );
  return Number(table.columns["n"]?.[0] ?? 0);
}
