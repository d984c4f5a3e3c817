/**
 * Tells which coarse bins may hide a better split than the best so far.
 *
 * The gain is convex in the left child's (G, H), so over all subsets of a coarse bin's rows it is
 * largest at a vertex of what they can sum to. Residuals lie within the node's [m, M], so the vertices
 * are "the highest residuals first" and "the lowest first":
 *
 *   h⁺ = (g − m h) / (M − m)      weight of the bin's rows, were all of them at M or at m
 *   bound = max( gain(GL + M h⁺, HL + h⁺), gain(GL + m (h − h⁺), HL + h − h⁺) )
 *
 * For 0/1 targets the bound is reached by some order of the rows; for others it is higher.
 */
import type { SearchedNode } from "../gbdt/splitting.ts";

/** A node whose splits are bounded. */
export interface BoundedNode {
  readonly node: SearchedNode;
  /** m and M: least and greatest residual of the node's rows, m < M. */
  readonly lowest: number;
  readonly highest: number;
}

/** Keeps rounding from hiding a border that is as good as the bound. */
const SLACK = 1 + 1e-9;

/**
 * Marks the runs inside which a split may gain more than `gain`.
 *
 * @param histogram   packed sums in the layout of `gbdt/histogram.ts`: missing, then run 1 … nRuns
 * @param isPromising at least nRuns + 1 places; written, place 0 stays 0
 * @returns whether any is marked
 *
 * Cost: O(nRuns), twice with missing rows.
 */
export function markPromising(
  histogram: Float64Array,
  nRuns: number,
  isPromising: Uint8Array,
  { bounded, gain }: { readonly bounded: BoundedNode; readonly gain: number },
): boolean {
  isPromising.fill(0, 0, nRuns + 1);
  const hasMissing = histogram[bounded.node.packing.lanes - 1] !== 0;
  const pass = { bounded, gain, nRuns };
  const isAny = markPass(histogram, isPromising, { ...pass, first: 1 });
  // With the missing rows left they are the first run of the prefix.
  return (hasMissing && markPass(histogram, isPromising, { ...pass, first: 0 })) || isAny;
}

interface MarkPass {
  readonly bounded: BoundedNode;
  readonly gain: number;
  readonly nRuns: number;
  readonly first: 0 | 1;
}

function markPass(histogram: Float64Array, isPromising: Uint8Array, pass: MarkPass): boolean {
  const { node, lowest, highest } = pass.bounded;
  const { lanes, countUnit, gradientUnit, hessianUnit } = node.packing;
  const { gradient: totalG, hessian: totalH, count: totalCount } = node;
  const least = node.limits.minDataInLeaf;
  const inverseUnit = 1 / countUnit;
  const inverseRange = 1 / (highest - lowest);
  const toBeat = (pass.gain + node.score) * SLACK;
  let [leftG, leftH, leftCount] = [0, 0, 0];
  let isAny = false;
  for (let run = pass.first; run <= pass.nRuns; run++) {
    const packed = histogram[run * lanes + lanes - 1];
    if (packed === 0) continue;
    const upper = Math.floor(packed * inverseUnit);
    const count = packed - upper * countUnit;
    const gradient = (lanes === 1 ? upper : histogram[run * 2]) * gradientUnit;
    const hessian = lanes === 1 ? count : upper * hessianUnit;
    if (totalCount - leftCount <= least) break;
    // A single row cannot be divided, and a child must keep enough rows.
    if (run > 0 && count > 1 && leftCount + count > least) {
      const high = Math.min(hessian, Math.max(0, (gradient - lowest * hessian) * inverseRange));
      const low = hessian - high;
      const isBelow =
        exceeds(leftG + highest * high, leftH + high, totalG, totalH, toBeat) ||
        exceeds(leftG + lowest * low, leftH + low, totalG, totalH, toBeat);
      if (isBelow) {
        isPromising[run] = 1;
        isAny = true;
      }
    }
    leftG += gradient;
    leftH += hessian;
    leftCount += count;
  }
  return isAny;
}

/** Whether GL²/HL + GR²/HR > toBeat, without a division; five numbers, for objects would be slow here. */
function exceeds(leftG: number, leftH: number, totalG: number, totalH: number, toBeat: number): boolean {
  const rightG = totalG - leftG;
  const rightH = totalH - leftH;
  return leftG * leftG * rightH + rightG * rightG * leftH > toBeat * leftH * rightH;
}
