import { withSuggestion } from "../reading/nearest.ts";
import { KNOWN_UNITS, similarUnit } from "../units.ts";

/** What is expected instead of a unit that is neither known nor `declared`, with the nearest one; undefined: nothing. */
export function unitFault(unit: string, declared: readonly string[] = []): string | undefined {
  if (KNOWN_UNITS.includes(unit) || declared.includes(unit)) return undefined;
  const similar = similarUnit(unit);
  const expected = "a known unit, or one declared under `units`";
  return similar === undefined
    ? withSuggestion(expected, unit, KNOWN_UNITS)
    : `${expected}; did you mean ${similar}?`;
}
