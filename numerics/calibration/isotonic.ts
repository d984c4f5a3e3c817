/**
 * Isotonic calibration that keeps the order of the rows and can be computed by a graph.
 *
 * The step function of pooled adjacent violators jumps: two rows a rounding error apart may get other answers, and all
 * rows of one step the same. Here the blocks are joined by straight lines between their centres (centred isotonic
 * regression), no line is steeper than a limit, and a thousandth of the raw probability is mixed in: the curve rises
 * strictly, so that ranking metrics and the choice of a threshold are as before.
 *
 * Source: Zadrozny & Elkan 2002; Oron & Flournoy 2017 (doi:10.1080/19466315.2017.1286256).
 */
import { poolAdjacentViolators } from "../stats/adjacent-violators.ts";
import type { PiecewiseLinear } from "../stats/piecewise-linear.ts";
import { interpolate } from "../stats/piecewise-linear.ts";

/** Share of the raw probability in the answer. */
export const RAW_SHARE = 1e-3;
/**
 * A graph's tree sums are float32: 6e-8 of a probability. Times this it stays below the parity limit of 1e-5.
 */
const MAX_SLOPE = 50;
/** Segments are columns of a constant in the graph. */
const MAX_KNOTS = 64;

interface Block {
  readonly count: number;
  readonly sumX: number;
  readonly sumY: number;
}

/**
 * @param truth       0 or 1 per row
 * @param probability in [0, 1] per row
 * @returns knots (raw probability) and values (calibrated) of the curve; null where nothing rises
 */
export function fitIsotonic(truth: Float64Array, probability: Float64Array): PiecewiseLinear | null {
  if (truth.length === 0) return null;
  const blocks: Block[] = poolAdjacentViolators(probability, truth);
  for (let join = findJoin(blocks); join >= 0; join = findJoin(blocks)) {
    const [left, right] = [blocks[join], blocks[join + 1]];
    const both = {
      count: left.count + right.count,
      sumX: left.sumX + right.sumX,
      sumY: left.sumY + right.sumY,
    };
    blocks.splice(join, 2, both);
  }
  if (blocks.length < 2) return null;
  return { knots: blocks.map(centreOf), values: blocks.map(valueOf) };
}

/** The calibrated probability, in [0, 1]. */
export function applyIsotonic(curve: PiecewiseLinear, probability: number): number {
  const value = (1 - RAW_SHARE) * interpolate(curve, probability) + RAW_SHARE * probability;
  return Math.min(1, Math.max(0, value));
}

const centreOf = (block: Block): number => block.sumX / block.count;
const valueOf = (block: Block): number => block.sumY / block.count;

/** Left block of the pair to join next: the steepest one above the limit, or of too many blocks the least rise. */
function findJoin(blocks: readonly Block[]): number {
  let steepest = -1;
  let least = -1;
  let topSlope = MAX_SLOPE;
  let leastRise = Infinity;
  for (let i = 0; i + 1 < blocks.length; i++) {
    const rise = valueOf(blocks[i + 1]) - valueOf(blocks[i]);
    const slope = rise / (centreOf(blocks[i + 1]) - centreOf(blocks[i]));
    if (slope > topSlope) {
      topSlope = slope;
      steepest = i;
    }
    if (rise < leastRise) {
      leastRise = rise;
      least = i;
    }
  }
  if (steepest >= 0) return steepest;
  return blocks.length > MAX_KNOTS ? least : -1;
}
