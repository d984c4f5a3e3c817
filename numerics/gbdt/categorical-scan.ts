/**
 * The search for splits of a column of categories: which codes go left.
 *
 * Few codes are tried one against the rest. More are sorted by the mean gradient of their rows, Σg / (Σh + smooth),
 * and the best cut of that order is taken: for a convex loss no other grouping in two is better (Fisher 1958). Groups
 * that are small or many would fit noise, so both ends of the order are limited and the children get an L2 penalty of
 * their own. Rare and missing codes go right.
 *
 * Source: LightGBM 4.7 `FindBestThresholdCategoricalInner`, with its settings and their names.
 */
import { HISTOGRAM_BINS } from "./kernels/kernels.ts";
import type { NodeSums } from "./packing.ts";
import { unpackSums } from "./packing.ts";
import type { SearchedFeature, SearchedNode, Split } from "./splitting.ts";

/** Settings of the search, from GbdtParameters. */
export interface CategoryLimits {
  /** Columns of at most this many codes are split one against the rest. */
  readonly maxCatToOnehot: number;
  /** Most codes on the side that is listed. */
  readonly maxCatThreshold: number;
  readonly catSmooth: number;
  /** L2 penalty of children, beside lambdaL2. */
  readonly catL2: number;
  /** Fewest rows of a group of codes. */
  readonly minDataPerGroup: number;
}

interface CodeSums extends NodeSums {
  readonly bin: number;
  readonly first: number;
  readonly second: number;
}

/**
 * Improves `best` with the best grouping of one column's codes.
 *
 * @param sides Uint8Array (256), written where a better one is found: 1 for the bins that go left
 *
 * Cost: a sort of the codes that occur.
 */
export function scanCategories(
  histogram: Float64Array,
  offset: number,
  feature: SearchedFeature,
  context: { readonly node: SearchedNode; readonly limits: CategoryLimits; readonly sides: Uint8Array },
  best: Split,
): void {
  const codes = readCodes(histogram, offset, feature, context.node);
  if (feature.nValueBins <= context.limits.maxCatToOnehot) {
    for (const code of codes) tryGroup([code], code, feature, { ...context, l2: 0 }, best);
    return;
  }
  const { catSmooth, maxCatThreshold, minDataPerGroup, catL2 } = context.limits;
  const sorted = codes
    .filter((code) => code.count >= catSmooth)
    .sort(
      (a, b) => a.gradient / (a.hessian + catSmooth) - b.gradient / (b.hessian + catSmooth) || a.bin - b.bin,
    );
  const { minDataInLeaf, minSumHessianInLeaf } = context.node.limits;
  const mostListed = Math.min(maxCatThreshold, Math.ceil(sorted.length / 2));
  for (const order of [sorted, sorted.toReversed()]) {
    const group: CodeSums[] = [];
    let sums = NO_SUMS;
    let sinceLast = 0;
    for (const code of order.slice(0, mostListed)) {
      group.push(code);
      sums = addSums(sums, code);
      sinceLast += code.count;
      // Too little for a leaf: the group goes on, and is not counted anew.
      if (sums.count < minDataInLeaf || sums.hessian < minSumHessianInLeaf) continue;
      if (sinceLast < minDataPerGroup || context.node.count - sums.count < minDataPerGroup) continue;
      sinceLast = 0;
      tryGroup(group, sums, feature, { ...context, l2: catL2 }, best);
    }
  }
}

const NO_SUMS: Omit<CodeSums, "bin"> = { first: 0, second: 0, gradient: 0, hessian: 0, count: 0 };

function addSums(a: Omit<CodeSums, "bin">, b: CodeSums): Omit<CodeSums, "bin"> {
  return {
    first: a.first + b.first,
    second: a.second + b.second,
    gradient: a.gradient + b.gradient,
    hessian: a.hessian + b.hessian,
    count: a.count + b.count,
  };
}

function readCodes(
  histogram: Float64Array,
  offset: number,
  { nValueBins }: SearchedFeature,
  { packing }: SearchedNode,
): CodeSums[] {
  const codes: CodeSums[] = [];
  for (let bin = 1; bin <= nValueBins; bin++) {
    const first = histogram[offset + bin * packing.lanes];
    const second = packing.lanes === 2 ? histogram[offset + bin * 2 + 1] : 0;
    const sums = { gradient: 0, hessian: 0, count: 0 };
    unpackSums(packing, first, second, sums);
    if (sums.count > 0) codes.push({ ...sums, bin, first, second });
  }
  return codes;
}

interface GroupContext {
  readonly node: SearchedNode;
  readonly sides: Uint8Array;
  readonly l2: number;
}

function tryGroup(
  group: readonly CodeSums[],
  left: Omit<CodeSums, "bin">,
  feature: SearchedFeature,
  { node, sides, l2 }: GroupContext,
  best: Split,
): void {
  const { lambdaL2, minDataInLeaf, minSumHessianInLeaf } = node.limits;
  const count = node.count - left.count;
  const hessian = node.hessian - left.hessian;
  if (Math.min(left.count, count) < minDataInLeaf) return;
  if (Math.min(left.hessian, hessian) < minSumHessianInLeaf) return;
  const gradient = node.gradient - left.gradient;
  const penalty = lambdaL2 + l2;
  const gain =
    (left.gradient * left.gradient) / (left.hessian + penalty) +
    (gradient * gradient) / (hessian + penalty) -
    node.score;
  if (!(gain > best.gain)) return;
  best.feature = feature.index;
  best.gain = gain;
  best.bin = 0;
  best.isMissingLeft = false;
  best.leftFirst = left.first;
  best.leftSecond = left.second;
  sides.fill(0, 0, HISTOGRAM_BINS);
  for (const { bin } of group) sides[bin] = 1;
}
