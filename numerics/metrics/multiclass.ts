import { requireFinite, requireInteger, requireNonEmpty, requireSameLength } from "../stats/checked-array.ts";
import { sumOf } from "../stats/sum.ts";
import { surprise } from "./binary.ts";
import { f1Of, precisionOf, recallOf } from "./confusion.ts";

/** How far the probabilities of a row may add up from 1 before they are refused. */
const SUM_TOLERANCE = 1e-6;

/** Quality of one class, every other class taken as negative. */
export interface ClassMetrics {
  readonly classIndex: number;
  /** rows whose truth is this class */
  readonly support: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/**
 * The most probable class per row; the lowest index wins a tie.
 *
 * @param probability row-major (nRows × nClasses), finite
 * @param nClasses    ≥ 2
 * @returns class index per row
 * @throws {RangeError} when the length is no multiple of nClasses or a value is not finite
 */
export function predictedClasses(probability: ArrayLike<number>, nClasses: number): Int32Array {
  requireInteger("nClasses", nClasses, [2, 65_535]);
  requireFinite("probability", probability);
  if (probability.length % nClasses !== 0) {
    throw new RangeError(
      `probability must hold rows of ${nClasses} classes, got ${probability.length} values`,
    );
  }
  const classes = new Int32Array(probability.length / nClasses);
  for (let row = 0; row < classes.length; row++) {
    let best = 0;
    for (let c = 1; c < nClasses; c++) {
      if (probability[row * nClasses + c] > probability[row * nClasses + best]) best = c;
    }
    classes[row] = best;
  }
  return classes;
}

/**
 * Counts of truth (row) against predicted class (column).
 *
 * @param truth     class index per row, 0…nClasses − 1
 * @param predicted class index per row, equally many
 * @returns Float64Array, row-major (nClasses × nClasses)
 * @throws {RangeError} when empty, of different length or an index is out of range
 */
export function confusionMatrix(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  nClasses: number,
): Float64Array {
  requireSameLength(["truth", "predicted"], truth, predicted);
  requireNonEmpty("truth", truth);
  requireInteger("nClasses", nClasses, [2, 65_535]);
  const matrix = new Float64Array(nClasses * nClasses);
  for (let i = 0; i < truth.length; i++) {
    requireInteger(`truth[${i}]`, truth[i], [0, nClasses - 1]);
    requireInteger(`predicted[${i}]`, predicted[i], [0, nClasses - 1]);
    matrix[truth[i] * nClasses + predicted[i]]++;
  }
  return matrix;
}

/**
 * Precision, recall and F1 of each class, from a confusion matrix.
 *
 * @param matrix row-major (nClasses × nClasses), truth in rows
 * @returns one entry per class, in index order; a ratio without cases is 0, as in scikit-learn
 */
export function perClassMetrics(matrix: ArrayLike<number>, nClasses: number): ClassMetrics[] {
  return Array.from({ length: nClasses }, (_, c) => {
    const support = sumOf(nClasses, (k) => matrix[c * nClasses + k]);
    const alerts = sumOf(nClasses, (k) => matrix[k * nClasses + c]);
    const truePositives = matrix[c * nClasses + c];
    const counts = {
      truePositives,
      falsePositives: alerts - truePositives,
      falseNegatives: support - truePositives,
    };
    return {
      classIndex: c,
      support,
      precision: precisionOf(counts),
      recall: recallOf(counts),
      f1: f1Of(counts),
    };
  });
}

/**
 * Unweighted mean of the F1 of the classes that occur in truth or prediction (scikit-learn's default label set).
 *
 * @param matrix row-major (nClasses × nClasses), truth in rows
 */
export function macroF1(matrix: ArrayLike<number>, nClasses: number): number {
  const seen = perClassMetrics(matrix, nClasses).filter(
    (entry) => entry.support > 0 || sumOf(nClasses, (k) => matrix[k * nClasses + entry.classIndex]) > 0,
  );
  return sumOf(seen.length, (i) => seen[i].f1) / seen.length;
}

/** Share of rows on the diagonal of a confusion matrix. */
export function matrixAccuracy(matrix: ArrayLike<number>, nClasses: number): number {
  return sumOf(nClasses, (c) => matrix[c * nClasses + c]) / sumOf(matrix.length, (i) => matrix[i]);
}

/**
 * Mean negative log likelihood of the true class, in nats.
 *
 * @param truth       class index per row
 * @param probability row-major (nRows × nClasses); each row adds up to 1 (± 1e-6)
 * @throws {RangeError} when shapes disagree, a class is out of range, or a row is no distribution
 */
export function multiclassLogLoss(
  truth: ArrayLike<number>,
  probability: ArrayLike<number>,
  nClasses: number,
): number {
  requireDistributions(truth, probability, nClasses);
  return sumOf(truth.length, (row) => surprise(probability[row * nClasses + truth[row]])) / truth.length;
}

/**
 * Mean over the rows of the squared distance of the probabilities from the true class, summed over the classes: 0…2.
 *
 * @throws {RangeError} as {@link multiclassLogLoss}
 *
 * Source: Brier 1950. Checked: tests/peers/metrics against brier_score_loss.
 */
export function multiclassBrierScore(
  truth: ArrayLike<number>,
  probability: ArrayLike<number>,
  nClasses: number,
): number {
  requireDistributions(truth, probability, nClasses);
  const distance = (row: number): number =>
    sumOf(nClasses, (c) => (probability[row * nClasses + c] - (truth[row] === c ? 1 : 0)) ** 2);
  return sumOf(truth.length, distance) / truth.length;
}

function requireDistributions(
  truth: ArrayLike<number>,
  probability: ArrayLike<number>,
  nClasses: number,
): void {
  requireNonEmpty("truth", truth);
  requireInteger("nClasses", nClasses, [2, 65_535]);
  requireFinite("probability", probability);
  if (probability.length !== truth.length * nClasses) {
    throw new RangeError(
      `probability must hold ${truth.length} × ${nClasses} values, got ${probability.length}`,
    );
  }
  for (let row = 0; row < truth.length; row++) {
    requireInteger(`truth[${row}]`, truth[row], [0, nClasses - 1]);
    const total = sumOf(nClasses, (c) => requireShare(probability[row * nClasses + c], row));
    if (Math.abs(total - 1) > SUM_TOLERANCE)
      throw new RangeError(`probabilities of row ${row} must add up to 1, got ${total}`);
  }
}

function requireShare(value: number, row: number): number {
  if (value < 0 || value > 1)
    throw new RangeError(`probability in row ${row} must be in [0, 1], got ${value}`);
  return value;
}
