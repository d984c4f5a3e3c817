/**
 * The checks of one row, as SQL: every cell is read as text, converted by TRY_CAST, and the first check that fails
 * gives the row its error number. Names of users are only ever literals in messages, never identifiers.
 */
import type { Column, Source, SourceTime } from "../../schemas/pipeline/source.ts";
import { isOneOfSql, numberLiteral, quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import { clockGaps } from "./clock-gaps.ts";

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
  /** Column of the file that the check is about. */
  readonly column?: string;
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
  /** The data may hold `_`, which DuckDB would accept in numbers: numbers must be searched for it. */
  readonly mayHoldUnderscore: boolean;
}

/**
 * A converted cell and what can be wrong with it.
 *
 * The checks are kept apart by what they cost: in a SELECT list DuckDB evaluates both sides of an AND for every row,
 * but a branch of a CASE only for the rows that reach it. Text is therefore looked at again only where no value came
 * of it.
 */
export interface CheckedCell {
  readonly value: string;
  /** Column name of the value in the next level of the query. */
  readonly name: string;
  readonly raw: string;
  /** Text that is there but gives no value, unless `unreadWhen` is false for it. */
  readonly unread?: RowError;
  readonly unreadWhen?: string;
  /** Nothing is there. */
  readonly missing?: RowError;
  /** Checks of a value that is there, in order: true = bad. */
  readonly checks: readonly { readonly when: string; readonly error: RowError }[];
}

/** Largest integer that a double and JavaScript hold exactly. */
const MAX_INTEGER = "9007199254740991";

/** A declared column: value in its stored type and the checks of type, range, values and presence. */
export function checkedColumn(column: Column, cell: Cell, context: CheckContext, name: string): CheckedCell {
  const checks: { when: string; error: RowError }[] = [];
  const errorOf = (code: QuarantineCode, expected: string): RowError => ({
    code,
    message: `${column.name}: expected ${expected}`,
    column: column.name,
  });
  const isNumeric = column.type === "float" || column.type === "integer";
  if (isNumeric)
    checks.push({ when: `NOT isfinite(${name})`, error: errorOf("not_finite", "a finite number") });
  if (column.type === "integer") {
    const when = `${name} <> floor(${name}) OR abs(${name}) > ${MAX_INTEGER}`;
    checks.push({ when, error: errorOf("not_a_number", "a whole number") });
  }
  if (column.range !== undefined) {
    const [lo, hi] = column.range;
    const unit = column.unit === undefined ? "" : ` ${column.unit}`;
    const when = `NOT (${name} BETWEEN ${numberLiteral(lo)} AND ${numberLiteral(hi)})`;
    checks.push({ when, error: errorOf("out_of_range", `${lo} to ${hi}${unit}`) });
  }
  if (column.values !== undefined) {
    const list = column.values.slice(0, 10).join(", ");
    checks.push({
      when: `NOT ${isOneOfSql(name, column.values)}`,
      error: errorOf("unknown_value", `one of ${list}`),
    });
  }
  const unread = {
    float: errorOf("not_a_number", "a number"),
    integer: errorOf("not_a_number", "a whole number"),
    boolean: errorOf("unknown_value", "true or false"),
    timestamp: errorOf("bad_time", "a point in time"),
    text: undefined,
  }[column.type];
  return {
    value: valueSql(column.type, cell, context),
    name,
    raw: cell.sql,
    ...(unread === undefined ? {} : { unread, unreadWhen: isNotNullText(cell, context) }),
    ...(column.nullable ? {} : { missing: errorOf("missing_required", "a value") }),
    checks,
  };
}

/** The asset id: 1 to 128 bytes with its prefix. */
export function checkedAsset(column: string, cell: Cell, prefix: string): CheckedCell {
  const text = cell.form === "text" ? cell.sql : `CAST(${cell.sql} AS VARCHAR)`;
  const missing: RowError = { code: "missing_required", message: `${column}: expected an asset id`, column };
  const message = `${column}: expected an id of at most 128 bytes without NUL`;
  return {
    value: prefix === "" ? text : `${quoteLiteral(prefix)} || ${text}`,
    name: "__asset",
    raw: cell.sql,
    missing,
    checks: [
      { when: "__asset = ''", error: missing },
      { when: "strlen(__asset) > 128", error: { code: "id_too_long", message, column } },
    ],
  };
}

/** Time as BIGINT: microseconds since 1970 UTC, or the cycle. */
export function checkedTime(time: SourceTime, cell: Cell, context: CheckContext): CheckedCell {
  const { column } = time;
  const expected = expectedTime(time);
  const bad: RowError = { code: "bad_time", message: `${column}: expected ${expected}`, column };
  const skipped = `${column}: expected a time that the clocks of ${time.timezone} show; they skip this one`;
  return {
    value: time.kind === "cycle" ? cycleSql(cell, context) : timestampSql(cell, time, context),
    name: "__t",
    raw: cell.sql,
    unread: bad,
    unreadWhen: isNotNullText(cell, context),
    missing: { code: "missing_required", message: `${column}: expected ${expected}`, column },
    checks: [
      { when: `abs(__t) > ${MAX_INTEGER}`, error: bad },
      ...skippedTimeSql(cell, time).map((when) => ({
        when,
        error: { code: "bad_time" as const, message: skipped, column },
      })),
    ],
  };
}

