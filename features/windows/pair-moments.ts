/** Joint moments of pairs (x, y), combinable; means are distances from the oldest pair, as of {@link Moments}. */
export interface PairMoments {
  readonly n: number;
  readonly fromX: number;
  readonly fromY: number;
  readonly meanX: number;
  readonly meanY: number;
  /** Σ (x − fromX − meanX)², Σ (y − fromY − meanY)², and of the products of both. */
  readonly m2X: number;
  readonly m2Y: number;
  readonly cross: number;
}

export const NO_PAIRS: PairMoments = {
  n: 0,
  fromX: 0,
  fromY: 0,
  meanX: 0,
  meanY: 0,
  m2X: 0,
  m2Y: 0,
  cross: 0,
};

/** Moments of one pair; of none when either value is NaN. */
export function pairOf(x: number, y: number): PairMoments {
  return Number.isNaN(x) || Number.isNaN(y) ? NO_PAIRS : { ...NO_PAIRS, n: 1, fromX: x, fromY: y };
}

/** Joint moments of two disjoint groups together; see `combineMoments` for the equations. */
export function combinePairs(a: PairMoments, b: PairMoments): PairMoments {
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  const n = a.n + b.n;
  const dx = b.fromX - a.fromX + (b.meanX - a.meanX);
  const dy = b.fromY - a.fromY + (b.meanY - a.meanY);
  const weight = (a.n * b.n) / n;
  return {
    n,
    fromX: a.fromX,
    fromY: a.fromY,
    meanX: a.meanX + (dx * b.n) / n,
    meanY: a.meanY + (dy * b.n) / n,
    m2X: a.m2X + b.m2X + dx * dx * weight,
    m2Y: a.m2Y + b.m2Y + dy * dy * weight,
    cross: a.cross + b.cross + dx * dy * weight,
  };
}

/** Least-squares slope of y on x; NaN for fewer than two pairs or when all x are equal. */
export function slopeOf({ m2X, cross }: PairMoments): number {
  return m2X > 0 ? cross / m2X : Number.NaN;
}

/** Pearson correlation in [−1, 1]; NaN for fewer than two pairs or when x or y does not vary. */
export function correlationOf({ m2X, m2Y, cross }: PairMoments): number {
  if (!(m2X > 0 && m2Y > 0)) return Number.NaN;
  return Math.max(-1, Math.min(1, cross / (Math.sqrt(m2X) * Math.sqrt(m2Y))));
}
