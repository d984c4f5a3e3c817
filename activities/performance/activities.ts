import { performanceReportSchema } from "../../schemas/models/performance-report.ts";
import type { PerformanceReport } from "../../schemas/models/performance-report.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import type { PerformanceReportRow, PerformanceVerdictRow, VersionRow } from "../../stores/postgres/port.ts";
import { systemAudit } from "../audit.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import type { Beat } from "../heartbeat.ts";
import { judgedVersion, metricJudgedBy, whyNotJudged } from "./judged-version.ts";
import type { PerformanceCheckInput, PerformanceCheckResult } from "./messages.ts";
import { formerChampions, periodsOf, windowsBefore } from "./periods.ts";
import { judge } from "./verdict.ts";

/** Reports looked at for a confirmation: checks by hand stand among them. */
const MOST_EARLIER = 50;

/** How good the models in use turned out to be. */
export function createPerformanceActivities(deps: ActivityDeps) {
  const { db } = deps;
  return {
    /**
     * Holds what a champion answered against all labels that are there now, window by window, and the newest window with
     * enough of them against the version's holdout.
     *
     * **Effects**: performance report row, alert, audit row. **Idempotency**: (model, time). **Heartbeat**: 1 s.
     * **Retry**: work.
     */
    async checkPerformance({ model, at }: PerformanceCheckInput): Promise<PerformanceCheckResult> {
      const champion = await db.registry.champion(model);
      if (champion === undefined)
        return {
          state: "no_champion",
          confirmed: false,
          labelled: 0,
          detail: "there is no champion to watch",
        };
      const report = await withHeartbeat((beat) => look(deps, { champion, at }, beat));
      const standing = await db.performance.put(
        rowOf(champion, at, report),
        systemAudit("performance.check", `model/${model}@${champion.version}`, {
          state: report.state,
          stage: report.confirmation.stage,
        }),
      );
      // An attempt before this one may have recorded its verdict and then died: that one stands.
      const { state, confirmed, labelled } = standing;
      return { state, confirmed, labelled, detail: reasonOf(standing, report) };
    },
  };
}

async function look(
  deps: ActivityDeps,
  { champion, at }: { readonly champion: VersionRow; readonly at: string },
  beat: Beat,
): Promise<PerformanceReport> {
  const { db } = deps;
  const version = await judgedVersion(deps, champion);
  const { performance: rules } = version.pipeline;
  const spans = windowsBefore(at, rules.window, rules.lookback);
  const { periods, newest } = await periodsOf(deps, { version, spans, asOf: at }, beat);
  const former = await formerChampions(deps, champion, spans.at(-1)?.since ?? at);
  for (const one of former)
    periods.push(...(await periodsOf(deps, { version: one, spans, asOf: at }, beat)).periods);
  const verdicts = await db.performance.verdicts(champion.model, MOST_EARLIER);
  const earlier = apart(
    verdicts.filter(({ digest }) => digest === champion.digest),
    { at, ms: durationMs(rules.every) / 2 },
  );
  return judge({
    rules,
    metric: metricJudgedBy(version),
    evaluation: champion.evaluation,
    digest: champion.digest,
    unavailable: whyNotJudged(version),
    periods: periods.toSorted((a, b) =>
      a.until === b.until ? b.version - a.version : a.until < b.until ? 1 : -1,
    ),
    estimate: newest,
    earlier: earlier.map(({ state }) => state),
  });
}

/** Looks that follow each other at once see the same: of such only one counts. Newest first, before `at`. */
function apart(
  verdicts: readonly PerformanceVerdictRow[],
  { at, ms }: { readonly at: string; readonly ms: number },
): PerformanceVerdictRow[] {
  let last = Date.parse(at);
  return verdicts.filter(({ checkedAt }) => {
    const isApart = last - Date.parse(checkedAt) >= ms;
    if (isApart) last = Date.parse(checkedAt);
    return isApart;
  });
}

function rowOf(champion: VersionRow, at: string, report: PerformanceReport): PerformanceReportRow {
  const { model, version, digest } = champion;
  const judged = report.periods.find(
    (period) => period.digest === digest && period.until === report.judged?.until,
  );
  return {
    id: `${model}/${at}`,
    model,
    version,
    digest,
    checkedAt: at,
    state: report.state,
    confirmed: report.confirmation.stage === "confirmed",
    metric: report.metric,
    value: judged?.metrics[report.metric] ?? null,
    labelled: judged?.labelled ?? 0,
    report,
  };
}

function reasonOf({ report }: Pick<PerformanceReportRow, "report">, own: PerformanceReport): string {
  return (performanceReportSchema.safeParse(report).data ?? own).reason;
}
