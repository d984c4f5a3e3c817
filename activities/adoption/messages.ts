import type { MetricSet } from "../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";

export interface AdoptInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly featureSet: ObjectRef;
  /** The ONNX file as it was given. */
  readonly file: ObjectRef;
  /** Stored ImportSignature. */
  readonly signature: ObjectRef;
}

/** A graph in the served form, and the selection document in which it stands alone. */
export interface AdoptResult {
  readonly onnx: ObjectRef;
  readonly selection: ObjectRef;
  readonly primaryMetric: string;
  readonly cv: MetricSet;
}
