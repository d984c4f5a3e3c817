import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Reproduction } from "../../schemas/runs/reproduction.ts";
import type { Requester, RunPlan } from "../runs/messages.ts";

export interface ReproduceInput {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly requestedBy: Requester;
}

/** What was recorded of a version, as references: all that its training depends on besides the code. */
export interface ReproductionPlan {
  readonly plan: RunPlan;
  /** Name of the pipeline file. */
  readonly pipeline: string;
  /** The pipeline file, with what its searches found. */
  readonly spec: ObjectRef;
  /** What was taken from the searches of its run: the trial of each candidate, and of how many. */
  readonly searches: Reproduction["searches"];
  readonly dataset: string;
  readonly manifest: ObjectRef;
  readonly split: ObjectRef;
  readonly holdoutHash: string;
}

export interface CompareInput extends ReproduceInput {
  readonly searches: ReproductionPlan["searches"];
  /** Stored VersionManifest and Evaluation of what came out now. */
  readonly manifest: ObjectRef;
  readonly evaluation: ObjectRef;
}

export type ReproduceResult = Reproduction;
