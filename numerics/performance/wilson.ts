/** 97.5 % quantile of the standard normal. */
const Z = 1.959963984540054;

/**
 * 95 % interval of a share: (p̂ + z²/2n ± z √(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n).
 *
 * Unlike resampling it has a width where the share is 0 or 1.
 *
 * @param share observed, in [0, 1]
 * @param n     independent cases it is of, > 0
 *
 * Source: Wilson 1927, doi:10.1080/01621459.1927.10502953. Checked: tests/peers/performance.
 */
export function wilsonInterval(share: number, n: number): [low: number, high: number] {
  const z2 = Z * Z;
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}
