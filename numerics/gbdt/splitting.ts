/**
 * Finds the best way to split one node, from its histogram.
 *
 * Each feature is scanned once from its lowest value bin up. A prefix of the packed sums is the left
 * child with the missing rows right; adding the missing bin gives the left child with them left. Both
 * are tried where the node has missing rows, so the direction is learnt; elsewhere missing values of
 * later rows follow the larger child.
 */
import type { NodeSums, Packing } from "./histogram.ts";

/** What a child must satisfy and what a split must gain. */
export interface SplitLimits {
  readonly lambdaL2: number;
  readonly minDataInLeaf: number;
  readonly minSumHessianInLeaf: number;
  readonly minGainToSplit: number;
}

/** The best split of a node; `feature` is −1 where no split is allowed. */
export interface Split {
  feature: number;
  /** Rows with bin ≤ this (and not missing) go left. */
  bin: number;
  isMissingLeft: boolean;
  gain: number;
  /** Packed sums of the left child. */
  leftFirst: number;
  leftSecond: number;
}

/** Packed totals of the node to split. */
export interface PackedTotals {
  readonly first: number;
  readonly second: number;
}

/** Gains below this share of the node's score are rounding of its equation, not a better fit. */
const ROUNDING_RATIO = 1e-12;

/**
 * What a split of a node must gain more than.
 *
 * Without it a pure node, whose true gain is 0, would be split on the last bits of the division.
 */
export function leastGain(sums: NodeSums, limits: SplitLimits): number {
  const denominator = sums.hessian + limits.lambdaL2;
  if (!(denominator > 0)) return Infinity;
  return Math.max(limits.minGainToSplit, (ROUNDING_RATIO * sums.gradient * sums.gradient) / denominator);
}

/** No split yet; `best.gain` is then what a split must exceed. */
export function createSplit(): Split {
  return { feature: -1, bin: 0, isMissingLeft: false, gain: 0, leftFirst: 0, leftSecond: 0 };
}

/**
 * Improves `best` with the best split of one feature. The gain is the loss drop, times two, from
 * splitting the node instead of keeping it a leaf:
 *
 *   gain = GL²/(HL+λ) + GR²/(HR+λ) − (GL+GR)²/(HL+HR+λ)
 *
 * @param histogram a histogram in the layout of `histogram.ts`
 * @param offset    index of the feature's bin 0, lane 0
 * @param nValueBins number of value bins of this feature
 * @param best      written where a strictly better split is found, so ties keep the earlier feature
 *                  and the lower threshold
 *
 * Cost: one pass over the bins, two with missing rows; no allocation. Deterministic: sums are exact.
 * Source: Chen & Guestrin 2016 (arXiv:1603.02754), eq. 7 without ½ and γ, as LightGBM reports gains.
 */
export function scanFeature(
  histogram: Float64Array,
  offset: number,
  feature: { readonly index: number; readonly nValueBins: number },
  node: { readonly totals: PackedTotals; readonly packing: Packing; readonly limits: SplitLimits },
  best: Split,
): void {
  const { totals, packing, limits } = node;
  const { lanes, countUnit, gradientUnit, hessianUnit } = packing;
  const { lambdaL2, minDataInLeaf, minSumHessianInLeaf } = limits;
  const isOneLane = lanes === 1;
  const missingFirst = histogram[offset];
  const missingSecond = isOneLane ? 0 : histogram[offset + 1];
  const hasMissing = isOneLane ? missingFirst !== 0 : missingSecond !== 0;

  const totalPacked = isOneLane ? totals.first : totals.second;
  const totalUpper = Math.floor(totalPacked / countUnit);
  const totalCount = totalPacked - totalUpper * countUnit;
  const totalGradient = (isOneLane ? totalUpper : totals.first) * gradientUnit;
  const totalHessian = isOneLane ? totalCount : totalUpper * hessianUnit;
  const parentScore = (totalGradient * totalGradient) / (totalHessian + lambdaL2);
  let scoreToBeat = best.gain + parentScore;
  const inverseUnit = 1 / countUnit;
  const missingPacked = isOneLane ? missingFirst : missingSecond;
  const missingCount = missingPacked - Math.floor(missingPacked * inverseUnit) * countUnit;

  // With missing rows, "all values left, missing right" is a split too: one more bin is scanned.
  const lastBin = hasMissing ? feature.nValueBins : feature.nValueBins - 1;
  const passes = hasMissing ? 2 : 1;
  for (let pass = 0; pass < passes; pass++) {
    const isMissingLeft = pass === 1;
    let first = isMissingLeft ? missingFirst : 0;
    let second = isMissingLeft ? missingSecond : 0;
    for (let bin = 1; bin <= lastBin; bin++) {
      const at = offset + bin * lanes;
      const binFirst = histogram[at];
      first += binFirst;
      let packed = first;
      if (isOneLane) {
        // An empty bin moves no row: the split before it is the same one.
        if (binFirst === 0) continue;
      } else {
        const binSecond = histogram[at + 1];
        if (binSecond === 0) continue;
        second += binSecond;
        packed = second;
      }
      const upper = Math.floor(packed * inverseUnit);
      const count = packed - upper * countUnit;
      if (count < minDataInLeaf) continue;
      if (totalCount - count < minDataInLeaf) break;
      const gradient = (isOneLane ? upper : first) * gradientUnit;
      const hessian = isOneLane ? count : upper * hessianUnit;
      const restHessian = totalHessian - hessian;
      if (hessian < minSumHessianInLeaf) continue;
      if (restHessian < minSumHessianInLeaf) break;
      const restGradient = totalGradient - gradient;
      const leftTerm = hessian + lambdaL2;
      const rightTerm = restHessian + lambdaL2;
      // GL²/a + GR²/b = (GL²·b + GR²·a) / (a·b), and comparing needs no division: most bins lose.
      const score = gradient * gradient * rightTerm + restGradient * restGradient * leftTerm;
      const denominator = leftTerm * rightTerm;
      if (score > scoreToBeat * denominator) {
        const gain = score / denominator - parentScore;
        if (!(gain > best.gain)) continue;
        scoreToBeat = gain + parentScore;
        best.feature = feature.index;
        // With only missing rows to the right, no value may join them: not even one beyond this node's.
        const isAllPresentLeft = hasMissing && !isMissingLeft && count === totalCount - missingCount;
        best.bin = isAllPresentLeft ? feature.nValueBins : bin;
        best.gain = gain;
        best.isMissingLeft = hasMissing ? isMissingLeft : 2 * count >= totalCount;
        best.leftFirst = first;
        best.leftSecond = second;
      }
    }
  }
}
