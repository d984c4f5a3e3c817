import { z } from "zod";
import { nameSchema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { runViewSchema, startRunSchema } from "../../../schemas/runs/run.ts";
import type { PendingFailure, RunView } from "../../../schemas/runs/run.ts";
import type { ParseOptions } from "../../../schemas/pipeline/parse.ts";
import { pullUrlProblems } from "../../../sources/http/url-guard.ts";
import { TRAINER_CHECKS } from "../../../sources/candidate-checks.ts";
import { storePipelineInput } from "../../../stores/objects/pipeline-input.ts";
import type { WorkflowGateway } from "../../workflow-gateway.ts";
import {
  auditOf,
  found,
  idParams,
  limitQuery,
  listOf,
  operator,
  serverIdSchema,
  startedRunSchema,
  viewer,
} from "../parts.ts";
import { checkRawFiles } from "../raw-files.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** 10 000 raw files with their hashes fit. */
const START_RUN_BYTES = 4 * 2 ** 20;

/** What the server checks beyond the schema: the trainers' parameters, and where HTTP sources point. */
export function runChecks(allowLoopback: boolean): ParseOptions {
  return {
    extraChecks: (pipeline) => [
      ...(TRAINER_CHECKS.extraChecks?.(pipeline) ?? []),
      ...pullUrlProblems(pipeline, { allowLoopback }),
    ],
  };
}

/** A step that has just begun has nothing to tell; those who follow a run ask several times a second. */
const SETTLED_MS = 1_000;

function mayWait({ status, stages, startedAt }: RunView): boolean {
  const since = stages.findLast((stage) => stage.startedAt !== undefined)?.startedAt ?? startedAt;
  return status === "running" && Date.now() - Date.parse(since) > SETTLED_MS;
}

/** Without Temporal the run is shown as it is recorded. */
async function whyItWaits(
  { workflowId, runId }: RunView,
  workflows: WorkflowGateway,
): Promise<PendingFailure | undefined> {
  try {
    return await workflows.pendingFailure(workflowId, runId);
  } catch {
    return undefined;
  }
}

export const runRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/runs",
    tag: "runs",
    summary: "Start a pipeline run. The same pipeline file on the same data is the same run.",
    policy: operator,
    body: { kind: "json", schema: startRunSchema, limitBytes: START_RUN_BYTES },
    reply: startedRunSchema,
    status: 202,
    idempotent: true,
    async handle(request, { objects, workflows, database, allowLoopbackSources }) {
      const { body, actor } = request;
      await checkRawFiles({ objects, database }, body.files);
      const { input, inputHash } = await storePipelineInput(objects, {
        text: body.pipeline,
        files: body.files,
        checks: runChecks(allowLoopbackSources),
        requestedBy: { id: actor.id, authenticated: actor.authenticated },
        ...(body.scheduleKey === undefined ? {} : { scheduleKey: body.scheduleKey }),
      });
      const { runId, workflowId, isNew } = await workflows.startPipeline({ input, inputHash });
      const { pipeline, model } = input;
      await database().audit.append(auditOf(request, "run.start", `run/${runId}`, { pipeline, isNew }));
      return { runId, workflowId, pipeline, model, isNew };
    },
  }),
  route({
    method: "get",
    path: "/v1/runs",
    tag: "runs",
    summary: "Runs, newest first.",
    policy: viewer,
    query: z.strictObject({
      pipeline: nameSchema.optional(),
      model: nameSchema.optional(),
      limit: limitQuery(),
      before: serverIdSchema.optional().describe("Run id or time of the last run of the page before."),
    }),
    reply: listOf(runViewSchema),
    handle: async ({ query: { limit, pipeline, model, before } }, { database }) => ({
      items: await database().runs.list({
        limit,
        ...(pipeline === undefined ? {} : { pipeline }),
        ...(model === undefined ? {} : { model }),
        ...(before === undefined ? {} : { before }),
      }),
    }),
  }),
  route({
    method: "get",
    path: "/v1/runs/{id}",
    tag: "runs",
    summary:
      "One run: stages, what it waits for, outcome, metrics, gates, error. 404 for a moment after its start.",
    policy: viewer,
    params: idParams,
    reply: runViewSchema,
    async handle({ params }, { database, workflows }) {
      const run = found(await database().runs.get(params.id), "run", params.id);
      const waitsFor = mayWait(run) ? await whyItWaits(run, workflows) : undefined;
      return waitsFor === undefined ? run : { ...run, waitsFor };
    },
  }),
  route({
    method: "post",
    path: "/v1/runs/{id}/cancel",
    tag: "runs",
    summary: "Ask a run to stop. It ends as `cancelled` once its present step has let go.",
    policy: operator,
    params: idParams,
    reply: z.strictObject({ runId: z.string(), cancelling: z.literal(true) }),
    status: 202,
    async handle(request, { database, workflows }) {
      const run = found(await database().runs.get(request.params.id), "run", request.params.id);
      if (run.status !== "running" && run.status !== "waiting") {
        throw new PlatformError("conflict", `cancel run [${run.runId}]: it is ${run.status}`);
      }
      await workflows.cancelRun(run.workflowId, run.runId);
      await database().audit.append(auditOf(request, "run.cancel", `run/${run.runId}`));
      return { runId: run.runId, cancelling: true };
    },
  }),
];
