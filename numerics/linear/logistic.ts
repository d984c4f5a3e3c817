/** Logistic regression: one score for two classes, one per class (softmax) for more. */
import type { SmoothFunction } from "./lbfgs.ts";
import { minimiseLbfgs } from "./lbfgs.ts";
import type { LinearFit } from "./ridge.ts";
import type { Standardised } from "./standardise.ts";

export interface LogisticOptions {
  readonly weights: Float64Array | null;
  readonly lambdaL2: number;
  readonly maxIterations: number;
  readonly tolerance: number;
  readonly onStep: (iteration: number, meanLoss: number) => void;
}

/**
 * Minimises [ Σ w · log-loss + λ/2 |β|² ] / Σ w; intercepts are free.
 *
 * @param codes   class codes; 0 and 1 when `nScores` is 1
 * @param nScores 1 for two classes, else the number of classes
 *
 * Cost: about 2 · nRows · nColumns · nScores per step; well-conditioned thanks to standardised columns.
 */
export function fitLogistic(
  table: Standardised,
  codes: Float64Array,
  nScores: number,
  options: LogisticOptions,
): LinearFit {
  const { nColumns } = table;
  const width = nColumns + 1; // the intercept is the last of each score's unknowns
  const loss =
    nScores === 1 ? binaryLoss(table, codes, options) : softmaxLoss(table, codes, nScores, options);
  const solution = minimiseLbfgs(loss, new Float64Array(nScores * width), options);
  const coefficients = new Float64Array(nScores * nColumns);
  const intercepts = new Float64Array(nScores);
  for (let k = 0; k < nScores; k++) {
    coefficients.set(solution.subarray(k * width, k * width + nColumns), k * nColumns);
    intercepts[k] = solution[k * width + nColumns];
  }
  return { coefficients, intercepts };
}

function binaryLoss(table: Standardised, codes: Float64Array, options: LogisticOptions): SmoothFunction {
  const scoreLoss = (row: number, scores: Float64Array): number => {
    const margin = codes[row] === 1 ? scores[0] : -scores[0];
    const probability = 1 / (1 + Math.exp(-scores[0]));
    scores[0] = probability - codes[row];
    return Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(0, -margin);
  };
  return penalisedLoss(table, 1, scoreLoss, options);
}

function softmaxLoss(
  table: Standardised,
  codes: Float64Array,
  nScores: number,
  options: LogisticOptions,
): SmoothFunction {
  const scoreLoss = (row: number, scores: Float64Array): number => {
    const top = scores.reduce((left, right) => Math.max(left, right), -Infinity);
    const own = scores[codes[row]];
    let sum = 0;
    for (let k = 0; k < nScores; k++) {
      scores[k] = Math.exp(scores[k] - top);
      sum += scores[k];
    }
    for (let k = 0; k < nScores; k++) scores[k] = scores[k] / sum - (codes[row] === k ? 1 : 0);
    return Math.log(sum) + top - own;
  };
  return penalisedLoss(table, nScores, scoreLoss, options);
}

/** @param scoreLoss returns a row's loss and replaces its scores by the derivatives */
function penalisedLoss(
  { data, nRows, nColumns }: Standardised,
  nScores: number,
  scoreLoss: (row: number, scores: Float64Array) => number,
  { weights, lambdaL2 }: LogisticOptions,
): SmoothFunction {
  const width = nColumns + 1;
  const weightSum = weights === null ? nRows : weights.reduce((sum, weight) => sum + weight, 0);
  const scores = new Float64Array(nScores);
  return (x, gradient) => {
    gradient.fill(0);
    let total = 0;
    for (let row = 0; row < nRows; row++) {
      const begin = row * nColumns;
      for (let k = 0; k < nScores; k++) {
        let score = x[k * width + nColumns];
        for (let column = 0; column < nColumns; column++)
          score += x[k * width + column] * data[begin + column];
        scores[k] = score;
      }
      const weight = weights === null ? 1 : weights[row];
      total += weight * scoreLoss(row, scores);
      for (let k = 0; k < nScores; k++) {
        const slope = weight * scores[k];
        for (let column = 0; column < nColumns; column++)
          gradient[k * width + column] += slope * data[begin + column];
        gradient[k * width + nColumns] += slope;
      }
    }
    for (let index = 0; index < x.length; index++) {
      const isIntercept = index % width === nColumns;
      if (!isIntercept) {
        total += (lambdaL2 / 2) * x[index] * x[index];
        gradient[index] += lambdaL2 * x[index];
      }
      gradient[index] /= weightSum;
    }
    return total / weightSum;
  };
}
