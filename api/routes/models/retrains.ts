import { z } from "zod";
import { nameSchema } from "../../../schemas/names.ts";
import {
  askedRetrainSchema,
  askRetrainSchema,
  retrainRefusalSchema,
  retrainSchema,
} from "../../../schemas/runs/retrain.ts";
import { retrainWorkflowId } from "../../../temporal-config/constants.ts";
import { auditOf, limitQuery, operator, orAuditRefusal, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** Models trained anew: asked for by hand, and what became of all that were asked for. */
export const retrainRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/retrains",
    tag: "models",
    summary:
      "Train a model anew from the newest data now. Refused while a retrain or a run of it is open, and while the last one is too young.",
    policy: operator,
    body: { kind: "json", schema: askRetrainSchema },
    reply: askedRetrainSchema,
    status: 202,
    idempotent: true,
    async handle(request, { database, workflows }) {
      const { model, reason, skipCoolDown } = request.body;
      const { authenticated } = request.actor;
      const id = authenticated ? request.actor.id : (request.body.by ?? request.actor.id);
      const audit = auditOf(request, "retrain.ask", `model/${model}`, { reason, skipCoolDown, by: id });
      const ask = { model, reason, skipCoolDown, requestedBy: { id, authenticated } };
      const { window } = await orAuditRefusal(database(), audit, () => workflows.askRetrain(ask));
      return { model, window, workflowId: retrainWorkflowId(model, window) };
    },
  }),
  route({
    method: "get",
    path: "/v1/retrains",
    tag: "models",
    summary: "Retrains, newest first, and what was refused: why, how often, and when one may start again.",
    policy: viewer,
    query: z.strictObject({ model: nameSchema.optional(), limit: limitQuery(20) }),
    reply: z.strictObject({ items: z.array(retrainSchema), refused: z.array(retrainRefusalSchema) }),
    async handle({ query: { model, limit } }, { database }) {
      const { retrains } = database();
      const filter = { limit, ...(model === undefined ? {} : { model }) };
      const [items, refused] = await Promise.all([retrains.list(filter), retrains.refusals(filter)]);
      return { items, refused };
    },
  }),
];
