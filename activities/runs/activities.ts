import { activityInfo } from "@temporalio/activity";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { Database, RunPatch } from "../../stores/postgres/port.ts";
import { readPipeline, readRawFiles } from "../../stores/objects/documents.ts";
import { systemAudit } from "../audit.ts";
import type { PipelineInput, PipelineResult, RunFailure, RunPlan, RunRef, StageReport } from "./messages.ts";
import type { ErrorCode } from "../../schemas/error-codes.ts";
import { boundedLocations } from "../../schemas/error-location.ts";
import { runPlan } from "./plan.ts";

export interface RunActivityDeps {
  readonly db: Database;
  readonly objects: ObjectStore;
}

/** Bookkeeping of runs: the row that `aura runs` and the API show, kept beyond Temporal's retention. */
export function createRunActivities({ db, objects }: RunActivityDeps) {
  return {
    /**
     * Opens the run row and reads the plan out of the pipeline file.
     *
     * **Effects**: one row in `runs`. **Idempotency**: the workflow's run id. **Retry**: dependency.
     */
    async openRun(input: PipelineInput): Promise<RunPlan> {
      const { workflowExecution } = activityInfo();
      if (workflowExecution === undefined) throw new Error("openRun runs inside a workflow only");
      const { workflowId, runId } = workflowExecution;
      const pipeline = await readPipeline(objects, input.spec);
      await db.runs.create({
        runId,
        workflowId,
        pipeline: input.pipeline,
        model: input.model,
        pipelineText: new TextDecoder().decode(await objects.get(input.text)),
        specHash: input.specHash,
        files: [
          ...(await readRawFiles(objects, input.files)),
          ...(input.imported === undefined ? [] : [input.imported.file]),
        ],
        requestedBy: input.requestedBy.id,
        requesterAuthenticated: input.requestedBy.authenticated,
        ...(input.scheduleKey === undefined ? {} : { scheduleKey: input.scheduleKey }),
      });
      return runPlan(pipeline, runId);
    },

    /** **Effects**: the run's row of this stage. **Idempotency**: (run, stage), last write wins. */
    async recordStage({ runId, ...stage }: StageReport): Promise<void> {
      await db.runs.setStage(runId, stage);
    },

    /** **Effects**: fields of the run row. **Idempotency**: same patch, same row. */
    async updateRun({ runId, ...patch }: RunRef & RunPatch): Promise<void> {
      await db.runs.update(runId, patch);
    },

    /** **Effects**: ends the run row, with its audit row. **Idempotency**: the first end stands. */
    async finishRun(result: Pick<PipelineResult, "runId" | "outcome" | "model">): Promise<void> {
      await db.runs.finish(
        result.runId,
        { status: "finished", outcome: result.outcome },
        systemAudit("run.finish", `run/${result.runId}`, { outcome: result.outcome, model: result.model }),
      );
    },

    /** The run ended by an error or by a person. **Idempotency**: the first end stands. */
    async failRun(end: RunFailure): Promise<void> {
      const { code, message, locations = [] } = end;
      const where = locations.length === 0 ? {} : { locations: boundedLocations(locations) };
      await db.runs.finish(
        end.runId,
        { status: end.status, error: { code: code as ErrorCode, message, ...where } },
        {
          ...systemAudit("run.finish", `run/${end.runId}`, { code: end.code }),
          outcome: "refused",
          reason: end.message,
        },
      );
    },
  };
}
