/**
 * The checks of one row, as SQL: every cell is read as text, converted by TRY_CAST, and the first check that fails
 * gives the row its error number. Names of users are only ever literals in messages, never identifiers.
 */
import type { Column, Source, SourceTime } from "../../schemas/pipeline/source.ts";
import { numberLiteral, quoteLiteral } from "../../schemas/sql-quoting.ts";

/** Codes of the quarantine; stable. */
export type QuarantineCode =
  | "not_a_number"
  | "out_of_range"
  | "missing_required"
  | "bad_time"
  | "duplicate"
  | "out_of_order"
  | "unknown_value"
  | "wrong_columns"
  | "id_too_long"
  | "not_finite";

/** What an error number of a staged row means. */
export interface RowError {
  readonly code: QuarantineCode;
  readonly message: string;
}

/** A cell as the reader gives it. */
export interface Cell {
  /** SQL expression; NULL = missing. */
  readonly sql: string;
  /** `text` must be converted; `number`, `boolean` and `time` come typed, from Parquet. */
  readonly form: "text" | "number" | "boolean" | "time";
}

export interface CheckContext {
  readonly decimal: "." | ",";
  readonly nullValues: readonly string[];
}

/** A converted cell and its checks in order: SQL condition (true = bad, never on NULL results) and meaning. */
export interface CheckedCell {
  readonly value: string;
  readonly checks: readonly { readonly when: string; readonly error: RowError }[];
}

/** Largest integer that a double and JavaScript hold exactly. */
const MAX_INTEGER = "9007199254740991";

/** A declared column: value in its stored type and the checks of type, range, values and presence. */
export function checkedColumn(column: Column, cell: Cell, context: CheckContext, value: string): CheckedCell {
  const name = column.name;
  const checks: { when: string; error: RowError }[] = [];
  const add = (when: string, code: QuarantineCode, expected: string): void => {
    checks.push({ when, error: { code, message: `${name}: expected ${expected}` } });
  };
  const isUnread = `${cell.sql} IS NOT NULL AND ${value} IS NULL AND ${isNotNullText(cell, context)}`;
  if (column.type === "float") {
    add(isUnread, "not_a_number", "a number");
    add(`NOT isfinite(${value})`, "not_finite", "a finite number");
  } else if (column.type === "integer") {
    const isWhole = `${value} = floor(${value}) AND abs(${value}) <= ${MAX_INTEGER}`;
    add(isUnread, "not_a_number", "a whole number");
    add(`NOT isfinite(${value})`, "not_finite", "a finite number");
    add(`NOT (${isWhole})`, "not_a_number", "a whole number");
  } else if (column.type === "boolean") add(isUnread, "unknown_value", "true or false");
  else if (column.type === "timestamp") add(isUnread, "bad_time", "a point in time");
  if (column.range !== undefined) {
    const [lo, hi] = column.range;
    const unit = column.unit === undefined ? "" : ` ${column.unit}`;
    add(
      `NOT (${value} BETWEEN ${numberLiteral(lo)} AND ${numberLiteral(hi)})`,
      "out_of_range",
      `${lo} to ${hi}${unit}`,
    );
  }
  if (column.values !== undefined) {
    const allowed = column.values.map(quoteLiteral).join(", ");
    add(
      `NOT (${value} IN (${allowed || "''"}))`,
      "unknown_value",
      `one of ${column.values.slice(0, 10).join(", ")}`,
    );
  }
  if (!column.nullable) add(`${value} IS NULL`, "missing_required", "a value");
  return { value: valueSql(column.type, cell, context), checks };
}

/** The asset id: 1 to 128 bytes with its prefix. */
export function checkedAsset(name: string, cell: Cell, prefix: string, value: string): CheckedCell {
  const text = cell.form === "text" ? cell.sql : `CAST(${cell.sql} AS VARCHAR)`;
  return {
    value: prefix === "" ? text : `${quoteLiteral(prefix)} || ${text}`,
    checks: [
      {
        when: `${value} IS NULL OR ${value} = ''`,
        error: { code: "missing_required", message: `${name}: expected an asset id` },
      },
      {
        when: `strlen(${value}) > 128 OR contains(${value}, chr(0))`,
        error: { code: "id_too_long", message: `${name}: expected an id of at most 128 bytes without NUL` },
      },
    ],
  };
}

/** Time as BIGINT: microseconds since 1970 UTC, or the cycle. */
export function checkedTime(time: SourceTime, cell: Cell, context: CheckContext, value: string): CheckedCell {
  const expected = time.kind === "cycle" ? "a whole cycle number" : "a point in time";
  return {
    value: time.kind === "cycle" ? cycleSql(cell, context) : timestampSql(cell, time, context),
    checks: [
      {
        when: `${cell.sql} IS NULL`,
        error: { code: "missing_required", message: `${time.column}: expected ${expected}` },
      },
      {
        when: `${value} IS NULL OR abs(${value}) > ${MAX_INTEGER}`,
        error: { code: "bad_time", message: `${time.column}: expected ${expected}` },
      },
    ],
  };
}

