import { z } from "zod";
import { dataIdSchema, nameSchema } from "../../../schemas/names.ts";
import { ObjectAnchors } from "../../../stores/postgres/audit/object-anchors.ts";
import { incomingOf } from "../../http/context.ts";
import {
  anyObject,
  found,
  idParams,
  limitQuery,
  listOf,
  serverIdSchema,
  siteViewer,
  sitesOf,
  timeQuery,
  viewer,
} from "../parts.ts";
import { explainTraced, tracedExplanationSchema } from "../serving/traced-explanation.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const VERIFY_TIMEOUT_MS = 5 * 60_000;

/** What happened: predictions and audit. */
export const recordRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/predictions",
    tag: "records",
    summary: "Traced predictions, newest first; those of its sites for a limited key.",
    policy: siteViewer,
    query: z.strictObject({
      asset: dataIdSchema.optional(),
      model: nameSchema.optional(),
      since: timeQuery.optional(),
      limit: limitQuery(),
      after: serverIdSchema.optional().describe("Id of the last prediction of the page before."),
    }),
    reply: listOf(anyObject),
    handle: async ({ query: { limit, asset, model, since, after }, actor }, { database }) => ({
      items: await database().predictions.list({
        limit,
        ...sitesOf(actor),
        ...(asset === undefined ? {} : { asset }),
        ...(model === undefined ? {} : { model }),
        ...(since === undefined ? {} : { since }),
        ...(after === undefined ? {} : { after }),
      }),
    }),
  }),
  route({
    method: "get",
    path: "/v1/predictions/{id}",
    tag: "records",
    summary: "One traced prediction, with the recommendations that rest on it and what became of them.",
    policy: siteViewer,
    params: idParams,
    reply: anyObject,
    async handle({ params: { id }, actor }, { database }) {
      const db = database();
      // Known to this key: a limited one sees the predictions of its sites only.
      found(await db.lineage.of({ kind: "prediction", id, ...sitesOf(actor) }, 1), "prediction");
      const { object: _object, ...prediction } = found(await db.predictions.get(id), "prediction");
      return { ...prediction, recommendations: await db.recommendations.ofPrediction(id) };
    },
  }),
  route({
    method: "get",
    path: "/v1/predictions/{id}/explanation",
    tag: "records",
    summary:
      "What moved a traced prediction, from its stored inputs and its version; some seconds after it was made.",
    policy: siteViewer,
    params: idParams,
    query: z.strictObject({
      top: z.coerce.number().int().min(1).max(100).default(5).describe("Contributions to list."),
    }),
    reply: tracedExplanationSchema,
    async handle({ params: { id }, query: { top }, actor }, deps) {
      // Known to this key: a limited one sees the predictions of its sites only.
      found(await deps.database().lineage.of({ kind: "prediction", id, ...sitesOf(actor) }, 1), "prediction");
      return explainTraced(id, top, deps);
    },
  }),
  route({
    method: "get",
    path: "/v1/audit",
    tag: "records",
    summary: "Audit rows, newest first; not for keys that are limited to sites.",
    policy: viewer,
    query: z.strictObject({
      subject: z.string().max(256).optional(),
      limit: limitQuery(100),
      after: z.coerce.number().int().min(0).optional().describe("Number of the last row of the page before."),
    }),
    reply: listOf(anyObject),
    handle: async ({ query: { limit, subject, after } }, { database }) => ({
      items: await database().audit.list({
        limit,
        ...(subject === undefined ? {} : { subject }),
        ...(after === undefined ? {} : { after }),
      }),
    }),
  }),
  route({
    method: "get",
    path: "/v1/audit/verify",
    tag: "records",
    summary:
      "Recomputes the hash chain and holds it against the anchor outside the database; names the first bad row.",
    policy: viewer,
    reply: z.strictObject({
      ok: z.boolean(),
      rows: z.int(),
      unsealed: z.int(),
      firstBad: z.int().optional(),
      head: z.string(),
    }),
    async handle({ context }, { database, objects }) {
      // A long chain takes longer than a silent socket is otherwise kept.
      incomingOf(context)?.socket.setTimeout(VERIFY_TIMEOUT_MS);
      return database().audit.verify(await new ObjectAnchors(objects).newest());
    },
  }),
];
