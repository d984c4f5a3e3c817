import type { DriftReport } from "../../numerics/drift/verdict.ts";
import { withoutMinorBins } from "../../numerics/drift/worst-columns.ts";
import { signatureSchema } from "../../schemas/models/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";
import { systemAudit } from "../audit.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { headline } from "../evaluation/graph-runner.ts";
import { ensureModelSchedules } from "../retraining/schedules.ts";
import { pipelineOfRun, standingPipeline } from "../retraining/standing-pipeline.ts";
import type { DriftCheckInput, DriftCheckResult, MonitorInput } from "./messages.ts";
import { driftOptions } from "./drift-options.ts";
import { confirmWindow } from "./confirm-window.ts";
import { seenOf } from "./recorded-report.ts";
import type { RecordedReport } from "./recorded-report.ts";
import { referenceDocumentSchema } from "./reference-document.ts";
import { mostRows, readTraceWindow } from "./trace-window.ts";

/** A check by hand may be newer than one by schedule that is late. */
const EARLIER_LOOKED_AT = 20;

/** Watching a champion: its schedules and the check. */
export function createMonitoringActivities(deps: ActivityDeps) {
  const { db, temporal } = deps;
  return {
    /**
     * The schedules of a model as the pipeline file has them.
     *
     * **Effects**: Temporal Schedules of the drift check and of the retrain, made, changed or deleted. **Idempotency**:
     * schedule id. **Retry**: dependency.
     */
    async ensureMonitoring({ model, runId }: MonitorInput): Promise<void> {
      const champion = runId === undefined ? await db.registry.champion(model) : undefined;
      if (runId === undefined && champion === undefined) return;
      const { pipeline } =
        champion === undefined ? await pipelineOfRun(db, runId ?? "") : await standingPipeline(db, champion);
      await ensureModelSchedules(temporal, model, pipeline);
    },

    /**
     * Compares the window's logged inputs and answers with the reference frozen at training. Drift is confirmed when the
     * checks before this one, on the same version, found some of the same columns drifting in other rows.
     *
     * **Effects**: drift report row, audit row. **Idempotency**: (model, window end). **Heartbeat**: 1 s. **Retry**: work.
     */
    async checkDrift(input: DriftCheckInput): Promise<DriftCheckResult> {
      const { model, windowEnd } = input;
      const champion = await db.registry.champion(model);
      if (champion === undefined) {
        return { state: "no_champion", confirmed: false, rows: 0, detail: "there is no champion to watch" };
      }
      const { monitoring } = (await standingPipeline(db, champion)).pipeline;
      const start = new Date(Date.parse(windowEnd) - durationMs(monitoring.window)).toISOString();
      const report = withoutMinorBins(await compare(deps, champion, { start, end: windowEnd, monitoring }));
      const before = (await db.drift.verdicts(model, EARLIER_LOOKED_AT)).find(
        (row) => row.digest === champion.digest && row.windowEnd < windowEnd,
      );
      // A report may be megabytes: only the one that counts is read.
      const earlier = before === undefined ? undefined : await db.drift.get(before.id);
      const confirmation = await confirmWindow({
        report,
        start,
        end: windowEnd,
        seen: earlier === undefined ? undefined : seenOf(earlier),
        confirmations: monitoring.confirmations,
        compareSince: (since) => compare(deps, champion, { start: since, end: windowEnd, monitoring }),
      });
      const row = {
        id: `${model}/${windowEnd}`,
        model,
        version: champion.version,
        digest: champion.digest,
        windowStart: start,
        windowEnd,
        state: report.state,
        confirmed: confirmation.stage === "confirmed",
        rows: report.nRows,
      };
      const recorded: RecordedReport = { ...report, confirmation };
      const { state, confirmed, rows } = row;
      // An attempt before this one may have recorded its verdict and then died: that one stands.
      const standing = await db.drift.put(
        { ...row, report: recorded },
        systemAudit("drift.check", `model/${model}@${champion.version}`, { state, confirmed, rows }),
      );
      const detail = (standing.report as DriftReport).reason;
      return { state: standing.state, confirmed: standing.confirmed, rows: standing.rows, detail };
    },
  };
}

async function compare(
  { objects, db, cpu }: ActivityDeps,
  champion: VersionRow,
  given: { readonly start: string; readonly end: string; readonly monitoring: Pipeline["monitoring"] },
): Promise<DriftReport> {
  const { reference: referenceRef, signature: signatureRef } = champion.manifest.files;
  if (referenceRef === undefined || signatureRef === undefined) {
    throw new PlatformError("integrity", `check drift [${champion.model}]: the version has no reference`);
  }
  const reference = await getDocument(objects, referenceRef, referenceDocumentSchema);
  const { problem, inputs, output } = await getDocument(objects, signatureRef, signatureSchema);
  const { start, end, monitoring } = given;
  const limit = mostRows(inputs.length);
  const { model, digest, version } = champion;
  const asked = { model, digest, version, since: start, until: end };
  const window = await readTraceWindow({ objects, predictions: db.predictions }, asked, limit);
  const answers = { outputs: window.outputs, nOutputs: Math.max(1, window.nOutputs) };
  const scores = headline(answers, problem, output.forecast);
  const options = driftOptions(monitoring, limit);
  const categories = Object.fromEntries(inputs.map(({ name, values }) => [name, values ?? []]));
  const scoreTexts = output.classLabels ?? [];
  return cpu.run("compareWindow", { reference, window, scores, categories, scoreTexts, options });
}
