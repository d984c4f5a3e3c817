import { z } from "zod";
import { performanceReportSchema } from "../../../schemas/models/performance-report.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { PerformanceStore } from "../../../stores/postgres/port.ts";
import { renderPerformancePage } from "../../performance/page.ts";
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

/** How good a model turned out to be, by the labels that are there by now. */
export const performanceRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/performance/{model}",
    tag: "records",
    summary: "Performance reports of a model, newest first.",
    policy: viewer,
    params: modelParams,
    query: z.strictObject({
      limit: limitQuery(20),
      summary: z
        .enum(["true", "false"])
        .default("false")
        .describe("true: the verdicts alone, without what was found of each window."),
    }),
    reply: listOf(anyObject),
    async handle({ params, query: { limit, summary } }, { database }) {
      const { performance } = database();
      const items =
        summary === "true"
          ? performance.verdicts(params.model, limit)
          : performance.list(params.model, limit);
      return { items: await items };
    },
  }),
  route({
    method: "get",
    path: "/v1/performance/{model}/report",
    tag: "records",
    summary:
      "One performance report as JSON: realized and expected quality of every window, and the verdict on the newest one with enough labels.",
    policy: viewer,
    params: modelParams,
    query: idQuery,
    reply: anyObject,
    handle: async ({ params, query }, { database }) =>
      readReport(database().performance, params.model, query.id),
  }),
  route({
    method: "get",
    path: "/v1/performance/{model}/page",
    tag: "records",
    summary: "One performance report as one HTML page. No scripts, no network.",
    policy: viewer,
    params: modelParams,
    query: idQuery,
    reply: z.unknown(),
    async handle({ params, query }, { database }) {
      const row = await readReport(database().performance, params.model, query.id);
      const { data: report } = performanceReportSchema.safeParse(row.report);
      if (report === undefined)
        throw new PlatformError(
          "not_found",
          `show performance report [${row.id}]: another release wrote it; it is there as JSON`,
        );
      return pageReply(renderPerformancePage({ ...row, report }));
    },
  }),
  route({
    method: "post",
    path: "/v1/performance/{model}/check",
    tag: "records",
    summary: "Hold the champion's answers against the labels that are there now, beside the schedule.",
    policy: operator,
    params: modelParams,
    reply: anyObject,
    status: 202,
    async handle(request, { database, workflows }) {
      const { model } = request.params;
      if ((await database().registry.champion(model)) === undefined)
        throw new PlatformError("no_champion", `check performance [${model}]: there is no champion`);
      const started = await workflows.triggerPerformanceCheck(model);
      await database().audit.append(auditOf(request, "performance.check", `model/${model}`));
      return started;
    },
  }),
];

async function readReport(performance: PerformanceStore, model: string, id: string | undefined) {
  const row = id === undefined ? (await performance.list(model, 1))[0] : await performance.get(id);
  // An id of another model is not found here.
  return found(row?.model === model ? row : undefined, "performance report", id ?? model);
}
