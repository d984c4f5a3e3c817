import { z } from "zod";
import { realizedSavings } from "../../../numerics/maintenance/realized.ts";
import { objectRefSchema } from "../../../schemas/object-ref.ts";
import { savingsSchema, savingsViewSchema } from "../../../schemas/maintenance/savings.ts";
import type { SavingsReport } from "../../../schemas/maintenance/savings.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { getDocument } from "../../../stores/objects/documents.ts";
import type { VersionRow } from "../../../stores/postgres/port.ts";
import { savingsWorkflowId } from "../../../temporal-config/constants.ts";
import type { ApiDeps } from "../../deps.ts";
import { renderSavingsPage } from "../../maintenance/savings-page.ts";
import { pageReply } from "../object-body.ts";
import { found, modelParams, operator, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const versionQuery = z.strictObject({
  version: z.coerce.number().int().min(1).optional().describe("Default: the champion."),
});
const simulatedSchema = z.looseObject({ savings: objectRefSchema });

/** What maintenance by a model would have cost on its holdout, and what it did cost. */
export const savingsRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/models/{model}/savings",
    tag: "maintenance",
    summary:
      "Simulate what maintenance by a version would have cost on its holdout, beside running to failure and a fixed age. Of the champion, or of a version.",
    policy: operator,
    params: modelParams,
    query: versionQuery,
    reply: z.strictObject({ workflowId: z.string(), runId: z.string(), isNew: z.boolean() }),
    status: 202,
    async handle({ params: { model }, query }, deps) {
      const { version, digest } = await askedVersion(deps, model, query.version);
      return deps.workflows.startSavings({ model, version, digest });
    },
  }),
  route({
    method: "get",
    path: "/v1/models/{model}/savings",
    tag: "maintenance",
    summary:
      "What the last simulation found, with what closed work orders came to since; 404 where it was not asked for.",
    policy: viewer,
    params: modelParams,
    query: versionQuery,
    reply: savingsViewSchema,
    async handle({ params: { model }, query }, deps) {
      const { version } = await askedVersion(deps, model, query.version);
      return readSavings(deps, model, version);
    },
  }),
  route({
    method: "get",
    path: "/v1/models/{model}/savings/page",
    tag: "maintenance",
    summary: "The same as one HTML page with the lives drawn. No scripts, no network.",
    policy: viewer,
    params: modelParams,
    query: versionQuery,
    reply: z.unknown(),
    async handle({ params: { model }, query }, deps) {
      const { version } = await askedVersion(deps, model, query.version);
      const { savings } = await readSavings(deps, model, version);
      if (savings === null)
        throw new PlatformError("not_ready", `show savings [${model}@${version}]: they are being simulated`);
      return pageReply(renderSavingsPage(savings));
    },
  }),
];

/** @throws {PlatformError} no_champion; not_found */
async function askedVersion(
  { database }: Pick<ApiDeps, "database">,
  model: string,
  version: number | undefined,
): Promise<VersionRow> {
  const { registry } = database();
  if (version !== undefined) return found(await registry.version(model, version), "version");
  const champion = await registry.champion(model);
  if (champion !== undefined) return champion;
  throw new PlatformError("no_champion", `savings of [${model}]: there is no champion`);
}

async function readSavings(
  deps: ApiDeps,
  model: string,
  version: number,
): Promise<z.infer<typeof savingsViewSchema>> {
  const workflowId = savingsWorkflowId(model, version);
  const outcome = await deps.workflows.outcomeOf("simulate savings", workflowId);
  if (outcome.status === "running") return { workflowId, status: outcome.status, savings: null };
  const { savings } = simulatedSchema.parse(outcome.result);
  const simulated = await getDocument(deps.objects, savings, savingsSchema);
  return {
    workflowId,
    status: outcome.status,
    savings: { ...simulated, realized: await realized(deps, simulated) },
  };
}

const HOUR_MS = 3_600_000;

async function realized(
  { database }: ApiDeps,
  { model, costs }: SavingsReport,
): Promise<SavingsReport["realized"]> {
  const closed = await database().workOrders.outcomes(model);
  const works = closed.map(({ outcome, openedAt, closedAt }) => ({
    result: outcome.result,
    cost: outcome.cost,
    hours: (Date.parse(closedAt) - Date.parse(openedAt)) / HOUR_MS,
  }));
  return realizedSavings(works, costs);
}
