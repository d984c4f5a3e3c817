import { matchesPatterns } from "../../schemas/pipeline/feature-patterns.ts";

/**
 * The columns that a candidate's `features` choose; null where that is all of them.
 *
 * @param patterns names separated by blanks, in which `*` stands for any text and `?` for one character
 * @throws {RangeError} when no feature is chosen
 */
export function chosenColumns(names: readonly string[], patterns: string): readonly number[] | null {
  const chosen = matchColumns(names, patterns);
  if (chosen.length === 0)
    throw new RangeError(`features must match one of the ${names.length} features or more, got ${patterns}`);
  return chosen.length === names.length ? null : chosen;
}

/**
 * Columns whose names match one of the patterns, ascending.
 *
 * @param patterns names separated by blanks, in which `*` stands for any text and `?` for one character
 */
export function matchColumns(names: readonly string[], patterns: string): number[] {
  const isMatch = matchesPatterns(patterns);
  return names.flatMap((name, column) => (isMatch(name) ? [column] : []));
}
