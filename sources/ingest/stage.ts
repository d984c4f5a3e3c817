/**
 * Staging: one file in, one Parquet file out, with every row read (good and bad) in file order.
 *
 * | column | meaning |
 * |---|---|
 * | `__line` | line in the original, NULL in files that are read as they stand |
 * | `__err` | NULL, or the number of the check that failed |
 * | `__text` | the original row when it failed, without what is personal |
 * | `__asset`, `__t`, `v<i>` | converted values |
 */
import type { Source } from "../../schemas/pipeline/source.ts";
import { isOneOfSql, quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import { badFile } from "../files/bad-file.ts";
import type { ResolvedFile } from "../files/resolve-files.ts";
import type { ScannedFile, ScannedText } from "../files/scan-file.ts";
import { countOf } from "./engine.ts";
import type { IngestEngine } from "./engine.ts";
import { hasPersonal, rowTextSql } from "./personal-columns.ts";
import type { RowField } from "./personal-columns.ts";
import { checkedAsset, checkedColumn, checkedTime, errorSql } from "./row-checks.ts";
import type { Cell, CheckedCell, RowError } from "./row-checks.ts";
import { layoutOf, sqlTypeOf } from "./source-layout.ts";

/** Error numbers of one source; grows while files are staged. */
export class ErrorTable {
  readonly errors: RowError[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(error: RowError): number {
    const key = `${error.code}\n${error.message}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const next = this.errors.push(error) - 1;
    this.#numbers.set(key, next);
    return next;
  }
}

export interface StageInput {
  readonly engine: IngestEngine;
  readonly source: Source;
  readonly file: ResolvedFile;
  readonly scanned: ScannedFile;
  readonly errors: ErrorTable;
  readonly path: string;
  readonly signal?: AbortSignal;
}

export interface StagedFile {
  readonly path: string;
  readonly nRows: number;
  readonly missingColumns: readonly string[];
  readonly unknownColumns: readonly string[];
  /** Line of the first row; row n stands in line n + this unless `__line` says otherwise. */
  readonly firstLine: number;
}

interface Relation {
  readonly sql: string;
  readonly cells: ReadonlyMap<string, Cell>;
  /** By position; names may repeat or be empty. */
  readonly fields: readonly RowField[];
  readonly names: readonly string[];
  readonly line: string;
  readonly firstLine: number;
}

/**
 * Writes the staged Parquet of one file.
 *
 * @throws {PlatformError} bad_file: the asset or time column is absent, the bytes are damaged, or the number of rows
 *   is not the number that was counted before
 */
export async function stageFile(input: StageInput): Promise<StagedFile> {
  const { engine, source, file, scanned } = input;
  const relation =
    scanned.kind === "text" ? textRelation(scanned, source) : await parquetRelation(input, scanned.path);
  requireKeys(file.name, source, relation);
  const expected = scanned.kind === "text" ? scanned.nRead - scanned.nBad : undefined;
  if (expected === 0)
    return { path: "", nRows: 0, ...driftOf(source, relation), firstLine: relation.firstLine };
  const select = stageSelect(input, relation);
  const target = `TO ${quoteLiteral(input.path)} (FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE 122880)`;
  await engine.run(`COPY (${select}) ${target}`, signalOf(input)).catch((cause: unknown) => {
    throw readFault(input, cause);
  });
  const [row] = await engine.query(`SELECT count(*) AS n FROM read_parquet(${quoteLiteral(input.path)})`);
  const nRows = countOf(row?.["n"]);
  if (expected !== undefined && nRows !== expected) {
    throw badFile(file.name, { expected: `${expected} rows, as counted`, found: `${nRows} rows when read` });
  }
  if (nRows === 0) throw badFile(file.name, { expected: "rows of data", found: "none" });
  return { path: input.path, nRows, ...driftOf(source, relation), firstLine: relation.firstLine };
}

function signalOf(input: StageInput): { signal?: AbortSignal } {
  return input.signal === undefined ? {} : { signal: input.signal };
}

/** A fault of the database while it reads a file is a fault of the file, unless it was stopped or is out of room. */
function readFault({ file: { name }, source }: StageInput, cause: unknown): unknown {
  if (
    !(cause instanceof Error) ||
    cause.name === "PlatformError" ||
    /Out of Memory|No space/i.test(cause.message)
  ) {
    return cause;
  }
  // Behind its first line the database quotes the data.
  if (hasPersonal(source)) return badFile(name, { expected: "readable data", found: "other bytes" });
  const found = (cause.message.split("\n")[0] ?? "")
    .replaceAll(/["']?\/[^\s"']+["']?/g, "the file")
    .slice(0, 200);
  return badFile(name, { expected: "readable data", found, cause });
}

function textRelation(scanned: ScannedText, source: Source): Relation {
  const { format } = source;
  const physical = scanned.columns.map((_, i) => `c${i}`);
  const all = scanned.isRewritten ? ["line", ...physical] : physical;
  const quote = scanned.isRewritten ? `'"'` : "''";
  const options = [
    "auto_detect = false",
    "header = false",
    // Never by the name: gzip is known by its bytes, and unpacked before.
    "compression = 'none'",
    `skip = ${scanned.skip}`,
    `delim = ${quoteLiteral(scanned.delimiter)}`,
    `quote = ${quote}`,
    `escape = ${quote}`,
    `new_line = ${scanned.newLine === "\n" ? String.raw`'\n'` : String.raw`'\r\n'`}`,
    `nullstr = [${["", ...format.nullValues].map(quoteLiteral).join(", ")}]`,
    "max_line_size = 4194304",
    `columns = {${all.map((c) => `${c}: 'VARCHAR'`).join(", ")}}`,
  ];
  const fields = scanned.columns.map((name, i): RowField => [name, { sql: `c${i}`, form: "text" }]);
  return {
    sql: `read_csv(${quoteLiteral(scanned.path)}, ${options.join(", ")})`,
    cells: new Map(fields),
    fields,
    names: [...scanned.columns, ...scanned.unknownKeys],
    line: scanned.isRewritten ? "CAST(line AS BIGINT)" : "NULL::BIGINT",
    firstLine: scanned.skip + 1,
  };
}

/** The file's own delimiter: a rewritten one has commas. */
function delimiterOf({ format }: Source): string {
  if (format.type !== "csv") return ",";
  return format.delimiter === "whitespace" ? " " : format.delimiter;
}

/** Parquet comes typed: numbers, booleans and times are taken as they are, everything else as text. */
async function parquetRelation(input: StageInput, path: string): Promise<Relation> {
  const from = `read_parquet(${quoteLiteral(path)})`;
  const described = await input.engine
    .query(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${from})`, signalOf(input))
    .catch((cause: unknown) => {
      throw readFault(input, cause);
    });
  const names = described.map((r) => String(r["column_name"]));
  const fields = described.map((r, i): RowField => [
    String(r["column_name"]),
    parquetCell(String(r["column_type"]), i),
  ]);
  const renamed = names.map((_, i) => `c${i}`).join(", ");
  const projected = fields.map(([, c], i) => {
    if (c.form !== "text") return `r.c${i} AS c${i}`;
    const asText = `CAST(r.c${i} AS VARCHAR)`;
    return `CASE WHEN ${isOneOfSql(asText, input.source.format.nullValues)} THEN NULL ELSE ${asText} END AS c${i}`;
  });
  return {
    sql: `(SELECT ${projected.join(", ")} FROM ${from} AS r(${renamed}))`,
    cells: new Map(fields),
    fields,
    names,
    line: "NULL::BIGINT",
    firstLine: 1,
  };
}

function parquetCell(type: string, i: number): Cell {
  const sql = `c${i}`;
  if (/^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\b.*)$/.test(type))
    return { sql, form: "number" };
  if (type === "BOOLEAN") return { sql, form: "boolean" };
  if (/^(TIMESTAMP|DATE)/.test(type)) return { sql, form: "time" };
  return { sql, form: "text" };
}

function requireKeys(name: string, source: Source, relation: Relation): void {
  for (const key of [source.asset, source.time?.column]) {
    if (key === undefined || relation.cells.has(key)) continue;
    const found = `the columns ${relation.names.slice(0, 20).join(", ")}`;
    throw badFile(name, { line: 1, expected: `a column '${key}'`, found });
  }
}

function driftOf(source: Source, relation: Relation): Pick<StagedFile, "missingColumns" | "unknownColumns"> {
  const declared = new Set(source.columns.map((c) => c.name));
  for (const key of [source.asset, source.time?.column]) if (key !== undefined) declared.add(key);
  return {
    missingColumns: source.columns.map((c) => c.name).filter((n) => !relation.cells.has(n)),
    unknownColumns: relation.names.filter((n) => !declared.has(n)),
  };
}

/**
 * All staged rows of a source as one relation: the staged columns, `__file`, `__line`, and `prov`, the number of the
 * row over all files. Constants of a file are written here and not into the file, where they would cost as much as
 * data.
 */
export function stagedSql(files: readonly StagedFile[]): string {
  let base = 0;
  const selects = files.flatMap((file, i) => {
    if (file.nRows === 0) return [];
    const line = `coalesce(__line, file_row_number + ${file.firstLine}) AS __line`;
    const from = `read_parquet(${quoteLiteral(file.path)}, file_row_number = true)`;
    const sql = `SELECT * REPLACE (${line}), ${i} AS __file, file_row_number + ${base} AS prov FROM ${from}`;
    base += file.nRows;
    return [sql];
  });
  return `(${unionAll(selects)})`;
}

/** In groups, because the parser nests a long chain of unions as deep as it is long. */
function unionAll(selects: readonly string[]): string {
  if (selects.length <= 64) return selects.join(" UNION ALL ");
  const size = Math.ceil(selects.length / 64);
  const groups: string[] = [];
  for (let at = 0; at < selects.length; at += size) {
    groups.push(`SELECT * FROM (${unionAll(selects.slice(at, at + size))})`);
  }
  return groups.join(" UNION ALL ");
}

/** Three levels: convert each cell once, find the first failing check, keep the text of the rows that failed. */
function stageSelect(input: StageInput, relation: Relation): string {
  const { source, errors } = input;
  const cells = checkedCells(input, relation);
  const converted = cells.map((cell) => `${cell.value} AS ${cell.name}`);
  const inner = `SELECT *, ${converted.join(", ")} FROM ${relation.sql}`;
  const failures = cells.map((cell) => errorSql(cell, (error) => errors.numberOf(error)));
  const err = failures.length === 0 ? "NULL::INTEGER" : `coalesce(${failures.join(", ")}, NULL)`;
  const middle = `SELECT *, ${err} AS __err FROM (${inner})`;
  const row = rowTextSql(source, relation.fields, delimiterOf(source));
  const text = `CASE WHEN __err IS NOT NULL THEN ${clipped(row)} END`;
  const columns = [
    `${relation.line} AS __line`,
    "CAST(__err AS INTEGER) AS __err",
    `${text} AS __text`,
    source.asset === undefined ? "NULL::VARCHAR AS __asset" : "__asset",
    source.time === undefined ? "NULL::BIGINT AS __t" : "__t",
    ...layoutOf(source).map((c) => c.stored.physical),
  ];
  return `SELECT ${columns.join(", ")} FROM (${middle})`;
}

function checkedCells({ source, file, scanned }: StageInput, relation: Relation): CheckedCell[] {
  const context = {
    decimal: source.format.decimal,
    nullValues: source.format.nullValues,
    mayHoldUnderscore: scanned.kind !== "text" || scanned.mayHoldUnderscore,
  };
  const cells: CheckedCell[] = [];
  const asset = source.asset === undefined ? undefined : relation.cells.get(source.asset);
  if (source.asset !== undefined && asset !== undefined) {
    cells.push(checkedAsset(source.asset, asset, file.assetPrefix));
  }
  const time = source.time === undefined ? undefined : relation.cells.get(source.time.column);
  if (source.time !== undefined && time !== undefined) cells.push(checkedTime(source.time, time, context));
  for (const { column, stored } of layoutOf(source)) {
    const absent: Cell = {
      sql: `NULL::${sqlTypeOf(stored)}`,
      form: stored.type === "text" ? "text" : "number",
    };
    const cell = relation.cells.get(column.name);
    const checked = checkedColumn(column, cell ?? absent, context, stored.physical);
    cells.push(cell === undefined ? { ...checked, value: absent.sql } : checked);
  }
  return cells;
}

/** At most 1 KiB of UTF-8. */
function clipped(sql: string): string {
  return `CASE WHEN strlen(${sql}) <= 1024 THEN ${sql} ELSE left(${sql}, 256) END`;
}
