import type { ColumnType } from "../../schemas/pipeline/source.ts";
import { isNumber } from "./sample-file.ts";
import type { FileSample } from "./sample-file.ts";

/** What the values of a column look like in the sample. */
export interface ColumnProfile {
  readonly name: string;
  readonly type: ColumnType;
  readonly missingShare: number;
  readonly nDistinct: number;
  /** Values by frequency, the commonest first; at most 20. */
  readonly values: readonly { readonly value: string; readonly count: number }[];
  /** Numbers only. */
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
  const type = typeOf(present);
  const isNumeric = type === "float" || type === "integer";
  const numbers = isNumeric ? present.map((c) => Number(c.replace(",", "."))) : [];
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
    missingShare: 1 - present.length / Math.max(1, cells.length),
    nDistinct: counts.size,
    values,
    ...(isNumeric ? { min: extreme(numbers, Math.min), max: extreme(numbers, Math.max) } : {}),
    hasDecimalComma: type === "float" && present.some((c) => c.includes(",")),
    isUnique: present.length > 1 && counts.size === present.length,
    plusOneShare: plusOne / Math.max(1, cells.length - 1),
    nChanges,
  };
}

function typeOf(present: readonly string[]): ColumnType {
  if (present.length === 0) return "float";
  const all = (test: (c: string) => boolean): boolean => present.every(test);
  if (all((c) => /^[+-]?\d+$/.test(c))) return "integer";
  if (all(isNumber)) return "float";
  if (all((c) => ISO_TIME.test(c))) return "timestamp";
  if (all((c) => /^(?:true|false|yes|no)$/i.test(c))) return "boolean";
  return "text";
}

function extreme(numbers: readonly number[], pick: (a: number, b: number) => number): number {
  return numbers.reduce((a, b) => pick(a, b));
}
