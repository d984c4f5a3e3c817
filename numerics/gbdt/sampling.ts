/**
 * Which rows a round grows its trees on: all, a drawn share (bagging), or those with large gradients and a drawn
 * share of the others (gradient-based one-side sampling, GOSS).
 */
import { drawRows } from "../random/draw-rows.ts";
import type { Generator } from "../random/generator.ts";
import type { GbdtParameters } from "./parameters.ts";

/** @throws {RangeError} for settings that contradict each other */
export function checkSampling({ topRate, otherRate, baggingFraction, baggingFreq }: GbdtParameters): void {
  if (topRate === 1) return;
  if (topRate + otherRate > 1) {
    throw new RangeError(`topRate + otherRate must be at most 1, got ${topRate} + ${otherRate}`);
  }
  if (topRate + otherRate === 0) throw new RangeError("topRate + otherRate must be above 0, got 0 + 0");
  if (baggingFreq > 0 && baggingFraction < 1) {
    throw new RangeError(`topRate below 1 excludes baggingFraction, got ${topRate} and ${baggingFraction}`);
  }
}

/**
 * The rows of a bagged round, ascending: a share drawn without replacement, the same for `baggingFreq` rounds.
 *
 * @returns null where all rows are used
 */
export function drawBag(
  parameters: GbdtParameters,
  nRows: number,
  iteration: number,
  generator: Generator,
): Int32Array | null {
  const { baggingFraction, baggingFreq } = parameters;
  if (baggingFreq === 0 || baggingFraction === 1) return null;
  const draw = Math.floor(iteration / baggingFreq);
  const nDrawn = Math.max(1, Math.round(nRows * baggingFraction));
  return drawRows(nRows, nDrawn, generator.fork(`rows/${draw}`));
}

/**
 * The rows of a one-sided sample, ascending: the `topRate` with the largest |g · h|, and `otherRate` drawn from the
 * rest, whose derivatives are multiplied by (1 − topRate) / otherRate in place, so that sums stay unbiased.
 *
 * Cost: O(nRows). Deterministic for a generator: of equal gradients at the border the first rows are kept.
 * Source: Ke et al. 2017, LightGBM (NeurIPS 30), algorithm 2.
 */
export function drawOneSided(
  { topRate, otherRate }: GbdtParameters,
  derivatives: { readonly gradients: Float64Array; readonly hessians: Float64Array },
  generator: Generator,
): Int32Array {
  const { gradients, hessians } = derivatives;
  const nRows = gradients.length;
  const sizes = Float64Array.from(gradients, (gradient, row) => Math.abs(gradient * hessians[row]));
  const nTop = Math.round(topRate * nRows);
  const border = nTop === 0 ? Infinity : selectDescending(sizes.slice(), nTop);
  let nAbove = 0;
  for (const size of sizes) if (size > border) nAbove += 1;
  let nAtBorder = nTop - nAbove;
  let nOthersLeft = nRows - nTop;
  let nToDraw = Math.min(nOthersLeft, Math.max(nTop === 0 ? 1 : 0, Math.round(otherRate * nRows)));
  const factor = nToDraw === 0 ? 1 : nOthersLeft / nToDraw;
  const drawn = new Int32Array(nTop + nToDraw);
  let nDrawn = 0;
  for (let row = 0; row < nRows; row++) {
    const isTop = sizes[row] > border || (sizes[row] === border && nAtBorder > 0);
    if (isTop) {
      if (sizes[row] === border) nAtBorder -= 1;
      drawn[nDrawn++] = row;
      continue;
    }
    // Selection sampling: each of the others is equally likely, and exactly nToDraw are taken.
    if (generator.next() * nOthersLeft < nToDraw) {
      drawn[nDrawn++] = row;
      gradients[row] *= factor;
      hessians[row] *= factor;
      nToDraw -= 1;
    }
    nOthersLeft -= 1;
  }
  return drawn.subarray(0, nDrawn);
}

/** The n-th largest value; permutes `values`. Hoare's selection with the median of three, O(length). */
export function selectDescending(values: Float64Array, n: number): number {
  let low = 0;
  let high = values.length - 1;
  const place = n - 1;
  while (low < high) {
    const [a, b, c] = [values[low], values[(low + high) >>> 1], values[high]];
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    let left = low;
    let right = high;
    while (left <= right) {
      while (values[left] > pivot) left += 1;
      while (values[right] < pivot) right -= 1;
      if (left > right) break;
      const kept = values[left];
      values[left++] = values[right];
      values[right--] = kept;
    }
    if (place <= right) high = right;
    else if (place >= left) low = left;
    else return values[place];
  }
  return values[place];
}
