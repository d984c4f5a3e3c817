import type { PipelineInput, RunPlan, StageReport } from "../../activities/runs/messages.ts";
import { withFailures } from "../../activities/failures.ts";
import type { FakeActivities } from "./workflow-environment.ts";

/** What a pipeline run recorded of itself. */
export interface FakeRun {
  readonly stages: string[];
  end: Record<string, unknown> | undefined;
}

const HASH = "a".repeat(64);
const REF = { key: "documents/a", sha256: HASH, bytes: 1 };
const METRICS = { test: { rocAuc: 0.9 }, cv: { rocAuc: 0.9 } };
const HOUR_MS = 3_600_000;

/** Activities of a pipeline that is always promoted: nothing is read, trained or stored. */
export class FakePipeline {
  /** By pipeline name. */
  readonly runs = new Map<string, FakeRun>();
  readonly #runIds = new Map<string, FakeRun>();

  /** @param overrides  in the place of the activities of the same name */
  activities(overrides: FakeActivities): FakeActivities {
    return { ...this.#bookkeeping(), ...stepsOfPipeline(), ...withFailures({ ...overrides }) };
  }

  run(pipeline: string): FakeRun {
    const known = this.runs.get(pipeline);
    if (known !== undefined) return known;
    const run = { stages: [], end: undefined };
    this.runs.set(pipeline, run);
    return run;
  }

  #bookkeeping() {
    return {
      openRun: async ({ pipeline }: PipelineInput): Promise<RunPlan> => {
        const runId = `run-${pipeline}`;
        this.#runIds.set(runId, this.run(pipeline));
        const approval: RunPlan["approval"] = {
          approvers: [],
          quorum: 1,
          deadline: "1h",
          onDeadline: "expire",
          escalateTo: [],
          reminder: "1h",
          allowDirectSignals: false,
        };
        return {
          runId,
          candidates: [{ name: "linear-1", kind: "linear" }],
          repeats: 1,
          folds: 2,
          approval,
          approvalDeadlineMs: HOUR_MS,
          approvalReminderMs: HOUR_MS,
        };
      },
      recordStage: async ({ runId, stage, state, detail }: StageReport): Promise<void> => {
        this.#runIds
          .get(runId)
          ?.stages.push(`${stage} ${state}${detail === "cancelled" ? " cancelled" : ""}`);
      },
      updateRun: async (): Promise<void> => undefined,
      finishRun: async ({ runId, ...end }: { runId: string }): Promise<void> => this.#end(runId, end),
      failRun: async ({ runId, ...end }: { runId: string }): Promise<void> => this.#end(runId, end),
    };
  }

  #end(runId: string, end: Record<string, unknown>): void {
    const run = this.#runIds.get(runId);
    if (run !== undefined) run.end ??= end;
  }
}

function stepsOfPipeline(): FakeActivities {
  const isReused = false;
  const answers: Readonly<Record<string, unknown>> = {
    ingestDataset: { dataset: HASH, manifest: REF, rows: 2, quarantined: 0, assets: 1, isReused },
    splitDataset: { split: REF, holdoutHash: HASH, detail: "", isReused },
    fitFeatures: { view: REF, folds: [[REF, REF]], final: REF, isReused },
    transformFeatures: { featureSet: REF, rows: 2, features: 1, isReused },
    checkLeakage: { checks: [], isReused },
    trainFold: { predictions: REF, isReused },
    selectCandidate: { candidate: "linear-1", selection: REF, primaryMetric: "rocAuc", cv: METRICS.cv },
    trainFinal: { models: REF, isReused },
    evaluateModel: { manifest: REF, evaluation: REF, report: REF, metrics: METRICS, isReused },
    registerVersion: { version: 1, digest: HASH, isChampion: false, metrics: METRICS },
    scoreChampion: null,
    checkGates: { passed: true, gates: [], message: "0 gates passed", evidence: REF },
    promoteVersion: { model: "pump", version: 1, previousVersion: null, at: "2026-01-01T00:00:00.000Z" },
    ensureMonitoring: undefined,
  };
  return Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, async () => answer]));
}
