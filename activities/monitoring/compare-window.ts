import type { DriftReference } from "../../numerics/drift/reference.ts";
import { compareWithReference } from "../../numerics/drift/verdict.ts";
import type { DriftReport } from "../../numerics/drift/verdict.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import { SCORE_COLUMN } from "../evaluation/model-reference.ts";
import type { TraceWindow } from "./trace-window.ts";

export interface CompareJob {
  readonly reference: DriftReference;
  readonly window: TraceWindow;
  /** Headline answer per row. */
  readonly scores: Float64Array;
  readonly options: {
    readonly minRows: number;
    readonly alpha: number;
    readonly minEffect: number;
    readonly minPsi: number;
  };
}

/** Logged inputs and answers against the reference frozen at training. */
export function compareWindow(job: CompareJob, _hooks: TrainingHooks): DriftReport {
  const { reference, window, scores, options } = job;
  const names = reference.features.map((feature) => feature.name).filter((name) => name !== SCORE_COLUMN);
  const columns = names.map((name, column) => {
    const values = new Float64Array(window.nRows);
    for (let row = 0; row < window.nRows; row++)
      values[row] = window.features[row * window.nFeatures + column] as number;
    return { name, kind: "numeric" as const, values };
  });
  const scored = { name: SCORE_COLUMN, kind: "numeric" as const, values: scores };
  return compareWithReference(reference, [...columns, scored], { ...options, groups: window.assets });
}
