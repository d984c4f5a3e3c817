import type { ColumnType } from "../../schemas/pipeline/source.ts";
import { guessTimeFormat, timeTest } from "../files/time-text.ts";
import type { TimeFormat } from "../files/time-text.ts";
import { unitInName } from "./unit-in-name.ts";
import { isNumber } from "./sample-file.ts";
import type { FileSample } from "./sample-file.ts";

/** What the values of a column look like in the sample. */
export interface ColumnProfile {
  readonly name: string;
  readonly type: ColumnType;
  /** A known unit that stands in the name. */
  readonly unit?: string;
  /** How a timestamp is written when it is not ISO 8601. */
  readonly timeFormat?: TimeFormat;
  /** Values of another type in a column of numbers or times: how many, and the first. */
  readonly strays?: { readonly count: number; readonly row: number; readonly value: string };
  readonly missingShare: number;
  readonly nDistinct: number;
  /** Values by frequency, the commonest first; at most 20. */
  readonly values: readonly { readonly value: string; readonly count: number }[];
  /** Numbers only; absent where every value is missing. */
  readonly min?: number;
  readonly max?: number;
  readonly hasDecimalComma: boolean;
  /** Every value is another one. */
  readonly isUnique: boolean;
  /** Share of steps from row to row that add exactly 1. */
  readonly plusOneShare: number;
  /** How often the value changes from row to row. */
  readonly nChanges: number;
}

const MISSING = new Set(["", "NA", "NaN", "nan", "null", "NULL"]);
/** A column is of a type when at least this share of its values is; the others are told and go to quarantine. */
const MIN_SHARE = 0.99;
const INTEGER = /^[+-]?\d+$/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

export function profileColumns(sample: FileSample): ColumnProfile[] {
  return sample.columns.map((name, i) =>
    profileColumn(
      name,
      sample.rows.map((r) => (r[i] ?? "").trim()),
    ),
  );
}

function profileColumn(name: string, cells: readonly string[]): ColumnProfile {
  const present = cells.filter((c) => !MISSING.has(c));
  const counts = new Map<string, number>();
  for (const cell of present) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const { type, timeFormat, test } = typeOf(present);
  const isNumeric = type === "float" || type === "integer";
  const numbers = isNumeric ? present.filter(isNumber).map((c) => Number(c.replace(",", "."))) : [];
  const unit = isNumeric ? unitInName(name) : undefined;
  const strays = test === undefined ? undefined : straysOf(cells, test);
  const values = [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, 20);
  let plusOne = 0;
  let nChanges = 0;
  for (let i = 1; i < cells.length; i++) {
    if (cells[i] !== cells[i - 1]) nChanges++;
    if (isNumeric && Number(cells[i]) - Number(cells[i - 1]) === 1) plusOne++;
  }
  return {
    name,
    type,
    ...(unit === undefined ? {} : { unit }),
    ...(timeFormat === undefined ? {} : { timeFormat }),
    ...(strays === undefined ? {} : { strays }),
    missingShare: 1 - present.length / Math.max(1, cells.length),
    nDistinct: counts.size,
    values,
    ...rangeOf(numbers),
    hasDecimalComma: type === "float" && present.some((c) => c.includes(",") && isNumber(c)),
    isUnique: present.length > 1 && counts.size === present.length,
    plusOneShare: plusOne / Math.max(1, cells.length - 1),
    nChanges,
  };
}

interface TypeGuess {
  readonly type: ColumnType;
  readonly timeFormat?: TimeFormat;
  /** What the values should look like, where some may not. */
  readonly test?: (cell: string) => boolean;
}

function typeOf(present: readonly string[]): TypeGuess {
  if (present.length === 0) return { type: "float" };
  const isMostly = (test: (c: string) => boolean): boolean => {
    const most = Math.floor(present.length * (1 - MIN_SHARE) + 1e-9);
    let misses = 0;
    return present.every((c) => test(c) || ++misses <= most);
  };
  if (isMostly(isNumber)) {
    const isWhole = present.every((c) => !isNumber(c) || INTEGER.test(c));
    return { type: isWhole ? "integer" : "float", test: isNumber };
  }
  const isIso = (c: string): boolean => ISO_TIME.test(c);
  if (isMostly(isIso)) return { type: "timestamp", test: isIso };
  const timeFormat = guessTimeFormat(present, MIN_SHARE);
  const test = timeFormat === undefined ? undefined : timeTest(timeFormat.format);
  if (timeFormat !== undefined && test !== undefined) return { type: "timestamp", timeFormat, test };
  if (present.every((c) => /^(?:true|false|yes|no)$/i.test(c))) return { type: "boolean" };
  return { type: "text" };
}

function straysOf(cells: readonly string[], test: (cell: string) => boolean): ColumnProfile["strays"] {
  let count = 0;
  let first = -1;
  for (const [row, cell] of cells.entries()) {
    if (MISSING.has(cell) || test(cell)) continue;
    if (first < 0) first = row;
    count++;
  }
  return count === 0 ? undefined : { count, row: first, value: cells[first] ?? "" };
}

/** Nothing for a column without numbers: it is of texts, or empty. */
function rangeOf(numbers: readonly number[]): Pick<ColumnProfile, "min" | "max"> {
  if (numbers.length === 0) return {};
  let min = Infinity;
  let max = -Infinity;
  for (const value of numbers) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return { min, max };
}
