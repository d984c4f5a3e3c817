/**
 * The normal distribution's tails.
 *
 * Source: the rational Chebyshev fit `erfcc` of Numerical Recipes (2nd ed., 6.2), whose relative error is below
 * 1.2e-7 everywhere; its logarithm is taken inside, so that it keeps its meaning far out.
 */

/** Φ(z) */
export function normalCdf(z: number): number {
  const tail = 0.5 * Math.exp(logErfc(Math.abs(z) / Math.SQRT2));
  return z >= 0 ? 1 - tail : tail;
}

/** log(1 − Φ(z)) for every finite z. */
export function logUpperTail(z: number): number {
  const log = logErfc(Math.abs(z) / Math.SQRT2);
  return z >= 0 ? log - Math.LN2 : Math.log1p(-0.5 * Math.exp(log));
}

/** λ(z) = φ(z) / (1 − Φ(z)), the hazard: about 0 far below 0, about z far above. */
export function normalHazard(z: number): number {
  return Math.exp(-0.5 * z * z - 0.5 * Math.log(2 * Math.PI) - logUpperTail(z));
}

/** log erfc(x), x ≥ 0. */
function logErfc(x: number): number {
  const t = 2 / (2 + x);
  let polynomial = 0;
  for (const coefficient of COEFFICIENTS) polynomial = polynomial * t + coefficient;
  return Math.log(t) - x * x + polynomial;
}

const COEFFICIENTS = [
  0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196,
  1.00002368, -1.26551223,
] as const;