/** How a time must be written, as declared. */
export function expectedTime(time: SourceTime): string {
  if (time.kind === "cycle") return "a whole cycle number";
  if (time.epochUnit !== undefined) return `a number of ${time.epochUnit} since 1970`;
  if (time.format !== undefined) return `a point in time in the format '${time.format}'`;
  return "a point in time in ISO 8601, as no format is declared";
}

/**
 * Where clocks go forward an hour is no time: the database would take it for the one beside it. None in UTC. To ask
 * the clock for every row would cost more than all other checks; only rows beside such a moment are asked.
 */
function skippedTimeSql(cell: Cell, time: SourceTime): string[] {
  const { kind, format, epochUnit, timezone } = time;
  if (kind === "cycle" || cell.form !== "text" || epochUnit !== undefined || timezone === "UTC") return [];
  if (format !== undefined && /%[zZ]/.test(format)) return [];
  const gaps = clockGaps(timezone);
  if (gaps.length === 0) return [];
  const isNear = gaps.map((g) => `__t BETWEEN ${g.at - g.width} AND ${g.at + g.width}`).join(" OR ");
  const text = textOf(cell);
  const shown = `timezone(${quoteLiteral(timezone)}, make_timestamptz(__t))`;
  const asked = (sql: string): string[] => [`CASE WHEN ${isNear} THEN ${sql} ELSE false END`];
  if (format !== undefined) return asked(`${shown} <> try_strptime(${text}, ${quoteLiteral(format)})`);
  const isLocal = `NOT suffix(${text}, 'Z') AND NOT (${hasOffsetSql(text)})`;
  return asked(`CASE WHEN ${isLocal} THEN ${shown} <> TRY_CAST(${text} AS TIMESTAMP) ELSE false END`);
}

function hasOffsetSql(text: string): string {
  return `length(${text}) > 10 AND (${text}[-6] IN ('+', '-') OR ${text}[-5] IN ('+', '-') OR ${text}[-3] IN ('+', '-'))`;
}

/** SQL of the number of the first failing check of a cell, NULL when it is good. */
export function errorSql(cell: CheckedCell, numberOf: (error: RowError) => number): string {
  const missing = cell.missing === undefined ? "NULL" : String(numberOf(cell.missing));
  const unread =
    cell.unread === undefined ? "" : ` WHEN ${cell.unreadWhen ?? "true"} THEN ${numberOf(cell.unread)}`;
  const ofNull = `CASE WHEN ${cell.raw} IS NULL THEN ${missing}${unread} ELSE ${missing} END`;
  const ofValue = cell.checks.map((c) => ` WHEN ${c.when} THEN ${numberOf(c.error)}`).join("");
  return `CASE WHEN ${cell.name} IS NULL THEN ${ofNull}${ofValue} END`;
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
  const refused = [
    ...(context.mayHoldUnderscore ? [`contains(${text}, '_')`] : []),
    ...(context.decimal === "," ? [`contains(${text}, '.')`] : []),
  ];
  const number = context.decimal === "," ? `replace(${text}, ',', '.')` : text;
  const cast = `TRY_CAST(${number} AS DOUBLE)`;
  return refused.length === 0 ? cast : `CASE WHEN ${refused.join(" OR ")} THEN NULL ELSE ${cast} END`;
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
  const utc = `epoch_us(TRY_CAST(${text} AS TIMESTAMP))`;
  const startsWithDigit = `${text}[1] BETWEEN '0' AND '9'`;
  const other = `CASE WHEN NOT (${startsWithDigit}) THEN NULL WHEN ${hasOffsetSql(text)} THEN epoch_us(TRY_CAST(${text} AS TIMESTAMPTZ)) ELSE ${local(`TRY_CAST(${text} AS TIMESTAMP)`)} END`;
  return `CASE WHEN suffix(${text}, 'Z') THEN ${utc} ELSE ${other} END`;
}

function textOf(cell: Cell): string {
  return cell.form === "text" ? cell.sql : `CAST(${cell.sql} AS VARCHAR)`;
}

/** Cells of blanks around a null word are missing as well; tested only where the conversion failed. */
function isNotNullText(cell: Cell, context: CheckContext): string {
  if (cell.form !== "text") return "true";
  return `NOT ${isOneOfSql(`trim(${cell.sql})`, ["", ...context.nullValues])}`;
}

/** Whether a source's rows must be unique, and by what. */
export function uniqueKeyOf(source: Source): "asset_time" | "asset" | "row" | "none" {
  const { role, asset, time } = source;
  if (role === "events") return "row";
  if (asset === undefined) return "none";
  if (time !== undefined) return "asset_time";
  return role === "attributes" || role === "labels" ? "asset" : "none";
}