function valueSql(type: Column["type"], cell: Cell, context: CheckContext): string {
  switch (type) {
    case "float":
    case "integer":
      return numberSql(cell, context);
    case "boolean":
      return booleanSql(cell);
    case "timestamp":
      return timestampSql(cell, { timezone: "UTC" }, context);
    case "text":
      return cell.form === "text" ? cell.sql : `CAST(${cell.sql} AS VARCHAR)`;
    default:
      return type satisfies never;
  }
}

/** DuckDB also reads `1_000` and, with a decimal comma, would read `1.5`; neither is a number here. */
function numberSql(cell: Cell, context: CheckContext): string {
  if (cell.form === "number" || cell.form === "boolean") return `CAST(${cell.sql} AS DOUBLE)`;
  const text = textOf(cell);
  if (context.decimal === ".") {
    return `CASE WHEN contains(${text}, '_') THEN NULL ELSE TRY_CAST(${text} AS DOUBLE) END`;
  }
  return `CASE WHEN contains(${text}, '_') OR contains(${text}, '.') THEN NULL ELSE TRY_CAST(replace(${text}, ',', '.') AS DOUBLE) END`;
}

function booleanSql(cell: Cell): string {
  if (cell.form === "boolean" || cell.form === "number") {
    return `CASE WHEN CAST(${cell.sql} AS DOUBLE) IN (0, 1) THEN CAST(${cell.sql} AS DOUBLE) END`;
  }
  const text = `lower(trim(${textOf(cell)}))`;
  const yes = "'true', 't', 'yes', 'y', '1'";
  const no = "'false', 'f', 'no', 'n', '0'";
  return `CASE WHEN ${text} IN (${yes}) THEN 1::DOUBLE WHEN ${text} IN (${no}) THEN 0::DOUBLE END`;
}

function cycleSql(cell: Cell, context: CheckContext): string {
  const number = numberSql(cell, context);
  return `CASE WHEN isfinite(${number}) AND ${number} = floor(${number}) THEN TRY_CAST(${number} AS BIGINT) END`;
}

function timestampSql(
  cell: Cell,
  time: Pick<SourceTime, "timezone" | "format" | "epochUnit">,
  context: CheckContext,
): string {
  if (cell.form === "time") return `epoch_us(${cell.sql})`;
  if (time.epochUnit !== undefined) {
    const scale = { s: "1e6", ms: "1e3", us: "1e0" }[time.epochUnit];
    return `TRY_CAST(round(${numberSql(cell, context)} * ${scale}) AS BIGINT)`;
  }
  const text = textOf(cell);
  const local = (sql: string): string =>
    time.timezone === "UTC"
      ? `epoch_us(${sql})`
      : `epoch_us(timezone(${quoteLiteral(time.timezone)}, ${sql}))`;
  if (time.format !== undefined) {
    const parsed = `try_strptime(${text}, ${quoteLiteral(time.format)})`;
    return /%[zZ]/.test(time.format) ? `epoch_us(${parsed})` : local(parsed);
  }
  // ISO 8601. TIMESTAMP reads a trailing Z as UTC but drops other offsets: those go through TIMESTAMPTZ.
  const hasOffset = `length(${text}) > 10 AND (${text}[-6] IN ('+', '-') OR ${text}[-5] IN ('+', '-') OR ${text}[-3] IN ('+', '-'))`;
  const startsWithDigit = `${text}[1] BETWEEN '0' AND '9'`;
  return `CASE WHEN NOT (${startsWithDigit}) THEN NULL WHEN ${text}[-1] = 'Z' THEN epoch_us(TRY_CAST(${text} AS TIMESTAMP)) WHEN ${hasOffset} THEN epoch_us(TRY_CAST(${text} AS TIMESTAMPTZ)) ELSE ${local(`TRY_CAST(${text} AS TIMESTAMP)`)} END`;
}

function textOf(cell: Cell): string {
  return cell.form === "text" ? cell.sql : `CAST(${cell.sql} AS VARCHAR)`;
}

/** Cells of blanks around a null word are missing as well; tested only where the conversion failed. */
function isNotNullText(cell: Cell, context: CheckContext): string {
  if (cell.form !== "text") return "true";
  const words = ["", ...context.nullValues].map(quoteLiteral).join(", ");
  return `trim(${cell.sql}) NOT IN (${words})`;
}

/** Whether a source's rows must be unique, and by what. */
export function uniqueKeyOf(source: Source): "asset_time" | "asset" | "row" | "none" {
  const { role, asset, time } = source;
  if (role === "events") return "row";
  if (asset === undefined) return "none";
  if (time !== undefined) return "asset_time";
  return role === "attributes" || role === "labels" ? "asset" : "none";
}
