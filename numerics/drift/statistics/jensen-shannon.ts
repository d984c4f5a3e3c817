import { requireSameLength } from "../../stats/checked-array.ts";

/**
 * Jensen–Shannon distance of two binned samples: a metric that needs no smoothing of empty bins.
 *
 * JS = √( ½ Σ pᵢ log₂(pᵢ/mᵢ) + ½ Σ qᵢ log₂(qᵢ/mᵢ) ),  m = (p + q)/2
 *
 * @param reference counts per bin, ≥ 0
 * @param live      counts per bin, ≥ 0
 * @returns in [0, 1]; 0 when a side has no rows
 * @throws {RangeError} when the numbers of bins differ
 *
 * Source: Endres & Schindelin 2003 (doi:10.1109/TIT.2003.813506).
 * Checked: tests/peers/drift against scipy.spatial.distance.jensenshannon with base 2.
 */
export function jensenShannonDistance(reference: ArrayLike<number>, live: ArrayLike<number>): number {
  requireSameLength(["reference", "live"], reference, live);
  let m = 0;
  let n = 0;
  for (let i = 0; i < reference.length; i++) {
    m += reference[i];
    n += live[i];
  }
  if (m === 0 || n === 0) return 0;
  let divergence = 0;
  for (let i = 0; i < reference.length; i++) {
    const p = reference[i] / m;
    const q = live[i] / n;
    const middle = (p + q) / 2;
    if (p > 0) divergence += (p * Math.log2(p / middle)) / 2;
    if (q > 0) divergence += (q * Math.log2(q / middle)) / 2;
  }
  // Rounding may leave a hair below 0 between equal shares.
  return Math.sqrt(Math.min(1, Math.max(0, divergence)));
}
