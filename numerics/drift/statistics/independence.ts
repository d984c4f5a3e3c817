import { requireSameLength } from "../../stats/checked-array.ts";
import { sumOf } from "../../stats/sum.ts";
import type { GroupIndex } from "../../splits/groups.ts";

/** Which rows are of one asset: see `indexGroups`. */
export type RowGroups = Pick<GroupIndex, "ids" | "codes">;

/** How much rows of an asset resemble each other in one column. */
export interface Independence {
  /** share of the rows that count as independent, in (0, 1] */
  readonly ratio: number;
  /** ICC: correlation of two rows of one asset, in [0, 1]; 0 where it cannot be told */
  readonly intraclass: number;
}

/** Every row is a piece of evidence of its own. */
export const ALL_INDEPENDENT: Independence = { ratio: 1, intraclass: 0 };

/**
 * Share of the rows that count as independent when rows of an asset resemble each other, per column.
 *
 * ratio = 1 / (1 + (m₀ − 1) · ICC),  ICC = (MSB − MSW) / (MSB + (m₀ − 1) MSW), clipped to [0, 1]
 *
 * with the mean squares between and within assets and m₀ the (size-corrected) mean number of rows per asset. Ten engines
 * with 200 rows each say little more than ten rows about a sensor whose level is set by the engine (ICC near 1), and all of
 * 2,000 rows about one that is pure noise (ICC 0).
 *
 * @param values          NaN = missing, left out
 * @param groups          asset of each row, numbered
 * @param leastIntraclass ICC known from elsewhere, used where the rows show less: few assets tell little of it
 * @returns ICC 0 for fewer than two assets with values, one row per asset, or a constant
 * @throws {RangeError} when lengths differ
 *
 * Cost: O(n). Source: Kish 1965 (design effect); Donner 1986 for ICC by analysis of variance.
 */
export function independenceOf(
  values: ArrayLike<number>,
  groups: RowGroups,
  leastIntraclass = 0,
): Independence {
  const { intraclass, size } = resemblance(values, groups);
  const ratio = 1 / (1 + Math.max(0, size - 1) * Math.max(intraclass, leastIntraclass));
  return { ratio, intraclass };
}

/** ICC, and the mean number of rows per asset. */
function resemblance(values: ArrayLike<number>, groups: RowGroups): { intraclass: number; size: number } {
  const { ids, codes } = groups;
  requireSameLength(["values", "groups"], values, codes);
  const sums = new Float64Array(ids.length);
  const counts = new Float64Array(ids.length);
  for (let row = 0; row < codes.length; row++) {
    if (Number.isNaN(values[row])) continue;
    sums[codes[row]] += values[row];
    counts[codes[row]]++;
  }
  const n = sumOf(counts.length, (g) => counts[g]);
  const nGroups = counts.filter((count) => count > 0).length;
  if (nGroups < 2 || n <= nGroups) return { intraclass: 0, size: n / Math.max(1, nGroups) };
  const centre = sumOf(sums.length, (g) => sums[g]) / n;
  const between = sumOf(sums.length, (g) =>
    counts[g] > 0 ? counts[g] * (sums[g] / counts[g] - centre) ** 2 : 0,
  );
  const within = sumOf(codes.length, (row) => {
    const group = codes[row];
    return Number.isNaN(values[row]) ? 0 : (values[row] - sums[group] / counts[group]) ** 2;
  });
  const size = (n - sumOf(counts.length, (g) => counts[g] ** 2) / n) / (nGroups - 1);
  if (between + within === 0) return { intraclass: 0, size };
  const meanBetween = between / (nGroups - 1);
  const meanWithin = within / (n - nGroups);
  const icc = (meanBetween - meanWithin) / (meanBetween + (size - 1) * meanWithin);
  return { intraclass: Math.min(1, Math.max(0, icc)), size };
}
