import type { RecentValues } from "../stores/postgres/port/alerting.ts";

/** How far the newest value of a series lies out, and of how many. */
export interface Deviation extends Pick<RecentValues, "asset" | "series" | "at"> {
  readonly z: number;
  readonly n: number;
  readonly value: number;
}

/** Of the series that have enough values. What is kept of each is a few numbers. */
export function deviationsOf(found: readonly RecentValues[], minSamples: number): Deviation[] {
  return found.flatMap(({ asset, series, at, values }) => {
    const value = values.at(-1);
    if (value === undefined || values.length < minSamples) return [];
    return [{ asset, series, at, z: zScoreOfNewest(values), n: values.length, value }];
  });
}

/**
 * How many standard deviations the newest of some values lies from their mean, itself among them (ddof 1).
 *
 * No value of n can lie further out than (n − 1)/√n: of ten none reaches 3, of eleven one can (3.015). Two passes, since
 * values such as 101325 Pa lose their deviations to a sum of squares.
 *
 * @param values oldest first
 * @returns 0 where all values are equal; NaN for fewer than two
 */
export function zScoreOfNewest(values: readonly number[]): number {
  const n = values.length;
  const newest = values.at(-1);
  if (n < 2 || newest === undefined) return Number.NaN;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (n - 1));
  // Equal values leave a rounding error for a deviation.
  if (deviation <= Math.abs(mean) * 1e-12) return 0;
  return (newest - mean) / deviation;
}
