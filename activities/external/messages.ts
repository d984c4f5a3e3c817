import type { ExternalFailure, ExternalRequest } from "../../schemas/runs/external-trainer.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { TrainFoldInput } from "../training/messages.ts";

export interface PrepareExternalInput {
  readonly runId: string;
  readonly model: string;
  readonly spec: ObjectRef;
  readonly split: ObjectRef;
  readonly featureSet: ObjectRef;
  readonly candidate: string;
  /** The fold that is left out; null: the final training. */
  readonly fold: { readonly repeat: number; readonly fold: number } | null;
  /** Of the final training: the selection document. */
  readonly selection: ObjectRef | null;
}

export interface PrepareExternalResult {
  readonly request: ExternalRequest;
}

/** A fold as one of ours is trained on, and what the trainer elsewhere made of it. */
export interface ScoreExternalInput extends TrainFoldInput {
  readonly result: TrainerAnswer;
}

/** What the trainer answered, not yet looked at, or why it did not. */
export type TrainerAnswer = { readonly answer: unknown } | { readonly failure: ExternalFailure };

export interface AdoptExternalInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly featureSet: ObjectRef;
  readonly result: TrainerAnswer;
}

export interface AdoptExternalResult {
  /** The graph in the served form, and the file as the trainer uploaded it. */
  readonly onnx: ObjectRef;
  readonly file: string;
}
