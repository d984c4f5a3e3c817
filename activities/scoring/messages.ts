import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Requester } from "../runs/messages.ts";

export interface ScoreInput {
  readonly jobId: string;
  readonly model: string;
  /** The champion when the job was asked for; absent: the champion when it runs. */
  readonly version?: number;
  readonly digest?: string;
  /** JSON list of RawFile. */
  readonly files: ObjectRef;
  readonly requestedBy: Requester;
}

/** What the scoring steps need: the champion's own pipeline, view and fitted state. */
export interface ScorePlan {
  readonly version: number;
  readonly digest: string;
  readonly spec: ObjectRef;
  readonly view: ObjectRef;
  readonly fitted: ObjectRef;
}

export interface ScoreFleetInput extends ScorePlan {
  readonly jobId: string;
  readonly model: string;
  readonly dataset: string;
  readonly featureSet: ObjectRef;
}

export interface ScoreResult {
  readonly jobId: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly dataset: string;
  readonly assets: number;
}
