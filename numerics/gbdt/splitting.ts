/**
 * Finds the best way to split one node, from its histogram.
 *
 * Each feature is scanned once from its lowest value bin up. A prefix of the packed sums is the left
 * child with the missing rows right; adding the missing bin gives the left child with them left. Both
 * are tried where the node has missing rows, so the direction is learnt; elsewhere missing values of
 * later rows follow the larger child.
 */
import type { NodeSums, Packing } from "./packing.ts";
import { unpackSums } from "./packing.ts";

/** What a child must satisfy and what a split must gain. */
export interface SplitLimits {
  readonly lambdaL1: number;
  readonly lambdaL2: number;
  readonly minDataInLeaf: number;
  readonly minSumHessianInLeaf: number;
  readonly minGainToSplit: number;
}

/** When growing ends, and how far a tree moves the scores. */
export interface GrowLimits extends SplitLimits {
  readonly numLeaves: number;
  /** Deepest leaf, the root being 0; −1 for no limit. */
  readonly maxDepth: number;
  readonly learningRate: number;
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

/** A node to split, its totals read once for all features. */
export interface SearchedNode extends NodeSums {
  readonly packing: Packing;
  readonly limits: SplitLimits;
  /** G²/(H+λ): what the node scores unsplit. */
  readonly score: number;
}

export function describeNode(totals: PackedTotals, packing: Packing, limits: SplitLimits): SearchedNode {
  const node = { gradient: 0, hessian: 0, count: 0, packing, limits, score: 0 };
  unpackSums(packing, totals.first, totals.second, node);
  node.score = (node.gradient * node.gradient) / (node.hessian + limits.lambdaL2);
  return node;
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
 * @param histogram a histogram of doubles, hist[(feature · nBins + bin) · lanes + lane]
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
  feature: SearchedFeature,
  node: SearchedNode,
  best: Split,
): void {
  const { lanes, countUnit } = node.packing;
  const scan = lanes === 1 ? scanOneLane : scanTwoLanes;
  const packed = histogram[offset + lanes - 1];
  const missingCount = packed - Math.floor(packed / countUnit) * countUnit;
  // With missing rows, "all values left, missing right" is a split too: one more bin is scanned.
  const last = missingCount > 0 ? feature.nValueBins : feature.nValueBins - 1;
  for (const isMissingLeft of missingCount > 0 ? [false, true] : [false]) {
    const found = scan(histogram, offset, { node, last, isMissingLeft, leastGain: best.gain });
    if (found !== null) keepSplit({ feature, node, best }, found, { missingCount, isMissingLeft });
  }
}

/** A feature as the search sees it. */
export interface SearchedFeature {
  readonly index: number;
  readonly nValueBins: number;
}

/** The best of one pass. */
interface FoundSplit {
  readonly bin: number;
  readonly gain: number;
  readonly count: number;
  readonly first: number;
  readonly second: number;
}

/** One direction of the missing rows. */
interface Pass {
  readonly node: SearchedNode;
  readonly last: number;
  readonly isMissingLeft: boolean;
  readonly leastGain: number;
}

/** Hessian ≡ 1: one number per bin, and hessian limits are count limits. */
function scanOneLane(
  histogram: Float64Array,
  offset: number,
  { node, last, isMissingLeft, leastGain: least }: Pass,
): FoundSplit | null {
  const { countUnit, gradientUnit } = node.packing;
  const { lambdaL2, minDataInLeaf, minSumHessianInLeaf } = node.limits;
  const { count: totalCount, gradient: totalGradient } = node;
  const inverseUnit = 1 / countUnit;
  const fewest = Math.max(minDataInLeaf, minSumHessianInLeaf);
  const most = totalCount - fewest;
  let found: FoundSplit | null = null;
  let bestGain = least;
  let scoreToBeat = bestGain + node.score;
  let first = isMissingLeft ? histogram[offset] : 0;
  for (let bin = 1; bin <= last; bin++) {
    const binFirst = histogram[offset + bin];
    // An empty bin moves no row: the split before it is the same one.
    if (binFirst === 0) continue;
    first += binFirst;
    const upper = Math.floor(first * inverseUnit);
    const count = first - upper * countUnit;
    if (count < fewest) continue;
    if (count > most) break;
    const gradient = upper * gradientUnit;
    const restGradient = totalGradient - gradient;
    const leftTerm = count + lambdaL2;
    const rightTerm = totalCount - count + lambdaL2;
    // GL²/a + GR²/b = (GL²·b + GR²·a) / (a·b), and comparing needs no division: most bins lose.
    const score = gradient * gradient * rightTerm + restGradient * restGradient * leftTerm;
    const denominator = leftTerm * rightTerm;
    if (score > scoreToBeat * denominator) {
      const gain = score / denominator - node.score;
      if (!(gain > bestGain)) continue;
      bestGain = gain;
      scoreToBeat = gain + node.score;
      found = { bin, gain, count, first, second: 0 };
    }
  }
  return found;
}

function scanTwoLanes(
  histogram: Float64Array,
  offset: number,
  { node, last, isMissingLeft, leastGain: least }: Pass,
): FoundSplit | null {
  const { countUnit, gradientUnit, hessianUnit } = node.packing;
  const { lambdaL2, minDataInLeaf, minSumHessianInLeaf } = node.limits;
  const { count: totalCount, gradient: totalGradient, hessian: totalHessian } = node;
  const inverseUnit = 1 / countUnit;
  const most = totalCount - minDataInLeaf;
  let found: FoundSplit | null = null;
  let bestGain = least;
  let scoreToBeat = bestGain + node.score;
  let first = isMissingLeft ? histogram[offset] : 0;
  let second = isMissingLeft ? histogram[offset + 1] : 0;
  for (let bin = 1; bin <= last; bin++) {
    const binSecond = histogram[offset + 2 * bin + 1];
    if (binSecond === 0) continue;
    first += histogram[offset + 2 * bin];
    second += binSecond;
    // The count below the unit makes a hessian larger by less than one step of its grid.
    const units = second * inverseUnit;
    const hessian = units * hessianUnit;
    const restHessian = totalHessian - hessian;
    const gradient = first * gradientUnit;
    const restGradient = totalGradient - gradient;
    const leftTerm = hessian + lambdaL2;
    const rightTerm = restHessian + lambdaL2;
    const score = gradient * gradient * rightTerm + restGradient * restGradient * leftTerm;
    const denominator = leftTerm * rightTerm;
    // Most bins lose here, so that what a child must satisfy is asked of the few that do not.
    if (score > scoreToBeat * denominator) {
      if (hessian < minSumHessianInLeaf || restHessian < minSumHessianInLeaf) continue;
      const count = second - Math.floor(units) * countUnit;
      if (count < minDataInLeaf || count > most) continue;
      const gain = score / denominator - node.score;
      if (!(gain > bestGain)) continue;
      bestGain = gain;
      scoreToBeat = gain + node.score;
      found = { bin, gain, count, first, second };
    }
  }
  return found;
}

function keepSplit(
  {
    feature,
    node,
    best,
  }: { readonly feature: SearchedFeature; readonly node: SearchedNode; readonly best: Split },
  found: FoundSplit,
  { missingCount, isMissingLeft }: { readonly missingCount: number; readonly isMissingLeft: boolean },
): void {
  const hasMissing = missingCount > 0;
  // With only missing rows to the right, no value may join them: not even one beyond this node's.
  const isAllPresentLeft = hasMissing && !isMissingLeft && found.count === node.count - missingCount;
  best.feature = feature.index;
  best.bin = isAllPresentLeft ? feature.nValueBins : found.bin;
  best.gain = found.gain;
  best.isMissingLeft = hasMissing ? isMissingLeft : 2 * found.count >= node.count;
  best.leftFirst = found.first;
  best.leftSecond = found.second;
}
