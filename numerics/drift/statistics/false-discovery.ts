import { requireInRange } from "../../stats/checked-array.ts";

/**
 * Benjamini–Hochberg adjusted p-values: calling everything with q ≤ α keeps the expected share of false calls at α, and the
 * chance of any call at α when nothing has changed.
 *
 * q₍ᵢ₎ = min over j ≥ i of min(1, p₍ⱼ₎ · m / j)
 *
 * @param pValues in [0, 1]
 * @returns one q per p, in the same order
 * @throws {RangeError} for a value outside [0, 1]
 *
 * Source: Benjamini & Hochberg 1995. Checked: tests/peers/metrics against scipy.stats.false_discovery_control.
 */
export function adjustPValues(pValues: ArrayLike<number>): Float64Array {
  const m = pValues.length;
  const order = Int32Array.from({ length: m }, (_, i) => {
    requireInRange(`pValues[${i}]`, pValues[i], [0, 1]);
    return i;
  }).sort((a, b) => pValues[a] - pValues[b] || a - b);
  const adjusted = new Float64Array(m);
  let smallest = 1;
  for (let i = m - 1; i >= 0; i--) {
    smallest = Math.min(smallest, (pValues[order[i]] * m) / (i + 1));
    adjusted[order[i]] = smallest;
  }
  return adjusted;
}
