import { z } from "zod";
import { reproductionSchema, reproductionViewSchema } from "../../../schemas/runs/reproduction.ts";
import type { ReproductionView } from "../../../schemas/runs/reproduction.ts";
import { reproduceWorkflowId } from "../../../temporal-config/constants.ts";
import { auditOf, found, operator, versionParams, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** A version made again from its snapshot, parameters, seed and code. */
export const reproductionRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/models/{model}/versions/{version}/reproduction",
    tag: "models",
    summary:
      "Train a version again from what was recorded of it and compare every file byte for byte. One that runs already is joined; nothing is registered or promoted.",
    policy: operator,
    params: versionParams,
    body: { kind: "json", schema: z.strictObject({}) },
    reply: z.strictObject({ workflowId: z.string(), runId: z.string(), isNew: z.boolean() }),
    status: 202,
    async handle(request, { database, workflows }) {
      const { params, actor } = request;
      const row = found(await database().registry.version(params.model, params.version), "version");
      const { model, version, digest } = row;
      const { id, authenticated } = actor;
      const started = await workflows.startReproduction({
        model,
        version,
        digest,
        requestedBy: { id, authenticated },
      });
      const { isNew } = started;
      await database().audit.append(
        auditOf(request, "model.reproduce", `model/${model}@${version}`, { digest, isNew }),
      );
      return started;
    },
  }),
  route({
    method: "get",
    path: "/v1/models/{model}/versions/{version}/reproduction",
    tag: "models",
    summary:
      "What the last reproduction of a version found; 404 where none was asked for, its error where it failed.",
    policy: viewer,
    params: versionParams,
    reply: reproductionViewSchema,
    async handle({ params: { model, version } }, { workflows }): Promise<ReproductionView> {
      const workflowId = reproduceWorkflowId(model, version);
      const outcome = await workflows.outcomeOf("reproduce", workflowId);
      const { runId, status } = outcome;
      if (outcome.status === "running") return { workflowId, runId, status };
      return { workflowId, runId, status, result: reproductionSchema.parse(outcome.result) };
    },
  }),
];
