import { z } from "zod";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { DriftStore } from "../../../stores/postgres/port.ts";
import { renderDriftPage } from "../../drift/page.ts";
import { driftDocumentSchema } from "../../drift/report-document.ts";
import { pageReply } from "../object-body.ts";
import {
  anyObject,
  auditOf,
  found,
  limitQuery,
  listOf,
  modelParams,
  operator,
  serverIdSchema,
  viewer,
} from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const idQuery = z.strictObject({
  id: serverIdSchema.optional().describe("Id of a report, as the list names it; default the newest."),
});

/** Whether what comes in still looks like what was trained on. */
export const driftRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/drift/{model}",
    tag: "records",
    summary: "Drift reports of a model, newest first.",
    policy: viewer,
    params: modelParams,
    query: z.strictObject({
      limit: limitQuery(20),
      summary: z
        .enum(["true", "false"])
        .default("false")
        .describe("true: the verdicts alone, without what was found of each column."),
    }),
    reply: listOf(anyObject),
    async handle({ params, query: { limit, summary } }, { database }) {
      const drift = database().drift;
      const items =
        summary === "true" ? drift.verdicts(params.model, limit) : drift.list(params.model, limit);
      return { items: await items };
    },
  }),
  route({
    method: "get",
    path: "/v1/drift/{model}/report",
    tag: "records",
    summary: "One drift report with the checks of every column, as JSON.",
    policy: viewer,
    params: modelParams,
    query: idQuery,
    reply: anyObject,
    handle: async ({ params, query }, { database }) => readReport(database().drift, params.model, query.id),
  }),
  route({
    method: "get",
    path: "/v1/drift/{model}/page",
    tag: "records",
    summary: "One drift report as one HTML page: each column beside its training. No scripts, no network.",
    policy: viewer,
    params: modelParams,
    query: idQuery,
    reply: z.unknown(),
    async handle({ params, query }, { database }) {
      const row = await readReport(database().drift, params.model, query.id);
      const { data: report } = driftDocumentSchema.safeParse(row.report);
      if (report === undefined)
        throw new PlatformError(
          "not_found",
          `show drift report [${row.id}]: a release before pages wrote it; it is there as JSON`,
        );
      return pageReply(renderDriftPage({ ...row, report }));
    },
  }),
  route({
    method: "post",
    path: "/v1/drift/{model}/check",
    tag: "records",
    summary: "Check for drift now, beside the schedule.",
    policy: operator,
    params: modelParams,
    reply: anyObject,
    status: 202,
    async handle(request, { database, workflows }) {
      const { model } = request.params;
      if ((await database().registry.champion(model)) === undefined) {
        throw new PlatformError("no_champion", `check drift [${model}]: there is no champion`);
      }
      const started = await workflows.triggerDriftCheck(model);
      await database().audit.append(auditOf(request, "drift.check", `model/${model}`));
      return started;
    },
  }),
];

async function readReport(drift: DriftStore, model: string, id: string | undefined) {
  const row = id === undefined ? (await drift.list(model, 1))[0] : await drift.get(id);
  // An id of another model is not found here.
  return found(row?.model === model ? row : undefined, "drift report", id ?? model);
}
