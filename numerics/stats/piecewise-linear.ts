/** A function that is linear between its knots and constant beyond the first and the last one. */
export interface PiecewiseLinear {
  /** Strictly ascending, at least one. */
  readonly knots: readonly number[];
  /** One per knot. */
  readonly values: readonly number[];
}

/** @param x finite; NaN gives the first value */
export function interpolate({ knots, values }: PiecewiseLinear, x: number): number {
  const last = knots.length - 1;
  if (!(x > knots[0])) return values[0];
  if (x >= knots[last]) return values[last];
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (knots[middle] <= x) low = middle;
    else high = middle;
  }
  const share = (x - knots[low]) / (knots[high] - knots[low]);
  return values[low] + share * (values[high] - values[low]);
}
