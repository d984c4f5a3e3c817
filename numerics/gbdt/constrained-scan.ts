/**
 * The search for splits where leaf outputs are not free: an L1 penalty, monotone columns, or bounds that a monotone
 * split above has set. One plain pass, because outputs must be known to be clipped; the free search of `splitting.ts`
 * does without them and is faster.
 *
 * Monotone columns: with +1 the left child's output must not exceed the right one's, and everything below the left
 * child stays at or under the middle of the two, everything below the right one at or over it.
 *
 * Source: LightGBM 4.7 `feature_histogram.hpp` (GetSplitGains with constraints) and its "basic" monotone method.
 */
import type { NodeSums, Packing } from "./packing.ts";
import { unpackSums } from "./packing.ts";
import type { SearchedFeature, SearchedNode, Split, SplitLimits } from "./splitting.ts";

/** What restricts the outputs of a node's children. */
export interface OutputBounds {
  readonly lowest: number;
  readonly highest: number;
}

export const FREE_OUTPUTS: OutputBounds = { lowest: -Infinity, highest: Infinity };

/** Sum beyond the L1 penalty: sign(G) · max(|G| − λ₁, 0). */
function shrinkSum(gradient: number, lambdaL1: number): number {
  if (lambdaL1 === 0) return gradient;
  return Math.sign(gradient) * Math.max(0, Math.abs(gradient) - lambdaL1);
}

/** Newton step of a leaf within its bounds, before the learning rate: −T(G) / (H + λ₂). */
export function leafOutput(
  gradient: number,
  hessian: number,
  limits: SplitLimits,
  { lowest, highest }: OutputBounds,
): number {
  const denominator = hessian + limits.lambdaL2;
  // Rows of weight 0 alone leave nothing to fit.
  const step = denominator > 0 ? -shrinkSum(gradient, limits.lambdaL1) / denominator : 0;
  return Math.max(lowest, Math.min(highest, step));
}

/** Loss drop, times two, of a leaf that gives `output` instead of 0. */
function scoreOf(gradient: number, hessian: number, output: number, limits: SplitLimits): number {
  return -(2 * shrinkSum(gradient, limits.lambdaL1) * output + (hessian + limits.lambdaL2) * output * output);
}

export interface ConstrainedFeature extends SearchedFeature {
  /** +1: predictions must not fall as the feature rises; −1: not rise; 0: free. */
  readonly monotone: number;
}

/** As `scanFeature`, with bounded outputs. Ties keep the lower threshold, and missing rows right. */
export function scanConstrained(
  histogram: Float64Array,
  offset: number,
  feature: ConstrainedFeature,
  context: { readonly node: SearchedNode; readonly bounds: OutputBounds },
  best: Split,
): void {
  const { node } = context;
  const missing = readCell(histogram, offset, node.packing);
  for (const isMissingLeft of missing.count > 0 ? [false, true] : [false]) {
    scanOneWay(histogram, offset, feature, { ...context, missingCount: missing.count, isMissingLeft }, best);
  }
}

interface OneWay {
  readonly node: SearchedNode;
  readonly bounds: OutputBounds;
  readonly missingCount: number;
  readonly isMissingLeft: boolean;
}

function scanOneWay(
  histogram: Float64Array,
  offset: number,
  feature: ConstrainedFeature,
  { node, bounds, missingCount, isMissingLeft }: OneWay,
  best: Split,
): void {
  const { limits, packing } = node;
  const { lanes } = packing;
  const unsplit = scoreOf(
    node.gradient,
    node.hessian,
    leafOutput(node.gradient, node.hessian, limits, bounds),
    limits,
  );
  let first = isMissingLeft ? histogram[offset] : 0;
  let second = isMissingLeft && lanes === 2 ? histogram[offset + 1] : 0;
  const lastBin = missingCount > 0 ? feature.nValueBins : feature.nValueBins - 1;
  for (let bin = 1; bin <= lastBin; bin++) {
    first += histogram[offset + bin * lanes];
    if (lanes === 2) second += histogram[offset + bin * lanes + 1];
    const left = unpackCell(first, second, packing);
    const right = {
      gradient: node.gradient - left.gradient,
      hessian: node.hessian - left.hessian,
      count: node.count - left.count,
    };
    if (left.count < limits.minDataInLeaf || left.hessian < limits.minSumHessianInLeaf) continue;
    if (right.count < limits.minDataInLeaf || right.hessian < limits.minSumHessianInLeaf) break;
    const leftOutput = leafOutput(left.gradient, left.hessian, limits, bounds);
    const rightOutput = leafOutput(right.gradient, right.hessian, limits, bounds);
    if (feature.monotone * (rightOutput - leftOutput) < 0) continue;
    const gain =
      scoreOf(left.gradient, left.hessian, leftOutput, limits) +
      scoreOf(right.gradient, right.hessian, rightOutput, limits) -
      unsplit;
    if (!(gain > best.gain)) continue;
    const isAllPresentLeft = missingCount > 0 && !isMissingLeft && left.count === node.count - missingCount;
    best.feature = feature.index;
    best.bin = isAllPresentLeft ? feature.nValueBins : bin;
    best.gain = gain;
    best.isMissingLeft = missingCount > 0 ? isMissingLeft : 2 * left.count >= node.count;
    best.leftFirst = first;
    best.leftSecond = second;
  }
}

function readCell(histogram: Float64Array, offset: number, packing: Packing) {
  return unpackCell(histogram[offset], packing.lanes === 2 ? histogram[offset + 1] : 0, packing);
}

function unpackCell(first: number, second: number, packing: Packing): NodeSums {
  const sums = { gradient: 0, hessian: 0, count: 0 };
  unpackSums(packing, first, second, sums);
  return sums;
}

/** Bounds of the two children of a split. */
export function boundChildren(
  bounds: OutputBounds,
  monotone: number,
  outputs: { readonly left: number; readonly right: number },
): { readonly left: OutputBounds; readonly right: OutputBounds } {
  if (monotone === 0) return { left: bounds, right: bounds };
  const middle = (outputs.left + outputs.right) / 2;
  const under = { ...bounds, highest: Math.min(bounds.highest, middle) };
  const over = { ...bounds, lowest: Math.max(bounds.lowest, middle) };
  return monotone > 0 ? { left: under, right: over } : { left: over, right: under };
}
