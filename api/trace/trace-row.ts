import type { PredictionRole } from "../../schemas/serving/prediction.ts";

/** One traced prediction: everything needed to say what was asked, by whom, and to run it again. */
export interface TraceRow {
  readonly predictionId: string;
  readonly requestId: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly asset: string | null;
  /** Microseconds since 1970 UTC. */
  readonly atMicros: number;
  readonly actor: string;
  /** Time in the data that the prediction is about: microseconds since 1970 UTC, or the cycle; null where nobody said. */
  readonly t: number | null;
  readonly role: PredictionRole;
  /** Row of the input tensor, NaN = missing. */
  readonly features: Float64Array;
  /** Row of the output tensor. */
  readonly outputs: Float64Array;
  /** Headline output, for the index. Not stored in the segment: outputs are. */
  readonly value: number;
}
