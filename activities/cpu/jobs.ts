import { adaptGraph } from "../adoption/adapt-graph.ts";
import { evaluateHoldout } from "../evaluation/evaluate-holdout.ts";
import { explainModel } from "../evaluation/explain-model.ts";
import { freezeModelReference } from "../evaluation/model-reference.ts";
import { exportGraph } from "../evaluation/export-graph.ts";
import { compareWindow } from "../monitoring/compare-window.ts";
import { predictRows } from "../evaluation/predict-rows.ts";
import { estimatePerformance } from "../performance/estimate.ts";
import { measurePerformance } from "../performance/measure.ts";
import { compareArms } from "../replay-life/compare-arms.ts";
import type { FitHooks } from "../training/fit-candidate.ts";
import { inspectLeakage } from "../training/inspect-leakage.ts";
import { scoreTrial } from "../search/score-trial.ts";
import { trainTrialFold } from "../search/train-trial-fold.ts";
import { summariseCandidates } from "../training/summarise-candidates.ts";
import { trainFinalModels } from "../training/train-final.ts";
import { trainOneFold } from "../training/train-one-fold.ts";

/** How a job is watched from outside; checkpoints cost, so a job sends them only where it is made to. */
export interface JobHooks extends FitHooks {
  readonly sendCheckpoint?: (checkpoint: unknown) => void;
}

/**
 * Every pure computation that runs on a CPU thread. A job takes and returns plain data and typed arrays; large inputs lie
 * in shared memory.
 */
export const CPU_JOBS = {
  trainOneFold,
  trainFinalModels,
  summariseCandidates,
  inspectLeakage,
  predictRows,
  exportGraph,
  adaptGraph,
  evaluateHoldout,
  explainModel,
  freezeModelReference,
  compareWindow,
  compareArms,
  measurePerformance,
  estimatePerformance,
  trainTrialFold,
  scoreTrial,
} as const satisfies Record<string, (input: never, hooks: JobHooks) => unknown>;

export type CpuJobName = keyof typeof CPU_JOBS;
export type CpuJobInput<K extends CpuJobName> = Parameters<(typeof CPU_JOBS)[K]>[0];
export type CpuJobOutput<K extends CpuJobName> = ReturnType<(typeof CPU_JOBS)[K]>;
