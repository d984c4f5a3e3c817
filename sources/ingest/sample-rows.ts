/**
 * The checks of `row-checks` without the database, for a first look at a file's rows. A row that is bad here is bad when
 * ingested; not the other way round: duplicates, and times in formats with rare directives, only ingest finds.
 */
import type { Column, Source, SourceTime } from "../../schemas/pipeline/source.ts";
import { timeTest } from "../files/time-text.ts";
import { shownCell } from "./personal-columns.ts";
import type { QuarantineCode } from "./row-checks.ts";
import { expectedTime } from "./row-checks.ts";

/** Why a cell is refused. */
export interface CellFault {
  readonly code: QuarantineCode;
  readonly column: string;
  readonly expected: string;
  readonly found: string;
}

type CellCheck = (cell: string) => Omit<CellFault, "column" | "found"> | undefined;

const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
const ENDLESS = /^\s*[+-]?(?:inf|infinity|nan)\s*$/i;
const BOOLEAN = /^(?:true|t|yes|y|1|false|f|no|n|0)$/i;
const ISO_DATE = /^\s*[+-]?\d{1,6}[-/ \\]\d{1,2}[-/ \\]\d{1,2}(?!\d)/;

/**
 * A check of rows of one file.
 *
 * @param columns names of the fields by position
 * @returns a function that gives the first fault of a row, or undefined
 */
export function rowCheckOf(
  source: Source,
  columns: readonly string[],
): (fields: readonly string[]) => CellFault | undefined {
  const nulls = new Set(["", ...source.format.nullValues]);
  const checks: { column: string; at: number; isRequired: boolean; check: CellCheck }[] = [];
  const add = (column: string, isRequired: boolean, check: CellCheck): void => {
    const at = columns.indexOf(column);
    if (at >= 0) checks.push({ column, at, isRequired, check });
  };
  if (source.asset !== undefined) add(source.asset, true, () => undefined);
  if (source.time !== undefined) add(source.time.column, true, timeCheckOf(source.time, source));
  for (const column of source.columns) {
    if (column.name === source.asset || column.name === source.time?.column) continue;
    if (source.pii?.includes(column.name) === true) continue;
    add(column.name, !column.nullable, columnCheckOf(column, source));
  }
  return (fields) => {
    for (const { column, at, isRequired, check } of checks) {
      const cell = fields[at] ?? "";
      if (nulls.has(cell) || nulls.has(cell.trim())) {
        if (isRequired) return { code: "missing_required", column, expected: "a value", found: "none" };
        continue;
      }
      const fault = check(cell);
      if (fault !== undefined)
        return { ...fault, column, found: `'${shownCell(source, fault.code, cell).slice(0, 120)}'` };
    }
    return undefined;
  };
}

function timeCheckOf(time: SourceTime, source: Source): CellCheck {
  const fault = { code: "bad_time", expected: expectedTime(time) } as const;
  if (time.kind === "cycle" || time.epochUnit !== undefined) {
    const isWhole = time.kind === "cycle";
    return (cell) => {
      const number = numberOf(cell, source);
      return number === undefined || (isWhole && !Number.isInteger(number)) ? fault : undefined;
    };
  }
  const test =
    time.format === undefined ? (cell: string): boolean => ISO_DATE.test(cell) : timeTest(time.format);
  return (cell) => (test === undefined || test(cell) ? undefined : fault);
}

function columnCheckOf(column: Column, source: Source): CellCheck {
  switch (column.type) {
    case "float":
    case "integer":
      return numberCheckOf(column, source);
    case "boolean":
      return (cell) =>
        BOOLEAN.test(cell.trim()) ? undefined : { code: "unknown_value", expected: "true or false" };
    case "timestamp":
      return (cell) =>
        ISO_DATE.test(cell) ? undefined : { code: "bad_time", expected: "a point in time in ISO 8601" };
    case "text": {
      const allowed = column.values === undefined ? undefined : new Set(column.values);
      const expected = `one of ${column.values?.slice(0, 10).join(", ") ?? ""}`;
      return (cell) =>
        allowed === undefined || allowed.has(cell) ? undefined : { code: "unknown_value", expected };
    }
    default:
      return column.type satisfies never;
  }
}

function numberCheckOf(column: Column, source: Source): CellCheck {
  const decimal = source.format.decimal === "," ? " with a decimal comma" : "";
  const expected = `${column.type === "integer" ? "a whole number" : "a number"}${decimal}`;
  const [lo, hi] = column.range ?? [-Infinity, Infinity];
  const unit = column.unit === undefined ? "" : ` ${column.unit}`;
  return (cell) => {
    if (ENDLESS.test(cell)) return { code: "not_finite", expected: "a finite number" };
    const number = numberOf(cell, source);
    if (number === undefined || (column.type === "integer" && !Number.isInteger(number)))
      return { code: "not_a_number", expected };
    if (number < lo || number > hi) return { code: "out_of_range", expected: `${lo} to ${hi}${unit}` };
    return undefined;
  };
}

function numberOf(cell: string, source: Source): number | undefined {
  const isComma = source.format.decimal === ",";
  if (isComma && cell.includes(".")) return undefined;
  const text = isComma ? cell.replaceAll(",", ".") : cell;
  return NUMBER.test(text) ? Number(text) : undefined;
}
