/** The coarse histogram of a large node: its rows counted in runs of neighbouring bins. */
import { MISSING_BIN } from "../gbdt/binning.ts";

/** Runs of 2^shift neighbouring bins, the first starting at bin `lowest`; run r is place r ≥ 1. */
export interface BinRuns {
  readonly lowest: number;
  readonly shift: number;
  readonly nRuns: number;
}

/** Last bin of a run. */
export function lastBinOf({ lowest, shift }: BinRuns, run: number): number {
  return lowest + (run << shift) - 1;
}

/** Bins of a feature, in the node's order. */
interface RunCodes {
  readonly codes: Uint16Array;
  readonly nRows: number;
}

/** Adds packed rows of one lane to the places of their runs, missing ones to place 0. */
export function countOneLane(
  histogram: Float64Array,
  gathered: Float64Array,
  { codes, nRows }: RunCodes,
  { lowest, shift }: BinRuns,
): void {
  for (let index = 0; index < nRows; index++) {
    const code = codes[index];
    const place = code === MISSING_BIN ? 0 : 1 + ((code - lowest) >> shift);
    histogram[place] += gathered[index];
  }
}

/** The same of two lanes. */
export function countTwoLanes(
  histogram: Float64Array,
  gathered: Float64Array,
  { codes, nRows }: RunCodes,
  { lowest, shift }: BinRuns,
): void {
  for (let index = 0; index < nRows; index++) {
    const code = codes[index];
    const at = code === MISSING_BIN ? 0 : 2 * (1 + ((code - lowest) >> shift));
    histogram[at] += gathered[2 * index];
    histogram[at + 1] += gathered[2 * index + 1];
  }
}
