import { z } from "zod";
import { sha256Schema } from "../../../schemas/names.ts";
import { admin, anyObject, auditOf, found, limitQuery, listOf, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** Datasets, what of them did not get in, and how they go away. */
export const datasetRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/datasets",
    tag: "datasets",
    summary: "Datasets, newest first.",
    policy: viewer,
    query: z.strictObject({ limit: limitQuery() }),
    reply: listOf(anyObject),
    handle: async ({ query }, { database }) => ({ items: await database().datasets.list(query.limit) }),
  }),
  route({
    method: "get",
    path: "/v1/datasets/expired",
    tag: "datasets",
    summary: "Datasets past the retention of their pipeline file, oldest first, and what still needs them.",
    policy: viewer,
    query: z.strictObject({ limit: limitQuery() }),
    reply: listOf(anyObject),
    handle: async ({ query }, { database }) => ({ items: await database().retention.expired(query.limit) }),
  }),
  route({
    method: "post",
    path: "/v1/housekeeping",
    tag: "datasets",
    summary: "Housekeeping now, beside its schedule. `removeDatasets` removes those past their retention.",
    policy: admin,
    body: { kind: "json", schema: z.strictObject({ removeDatasets: z.boolean().default(false) }) },
    reply: z.strictObject({ workflowId: z.string(), runId: z.string(), isNew: z.boolean() }),
    status: 202,
    async handle(request, { database, workflows }) {
      const { removeDatasets } = request.body;
      const started = await workflows.startHousekeeping({ removeDatasets });
      await database().audit.append(
        auditOf(request, "housekeeping.start", "datasets", { removeDatasets, isNew: started.isNew }),
      );
      return started;
    },
  }),
  route({
    method: "get",
    path: "/v1/datasets/{id}",
    tag: "datasets",
    summary: "One dataset: manifest, owner, retention.",
    policy: viewer,
    params: z.strictObject({ id: sha256Schema }),
    reply: anyObject,
    handle: async ({ params }, { database }) => found(await database().datasets.get(params.id), "dataset"),
  }),
  route({
    method: "get",
    path: "/v1/datasets/{id}/quarantine",
    tag: "datasets",
    summary: "Rows that were not accepted, with reason, file and line.",
    policy: viewer,
    params: z.strictObject({ id: sha256Schema }),
    query: z.strictObject({ limit: limitQuery(100), after: z.coerce.number().int().min(0).optional() }),
    reply: listOf(anyObject),
    async handle({ params, query }, { database }) {
      found(await database().datasets.get(params.id), "dataset");
      return { items: await database().datasets.quarantined(params.id, query.limit, query.after) };
    },
  }),
];
