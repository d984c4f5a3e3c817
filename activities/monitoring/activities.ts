import type { ScheduleOptions } from "@temporalio/client";
import { confirmDrift } from "../../numerics/drift/confirmation.ts";
import { driftedNames } from "../../numerics/drift/verdict.ts";
import type { DriftReport } from "../../numerics/drift/verdict.ts";
import { withoutMinorBins } from "../../numerics/drift/worst-columns.ts";
import { signatureSchema } from "../../schemas/models/model-version.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import { storePipelineInput } from "../../stores/objects/pipeline-input.ts";
import type { StoredPipelineInput } from "../../stores/objects/pipeline-input.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";
import { driftWorkflowId, TASK_QUEUES } from "../../temporal-config/constants.ts";
import { activityKey, SYSTEM_ACTOR, systemAudit } from "../audit.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { headline } from "../evaluation/graph-runner.ts";
import type { DriftCheckInput, DriftCheckResult, MonitorInput, PrepareRetrainInput } from "./messages.ts";
import { upsertSchedule } from "../upsert-schedule.ts";
import { verdictOf } from "./recorded-report.ts";
import type { RecordedReport } from "./recorded-report.ts";
import { referenceDocumentSchema } from "./reference-document.ts";
import { readTraceWindow } from "./trace-window.ts";

/** Runs that are not over: a model is never retrained twice at once. */
const OPEN_STATES: readonly string[] = ["running", "waiting"];

/** Watching a champion: its schedule, the check, the retrain it may start. */
export function createMonitoringActivities(deps: ActivityDeps) {
  const { db, objects, temporal } = deps;
  return {
    /** **Effects**: one Temporal Schedule per model, created or brought up to date. **Idempotency**: schedule id. */
    async ensureMonitoring(input: MonitorInput): Promise<void> {
      const pipeline = await pipelineOfRun(deps, input.runId);
      await upsertSchedule(temporal, driftSchedule(input.model, pipeline.monitoring.every));
    },

    /**
     * Compares the window's logged inputs and answers with the reference frozen at training. Drift is confirmed when the
     * checks before this one, on the same version, found some of the same columns drifting.
     *
     * **Effects**: drift report row, audit row. **Idempotency**: (model, window end). **Retry**: dependency.
     */
    async checkDrift(input: DriftCheckInput): Promise<DriftCheckResult> {
      const { model, windowEnd } = input;
      const champion = await db.registry.champion(model);
      if (champion === undefined) {
        return { state: "no_champion", confirmed: false, rows: 0, detail: "there is no champion to watch" };
      }
      const { monitoring, retraining } = await pipelineOfRun(deps, champion.runId);
      const start = new Date(Date.parse(windowEnd) - durationMs(monitoring.window)).toISOString();
      const report = withoutMinorBins(await compare(deps, champion, { start, end: windowEnd, monitoring }));
      const earlier = (await db.drift.list(model, monitoring.confirmations + 1)).filter(
        (row) => row.digest === champion.digest && row.windowEnd < windowEnd,
      );
      const confirmation = confirmDrift(
        { state: report.state, drifted: driftedNames(report) },
        earlier.map(verdictOf),
        monitoring.confirmations,
      );
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
      const result = { state: standing.state, confirmed: standing.confirmed, rows: standing.rows, detail };
      if (!standing.confirmed || !retraining.onDrift || (await hasOpenRun(deps, model))) return result;
      return { ...result, retrainWindow: retrainWindow(windowEnd, durationMs(retraining.coolDown)) };
    },

    /**
     * The newest files of the pipeline as the input of a run: those of the last promoted run, with every file that was
     * added since; a file of the same name replaces the older one.
     *
     * **Effects**: documents. **Idempotency**: content. **Errors**: not_found. **Retry**: dependency.
     */
    async prepareRetrain(
      input: PrepareRetrainInput,
    ): Promise<{ pipelineInput: StoredPipelineInput; inputHash: string }> {
      const { model, window, reason } = input;
      const champion = await db.registry.champion(model);
      const given = champion === undefined ? undefined : await db.runs.inputOf(champion.runId);
      if (given === undefined)
        throw new PlatformError("no_champion", `retrain [${model}]: there is no run to repeat`);
      const { pipeline } = parsePipeline(given.pipeline, "pipeline.yaml");
      const byName = new Map(given.files.map((file) => [file.name, file]));
      for (const file of await db.datasets.pipelineFiles(pipeline.name)) byName.set(file.name, file);
      const audit = systemAudit("retrain.start", `model/${model}`, { window, reason });
      await db.audit.append({ ...audit, key: activityKey() });
      const stored = await storePipelineInput(objects, {
        text: given.pipeline,
        files: [...byName.values()],
        requestedBy: { id: SYSTEM_ACTOR.id, authenticated: true },
        scheduleKey: `retrain/${window}`,
      });
      return { pipelineInput: stored.input, inputHash: stored.inputHash };
    },
  };
}

