import { requireSameLength } from "../../stats/checked-array.ts";
import { sumOf } from "../../stats/sum.ts";
import type { GroupIndex } from "../../splits/groups.ts";

/** Which rows are of one asset: see `indexGroups`. */
export type RowGroups = Pick<GroupIndex, "ids" | "codes">;

/**
 * Share of the rows that count as independent when rows of an asset resemble each other, per feature.
 *
 * ratio = 1 / (1 + (m₀ − 1) · ICC),  ICC = (MSB − MSW) / (MSB + (m₀ − 1) MSW), clipped to [0, 1]
 *
 * with the mean squares between and within assets and m₀ the (size-corrected) mean number of rows per asset. Ten engines
 * with 200 rows each say little more than ten rows about a sensor whose level is set by the engine (ICC near 1), and all of
 * 2,000 rows about one that is pure noise (ICC 0).
 *
 * @param values NaN = missing, left out
 * @param groups asset of each row, numbered
 * @returns in (0, 1]; 1 for fewer than two assets with values, one row per asset, or a constant
 * @throws {RangeError} when lengths differ
 *
 * Cost: O(n). Source: Kish 1965 (design effect); Donner 1986 for ICC by analysis of variance.
 */
export function independentRatio(values: ArrayLike<number>, groups: RowGroups): number {
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
  if (nGroups < 2 || n <= nGroups) return 1;
  const centre = sumOf(sums.length, (g) => sums[g]) / n;
  const between = sumOf(sums.length, (g) =>
    counts[g] > 0 ? counts[g] * (sums[g] / counts[g] - centre) ** 2 : 0,
  );
  const within = sumOf(codes.length, (row) => {
    const group = codes[row];
    return Number.isNaN(values[row]) ? 0 : (values[row] - sums[group] / counts[group]) ** 2;
  });
  if (between + within === 0) return 1;
  const size = (n - sumOf(counts.length, (g) => counts[g] ** 2) / n) / (nGroups - 1);
  const meanBetween = between / (nGroups - 1);
  const meanWithin = within / (n - nGroups);
  const icc = (meanBetween - meanWithin) / (meanBetween + (size - 1) * meanWithin);
  return 1 / (1 + (size - 1) * Math.min(1, Math.max(0, icc)));
}
