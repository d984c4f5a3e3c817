import type { EvaluateResult } from "../../activities/evaluation/messages.ts";
import type { SplitResult } from "../../activities/features/messages.ts";
import type { IngestResult } from "../../activities/ingest/messages.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";

/** A dataset and who of it trains. */
export interface Snapshot {
  readonly data: Pick<IngestResult, "dataset" | "manifest">;
  readonly split: Pick<SplitResult, "split" | "holdoutHash">;
}

/** What training and evaluation made of a snapshot. */
export interface EvaluatedModel {
  readonly featureSet: ObjectRef;
  readonly evaluated: EvaluateResult;
}
