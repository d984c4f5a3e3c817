import { z } from "zod";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import type { StartedWorkflow, WorkflowGateway } from "../../workflow-gateway.ts";
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

interface ReportRow {
  readonly id: string;
  readonly model: string;
  readonly report: unknown;
}

interface ReportStore<Row extends ReportRow> {
  list(model: string, limit: number): Promise<Row[]>;
  verdicts(model: string, limit: number): Promise<object[]>;
  get(id: string): Promise<Row | undefined>;
}

interface ReportRoutes<Row extends ReportRow, Report> {
  /** As in the path, the audit trail and errors. */
  readonly name: "drift" | "performance";
  readonly store: (database: Database) => ReportStore<Row>;
  /** Of a report that can be shown as a page. */
  readonly schema: z.ZodType<Report>;
  readonly render: (row: Omit<Row, "report"> & { readonly report: Report }) => string;
  /** Why one cannot be. */
  readonly notShown: string;
  readonly check: (workflows: WorkflowGateway, model: string) => Promise<StartedWorkflow>;
  readonly texts: Readonly<Record<"list" | "verdicts" | "report" | "page" | "check", string>>;
}

const idQuery = z.strictObject({
  id: serverIdSchema.optional().describe("Id of a report, as the list names it; default the newest."),
});

/** Routes of what checks of a champion found: list, report, page, and a check beside the schedule. */
export function reportRoutes<Row extends ReportRow, Report>(
  of: ReportRoutes<Row, Report>,
): readonly AnyRoute[] {
  const { name, store, texts } = of;
  const path = `/v1/${name}/{model}`;
  const tag = "records";
  const read = async (database: Database, model: string, id: string | undefined): Promise<Row> => {
    const reports = store(database);
    const row = id === undefined ? (await reports.list(model, 1))[0] : await reports.get(id);
    // An id of another model is not found here.
    return found(row?.model === model ? row : undefined, `${name} report`, id ?? model);
  };
  return [
    route({
      method: "get",
      path,
      tag,
      summary: texts.list,
      policy: viewer,
      params: modelParams,
      query: z.strictObject({
        limit: limitQuery(20),
        summary: z.enum(["true", "false"]).default("false").describe(texts.verdicts),
      }),
      reply: listOf(anyObject),
      async handle({ params: { model }, query: { limit, summary } }, { database }) {
        const reports = store(database());
        return {
          items: await (summary === "true" ? reports.verdicts(model, limit) : reports.list(model, limit)),
        };
      },
    }),
    route({
      method: "get",
      path: `${path}/report`,
      tag,
      summary: texts.report,
      policy: viewer,
      params: modelParams,
      query: idQuery,
      reply: anyObject,
      handle: ({ params, query }, { database }) => read(database(), params.model, query.id),
    }),
    route({
      method: "get",
      path: `${path}/page`,
      tag,
      summary: texts.page,
      policy: viewer,
      params: modelParams,
      query: idQuery,
      reply: z.unknown(),
      async handle({ params, query }, { database }) {
        const row = await read(database(), params.model, query.id);
        const { data: report } = of.schema.safeParse(row.report);
        if (report === undefined)
          throw new PlatformError("not_found", `show ${name} report [${row.id}]: ${of.notShown}`);
        return pageReply(of.render({ ...row, report }));
      },
    }),
    route({
      method: "post",
      path: `${path}/check`,
      tag,
      summary: texts.check,
      policy: operator,
      params: modelParams,
      reply: anyObject,
      status: 202,
      async handle(request, { database, workflows }) {
        const { model } = request.params;
        if ((await database().registry.champion(model)) === undefined)
          throw new PlatformError("no_champion", `check ${name} [${model}]: there is no champion`);
        const started = await of.check(workflows, model);
        await database().audit.append(auditOf(request, `${name}.check`, `model/${model}`));
        return started;
      },
    }),
  ];
}
