import type { MetricSet, ModelOrigin } from "../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";

export interface EvaluateInput {
  readonly runId: string;
  readonly model: string;
  readonly spec: ObjectRef;
  readonly datasetId: string;
  readonly dataset: ObjectRef;
  readonly split: ObjectRef;
  readonly holdoutHash: string;
  readonly view: ObjectRef;
  readonly fitted: ObjectRef;
  readonly featureSet: ObjectRef;
  readonly selection: ObjectRef;
  readonly models: ObjectRef;
  readonly leakage: readonly { readonly name: string; readonly passed: boolean; readonly detail: string }[];
}

/** A graph that was not trained here, in the served form. */
export interface EvaluateForeignInput extends Omit<EvaluateInput, "models"> {
  readonly onnx: ObjectRef;
  readonly origin: ModelOrigin;
}

export interface EvaluateResult {
  readonly manifest: ObjectRef;
  readonly evaluation: ObjectRef;
  readonly report: ObjectRef;
  readonly metrics: { readonly test: MetricSet; readonly cv: MetricSet };
  readonly isReused: boolean;
}

export interface ScoreChampionInput {
  readonly runId: string;
  readonly model: string;
  readonly spec: ObjectRef;
  readonly dataset: ObjectRef;
  readonly split: ObjectRef;
  /** The challenger's feature set: its truth is what both are measured against. */
  readonly featureSet: ObjectRef;
  readonly holdoutHash: string;
}

/** The present champion on the frozen rows, through its own view and fitted state; null: no champion. */
export type ChampionScore = {
  readonly version: number;
  readonly digest: string;
  /** Identity of the rows it was scored on. */
  readonly rows: string;
  readonly metrics: MetricSet;
} | null;
