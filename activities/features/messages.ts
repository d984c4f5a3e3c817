import type { ObjectRef } from "../../schemas/object-ref.ts";

export interface SplitInput {
  readonly runId: string;
  readonly model: string;
  readonly spec: ObjectRef;
  readonly dataset: ObjectRef;
  /**
   * Of a replay: the split that its own champion was trained on, null before the first. What is registered for the model
   * came later than what is replayed.
   */
  readonly before?: ObjectRef | null;
}

export interface SplitResult {
  readonly split: ObjectRef;
  readonly holdoutHash: string;
  readonly detail: string;
  readonly isReused: boolean;
}

export interface FitInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly dataset: ObjectRef;
  readonly split: ObjectRef;
}

/** Fitted states, learnt from the training rows of each fold and of the whole training set. */
export interface FitResult {
  readonly view: ObjectRef;
  /** `folds[repeat][fold]`. */
  readonly folds: readonly (readonly ObjectRef[])[];
  readonly final: ObjectRef;
  readonly isReused: boolean;
}

export interface TransformInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly dataset: ObjectRef;
  readonly view: ObjectRef;
  readonly fitted: ObjectRef;
  /** false: a fleet to score, whose truth nobody knows yet. Default true. */
  readonly hasLabel?: boolean;
  /**
   * false: the set of one fold, or of a fleet to score, whose labels and newest features stay out of PostgreSQL.
   * Default true.
   */
  readonly isPublished?: boolean;
}

export interface TransformResult {
  /** Stored FeatureSetManifest. */
  readonly featureSet: ObjectRef;
  readonly rows: number;
  readonly features: number;
  readonly isReused: boolean;
}

export interface LeakageInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly dataset: ObjectRef;
  readonly split: ObjectRef;
  readonly featureSet: ObjectRef;
}

export interface LeakageResult {
  readonly checks: readonly { readonly name: string; readonly passed: boolean; readonly detail: string }[];
  readonly isReused: boolean;
}
