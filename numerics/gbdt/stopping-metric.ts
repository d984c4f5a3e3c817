import { averagePrecision, rocAuc } from "../metrics/binary.ts";
import { meanAbsoluteError, nasaScore, rootMeanSquaredError } from "../metrics/regression.ts";
import type { TaskKind } from "../task-kind.ts";

/** A figure over validation rows that may decide when boosting stops, instead of the loss. */
export interface StoppingMetric {
  readonly taskKind: TaskKind;
  readonly isHigherBetter: boolean;
  /** `scores` are raw: a metric of ranks needs no probabilities. */
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
};

const probabilities = (scores: Float64Array): Float64Array =>
  scores.map((score) => 1 / (1 + Math.exp(-score)));
