import { MAX_LOG_ODDS } from "./log-loss.ts";
import type { Derivatives, Loss, RowRange, ScoredRows } from "./objective.ts";
import { weightOf } from "./objective.ts";
import { weightedMean } from "./weighted-statistics.ts";

/**
 * −log of the probability of the class that was, in nats; p = softmax(s), g = w (p_k − y_k),
 * h = w K/(K−1) p_k (1 − p_k).
 *
 * Source: Friedman 2001 (doi:10.1214/aos/1013203451); the factor K/(K−1) as LightGBM since 3.2, from
 * the redundancy of one class.
 */
export const SOFTMAX: Loss = {
  taskKind: "multiclass",
  isHessianOne: false,
  base: (rows, { nScores }) =>
    Float64Array.from({ length: nScores }, (_, k) =>
      Math.max(-MAX_LOG_ODDS, Math.log(weightedMean(rows, (target) => (target === k ? 1 : 0)))),
    ),
  bind: (rows, out, { nScores }) => ({
    prepare: (range) => writeProbabilities(rows, out, nScores, range),
    derive(k, { begin, end }) {
      const nRows = rows.targets.length;
      const factor = nScores / (nScores - 1);
      for (let row = begin; row < end; row++) {
        const weight = weightOf(rows, row);
        const probability = out.probabilities[k * nRows + row];
        out.gradients[row] = weight * (probability - (rows.targets[row] === k ? 1 : 0));
        out.hessians[row] = weight * factor * probability * (1 - probability);
      }
    },
  }),
  rowLoss: ({ scores, targets }, row, { nScores }) => {
    const nRows = targets.length;
    let top = -Infinity;
    for (let k = 0; k < nScores; k++) top = Math.max(top, scores[k * nRows + row]);
    let sum = 0;
    for (let k = 0; k < nScores; k++) sum += Math.exp(scores[k * nRows + row] - top);
    return Math.log(sum) + top - scores[targets[row] * nRows + row];
  },
};

function writeProbabilities(
  { targets, scores }: ScoredRows,
  { probabilities }: Derivatives,
  nScores: number,
  { begin, end }: RowRange,
): void {
  const nRows = targets.length;
  for (let row = begin; row < end; row++) {
    let top = -Infinity;
    for (let k = 0; k < nScores; k++) top = Math.max(top, scores[k * nRows + row]);
    let sum = 0;
    for (let k = 0; k < nScores; k++) {
      const exponential = Math.exp(scores[k * nRows + row] - top);
      probabilities[k * nRows + row] = exponential;
      sum += exponential;
    }
    for (let k = 0; k < nScores; k++) probabilities[k * nRows + row] /= sum;
  }
}
