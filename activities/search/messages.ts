import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { SearchBudget } from "./plan.ts";

export interface PlanSearchInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly split: ObjectRef;
  /** Name of a candidate that has a `search`. */
  readonly candidate: string;
  readonly folds: readonly {
    readonly repeat: number;
    readonly fold: number;
    readonly featureSet: ObjectRef;
  }[];
}

export interface PlanSearchResult extends SearchBudget {
  /** Stored SearchPlan document. */
  readonly plan: ObjectRef;
  readonly candidate: string;
  /** First objective. */
  readonly metric: string;
}

export interface RunTrialInput {
  readonly runId: string;
  readonly plan: ObjectRef;
  readonly number: number;
}

export interface RunTrialResult {
  readonly state: "complete" | "pruned" | "failed";
  /** What is minimised; null for a failed trial. */
  readonly loss: number | null;
  /** First objective as people read it; absent for a failed trial. */
  readonly value?: number;
  readonly isReused: boolean;
}

export interface ChooseTrialsInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  /** Candidates that were searched. */
  readonly candidates: readonly string[];
}

export interface ChooseTrialsResult {
  /** The pipeline file with the parameters that were found, and nothing left to search. */
  readonly spec: ObjectRef;
  readonly chosen: readonly {
    readonly candidate: string;
    readonly number: number;
    readonly trials: number;
  }[];
}
