import { alertCurve } from "../../numerics/evaluation/alert-budget.ts";
import { NO_CALIBRATION } from "../../numerics/calibration/calibrator.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { splitDocumentSchema } from "../../schemas/data/split.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import { MAX_GRAPH_BYTES } from "../adoption/graph-of-file.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { Beat } from "../heartbeat.ts";
import { detectionThreshold } from "../training/anomaly-metrics.ts";
import { assetDaysOf } from "../training/detection.ts";
import { judgedTrainingRows } from "../training/fold-rows.ts";
import { targetsOf } from "../training/problem.ts";
import type { Problem } from "../training/problem.ts";
import type { Selection } from "../training/selection.ts";
import { headline, runForeignGraph } from "./graph-runner.ts";
import type { EvaluateForeignInput, EvaluateResult } from "./messages.ts";
import { evaluateAnswers, load } from "./model-evaluation.ts";
import type { Answers, Loaded } from "./model-evaluation.ts";
import { featureRows, predictByTrainer } from "./scoring.ts";

/**
 * A graph from elsewhere on the frozen holdout: everything that a model trained here goes through, but for the comparison
 * with its trainer.
 */
export async function evaluateForeign(
  deps: ActivityDeps,
  input: EvaluateForeignInput,
  beat: Beat,
): Promise<Omit<EvaluateResult, "isReused">> {
  const loaded = await load(deps, input);
  const onnx = await deps.objects.get(input.onnx, MAX_GRAPH_BYTES);
  const split = await getDocument(deps.objects, input.split, splitDocumentSchema);
  const alerting = needsThreshold(loaded) ? judgedTrainingRows(loaded.table, loaded.pipeline, split) : null;
  const { alertScores, ...answers } = await answersOf(deps, { loaded, onnx, alerting }, beat);
  const judged =
    alerting === null ? loaded : { ...loaded, selection: alertingOn(loaded, alerting, alertScores) };
  return evaluateAnswers(deps, input, { loaded: judged, answers, model: null, beat });
}

/** Scores have a scale of their own: from which one to alert is only known when they are. */
function needsThreshold({ problem, selection }: Loaded): boolean {
  const chosen = selection.candidates.find(({ name }) => name === selection.chosen);
  return problem.kind === "anomaly" && chosen?.threshold === null;
}

/** The selection with a threshold by the alert budget or the label, as cross-validation gives it to what is trained here. */
function alertingOn(loaded: Loaded, rows: Int32Array, score: Float64Array): Selection {
  const { problem, pipeline, table, selection } = loaded;
  const { detection } = problem;
  if (detection === undefined) return selection;
  const assetDay = assetDaysOf(pipeline, table, rows);
  const truth = Float64Array.from(rows, (row) => table.y[row] as number);
  const scored = assetDay === undefined ? { score } : { score, assetDay };
  const judged = { truth, truthRaw: truth, prediction: score, fold: new Int32Array(rows.length) };
  const pooled = assetDay === undefined ? judged : { ...judged, assetDay };
  const threshold = detectionThreshold(pooled, detection, pipeline.costs);
  return {
    ...selection,
    candidates: selection.candidates.map((candidate) =>
      candidate.name === selection.chosen ? { ...candidate, threshold } : candidate,
    ),
    alertCurve: alertCurve(scored, truth).map((point) => ({ ...point })),
  };
}

async function answersOf(
  deps: ActivityDeps,
  given: {
    readonly loaded: Loaded;
    readonly onnx: Uint8Array;
    /** Rows whose scores choose a threshold; null: it is chosen. */
    readonly alerting: Int32Array | null;
  },
  beat: Beat,
): Promise<Answers & { readonly alertScores: Float64Array }> {
  const { loaded, onnx, alerting } = given;
  const { table, rows, problem, referenceRows } = loaded;
  const inputs = featureRows(table, rows.test);
  const nRows = rows.test.length;
  let referenceScores = new Float64Array();
  let censored = new Float64Array();
  let alertScores = new Float64Array();
  const graph = { onnx, problem: problem.kind, nFeatures: table.features.length, inputs, nRows };
  const { outputs, nOutputs, largestDifference } = await runForeignGraph(
    deps.pool,
    graph,
    async (predict) => {
      const answered = await predict(featureRows(table, referenceRows), referenceRows.length);
      requireAnswers(problem, answered);
      referenceScores = Float64Array.from(headline(answered, problem.kind, problem.forecast));
      if (alerting !== null)
        alertScores = Float64Array.from(
          (await predict(featureRows(table, alerting), alerting.length)).outputs,
        );
      const unended = rows.censored.test;
      if (unended.length === 0) return;
      censored = Float64Array.from((await predict(featureRows(table, unended), unended.length)).outputs);
    },
  );
  requireAnswers(problem, { outputs, nOutputs });
  return {
    onnx,
    importance: [],
    asked: { inputs, nRows, outputs, nOutputs },
    check: {
      name: "graph answers",
      passed: true,
      detail: `${nRows + referenceScores.length} rows answered in range; alone and in a batch at most ${largestDifference.toExponential(1)} apart`,
    },
    test: outputs,
    baseline: await constantAnswers(deps, loaded, beat),
    referenceScores,
    censored,
    alertScores,
  };
}

/**
 * As many outputs as the task has, and probabilities that are some.
 *
 * @throws {PlatformError} model_refused
 */
export function requireAnswers(
  { kind, nClasses, forecast }: Pick<Problem, "kind" | "nClasses" | "forecast">,
  { outputs, nOutputs }: { readonly outputs: Float64Array; readonly nOutputs: number },
): void {
  const expected =
    forecast !== undefined
      ? forecast.horizons.length * forecast.quantiles.length
      : kind === "multiclass"
        ? nClasses
        : 1;
  if (nOutputs !== expected)
    throw new PlatformError(
      "model_refused",
      `run model: expected ${expected} outputs per row, got ${nOutputs}`,
    );
  if (kind !== "binary" && kind !== "multiclass") return;
  const wrong = outputs.findIndex((value) => !(value >= 0 && value <= 1));
  if (wrong < 0) return;
  throw new PlatformError(
    "model_refused",
    `run model [row ${Math.floor(wrong / nOutputs)}]: expected a probability of 0 to 1, got ${outputs[wrong]}`,
  );
}

/** The constant model that stands beside every candidate. */
async function constantAnswers(deps: ActivityDeps, loaded: Loaded, beat: Beat): Promise<Float64Array> {
  const { table, rows, problem, pipeline } = loaded;
  const { seed } = pipeline.split;
  const { baseline } = await deps.cpu.run(
    "trainFinalModels",
    {
      matrix: table.matrix,
      featureNames: table.features.map(({ name }) => name),
      categorical: [],
      ...targetsOf(problem, table, { pipeline, split: {} }),
      trainRows: rows.train,
      censoredRows: new Int32Array(),
      parts: [{ candidate: null, iterations: null, weight: 1 }],
      bounds: problem.bounds,
      calibrator: NO_CALIBRATION,
      offsets: null,
      seed,
    },
    beat,
  );
  const given = { model: baseline, table, rows: rows.test, problem, nProbes: 0, seed };
  return (await predictByTrainer(deps, given, beat)).outputs;
}
