/**
 * What boosting minimises. An objective turns scores into gradients and hessians of its loss, gives
 * the constant scores to start from, and the mean loss that early stopping watches.
 *
 *   squared error   g = w (s − y)        h = w               loss = (s − y)²
 *   log-loss        g = w (p − y)        h = w p (1 − p)      p = 1 / (1 + e^−s)
 *   softmax         g = w (p_k − y_k)    h = w K/(K−1) p_k (1 − p_k)
 *
 * Scores are class-major: score of class k, row r is `scores[k · nRows + r]`.
 *
 * Source: Friedman 2001 (doi:10.1214/aos/1013203451); the factor K/(K−1) as LightGBM since 3.2, from
 * the redundancy of one class.
 */
import type { TaskTarget } from "../task-kind.ts";
import { countOutputs } from "../task-kind.ts";

/** Rows that an objective was made for: targets and weights are of the same rows as the scores. */
export interface ObjectiveRows {
  /** Float64Array (nRows) */
  readonly values: Float64Array;
  /** Float64Array (nRows), or null for 1. */
  readonly weights: Float64Array | null;
}

export interface Objective {
  /** Scores per row, and trees per round. */
  readonly nScores: number;
  /** Whether the hessian is 1 for every row. */
  readonly isHessianOne: boolean;
  /** Scores of the best constant model. */
  baseScores(): Float64Array;
  /** Called once per round before `gradients`, for what all classes share. */
  prepare(scores: Float64Array): void;
  /** Writes the gradients and hessians of score `k`. */
  gradients(scores: Float64Array, k: number, gradients: Float64Array, hessians: Float64Array): void;
}

/** Clips the log-odds of a class that hardly occurs: e^−20 is one in 485 million. */
const MAX_LOG_ODDS = 20;

export function createObjective(target: TaskTarget, rows: ObjectiveRows): Objective {
  switch (target.taskKind) {
    case "regression":
      return new SquaredError(rows);
    case "binary":
      return new BinaryLogLoss(rows);
    case "multiclass":
      return new SoftmaxLogLoss(rows, countOutputs(target));
  }
}

/**
 * Weighted mean loss of scores: mean squared error, or log-loss in nats.
 *
 * @param scores Float64Array (nScores × nRows), class-major
 */
export function meanLoss(target: TaskTarget, rows: ObjectiveRows, scores: Float64Array): number {
  const nRows = rows.values.length;
  const nScores = countOutputs(target);
  let total = 0;
  let weightSum = 0;
  for (let row = 0; row < nRows; row++) {
    const weight = rows.weights === null ? 1 : rows.weights[row];
    weightSum += weight;
    total += weight * rowLoss(target, rows.values[row], { scores, row, nRows, nScores });
  }
  return weightSum > 0 ? total / weightSum : 0;
}

interface RowScores {
  readonly scores: Float64Array;
  readonly row: number;
  readonly nRows: number;
  readonly nScores: number;
}

function rowLoss(target: TaskTarget, value: number, { scores, row, nRows, nScores }: RowScores): number {
  switch (target.taskKind) {
    case "regression":
      return (scores[row] - value) ** 2;
    case "binary": {
      // log(1 + e^−m) with the margin m, without overflow on either side.
      const margin = value === 1 ? scores[row] : -scores[row];
      return Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(0, -margin);
    }
    case "multiclass": {
      let top = -Infinity;
      for (let k = 0; k < nScores; k++) top = Math.max(top, scores[k * nRows + row]);
      let sum = 0;
      for (let k = 0; k < nScores; k++) sum += Math.exp(scores[k * nRows + row] - top);
      return Math.log(sum) + top - scores[value * nRows + row];
    }
  }
}

class SquaredError implements Objective {
  readonly nScores = 1;
  readonly isHessianOne: boolean;
  readonly #rows: ObjectiveRows;

  constructor(rows: ObjectiveRows) {
    this.#rows = rows;
    this.isHessianOne = rows.weights === null;
  }

  baseScores(): Float64Array {
    return Float64Array.of(weightedMean(this.#rows, (value) => value));
  }

  prepare(): void {}

  gradients(scores: Float64Array, _k: number, gradients: Float64Array, hessians: Float64Array): void {
    const { values, weights } = this.#rows;
    for (let row = 0; row < values.length; row++) {
      const weight = weights === null ? 1 : weights[row];
      gradients[row] = weight * (scores[row] - values[row]);
      hessians[row] = weight;
    }
  }
}

class BinaryLogLoss implements Objective {
  readonly nScores = 1;
  readonly isHessianOne = false;
  readonly #rows: ObjectiveRows;

  constructor(rows: ObjectiveRows) {
    this.#rows = rows;
  }

  baseScores(): Float64Array {
    const share = weightedMean(this.#rows, (value) => value);
    const logOdds = Math.log(share) - Math.log1p(-share);
    return Float64Array.of(Math.max(-MAX_LOG_ODDS, Math.min(MAX_LOG_ODDS, logOdds)));
  }

  prepare(): void {}

  gradients(scores: Float64Array, _k: number, gradients: Float64Array, hessians: Float64Array): void {
    const { values, weights } = this.#rows;
    for (let row = 0; row < values.length; row++) {
      const weight = weights === null ? 1 : weights[row];
      const probability = 1 / (1 + Math.exp(-scores[row]));
      gradients[row] = weight * (probability - values[row]);
      hessians[row] = weight * probability * (1 - probability);
    }
  }
}

class SoftmaxLogLoss implements Objective {
  readonly nScores: number;
  readonly isHessianOne = false;
  readonly #rows: ObjectiveRows;
  /** Float64Array (nScores × nRows): of the scores at the start of the round. */
  readonly #probabilities: Float64Array;

  constructor(rows: ObjectiveRows, nScores: number) {
    this.#rows = rows;
    this.nScores = nScores;
    this.#probabilities = new Float64Array(nScores * rows.values.length);
  }

  baseScores(): Float64Array {
    return Float64Array.from({ length: this.nScores }, (_, k) => {
      const share = weightedMean(this.#rows, (value) => (value === k ? 1 : 0));
      return Math.max(-MAX_LOG_ODDS, Math.log(share));
    });
  }

  prepare(scores: Float64Array): void {
    const nRows = this.#rows.values.length;
    for (let row = 0; row < nRows; row++) {
      let top = -Infinity;
      for (let k = 0; k < this.nScores; k++) top = Math.max(top, scores[k * nRows + row]);
      let sum = 0;
      for (let k = 0; k < this.nScores; k++) {
        const exponential = Math.exp(scores[k * nRows + row] - top);
        this.#probabilities[k * nRows + row] = exponential;
        sum += exponential;
      }
      for (let k = 0; k < this.nScores; k++) this.#probabilities[k * nRows + row] /= sum;
    }
  }

  gradients(_scores: Float64Array, k: number, gradients: Float64Array, hessians: Float64Array): void {
    const { values, weights } = this.#rows;
    const factor = this.nScores / (this.nScores - 1);
    for (let row = 0; row < values.length; row++) {
      const weight = weights === null ? 1 : weights[row];
      const probability = this.#probabilities[k * values.length + row];
      gradients[row] = weight * (probability - (values[row] === k ? 1 : 0));
      hessians[row] = weight * factor * probability * (1 - probability);
    }
  }
}

function weightedMean({ values, weights }: ObjectiveRows, read: (value: number) => number): number {
  let total = 0;
  let weightSum = 0;
  for (let row = 0; row < values.length; row++) {
    const weight = weights === null ? 1 : weights[row];
    total += weight * read(values[row]);
    weightSum += weight;
  }
  return total / weightSum;
}
