import type { FittedState } from "../schemas/data/feature-set.ts";
import { numberLiteral, quoteIdentifier } from "../schemas/text/sql-quoting.ts";
import { formulaSql } from "./expression/formula-sql.ts";
import { parseFormula } from "./expression/parser.ts";
import type { FeatureView, ViewColumn } from "./feature-view.ts";
import { LABEL_ALIAS, labelColumnSql } from "./labels/column.ts";
import { cleanSql } from "./sql-text.ts";

/** Alias of the weight of a row, in the base layer and in the feature set. */
export const WEIGHT_ALIAS = "__weight";

/** The rows every operator starts from, and the aliases of their columns. */
export interface BaseLayer {
  readonly sql: string;
  /** Numeric columns after expressions and regimes: name → alias. */
  readonly numbers: ReadonlyMap<string, string>;
  /** Columns used as categories, as text: name → alias. */
  readonly texts: ReadonlyMap<string, string>;
}

export interface BaseLayerInput {
  readonly view: FeatureView;
  readonly fitted: FittedState;
  /** Table expression of the readings. */
  readonly readings: string;
  readonly hasLabel: boolean;
}

/**
 * Keys and cleaned columns, then expressions, then regimes: sensors standardised by the mean and scale of the
 * operating regime of their reading, before any window is taken. Expressions use the physical values.
 */
export function baseLayer({ view, fitted, readings, hasLabel }: BaseLayerInput): BaseLayer {
  const numbers = new Map<string, string>();
  const texts = new Map<string, string>();
  const selected = ["__asset", "__t", "__seq", "__part"];
  const categories = categoryColumns(view);
  view.columns.forEach((column, i) => {
    if (column.type !== "text" && column.type !== "timestamp") {
      numbers.set(column.name, `c${i}`);
      selected.push(`${cleanSql(quoteIdentifier(column.physical))} AS c${i}`);
    }
    if (!categories.has(column.name)) return;
    texts.set(column.name, `t${i}`);
    selected.push(`${textSql(column)} AS t${i}`);
  });
  if (hasLabel && view.label.kind === "column")
    selected.push(`${labelColumnSql(view.label)} AS ${LABEL_ALIAS}`);
  if (hasLabel && view.weight !== undefined)
    selected.push(`${cleanSql(quoteIdentifier(view.weight.physical))} AS ${WEIGHT_ALIAS}`);
  let sql = `SELECT ${selected.join(", ")} FROM ${readings}`;
  view.derived.forEach((column, i) => {
    const formula = formulaSql(parseFormula(column.formula), (name) => numbers.get(name) ?? "NULL::DOUBLE");
    numbers.set(column.name, `x${i}`);
    // A layer each, so that an expression over expressions is not written out again and again.
    sql = `SELECT *, ${cleanSql(formula)} AS x${i} FROM (${sql})`;
  });
  if (fitted.regimes === undefined) return { sql, numbers, texts };
  return { ...regimeLayer({ sql, numbers, texts }, fitted.regimes), texts };
}

/** Columns some category feature reads. */
export function categoryColumns(view: FeatureView): Set<string> {
  return new Set(
    view.features
      .filter((feature) => feature.operator === "category" && "column" in feature.args)
      .map((feature) => (feature.args as { column: string }).column),
  );
}

/** A stored column as the text of its category; whole numbers without a decimal point. */
export function textSql(column: ViewColumn): string {
  const name = quoteIdentifier(column.physical);
  return column.type === "text" ? name : `CAST(TRY_CAST(${name} AS BIGINT) AS VARCHAR)`;
}

type FittedRegimes = NonNullable<FittedState["regimes"]>;

/**
 * Regime of a row: the nearest standardised centre, the first on a tie; missing settings are left out of the
 * distance, and a row with none has no regime, so that its standardised sensors are missing.
 */
function regimeLayer(base: BaseLayer, regimes: FittedRegimes): Omit<BaseLayer, "texts"> {
  const numbers = new Map(base.numbers);
  const alias = (name: string) => base.numbers.get(name) ?? "NULL::DOUBLE";
  const settings = regimes.columns.map(
    (name, j) =>
      `(${alias(name)} - ${numberLiteral(regimes.settingMeans[j] ?? 0)}) / ${numberLiteral(regimes.settingScales[j] ?? 1)} AS z${j}`,
  );
  const distances = regimes.centres.map((centre) =>
    centre
      .map(
        (value, j) => `coalesce((z${j} - ${numberLiteral(value)}) * (z${j} - ${numberLiteral(value)}), 0e0)`,
      )
      .join(" + "),
  );
  const known = `coalesce(${regimes.columns.map((_, j) => `z${j}`).join(", ")}) IS NOT NULL`;
  const normalized = regimes.normalized.map((name, j) => {
    const list = (rows: readonly (readonly number[])[]) =>
      `([${rows.map((row) => numberLiteral(row[j] ?? 0)).join(", ")}])[__regime]`;
    numbers.set(name, `n${j}`);
    return `(${alias(name)} - ${list(regimes.means)}) / ${list(regimes.scales)} AS n${j}`;
  });
  const measured = `SELECT *, [${distances.join(", ")}] AS __distances FROM (SELECT *, ${settings.join(", ")} FROM (${base.sql}))`;
  const assigned = `SELECT * EXCLUDE (__distances), CASE WHEN ${known} THEN list_position(__distances, list_min(__distances)) END AS __regime FROM (${measured})`;
  return { sql: `SELECT ${["*", ...normalized].join(", ")} FROM (${assigned})`, numbers };
}