async function pipelineOfRun(deps: ActivityDeps, runId: string): Promise<Pipeline> {
  const input = await deps.db.runs.inputOf(runId);
  if (input === undefined) throw new PlatformError("not_found", `read pipeline [run ${runId}]: no such run`);
  return parsePipeline(input.pipeline, "pipeline.yaml").pipeline;
}

async function compare(
  deps: ActivityDeps,
  champion: VersionRow,
  given: { readonly start: string; readonly end: string; readonly monitoring: Pipeline["monitoring"] },
): Promise<DriftReport> {
  const { reference: referenceRef, signature: signatureRef } = champion.manifest.files;
  if (referenceRef === undefined || signatureRef === undefined) {
    throw new PlatformError("integrity", `check drift [${champion.model}]: the version has no reference`);
  }
  const reference = await getDocument(deps.objects, referenceRef, referenceDocumentSchema);
  const { problem, inputs, output } = await getDocument(deps.objects, signatureRef, signatureSchema);
  const { start, end, monitoring } = given;
  const stores = { objects: deps.objects, predictions: deps.db.predictions };
  const window = await readTraceWindow(stores, {
    model: champion.model,
    digest: champion.digest,
    start,
    end,
  });
  const answers = { outputs: window.outputs, nOutputs: Math.max(1, window.nOutputs) };
  const scores = headline(answers, problem, output.forecast);
  const { minRows, significance, ks, psi } = monitoring;
  const options = { minRows, alpha: significance, minEffect: ks, minPsi: psi };
  const categories = Object.fromEntries(inputs.map(({ name, values }) => [name, values ?? []]));
  const scoreTexts = output.classLabels ?? [];
  return deps.cpu.run("compareWindow", { reference, window, scores, categories, scoreTexts, options });
}

async function hasOpenRun(deps: ActivityDeps, model: string): Promise<boolean> {
  const runs = await deps.db.runs.list({ model, limit: 50 });
  return runs.some((run) => OPEN_STATES.includes(run.status));
}

/** Start of the cool-down slot that holds `windowEnd`: one retrain per slot, whatever repeats the alarm. */
function retrainWindow(windowEnd: string, coolDownMs: number): string {
  const at = Math.floor(Date.parse(windowEnd) / coolDownMs) * coolDownMs;
  return new Date(at).toISOString();
}

function driftSchedule(model: string, every: string): ScheduleOptions {
  return {
    scheduleId: driftWorkflowId(model),
    spec: { intervals: [{ every: durationMs(every) }] },
    policies: { overlap: "SKIP", catchupWindow: "1h" },
    action: {
      type: "startWorkflow",
      workflowType: "driftWorkflow",
      workflowId: driftWorkflowId(model),
      taskQueue: TASK_QUEUES.control,
      args: [{ model }],
    },
  };
}
