import { z } from "zod";
import { PlatformError } from "../schemas/platform-error.ts";
import type { RecentValues } from "../stores/postgres/port/alerting.ts";

const replySchema = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
});

const DEADLINE_MS = 10_000;
const MAX_STEPS = 720;
const LEAST_STEP_S = 15;

/** Series of a query over the last while, from Prometheus' HTTP API; NaN and infinities are left out. */
export function prometheusAsker(baseUrl: string) {
  return async (query: string, sinceMs: number): Promise<readonly RecentValues[]> => {
    const now = Date.now();
    const step = Math.max(LEAST_STEP_S, Math.ceil((now - sinceMs) / 1_000 / MAX_STEPS));
    const url = new URL(`${baseUrl.replace(/\/$/, "")}/api/v1/query_range`);
    const range = { query, start: sinceMs / 1_000, end: now / 1_000, step };
    for (const [name, value] of Object.entries(range)) url.searchParams.set(name, String(value));
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS), redirect: "error" });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return seriesOf(replySchema.parse(await response.json()));
    } catch (cause) {
      throw new PlatformError(
        "source_unavailable",
        `ask Prometheus [${query.slice(0, 100)}]: no usable answer`,
        { cause },
      );
    }
  };
}

function seriesOf({ data }: z.infer<typeof replySchema>): RecentValues[] {
  return data.result.flatMap(({ metric, values }) => {
    const finite = values.filter(([, value]) => Number.isFinite(Number(value)));
    const [newest] = finite.at(-1) ?? [];
    if (newest === undefined) return [];
    const { __name__: name = "", ...labels } = metric;
    const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
    return [
      {
        asset: "prometheus",
        series: `${name}{${pairs.join(",")}}`.slice(0, 200),
        at: newest * 1_000,
        values: finite.map(([, value]) => Number(value)),
      },
    ];
  });
}
