/**
 * What boosting minimises. An objective turns scores into gradients and hessians of its loss, gives
 * the constant scores to start from, and the loss that early stopping watches.
 *
 *   squared error   g = w (s − y)        h = w               loss = (s − y)²
 *   log-loss        g = w (p − y)        h = w p (1 − p)      p = 1 / (1 + e^−s)
 *   softmax         g = w (p_k − y_k)    h = w K/(K−1) p_k (1 − p_k)
 *
 * Scores are class-major: score of class k, row r is `scores[k · nRows + r]`. Everything works on a range of
 * rows, so that threads share a round.
 *
 * Source: Friedman 2001 (doi:10.1214/aos/1013203451); the factor K/(K−1) as LightGBM since 3.2, from
 * the redundancy of one class.
 */
import type { TaskKind } from "../task-kind.ts";

/** Which loss, and of how many scores. Plain data. */
export interface ObjectiveKind {
  readonly taskKind: TaskKind;
  /** Scores per row, and trees per round. */
  readonly nScores: number;
}

/** Rows and their scores. */
export interface ScoredRows {
  /** Float64Array (nRows) */
  readonly targets: Float64Array;
  /** Float64Array (nRows), or empty for 1. */
  readonly weights: Float64Array;
  /** Float64Array (nScores × nRows), class-major. */
  readonly scores: Float64Array;
}

/** Where a round's derivatives go. */
export interface Derivatives {
  /** Float64Array (nRows) */
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  /** Float64Array (nScores × nRows): softmax of the scores at the start of the round; empty elsewhere. */
  readonly probabilities: Float64Array;
}

/** Rows begin … end − 1. */
export interface RowRange {
  readonly begin: number;
  readonly end: number;
}

export interface Objective {
  /** Called for all rows before the gradients of a round, for what the scores of a row share. */
  prepare(range: RowRange): void;
  /** Writes the gradients and hessians of score `k`. */
  derive(k: number, range: RowRange): void;
}

/** Clips the log-odds of a class that hardly occurs: e^−20 is one in 485 million. */
const MAX_LOG_ODDS = 20;

export function createObjective(kind: ObjectiveKind, rows: ScoredRows, out: Derivatives): Objective {
  switch (kind.taskKind) {
    case "regression":
      return squaredError(rows, out);
    case "binary":
      return binaryLogLoss(rows, out);
    case "multiclass":
      return softmaxLogLoss(kind.nScores, rows, out);
  }
}

/** Scores of the best constant model. */
export function baseScores(kind: ObjectiveKind, rows: Omit<ScoredRows, "scores">): Float64Array {
  switch (kind.taskKind) {
    case "regression":
      return Float64Array.of(weightedMean(rows, (value) => value));
    case "binary": {
      const share = weightedMean(rows, (value) => value);
      const logOdds = Math.log(share) - Math.log1p(-share);
      return Float64Array.of(Math.max(-MAX_LOG_ODDS, Math.min(MAX_LOG_ODDS, logOdds)));
    }
    case "multiclass":
      return Float64Array.from({ length: kind.nScores }, (_, k) =>
        Math.max(-MAX_LOG_ODDS, Math.log(weightedMean(rows, (value) => (value === k ? 1 : 0)))),
      );
  }
}

/** Sums of weight · loss over a range: squared error, or log-loss in nats. */
export function sumLoss(kind: ObjectiveKind, rows: ScoredRows, { begin, end }: RowRange): number {
  let total = 0;
  for (let row = begin; row < end; row++) {
    const weight = rows.weights.length === 0 ? 1 : rows.weights[row];
    total += weight * rowLoss(kind, rows, row);
  }
  return total;
}

function rowLoss({ taskKind, nScores }: ObjectiveKind, { scores, targets }: ScoredRows, row: number): number {
  const value = targets[row];
  switch (taskKind) {
    case "regression":
      return (scores[row] - value) ** 2;
    case "binary": {
      // log(1 + e^−m) with the margin m, without overflow on either side.
      const margin = value === 1 ? scores[row] : -scores[row];
      return Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(0, -margin);
    }
    case "multiclass": {
      const nRows = targets.length;
      let top = -Infinity;
      for (let k = 0; k < nScores; k++) top = Math.max(top, scores[k * nRows + row]);
      let sum = 0;
      for (let k = 0; k < nScores; k++) sum += Math.exp(scores[k * nRows + row] - top);
      return Math.log(sum) + top - scores[value * nRows + row];
    }
  }
}

function squaredError(
  { targets, weights, scores }: ScoredRows,
  { gradients, hessians }: Derivatives,
): Objective {
  return {
    prepare() {},
    derive(_k, { begin, end }) {
      if (weights.length === 0) {
        for (let row = begin; row < end; row++) gradients[row] = scores[row] - targets[row];
        hessians.fill(1, begin, end);
        return;
      }
      for (let row = begin; row < end; row++) {
        gradients[row] = weights[row] * (scores[row] - targets[row]);
        hessians[row] = weights[row];
      }
    },
  };
}

function binaryLogLoss(
  { targets, weights, scores }: ScoredRows,
  { gradients, hessians }: Derivatives,
): Objective {
  return {
    prepare() {},
    derive(_k, { begin, end }) {
      for (let row = begin; row < end; row++) {
        const weight = weights.length === 0 ? 1 : weights[row];
        const probability = 1 / (1 + Math.exp(-scores[row]));
        gradients[row] = weight * (probability - targets[row]);
        hessians[row] = weight * probability * (1 - probability);
      }
    },
  };
}

function softmaxLogLoss(nScores: number, rows: ScoredRows, out: Derivatives): Objective {
  const { targets, weights, scores } = rows;
  const { gradients, hessians, probabilities } = out;
  const nRows = targets.length;
  const factor = nScores / (nScores - 1);
  return {
    prepare({ begin, end }) {
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
    },
    derive(k, { begin, end }) {
      for (let row = begin; row < end; row++) {
        const weight = weights.length === 0 ? 1 : weights[row];
        const probability = probabilities[k * nRows + row];
        gradients[row] = weight * (probability - (targets[row] === k ? 1 : 0));
        hessians[row] = weight * factor * probability * (1 - probability);
      }
    },
  };
}

function weightedMean(
  { targets, weights }: Omit<ScoredRows, "scores">,
  read: (value: number) => number,
): number {
  let total = 0;
  let weightSum = 0;
  for (let row = 0; row < targets.length; row++) {
    const weight = weights.length === 0 ? 1 : weights[row];
    total += weight * read(targets[row]);
    weightSum += weight;
  }
  return total / weightSum;
}
