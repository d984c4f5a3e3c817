import { brierScore } from "../metrics/binary.ts";
import { predictedClasses } from "../metrics/multiclass.ts";
import { requireInteger } from "../stats/checked-array.ts";

/** One bin of predicted probabilities against what happened. */
export interface CalibrationBin {
  /** bin bounds: lower excluded (but 0 included in the first), upper included */
  readonly low: number;
  readonly high: number;
  readonly nRows: number;
  /** null in an empty bin */
  readonly meanPredicted: number | null;
  readonly observedRate: number | null;
}

/** How far probabilities can be taken at their word. */
export interface Calibration {
  readonly bins: readonly CalibrationBin[];
  /** expected calibration error: Σ nᵢ/n · |mean predictedᵢ − observedᵢ|, in [0, 1] */
  readonly expectedError: number;
}

/**
 * Calibration table over bins of equal width.
 *
 * @param truth       0 or 1 per row
 * @param probability in [0, 1] per row
 * @param nBins       1…1000; default 10
 * @returns all bins, ascending, empty ones included
 * @throws {RangeError} when rows are empty, not binary, or a probability is outside [0, 1]
 */
export function calibrationTable(
  truth: ArrayLike<number>,
  probability: ArrayLike<number>,
  nBins = 10,
): Calibration {
  requireInteger("nBins", nBins, [1, 1000]);
  // Refuses whatever is not 0/1 truth beside probabilities; its value is not needed here.
  brierScore(truth, probability);
  const counts = new Float64Array(nBins);
  const predicted = new Float64Array(nBins);
  const observed = new Float64Array(nBins);
  for (let row = 0; row < truth.length; row++) {
    const bin = Math.max(0, Math.ceil(probability[row] * nBins) - 1);
    counts[bin]++;
    predicted[bin] += probability[row];
    observed[bin] += truth[row];
  }
  let expectedError = 0;
  for (let bin = 0; bin < nBins; bin++)
    expectedError += Math.abs(predicted[bin] - observed[bin]) / truth.length;
  const bins = Array.from(counts, (nRows, bin) => ({
    low: bin / nBins,
    high: (bin + 1) / nBins,
    nRows,
    meanPredicted: nRows === 0 ? null : predicted[bin] / nRows,
    observedRate: nRows === 0 ? null : observed[bin] / nRows,
  }));
  return { bins, expectedError };
}

/**
 * The same of several classes: the probability of the most probable one against how often it was right.
 *
 * @param truth       class index per row
 * @param probability row-major (nRows × nClasses), in [0, 1]
 * @throws {RangeError} when rows are empty, shapes disagree, or a probability is outside [0, 1]
 *
 * Source: Guo et al. 2017 (arXiv:1706.04599), eq. 3.
 */
export function confidenceTable(
  truth: ArrayLike<number>,
  probability: ArrayLike<number>,
  nClasses: number,
): Calibration {
  const classes = predictedClasses(probability, nClasses);
  const isRight = Float64Array.from(classes, (code, row) => (code === truth[row] ? 1 : 0));
  const confidence = Float64Array.from(classes, (code, row) => probability[row * nClasses + code]);
  return calibrationTable(isRight, confidence);
}
