import { withSuggestion } from "../pipeline/reading/nearest.ts";
import { PlatformError } from "../platform-error.ts";
import { formatIsoMicros } from "../text/iso-time.ts";

/** Columns of a table of labels; `prediction_id` is taken for `predictionId` as well. */
export const LABEL_COLUMNS = [
  "id",
  "kind",
  "asset",
  "t",
  "predictionId",
  "column",
  "value",
  "mode",
  "source",
  "reference",
  "supersedes",
] as const;

const ALIASES: Readonly<Record<string, string>> = { prediction_id: "predictionId", time: "t", cycle: "t" };

/**
 * How rows of a table become labels: which member each column is of.
 *
 * @throws {PlatformError} bad_file: a column that is none of a label's, or none that says of what it is
 */
export function labelColumns(names: readonly string[]): string[] {
  const members = names.map((name) => ALIASES[name.trim()] ?? name.trim());
  const stranger = members.find((name) => !(LABEL_COLUMNS as readonly string[]).includes(name));
  if (stranger !== undefined)
    throw new PlatformError(
      "bad_file",
      `read labels: ${withSuggestion(`expected the columns ${LABEL_COLUMNS.join(", ")}, got ${stranger}`, stranger, LABEL_COLUMNS)}`,
    );
  if (new Set(members).size < members.length)
    throw new PlatformError("bad_file", "read labels: expected each column once");
  return members;
}

/** Text of a cell as JSON would have it: whole numbers as times, numbers and truths as values; what is empty is absent. */
function cellValue(member: string, text: string): unknown {
  if (member === "t") return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (member !== "value") return text;
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && String(Number(text)) === text ? Number(text) : text;
}

/** The label that a row of texts says; `members` as `labelColumns` gives them. */
export function labelOfCells(members: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const entries = members.flatMap((member, i) => {
    const text = cells[i] ?? "";
    return text === "" ? [] : [[member, cellValue(member, text)] as const];
  });
  return Object.fromEntries(entries);
}

/** The label that a row of a Parquet file says: times as microseconds (bigint), whole numbers of any type as cycles. */
export function labelOfValues(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const members = labelColumns(Object.keys(row));
  const entries = Object.values(row).flatMap((value, i) => {
    const member = members[i] ?? "";
    if (value === null || value === undefined) return [];
    if (typeof value === "bigint") return [[member, formatIsoMicros(Number(value))] as const];
    if (typeof value === "string") return [[member, cellValue(member, value)] as const];
    // Ids may be whole numbers there.
    const isText = typeof value === "number" && member !== "t" && member !== "value";
    return [[member, isText ? String(value) : value] as const];
  });
  return Object.fromEntries(entries);
}
