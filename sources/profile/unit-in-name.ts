import { KNOWN_UNITS, similarUnit } from "../../schemas/pipeline/units.ts";

/** Units that are more often a word of the name, as in `temp min`. */
const WORDS = new Set(["in", "min", "count", "rows", "cycles", "ms"]);

/**
 * The known unit in a column's name: `temp [°C]`, `power (kW)`, `vib mm/s`; undefined when there is none. Without
 * brackets only units that are hardly a word count.
 */
export function unitInName(name: string): string | undefined {
  const inBrackets = /[[(]([^[\]()]+)[\])]\s*$/.exec(name)?.[1]?.trim();
  if (inBrackets !== undefined) {
    if (KNOWN_UNITS.includes(inBrackets)) return inBrackets;
    return /^.{2,}$|^[cC]$/u.test(inBrackets) ? similarUnit(inBrackets) : undefined;
  }
  const last = /\s(\S+)$/.exec(name.trim())?.[1];
  if (last === undefined || WORDS.has(last) || !KNOWN_UNITS.includes(last)) return undefined;
  return last.length > 1 || last === "%" ? last : undefined;
}
