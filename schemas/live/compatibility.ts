import type { LiveSource } from "./source.ts";

/**
 * Why a new version of a source cannot follow an older one; empty when it can.
 *
 * Readings hold values by place: the columns of the older version must come first, with the same name, type, unit and, of text,
 * the same words first. What is said about values (range, nullability) may change, and columns may follow.
 */
export function incompatibilities(before: LiveSource, after: LiveSource): string[] {
  const problems: string[] = [];
  if (before.time.kind !== after.time.kind)
    problems.push(`time.kind: expected ${before.time.kind}, got ${after.time.kind}`);
  before.columns.forEach((column, i) => {
    const next = after.columns[i];
    if (next?.name !== column.name) {
      problems.push(`columns.${i}: expected ${column.name} in its place, got ${next?.name ?? "nothing"}`);
      return;
    }
    for (const key of ["type", "unit"] as const) {
      if (next[key] !== column[key])
        problems.push(`columns.${i}.${key}: expected ${column[key] ?? "none"}, got ${next[key] ?? "none"}`);
    }
    const words = column.values ?? [];
    if (column.type === "text" && words.some((word, k) => next.values?.[k] !== word))
      problems.push(`columns.${i}.values: expected ${words.join(", ")} first`);
  });
  return problems;
}
