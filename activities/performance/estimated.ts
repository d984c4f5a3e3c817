import { z } from "zod";
import { errorModelSchema } from "../../schemas/models/error-model.ts";
import type { Evaluation } from "../../schemas/models/model-version.ts";
import type { PerformanceEstimate } from "../../schemas/models/performance-report.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import type { JudgedVersion, PerformanceDeps } from "./judged-version.ts";
import { groupsOf } from "./predicted-rows.ts";
import type { PredictedRows } from "./predicted-rows.ts";

/** What of a version's reference is needed. */
const frozenSchema = z.looseObject({ errors: errorModelSchema.optional() });

/** Probabilities that were further off on the holdout than this, beyond what chance gives, say nothing of what is to be expected. */
const MOST_OFF = 0.03;

/** How the quality of a version is told before labels come, or why it cannot be. */
export type Estimator =
  | { readonly method: "cbpe" }
  | { readonly method: "error_model"; readonly model: z.infer<typeof errorModelSchema> }
  | { readonly method: null; readonly reason: string };

/** How the quality of a version is told before labels come. Errors: those of the object store. */
export async function estimatorOf({ objects }: PerformanceDeps, version: JudgedVersion): Promise<Estimator> {
  const { problem, row, signature } = version;
  switch (problem.kind) {
    case "binary":
    case "multiclass": {
      const reason = whyUncalibrated(row.evaluation, signature.output.calibration !== undefined);
      return reason === undefined ? { method: "cbpe" } : { method: null, reason };
    }
    case "regression": {
      const { reference } = row.manifest.files;
      const frozen =
        reference === undefined ? undefined : await getDocument(objects, reference, frozenSchema);
      return frozen?.errors === undefined
        ? { method: null, reason: "the version was trained before its errors were kept, or on too few rows" }
        : { method: "error_model", model: frozen.errors };
    }
    case "anomaly":
      return { method: null, reason: "scores of a detector are no probabilities" };
    case "forecast":
      return { method: null, reason: "nothing is estimated of forecasts" };
  }
}

/**
 * Why probabilities cannot be taken for chances: nobody knows that they are, or the holdout shows that they are not. Even the best
 * are off a little on a holdout of some rows: Σ nᵦ/n √(2/π · p(1 − p)/nᵦ) is taken off.
 */
export function whyUncalibrated(
  { calibration }: Pick<Evaluation, "calibration">,
  isCalibrated: boolean,
): string | undefined {
  if (calibration === undefined)
    return isCalibrated ? undefined : "nobody knows whether the version's probabilities are calibrated";
  const { bins, expectedError } = calibration;
  const nRows = bins.reduce((sum, { nRows: n }) => sum + n, 0);
  const chance = bins.reduce(
    (sum, { nRows: n, meanPredicted: p }) => sum + (n / nRows) * Math.sqrt(((2 / Math.PI) * p * (1 - p)) / n),
    0,
  );
  if (expectedError - chance <= MOST_OFF) return undefined;
  const percent = (100 * expectedError).toFixed(1);
  return `the version's probabilities are not calibrated: on the holdout they were off by ${percent} points`;
}

/** Expected quality of predictions that nobody knows the truth of. */
export async function estimateOf(
  deps: PerformanceDeps,
  version: JudgedVersion,
  { estimator, predicted }: { readonly estimator: Estimator; readonly predicted: PredictedRows },
): Promise<PerformanceEstimate> {
  const { rows, answers } = predicted;
  const n = rows.length;
  if (estimator.method === null) return notEstimated(estimator.reason, n);
  if (n === 0) return notEstimated("there was no prediction", 0);
  const { problem, signature, pipeline } = version;
  const { metrics, intervals } = await deps.cpu.run("estimatePerformance", {
    ...(estimator.method === "error_model"
      ? { kind: "errors" as const, model: estimator.model }
      : {
          kind: "classes" as const,
          problem: problem.kind === "binary" ? ("binary" as const) : ("multiclass" as const),
          nClasses: problem.nClasses,
          threshold: signature.output.threshold ?? 0.5,
        }),
    answers,
    groups: groupsOf(rows),
    seed: pipeline.split.seed,
  });
  const bands = Object.entries(intervals).map(([key, [low, high]]) => [key, [low, high] as const] as const);
  return {
    state: "available",
    method: estimator.method,
    reason: null,
    n,
    metrics: { ...metrics },
    intervals: Object.fromEntries(bands),
  };
}

/** The state of having no estimate, for `n` predictions. */
export function notEstimated(reason: string, n = 0): PerformanceEstimate {
  return { state: "not_available", method: null, reason, n, metrics: {}, intervals: {} };
}
