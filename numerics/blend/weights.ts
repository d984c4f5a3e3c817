/** How much each of several models counts in their mean. */
import { requireSameLength } from "../stats/checked-array.ts";

const MAX_SWEEPS = 500;
/** A share that moves by less changes no answer that anyone reads. */
const SMALLEST_MOVE = 1e-9;

/** The same share for each of `n` models. */
export function equalWeights(n: number): number[] {
  return Array.from({ length: n }, () => 1 / n);
}

/**
 * Shares with the least squared error of the mean:
 *
 *   min |y − Σ_m w_m p_m|²  with  w ≥ 0, Σ w = 1
 *
 * The answers must be out of fold: on rows that a model has learnt from, the one that overfits most would win.
 *
 * @param truth   number, 0/1, or one-hot rows, of the same length as each prediction
 * @param predictions one Float64Array per model, finite
 * @returns one share per model, summing to 1
 * @throws {RangeError} without models or rows, or when lengths differ
 *
 * Solved by moving weight between two models at a time, which keeps both conditions; each move is the best one for its
 * pair. Ties keep equal shares, from which it starts. Cost: n · models² and a few sweeps. Deterministic.
 */
export function fitBlendWeights(truth: Float64Array, predictions: readonly Float64Array[]): number[] {
  const nModels = predictions.length;
  if (nModels === 0) throw new RangeError("predictions must hold at least one model, got 0");
  if (truth.length === 0) throw new RangeError("truth must hold at least one row, got 0");
  for (const prediction of predictions) requireSameLength(["truth", "prediction"], truth, prediction);
  // Errors instead of answers: with Σ w = 1 the residual is the mean of the models' residuals.
  const gram = Array.from({ length: nModels }, () => new Float64Array(nModels));
  for (let a = 0; a < nModels; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let row = 0; row < truth.length; row++) {
        sum += (truth[row] - predictions[a][row]) * (truth[row] - predictions[b][row]);
      }
      gram[a][b] = sum / truth.length;
      gram[b][a] = gram[a][b];
    }
  }
  return leastOnSimplex(gram);
}

/** min wᵀ G w over shares. */
function leastOnSimplex(gram: readonly Float64Array[]): number[] {
  const n = gram.length;
  const weights = equalWeights(n);
  const slope = (model: number): number => {
    let sum = 0;
    for (let other = 0; other < n; other++) sum += gram[model][other] * weights[other];
    return sum;
  };
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let largest = 0;
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < a; b++) {
        const curvature = gram[a][a] + gram[b][b] - 2 * gram[a][b];
        if (!(curvature > 0)) continue;
        const wanted = (slope(b) - slope(a)) / curvature;
        const move = Math.min(weights[b], Math.max(-weights[a], wanted));
        weights[a] += move;
        weights[b] -= move;
        largest = Math.max(largest, Math.abs(move));
      }
    }
    if (largest < SMALLEST_MOVE) break;
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
