import type { PerformanceEstimate, PerformancePeriod } from "../../schemas/models/performance-report.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";
import type { Beat } from "../heartbeat.ts";
import { estimateOf, estimatorOf, notEstimated } from "./estimated.ts";
import { judgedVersion, whyNotJudged } from "./judged-version.ts";
import type { JudgedVersion, PerformanceDeps } from "./judged-version.ts";
import { predictedRows } from "./predicted-rows.ts";
import { realizedIn } from "./realized.ts";

/** Half-open, ISO 8601. */
export interface Span {
  readonly since: string;
  readonly until: string;
}

/** Versions that are looked at beside the champion: those that were champion before it. */
const MOST_FORMER = 4;

/** `count` windows that end at `at`, newest first. */
export function windowsBefore(at: string, window: string, count: number): Span[] {
  const [end, length] = [Date.parse(at), durationMs(window)];
  return Array.from({ length: count }, (_, i) => ({
    since: new Date(end - (i + 1) * length).toISOString(),
    until: new Date(end - i * length).toISOString(),
  }));
}

/** Windows of one version with what is realized and what was to be expected; those without predictions are left out. */
export async function periodsOf(
  deps: PerformanceDeps,
  {
    version,
    spans,
    asOf,
  }: { readonly version: JudgedVersion; readonly spans: readonly Span[]; readonly asOf: string },
  beat: Pick<Beat, "signal">,
): Promise<{ readonly periods: PerformancePeriod[]; readonly newest: PerformanceEstimate }> {
  const { model, digest, version: number } = version.row;
  const estimator = await estimatorOf(deps, version);
  const isJudged = whyNotJudged(version) === undefined;
  const periods: PerformancePeriod[] = [];
  let newest = notEstimated("there was no prediction in the newest window");
  for (const [i, span] of spans.entries()) {
    beat.signal.throwIfAborted();
    const window = { model, digest, version: number, ...span };
    const predicted = await predictedRows(deps, version, window);
    const estimate = await estimateOf(deps, version, { estimator, predicted });
    if (i === 0) newest = estimate;
    if (predicted.total === 0 || !isJudged) continue;
    const realized = await realizedIn(deps, version, window, { asOf, predicted });
    periods.push({ ...realized, version: number, digest, ...span, estimated: estimate.metrics });
  }
  return { periods, newest };
}

/** Versions that were champion since then, the newest first; the present one is not among them. */
export async function formerChampions(
  deps: PerformanceDeps,
  champion: Pick<VersionRow, "model" | "digest">,
  since: string,
): Promise<JudgedVersion[]> {
  const { registry } = deps.db;
  const history = await registry.history(champion.model);
  // A version stopped being champion when the next one became it.
  const ended = history.flatMap(({ previousVersion, at }) =>
    previousVersion === null || at < since ? [] : [previousVersion],
  );
  const rows = await Promise.all(
    [...new Set(ended)].map((version) => registry.version(champion.model, version)),
  );
  const former = rows
    .flatMap((row) => (row === undefined || row.digest === champion.digest ? [] : [row]))
    .toSorted((a, b) => b.version - a.version);
  return Promise.all(former.slice(0, MOST_FORMER).map((row) => judgedVersion(deps, row)));
}
