import { z } from "zod";
import { canonicalJson, hashOf } from "../../../schemas/canonical-json.ts";
import { nameSchema } from "../../../schemas/names.ts";
import { objectRefSchema } from "../../../schemas/object-ref.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { replayLifeSchema, replayViewSchema, startReplaySchema } from "../../../schemas/runs/replay-life.ts";
import type { ReplayView } from "../../../schemas/runs/replay-life.ts";
import { getDocument } from "../../../stores/objects/documents.ts";
import { storePipelineInput } from "../../../stores/objects/pipeline-input.ts";
import { replayLifeWorkflowId } from "../../../temporal-config/constants.ts";
import { pageReply } from "../object-body.ts";
import { auditOf, operator, viewer } from "../parts.ts";
import { checkRawFiles } from "../raw-files.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";
import type { ApiDeps } from "../../deps.ts";
import { runChecks } from "./runs.ts";

/** As for a run: 10 000 raw files with their hashes fit. */
const START_BYTES = 4 * 2 ** 20;
const MAX_PAGE_BYTES = 32 * 2 ** 20;

const replayParams = z.strictObject({
  name: nameSchema,
  id: z.string().regex(/^[0-9a-f]{32}$/, "expected the id of a replay"),
});
/** What the workflow ends with. */
const endSchema = z.looseObject({ result: objectRefSchema, report: objectRefSchema });

/** History gone through again as if live. */
export const replayRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/replays",
    tag: "runs",
    summary:
      "Go through history again as if live: train at a moment, score forward, retrain on drift. One that runs already is joined; nothing is registered or promoted.",
    policy: operator,
    body: { kind: "json", schema: startReplaySchema, limitBytes: START_BYTES },
    reply: z.strictObject({
      id: z.string(),
      workflowId: z.string(),
      pipeline: nameSchema,
      isNew: z.boolean(),
    }),
    status: 202,
    async handle(request, { objects, workflows, database, allowLoopbackSources }) {
      const { body, actor } = request;
      await checkRawFiles({ objects, database }, body.files);
      const { input, inputHash } = await storePipelineInput(objects, {
        text: body.pipeline,
        files: body.files,
        checks: runChecks(allowLoopbackSources),
        requestedBy: { id: actor.id, authenticated: actor.authenticated },
      });
      const { pipeline } = input;
      const { options } = body;
      const id = hashOf(canonicalJson({ inputHash, options })).slice(0, 32);
      const started = await workflows.startReplay({ input: { ...input, options }, hash: id });
      const { workflowId, isNew } = started;
      await database().audit.append(
        auditOf(request, "replay.start", `pipeline/${pipeline}`, { id, options, isNew }),
      );
      return { id, workflowId, pipeline, isNew };
    },
  }),
  route({
    method: "get",
    path: "/v1/pipelines/{name}/replays/{id}",
    tag: "runs",
    summary:
      "A replay: what it is at, or what it found; 404 where none was asked for, its error where it failed.",
    policy: viewer,
    params: replayParams,
    reply: replayViewSchema,
    async handle({ params: { name, id } }, deps): Promise<ReplayView> {
      const workflowId = replayLifeWorkflowId(name, id);
      const outcome = await deps.workflows.outcomeOf("replay-life", workflowId);
      if (outcome.status === "running") {
        const stage = outcome.stage === undefined ? {} : { stage: outcome.stage };
        return { id, workflowId, status: outcome.status, ...stage };
      }
      const { result } = endSchema.parse(outcome.result);
      return {
        id,
        workflowId,
        status: outcome.status,
        result: await getDocument(deps.objects, result, replayLifeSchema),
      };
    },
  }),
  route({
    method: "get",
    path: "/v1/pipelines/{name}/replays/{id}/page",
    tag: "runs",
    summary:
      "A finished replay as one HTML page: quality per window with and without the loop. No scripts, no network.",
    policy: viewer,
    params: replayParams,
    reply: z.unknown(),
    handle: async ({ params }, deps) => pageReply(await pageOf(params, deps)),
  }),
];

async function pageOf(
  { name, id }: z.infer<typeof replayParams>,
  { workflows, objects }: ApiDeps,
): Promise<string> {
  const outcome = await workflows.outcomeOf("replay-life", replayLifeWorkflowId(name, id));
  if (outcome.status === "running")
    throw new PlatformError("not_ready", `replay-life [${name}]: it still runs; there is no page yet`);
  const { report } = endSchema.parse(outcome.result);
  return new TextDecoder().decode(await objects.get(report, MAX_PAGE_BYTES));
}
