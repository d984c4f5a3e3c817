import { defineQuery } from "@temporalio/workflow";
import type { RunStage } from "../../schemas/runs/run.ts";

/** Where a run is: the stage, and what it waits for when it waits. */
export interface PipelineProgress {
  readonly stage: RunStage;
  readonly awaiting: string | null;
}

export const progressQuery = defineQuery<PipelineProgress>("progress");
