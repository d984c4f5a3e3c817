/**
 * What becomes of personal columns (`pii`) while files are ingested: they are not stored (`layoutOf` leaves them out), and
 * where the text of a refused row is kept, for the quarantine and for messages, no personal value stands in it.
 *
 * A refused row is often one whose cells have moved, so that a name stands where a number should. In a source with personal
 * columns a cell is therefore kept only where its own column is declared, is not personal, and could read it. Lines that
 * cannot be taken apart into cells are not kept at all.
 */
import type { StoredColumn } from "../../schemas/data/dataset.ts";
import { MASK } from "../../schemas/personal.ts";
import type { Source } from "../../schemas/pipeline/source.ts";
import { isOneOfSql, quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import type { Cell, QuarantineCode } from "./row-checks.ts";
import { layoutOf } from "./source-layout.ts";

/** A field of a row as it is read: the name of its column, and its cell. */
export type RowField = readonly [name: string, cell: Cell];

export function hasPersonal({ pii }: Source): boolean {
  return pii !== undefined;
}

/** Names and types, for the catalogue: nothing else of them is stored. */
export function personalColumns({ pii = [], columns }: Source): Pick<StoredColumn, "name" | "type">[] {
  return columns.filter(({ name }) => pii.includes(name)).map(({ name, type }) => ({ name, type }));
}

/** SQL of the text of a row, beside its converted values (see `stage`). */
export function rowTextSql(source: Source, fields: readonly RowField[], delimiter: string): string {
  const text = hasPersonal(source)
    ? fields.map((field) => keptCellSql(source, field))
    : fields.map(([, cell]) => cellTextSql(cell));
  return `concat_ws(${quoteLiteral(delimiter)}, ${text.join(", ")})`;
}

function keptCellSql(source: Source, [name, cell]: RowField): string {
  const isRead = isReadSql(source, name);
  const mask = quoteLiteral(MASK);
  if (isRead === undefined) return `CASE WHEN ${cell.sql} IS NULL THEN '' ELSE ${mask} END`;
  return `CASE WHEN ${cell.sql} IS NULL THEN '' WHEN ${isRead} THEN ${cellTextSql(cell)} ELSE ${mask} END`;
}

/** Whether a column could read its cell; undefined where none of its cells may be kept. */
function isReadSql(source: Source, name: string): string | undefined {
  if (name === source.asset) return "__asset IS NOT NULL";
  if (name === source.time?.column) return "__t IS NOT NULL";
  const found = layoutOf(source).find(({ column }) => column.name === name);
  if (found === undefined) return undefined;
  const { column, stored } = found;
  const isWord = column.values === undefined ? "" : ` AND ${isOneOfSql(stored.physical, column.values)}`;
  return `${stored.physical} IS NOT NULL${isWord}`;
}

function cellTextSql({ sql, form }: Cell): string {
  return `coalesce(${form === "text" ? sql : `CAST(${sql} AS VARCHAR)`}, '')`;
}

/** The refused cell as a message may say it. */
export function shownCell(source: Source, code: QuarantineCode, cell: string): string {
  const isRead = code === "out_of_range" || code === "not_finite";
  return hasPersonal(source) && !isRead ? MASK : cell;
}
