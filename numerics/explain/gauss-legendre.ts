/** Points and weights of a rule for ∫₀¹ f(t) dt ≈ Σ w_q f(t_q). */
export interface Quadrature {
  /** In (0, 1), ascending. */
  readonly points: Float64Array;
  /** > 0, summing to 1. */
  readonly weights: Float64Array;
}

const known: (Quadrature | undefined)[] = [];

/**
 * The rule with n points that is exact for polynomials up to degree 2n − 1.
 *
 * The points are the roots of the Legendre polynomial P_n moved to (0, 1), found by Newton's method from
 * cos(π (q − ¼) / (n + ½)); the weights are 1 / ((1 − x²) P_n′(x)²).
 *
 * @param nPoints ≥ 0
 *
 * Source: Abramowitz & Stegun 1964, 25.4.29.
 */
export function gaussLegendre(nPoints: number): Quadrature {
  return (known[nPoints] ??= computeRule(nPoints));
}

function computeRule(n: number): Quadrature {
  const points = new Float64Array(n);
  const weights = new Float64Array(n);
  for (let q = 0; q < n; q++) {
    let x = -Math.cos((Math.PI * (q + 0.75)) / (n + 0.5));
    let slope = 1;
    // Newton's steps from there converge in at most five; more change nothing.
    for (let step = 0; step < 8; step++) {
      const at = legendre(n, x);
      slope = at.slope;
      x -= at.value / slope;
    }
    points[q] = (1 + x) / 2;
    weights[q] = 1 / ((1 - x * x) * slope * slope);
  }
  return { points, weights };
}

/** P_n(x) and its derivative, by the three-term recurrence. */
function legendre(n: number, x: number): { readonly value: number; readonly slope: number } {
  let [before, value] = [1, x];
  for (let k = 2; k <= n; k++) [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
  return { value, slope: (n * (x * value - before)) / (x * x - 1) };
}
