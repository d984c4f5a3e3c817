import { requireSameLength } from "../../stats/checked-array.ts";

/** Population stability index of two binned samples. */
export interface StabilityIndex {
  /** ≥ 0; rules of thumb call 0.1 a moderate and 0.25 a large shift */
  readonly psi: number;
  /** what PSI averages without any drift at these sample sizes */
  readonly nullMean: number;
  /** max(0, psi − nullMean) */
  readonly corrected: number;
}

/**
 * Population stability index, with its bias.
 *
 * PSI = Σ (qᵢ − pᵢ) ln(qᵢ / pᵢ),  pᵢ = (aᵢ + ½) / (m + B/2),  qᵢ = (bᵢ + ½) / (n + B/2)
 *
 * The half count (Jeffreys) keeps empty bins finite. PSI is positive even when both samples come from one distribution:
 * each term is about (qᵢ − pᵢ)² / pᵢ, so n m/(n + m) · PSI follows χ² with B − 1 degrees and
 *
 * E[PSI | no drift] ≈ (B − 1)(1/n + 1/m)
 *
 * With 10 bins and 100 live rows that is 0.09, next to the usual alarm at 0.1: compare `corrected`.
 *
 * @param reference counts a per bin, m in total
 * @param live      counts b per bin, n in total
 * @returns zeros when a side has no rows or there is one bin
 * @throws {RangeError} when the numbers of bins differ
 *
 * Source: Yurdakul & Naranjo 2020 (doi:10.21314/JRMV.2020.227) for the distribution without drift.
 */
export function stabilityIndex(reference: ArrayLike<number>, live: ArrayLike<number>): StabilityIndex {
  requireSameLength(["reference", "live"], reference, live);
  const nBins = reference.length;
  let m = 0;
  let n = 0;
  for (let i = 0; i < nBins; i++) {
    m += reference[i];
    n += live[i];
  }
  if (m === 0 || n === 0 || nBins < 2) return { psi: 0, nullMean: 0, corrected: 0 };
  let psi = 0;
  for (let i = 0; i < nBins; i++) {
    const p = (reference[i] + 0.5) / (m + nBins / 2);
    const q = (live[i] + 0.5) / (n + nBins / 2);
    psi += (q - p) * Math.log(q / p);
  }
  const nullMean = (nBins - 1) * (1 / n + 1 / m);
  return { psi, nullMean, corrected: Math.max(0, psi - nullMean) };
}
