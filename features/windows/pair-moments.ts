import { SPREAD_FLOOR } from "./moments.ts";

/** Joint moments of pairs (x, y), combinable. */
export interface PairMoments {
  readonly n: number;
  readonly meanX: number;
  readonly meanY: number;
  /** Σ (x − meanX)², Σ (y − meanY)², Σ (x − meanX)(y − meanY) */
  readonly m2X: number;
  readonly m2Y: number;
  readonly cross: number;
}

export const NO_PAIRS: PairMoments = { n: 0, meanX: 0, meanY: 0, m2X: 0, m2Y: 0, cross: 0 };

/** Moments of one pair; of none when either value is NaN. */
export function pairOf(x: number, y: number): PairMoments {
  return Number.isNaN(x) || Number.isNaN(y)
    ? NO_PAIRS
    : { n: 1, meanX: x, meanY: y, m2X: 0, m2Y: 0, cross: 0 };
}

/** Joint moments of two disjoint groups together; see {@link combineMoments} for the equations. */
export function combinePairs(a: PairMoments, b: PairMoments): PairMoments {
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  const n = a.n + b.n;
  const dx = b.meanX - a.meanX;
  const dy = b.meanY - a.meanY;
  const weight = (a.n * b.n) / n;
  return {
    n,
    meanX: a.meanX + (dx * b.n) / n,
    meanY: a.meanY + (dy * b.n) / n,
    m2X: a.m2X + b.m2X + dx * dx * weight,
    m2Y: a.m2Y + b.m2Y + dy * dy * weight,
    cross: a.cross + b.cross + dx * dy * weight,
  };
}

/** Least-squares slope of y on x; NaN for fewer than two pairs or when all x are equal. */
export function slopeOf(pairs: PairMoments): number {
  if (pairs.n < 2 || isFlat(pairs.m2X, pairs.meanX, pairs.n)) return Number.NaN;
  return pairs.cross / pairs.m2X;
}

/** Pearson correlation in [−1, 1]; NaN for fewer than two pairs or when x or y does not vary. */
export function correlationOf(pairs: PairMoments): number {
  const { n, m2X, m2Y, meanX, meanY, cross } = pairs;
  if (n < 2 || isFlat(m2X, meanX, n) || isFlat(m2Y, meanY, n)) return Number.NaN;
  return Math.max(-1, Math.min(1, cross / (Math.sqrt(m2X) * Math.sqrt(m2Y))));
}

function isFlat(m2: number, mean: number, n: number): boolean {
  return Math.sqrt(m2 / (n - 1)) <= SPREAD_FLOOR * Math.abs(mean);
}
