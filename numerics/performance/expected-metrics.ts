import { surprise } from "../metrics/binary.ts";
import { accuracyOf, f1Of, matthewsOf, precisionOf, recallOf } from "../metrics/confusion.ts";
import { macroF1, matrixAccuracy, predictedClasses } from "../metrics/multiclass.ts";
import { requireNonEmpty } from "../stats/checked-array.ts";
import { ascendingOrder } from "../stats/rank.ts";

/**
 * What metrics of classes come to in expectation where probabilities are calibrated: a row that is answered with p is positive
 * with probability p, whatever turns out. That is confidence-based performance estimation (CBPE).
 *
 * Source: NannyML, "CBPE" and "Multiclass CBPE" (nannyml.readthedocs.io, how it works: performance estimation); Białek et al. 2024
 * (arXiv:2401.08348). Checked: tests/peers/performance.
 */

/**
 * Expected metrics of two classes.
 *
 *   p ≥ threshold: TP += p, FP += 1 − p;  below: FN += p, TN += 1 − p
 *
 * The expected ROC and precision–recall curves run through these counts at every distinct probability.
 *
 * @param probability of class 1, in [0, 1]
 * @returns as `computeMetrics`: what is undefined has no key
 * @throws {RangeError} when there is no row
 *
 * Cost: O(n log n).
 */
export function expectedBinaryMetrics(probability: Float64Array, threshold: number): Record<string, number> {
  requireNonEmpty("probability", probability);
  const n = probability.length;
  let [positives, alerts, caught, loss, brier] = [0, 0, 0, 0, 0];
  for (const p of probability) {
    positives += p;
    // p · −ln p is 0 at 0, where the logarithm is cut.
    loss += p * surprise(p) + (1 - p) * surprise(1 - p);
    brier += p * (1 - p);
    if (p < threshold) continue;
    alerts++;
    caught += p;
  }
  const counts = {
    truePositives: caught,
    falsePositives: alerts - caught,
    falseNegatives: positives - caught,
    trueNegatives: n - alerts - (positives - caught),
  };
  return definedOnly({
    ...expectedAreas(probability, positives),
    f1: f1Of(counts),
    precision: precisionOf(counts),
    recall: recallOf(counts),
    accuracy: accuracyOf(counts),
    mcc: matthewsOf(counts),
    logLoss: loss / n,
    brier: brier / n,
  });
}

/** Areas under the expected curves; rows of one probability enter together. */
function expectedAreas(
  probability: Float64Array,
  positives: number,
): { readonly rocAuc: number; readonly averagePrecision: number } {
  const order = ascendingOrder(probability);
  const negatives = probability.length - positives;
  let [rocAuc, averagePrecision, caught, alarms] = [0, 0, 0, 0];
  for (let end = order.length; end > 0;) {
    const p = probability[order[end - 1]];
    let start = end - 1;
    while (start > 0 && probability[order[start - 1]] === p) start--;
    const [added, false_] = [(end - start) * p, (end - start) * (1 - p)];
    // The trapezoid between two points of the curve: within it half of the pairs are in order.
    rocAuc += false_ * (caught + added / 2);
    caught += added;
    alarms += false_;
    averagePrecision += (added * caught) / (caught + alarms);
    end = start;
  }
  return { rocAuc: rocAuc / (positives * negatives), averagePrecision: averagePrecision / positives };
}

/**
 * Expected metrics of more classes: the confusion matrix holds at (k, c) the sum of p_k over rows that are answered with c.
 *
 * @param probability row-major (nRows × nClasses), each row a distribution
 * @throws {RangeError} when there is no row, or a length is no multiple of nClasses
 */
export function expectedClassMetrics(probability: Float64Array, nClasses: number): Record<string, number> {
  requireNonEmpty("probability", probability);
  const classes = predictedClasses(probability, nClasses);
  const matrix = new Float64Array(nClasses * nClasses);
  let [loss, brier] = [0, 0];
  classes.forEach((predicted, row) => {
    for (let k = 0; k < nClasses; k++) {
      const p = probability[row * nClasses + k];
      matrix[k * nClasses + predicted] += p;
      loss += p * surprise(p);
      brier += p * (1 - p);
    }
  });
  return definedOnly({
    accuracy: matrixAccuracy(matrix, nClasses),
    macroF1: macroF1(matrix, nClasses),
    logLoss: loss / classes.length,
    brier: brier / classes.length,
  });
}

function definedOnly(metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
}
