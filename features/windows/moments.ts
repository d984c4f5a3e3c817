import type { SavedNumbers } from "../operators/operator.ts";

/**
 * Count, mean, sum of squared deviations, least and greatest of some values: enough for every rolling and
 * expanding statistic but quantiles, and combinable, so that windows slide without subtracting.
 */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  /** Σ (x − mean)² */
  readonly m2: number;
  /** Of the values as they are, shifted or not: what comes out again is what went in. */
  readonly min: number;
  readonly max: number;
}

export const NO_MOMENTS: Moments = { n: 0, mean: 0, m2: 0, min: Infinity, max: -Infinity };

/** Moments of one value, from which an offset is taken away but for its extremes; of none when it is NaN. */
export function momentsOf(value: number, offset: number): Moments {
  return Number.isNaN(value) ? NO_MOMENTS : { n: 1, mean: value - offset, m2: 0, min: value, max: value };
}

/**
 * Moments of two disjoint groups together.
 *
 * mean = ma + δ·nb/n;  m2 = m2a + m2b + δ²·na·nb/n;  δ = mb − ma
 *
 * Source: Chan, Golub & LeVeque 1983 (doi:10.1080/00031305.1983.10483115).
 */
export function combineMoments(a: Moments, b: Moments): Moments {
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  const n = a.n + b.n;
  const delta = b.mean - a.mean;
  return {
    n,
    mean: a.mean + (delta * b.n) / n,
    m2: a.m2 + b.m2 + delta * delta * ((a.n * b.n) / n),
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
  };
}

/** Moments and the offset they are about, as a state saves them. */
export function savedMoments({ n, mean, m2, min, max }: Moments, offset: number): SavedNumbers {
  return n === 0 ? [] : [offset, n, mean, m2, min, max];
}

/** The reverse of {@link savedMoments}; anything that is not what it gave is no value at all. */
export function loadedMoments(saved: SavedNumbers): { readonly moments: Moments; readonly offset: number } {
  const [offset, n, mean, m2, min, max] = saved;
  const parts = [offset, n, mean, m2, min, max];
  if (!parts.every((part) => typeof part === "number")) return { moments: NO_MOMENTS, offset: Number.NaN };
  return { offset: offset as number, moments: { n, mean, m2, min, max } as Moments };
}

/**
 * A spread below this share of the mean's size is rounding, not spread: std is then 0, and slope over time and
 * correlation are missing. Values are shifted by the asset's first value before, so that a sensor that never moves
 * has mean 0 and the rule does not touch small but real noise on a large offset.
 */
export const SPREAD_FLOOR = 1e-13;

/** Sample standard deviation (ddof 1); NaN for fewer than two values, 0 below {@link SPREAD_FLOOR}. */
export function sampleStd(moments: Moments): number {
  if (moments.n < 2) return Number.NaN;
  const std = Math.sqrt(moments.m2 / (moments.n - 1));
  return std <= SPREAD_FLOOR * Math.abs(moments.mean) ? 0 : std;
}
