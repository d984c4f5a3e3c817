import { z } from "zod";
import { PlatformError } from "../schemas/platform-error.ts";
import { apiPath } from "./client.ts";
import type { ApiClient } from "./client.ts";
import { itemsOf } from "./list-view.ts";
import { patient } from "./run/follow-run.ts";

/** `DriftReportRow` as the API gives it. */
export const driftReportSchema = z.looseObject({
  id: z.string(),
  model: z.string(),
  version: z.number(),
  windowStart: z.string(),
  windowEnd: z.string(),
  state: z.enum(["ok", "drift", "insufficient_data"]),
  confirmed: z.boolean(),
  rows: z.number(),
  /** Absent in lists of verdicts. */
  report: z.unknown().optional(),
});
export type DriftReportRow = z.infer<typeof driftReportSchema>;

/** How long a check may take. */
const CHECK_MS = 120_000;
/**
 * A check that is asked for while the one before is ending is taken for that one: its report is there a moment before it
 * has ended. After so long without a report it is asked for again.
 */
const ASK_AGAIN_MS = 15_000;

export async function latestReport(client: ApiClient, model: string): Promise<DriftReportRow | undefined> {
  const reports = await client.get(apiPath`/v1/drift/${model}`, itemsOf(driftReportSchema), { limit: 1 });
  return reports.items[0];
}

/**
 * Checks a model for drift now, and waits for the report.
 *
 * @throws {PlatformError} no_champion; not_ready: no new report within two minutes
 */
export async function checkDrift(
  client: ApiClient,
  model: string,
  signal: AbortSignal,
): Promise<DriftReportRow> {
  const before = await latestReport(client, model);
  const start = () => client.post(apiPath`/v1/drift/${model}/check`, { reply: z.looseObject({}) });
  await start();
  let startedAt = performance.now();
  const ask = async () => {
    const report = await latestReport(client, model);
    if (report !== undefined && report.id !== before?.id) return report;
    if (performance.now() - startedAt > ASK_AGAIN_MS) {
      await start();
      startedAt = performance.now();
    }
    throw new PlatformError("not_ready", `check drift of ${model}: there is no new report yet`);
  };
  return patient(ask, { signal, patienceMs: CHECK_MS })();
}
