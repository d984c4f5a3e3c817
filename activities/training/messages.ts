import type { MetricSet } from "../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";

export interface TrainFoldInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly split: ObjectRef;
  readonly featureSet: ObjectRef;
  /** Name of a declared candidate, or `baseline`. */
  readonly candidate: string;
  readonly repeat: number;
  readonly fold: number;
}

export interface TrainFoldResult {
  /** Out-of-fold predictions of this fold's validation rows. */
  readonly predictions: ObjectRef;
  /** Boosting rounds that early stopping kept; absent for other kinds. */
  readonly bestIteration?: number;
  readonly isReused: boolean;
}

export interface SelectInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly featureSet: ObjectRef;
  readonly folds: readonly {
    readonly candidate: string;
    readonly repeat: number;
    readonly fold: number;
    readonly result: TrainFoldResult;
  }[];
}

/** The candidate with the best cross-validated primary metric, and what was learnt on the way. */
export interface SelectResult {
  readonly candidate: string;
  /** Stored Selection document: cv metrics of all, thresholds, chosen iterations. */
  readonly selection: ObjectRef;
  readonly primaryMetric: string;
  readonly cv: MetricSet;
}

export interface TrainFinalInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly split: ObjectRef;
  readonly featureSet: ObjectRef;
  readonly selection: ObjectRef;
}

export interface TrainFinalResult {
  /** Trained models (one per seed) of the winner and the constant baseline, as JSON. */
  readonly models: ObjectRef;
  /** Rows of the sample that training and evaluation worked on; absent where it was all rows. */
  readonly sample?: { readonly rows: number; readonly of: number };
  readonly isReused: boolean;
}
