import type { SavedNumbers } from "../operators/operator.ts";

/**
 * Count, mean, sum of squared deviations, least and greatest of some values: enough for every rolling and
 * expanding statistic but quantiles, and combinable, so that windows slide without subtracting.
 *
 * The mean is kept as the distance from one of these values: neither a large offset of a sensor nor a value far away that has
 * left the window takes digits from it, and values that are all equal have that very mean and no spread.
 */
export interface Moments {
  readonly n: number;
  /** The oldest of the values. */
  readonly from: number;
  /** Mean of x − from. */
  readonly mean: number;
  /** Σ (x − from − mean)² */
  readonly m2: number;
  readonly min: number;
  readonly max: number;
}

export const NO_MOMENTS: Moments = { n: 0, from: 0, mean: 0, m2: 0, min: Infinity, max: -Infinity };

/** Moments of one value; of none when it is NaN. */
export function momentsOf(value: number): Moments {
  return Number.isNaN(value) ? NO_MOMENTS : { n: 1, from: value, mean: 0, m2: 0, min: value, max: value };
}

/**
 * Moments of two disjoint groups together.
 *
 * mean = ma + δ·nb/n;  m2 = m2a + m2b + δ²·na·nb/n;  δ = (fb − fa) + (mb − ma)
 *
 * Source: Chan, Golub & LeVeque 1983 (doi:10.1080/00031305.1983.10483115).
 */
export function combineMoments(a: Moments, b: Moments): Moments {
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  const n = a.n + b.n;
  const delta = b.from - a.from + (b.mean - a.mean);
  return {
    n,
    from: a.from,
    mean: a.mean + (delta * b.n) / n,
    m2: a.m2 + b.m2 + delta * delta * ((a.n * b.n) / n),
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
  };
}

/** Moments as a state saves them. */
export function savedMoments({ from, n, mean, m2, min, max }: Moments): SavedNumbers {
  return n === 0 ? [] : [from, n, mean, m2, min, max];
}

/** The reverse of {@link savedMoments}; anything that is not what it gave is no value at all. */
export function loadedMoments(saved: SavedNumbers): Moments {
  const [from, n, mean, m2, min, max] = saved;
  const parts = [from, n, mean, m2, min, max];
  if (!parts.every((part) => typeof part === "number")) return NO_MOMENTS;
  return { from, n, mean, m2, min, max } as Moments;
}

/** Sample standard deviation (ddof 1); NaN for fewer than two values. */
export function sampleStd({ n, m2 }: Moments): number {
  return n < 2 ? Number.NaN : Math.sqrt(m2 / (n - 1));
}
