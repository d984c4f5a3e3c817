import { z } from "zod";
import { performanceReportSchema, performanceStateSchema } from "../../schemas/models/performance-report.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { apiPath } from "../client.ts";
import type { ApiClient } from "../client.ts";
import { itemsOf } from "../list-view.ts";
import { patient } from "../run/follow-run.ts";

/** `PerformanceVerdictRow` as the API gives it. */
export const performanceVerdictSchema = z.looseObject({
  id: z.string(),
  model: z.string(),
  version: z.number(),
  checkedAt: z.string(),
  state: performanceStateSchema,
  confirmed: z.boolean(),
  metric: z.string(),
  value: z.number().nullable(),
  labelled: z.number(),
});

/** With what it found. */
export const performanceRowSchema = performanceVerdictSchema.extend({
  digest: z.string(),
  report: performanceReportSchema,
});
export type PerformanceRow = z.infer<typeof performanceRowSchema>;

/** How long a check may take: it may read millions of predictions. */
const CHECK_MS = 600_000;
/** As of drift: a check that is asked for while the one before is ending is taken for that one. */
const ASK_AGAIN_MS = 60_000;

export async function latestPerformance(
  client: ApiClient,
  model: string,
): Promise<PerformanceRow | undefined> {
  const path = apiPath`/v1/performance/${model}`;
  return (await client.get(path, itemsOf(performanceRowSchema), { limit: 1 })).items[0];
}

/**
 * Holds a model against the labels that are there now, and waits for the report.
 *
 * @throws {PlatformError} no_champion; not_ready: no new report within ten minutes
 */
export async function checkPerformance(
  client: ApiClient,
  model: string,
  signal: AbortSignal,
): Promise<PerformanceRow> {
  const before = await latestPerformance(client, model);
  const start = () => client.post(apiPath`/v1/performance/${model}/check`, { reply: z.looseObject({}) });
  await start();
  let startedAt = performance.now();
  const ask = async () => {
    const report = await latestPerformance(client, model);
    if (report !== undefined && report.id !== before?.id) return report;
    if (performance.now() - startedAt > ASK_AGAIN_MS) {
      await start();
      startedAt = performance.now();
    }
    throw new PlatformError("not_ready", `check performance of ${model}: there is no new report yet`);
  };
  return patient(ask, { signal, patienceMs: CHECK_MS })();
}
