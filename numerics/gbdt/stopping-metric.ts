import { averagePrecision, rocAuc } from "../metrics/binary.ts";
import { confusionMatrix, macroF1, matrixAccuracy } from "../metrics/multiclass.ts";
import { meanAbsoluteError, nasaScore, rootMeanSquaredError } from "../metrics/regression.ts";
import type { TaskKind } from "../task-kind.ts";

/** A figure over validation rows that may decide when boosting stops, instead of the loss. */
export interface StoppingMetric {
  readonly taskKind: TaskKind;
  readonly isHigherBetter: boolean;
  /** `scores` are raw, those of a class beside each other: a metric of ranks needs no probabilities. */
  readonly compute: (targets: Float64Array, scores: Float64Array) => number;
}

export const STOPPING_METRICS: Readonly<Record<string, StoppingMetric>> = {
  rmse: { taskKind: "regression", isHigherBetter: false, compute: rootMeanSquaredError },
  mae: { taskKind: "regression", isHigherBetter: false, compute: meanAbsoluteError },
  nasaScore: { taskKind: "regression", isHigherBetter: false, compute: nasaScore },
  rocAuc: {
    taskKind: "binary",
    isHigherBetter: true,
    compute: (truth, scores) => rocAuc(truth, probabilities(scores)),
  },
  averagePrecision: {
    taskKind: "binary",
    isHigherBetter: true,
    compute: (truth, scores) => averagePrecision(truth, probabilities(scores)),
  },
  accuracy: {
    taskKind: "multiclass",
    isHigherBetter: true,
    compute: (truth, scores) => matrixAccuracy(...confusionOf(truth, scores)),
  },
  macroF1: {
    taskKind: "multiclass",
    isHigherBetter: true,
    compute: (truth, scores) => macroF1(...confusionOf(truth, scores)),
  },
};

const probabilities = (scores: Float64Array): Float64Array =>
  scores.map((score) => 1 / (1 + Math.exp(-score)));

/** Truth against the likeliest class, which is that of the greatest score; the lowest code wins a tie. */
function confusionOf(truth: Float64Array, scores: Float64Array): [matrix: Float64Array, nClasses: number] {
  const nRows = truth.length;
  const nClasses = scores.length / nRows;
  const predicted = new Int32Array(nRows);
  for (let row = 0; row < nRows; row++) {
    let best = 0;
    for (let k = 1; k < nClasses; k++) {
      if (scores[k * nRows + row] > scores[best * nRows + row]) best = k;
    }
    predicted[row] = best;
  }
  return [confusionMatrix(truth, predicted, nClasses), nClasses];
}
