import type { FeatureView } from "../../features/feature-view.ts";
import { firstHorizon } from "../../numerics/forecast/first-horizon.ts";
import type { TrainedModel } from "../../numerics/model.ts";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import type { ExplanationDocument } from "../../schemas/serving/explanation.ts";
import { fittedStateSchema } from "../../schemas/data/feature-set.ts";
import type { FittedState } from "../../schemas/data/feature-set.ts";
import type { Evaluation, ModelOrigin } from "../../schemas/models/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { splitDocumentSchema } from "../../schemas/data/split.ts";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import {
  getDocument,
  putDocument,
  readDataset,
  readFeatureSet,
  readPipeline,
} from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { FeatureTable, ForecastColumns } from "../features/feature-table.ts";
import { trainingChoice } from "../features/row-choice.ts";
import { readingsOf } from "../features/sensor-columns.ts";
import { readView } from "../features/transform-dataset.ts";
import type { Beat } from "../heartbeat.ts";
import { trainedCandidates } from "../candidates.ts";
import { missingClassOf } from "../training/both-classes.ts";
import { countCensored } from "../training/censored.ts";
import { finalRows, referenceRows } from "../training/fold-rows.ts";
import type { FinalRows } from "../training/fold-rows.ts";
import { problemOf } from "../training/problem.ts";
import type { Problem } from "../training/problem.ts";
import { selectionSchema } from "../training/selection.ts";
import type { Selection } from "../training/selection.ts";
import { failureCounts } from "./failure-counts.ts";
import { fansOf } from "./fan-charts.ts";
import type { HoldoutOutput } from "./evaluate-holdout.ts";
import type { ExportOutput } from "./export-graph.ts";
import { headline, requireParity, runGraph, GOLDEN_ROWS } from "./graph-runner.ts";
import type { EvaluateInput, EvaluateResult } from "./messages.ts";
import { storeVersion } from "./model-files.ts";
import type { PredictOutput } from "./predict-rows.ts";
import { renderReport } from "./report.ts";
import { predictByTrainer, scoreRows } from "./scoring.ts";
import { readSlices } from "./slice-columns.ts";
import { readTrained } from "./trained.ts";
import {
  cardOf,
  goldenDocument,
  labelConventionOf,
  servedInterval,
  signatureOf,
} from "./version-documents.ts";

/** Rows at thresholds ± 1 ulp and with missing values that the graph must agree on as well. */
const N_PROBES = 512;

export interface Loaded {
  readonly pipeline: Pipeline;
  readonly dataset: DatasetManifest;
  readonly selection: Selection;
  readonly table: FeatureTable;
  readonly problem: Problem;
  readonly rows: FinalRows;
  /** Rows that drift is measured against. */
  readonly referenceRows: Int32Array;
  readonly timeKind: string;
  /** Rows left unlabelled because no training row has their class. */
  readonly nUnseenClass: number;
}

/** What a model answered, whoever trained it. */
export interface Answers {
  readonly onnx: Uint8Array;
  readonly importance: ExportOutput["importance"];
  /** Rows asked, the test rows first, and what is known to be the answer: the golden vectors. */
  readonly asked: PredictOutput;
  /** How the graph was held to those answers. */
  readonly check: Evaluation["checks"][number];
  /** Answers for the test rows alone, without the probes. */
  readonly test: Float64Array;
  readonly baseline: Float64Array;
  /** Headline answers for the rows that drift is measured against. */
  readonly referenceScores: Float64Array;
  /** For the holdout rows of assets that had not failed. */
  readonly censored: Float64Array;
}

/**
 * Everything between a trained model and a version that can be registered: graph, parity, one look at the holdout,
 * frozen reference, documents, report.
 */
export async function evaluateTrained(
  deps: ActivityDeps,
  input: EvaluateInput,
  beat: Beat,
): Promise<Omit<EvaluateResult, "isReused">> {
  const loaded = await load(deps, input);
  const { model, baseline } = await readTrained(deps.objects, input.models);
  const answers = await answerTest(deps, { loaded, model, baseline }, beat);
  return evaluateAnswers(deps, input, { loaded, answers, model, beat });
}

/** All that follows from the answers, for a model trained here and for one from elsewhere. */
export async function evaluateAnswers(
  deps: ActivityDeps,
  input: Omit<EvaluateInput, "models"> & { readonly origin?: ModelOrigin },
  given: {
    readonly loaded: Loaded;
    readonly answers: Answers;
    /** null: nothing is known of its inside, and its answers are not explained. */
    readonly model: TrainedModel | null;
    readonly beat: Beat;
  },
): Promise<Omit<EvaluateResult, "isReused">> {
  const { loaded, answers, model, beat } = given;
  const { pipeline, problem, table, rows, selection } = loaded;
  const chosen = selection.candidates.find((c) => c.name === selection.chosen);
  const threshold = chosen?.threshold ?? null;
  const interval = servedInterval(chosen?.interval?.rule, problem);
  const view = await readView(deps, input.view);
  const fitted = await getDocument(deps.objects, input.fitted, fittedStateSchema);
  const slices = await readSlices(deps, { ...loaded, view, fitted, rows: rows.test });
  const scored = await scoreRows(
    deps,
    {
      table,
      pipeline,
      problem,
      rows: rows.test,
      prediction: answers.test,
      baseline: answers.baseline,
      threshold,
      interval,
      slices,
      censored: { rows: rows.censored.test, prediction: answers.censored },
    },
    beat,
  );
  const explanation =
    model === null ? undefined : await explainAsWhole(deps, { loaded, model, view, answers }, beat);
  const evaluation: Evaluation = {
    ...evaluationOf(input, { loaded, answers, scored, threshold }),
    ...(explanation === undefined ? {} : { explanation }),
  };
  const reference = await referenceOf(deps, { loaded, fitted, scores: answers.referenceScores }, beat);
  const { asked } = answers;
  const nGolden = Math.min(GOLDEN_ROWS, asked.nRows);
  const document = model === null ? undefined : explanationOf(model);
  const signature = signatureOf({
    ...loaded,
    fitted,
    threshold,
    interval,
    calibration: chosen?.calibration?.calibrator.method ?? "none",
    trainRows: rows.train,
  });
  const stored = await storeVersion(deps.objects, input.model, {
    onnx: answers.onnx,
    explanation: document,
    view,
    fitted,
    signature,
    thresholds: {
      kind: "aura.thresholds/1",
      threshold,
      table: scored.thresholds,
      ...(selection.alertCurve === undefined ? {} : { curve: selection.alertCurve }),
      costs: pipeline.costs ?? null,
    },
    // What is expected of answers before anybody knows the truth is frozen with what they looked like.
    reference: selection.errors === undefined ? reference : { ...reference, errors: selection.errors },
    card: cardOf(pipeline, evaluation),
    golden: goldenDocument({
      inputs: asked.inputs,
      expected: asked.outputs,
      nFeatures: table.features.length,
      nOutputs: asked.nOutputs,
      nRows: nGolden,
    }),
  });
  const trials = await deps.db.trials.list(input.runId);
  const html = new TextEncoder().encode(
    renderReport({
      pipeline,
      evaluation,
      truth: pickTruth(loaded),
      prediction: headline(
        { outputs: answers.test, nOutputs: asked.nOutputs },
        problem.kind,
        problem.forecast,
      ),
      problem,
      signature,
      trials,
      ...(problem.forecast === undefined
        ? {}
        : { fans: fansOf({ table, rows: rows.test, answers: answers.test, problem: problem.forecast }) }),
    }),
  );
  const report = await deps.objects.put(`reports/${sha256Hex(html)}.html`, html);
  return {
    manifest: stored.manifest,
    evaluation: await putDocument(deps.objects, evaluation),
    report,
    metrics: evaluation.metrics,
  };
}

/** Of a forecast the nearest horizon is explained, and only that is kept. */
function explanationOf(model: TrainedModel): ExplanationDocument {
  return { kind: "aura.explanation/1", model: { ...firstHorizon(model) } };
}

/** @throws {PlatformError} not_enough_data: nothing of the holdout is labelled */
export async function load(deps: ActivityDeps, input: Omit<EvaluateInput, "models">): Promise<Loaded> {
  const pipeline = await readPipeline(deps.objects, input.spec);
  const split = await getDocument(deps.objects, input.split, splitDocumentSchema);
  const selection = await getDocument(deps.objects, input.selection, selectionSchema);
  const table = await deps.tables.load(input.featureSet, trainingChoice(pipeline));
  const rows = finalRows(table, pipeline, split);
  if (rows.test.length === 0)
    throw new PlatformError("not_enough_data", "evaluate: the holdout has no labelled row");
  const dataset = await readDataset(deps.objects, input.dataset);
  const { timeKind } = readingsOf(dataset);
  const { nUnseenClass = 0 } = await readFeatureSet(deps.objects, input.featureSet);
  const problem = problemOf(pipeline, table.classLabels);
  return {
    pipeline,
    dataset,
    selection,
    table,
    rows,
    referenceRows: referenceRows(table, pipeline, { split, rows }),
    problem,
    timeKind,
    nUnseenClass,
  };
}

/** Trainer and graph on the test rows and on probes; equal, or the run fails. */
async function answerTest(
  deps: ActivityDeps,
  given: { loaded: Loaded } & Awaited<ReturnType<typeof readTrained>>,
  beat: Beat,
): Promise<Answers> {
  const { loaded, model, baseline } = given;
  const { table, rows, problem, pipeline } = loaded;
  const common = { table, problem, rows: rows.test, seed: pipeline.split.seed };
  const trainer = await predictByTrainer(deps, { ...common, model, nProbes: N_PROBES }, beat);
  const constant = await predictByTrainer(deps, { ...common, model: baseline, nProbes: 0 }, beat);
  const unended = { ...common, model, rows: rows.censored.test, nProbes: 0 };
  const censored = await predictByTrainer(deps, unended, beat);
  const featureNames = table.features.map((feature) => feature.name);
  const labels = table.classLabels;
  const exported = await deps.cpu.run(
    "exportGraph",
    { model, featureNames, classLabels: labels, bounds: problem.bounds },
    beat,
  );
  const graph = await runGraph(deps.pool, {
    onnx: exported.onnx,
    problem: problem.kind,
    nFeatures: featureNames.length,
    inputs: trainer.inputs,
    nRows: trainer.nRows,
    expected: trainer.outputs,
  });
  const parity = requireParity(trainer.outputs, graph);
  const test = graph.outputs.subarray(0, rows.test.length * graph.nOutputs);
  return {
    onnx: exported.onnx,
    importance: exported.importance,
    asked: trainer,
    check: {
      name: "graph parity",
      passed: true,
      detail: `largest difference ${parity.maxError.toExponential(1)} on ${parity.nRows} rows, alone equal to batch`,
    },
    test,
    baseline: constant.outputs,
    referenceScores: await trainerScores(deps, { loaded, model }, beat),
    censored: censored.outputs,
  };
}

function evaluationOf(
  input: Parameters<typeof evaluateAnswers>[1],
  given: { loaded: Loaded; answers: Answers; scored: HoldoutOutput; threshold: number | null },
): Evaluation {
  const { loaded, answers, scored, threshold } = given;
  const { selection, pipeline, problem, rows } = loaded;
  const chosen = selection.candidates.find((c) => c.name === selection.chosen);
  const candidates = selection.candidates.map(({ name, kind, cv }) => ({
    name,
    kind,
    cv,
    ...(name === selection.chosen
      ? { test: scored.test }
      : kind === "constant"
        ? { test: scored.baseline }
        : {}),
  }));
  return {
    kind: "aura.evaluation/1",
    dataset: input.datasetId,
    holdout: input.holdoutHash,
    labelConvention: labelConventionOf(pipeline, problem),
    primaryMetric: problem.primaryMetric,
    candidate: selection.chosen,
    ...(input.origin === undefined ? {} : { origin: input.origin }),
    metrics: {
      test: scored.test,
      cv: chosen?.cv ?? {},
    },
    intervals: scored.intervals,
    candidates,
    slices: [...scored.slices],
    thresholds: scored.thresholds,
    ...(threshold === null ? {} : { threshold }),
    ...(pipeline.costs === undefined ? {} : { costs: pipeline.costs }),
    ...failuresOf(loaded, answers, threshold),
    ...(scored.calibration === null
      ? {}
      : { calibration: { ...scored.calibration, trials: [...(chosen?.calibration?.trials ?? [])] } }),
    ...(scored.quantiles === null ? {} : { quantiles: scored.quantiles }),
    ...(chosen?.interval == null
      ? {}
      : { interval: { level: chosen.interval.rule.level, trials: [...chosen.interval.trials] } }),
    importance: [...answers.importance],
    rows: { train: rows.train.length, test: rows.test.length, cv: selection.cvRows },
    ...censoredOf(loaded),
    checks: [
      ...splitChecks(input),
      ...sampleCheck(loaded),
      ...unlabelledCheck(loaded),
      ...coverageCheck(scored, chosen?.interval?.rule.level),
      ...weightCheck(loaded),
      ...unseenClassCheck(loaded),
      ...oneClassCheck(loaded),
      answers.check,
    ],
  };
}

function failuresOf(
  { problem, table, rows }: Loaded,
  answers: Answers,
  threshold: number | null,
): Pick<Evaluation, "failures"> {
  if (problem.kind !== "binary") return {};
  const { y, assetCodes } = table;
  return { failures: failureCounts({ y, assetCodes, rows, probability: answers.test, threshold }) };
}

function censoredOf({ pipeline, table, rows }: Loaded): Pick<Evaluation, "censored"> {
  const candidates = trainedCandidates(pipeline);
  const censored = countCensored(table, { rows, censored: rows.censored, candidates });
  return censored === undefined ? {} : { censored };
}

/** What the checks of the split say of a graph that was trained on rows nobody here knows. */
const OF_OUR_SPLIT: ReadonlySet<string> = new Set(["overlapping assets", "overlapping times"]);

/** An imported graph may have been trained on the very rows that judge it; the split's checks would say that all is well. */
function splitChecks({
  leakage,
  origin,
}: Pick<EvaluateInput, "leakage"> & { readonly origin?: ModelOrigin }): Evaluation["checks"] {
  if (origin?.kind !== "imported") return [...leakage];
  const detail =
    "not known: it was trained elsewhere. If rows of the holdout were among them, the figures tell what it remembers and not what it can do";
  return [
    ...leakage.filter(({ name }) => !OF_OUR_SPLIT.has(name)),
    { name: "rows it was trained on", passed: true, detail },
  ];
}

/** Rows of which nobody knows the truth count for nothing, which nobody shall find out by adding up. */
function unlabelledCheck({ problem, table }: Loaded): Evaluation["checks"] {
  if (problem.kind === "anomaly" || problem.kind === "forecast") return [];
  const { y, yLeast } = table;
  const n = y.reduce(
    (sum, value, row) => sum + (Number.isNaN(value) && Number.isNaN(yLeast[row]) ? 1 : 0),
    0,
  );
  if (n === 0) return [];
  const detail = `${n} of ${y.length} rows have no label; they are neither learnt from nor judged`;
  return [{ name: "rows without a label", passed: true, detail }];
}

/** Intervals are promised for machines like those of the training; on the holdout they may prove too narrow. */
function coverageCheck(
  { test, intervals }: Pick<HoldoutOutput, "test" | "intervals">,
  level: number | undefined,
): Evaluation["checks"] {
  const coverage = test["intervalCoverage"];
  const high = intervals["intervalCoverage"]?.[1];
  if (level === undefined || coverage === undefined || high === undefined || high >= level) return [];
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const detail = `cover ${percent(coverage)} of the held-out truths (at most ${percent(high)} by the bootstrap), where ${percent(level)} is their level: the held-out machines are unlike the others, or too few to tell`;
  return [{ name: "intervals on the holdout", passed: true, detail }];
}

/** Not a failure, but nobody shall think that every reading was learnt from and judged. */
function sampleCheck({ table, pipeline }: Loaded): Evaluation["checks"] {
  const nRows = table.seq.length;
  if (nRows === table.ofRows) return [];
  const detail = `learnt from and judged on ${nRows} of ${table.ofRows} rows, spread evenly (training.maxRows ${pipeline.training.maxRows})`;
  return [{ name: "sample of the rows", passed: true, detail }];
}

/** Not a failure, but metrics count every row alike, and learning did not. */
function weightCheck({ pipeline }: Loaded): Evaluation["checks"] {
  const { weight } = pipeline.training;
  if (weight === undefined) return [];
  const how = weight === "perAsset" ? "every asset counts alike" : `rows count as ${weight.column} says`;
  return [
    {
      name: "weights of the rows",
      passed: true,
      detail: `in learning ${how}; metrics count every row alike`,
    },
  ];
}

/** Not a failure, but nobody shall think that such rows were judged. */
function unseenClassCheck({ nUnseenClass, problem }: Loaded): Evaluation["checks"] {
  if (problem.kind !== "multiclass") return [];
  const detail = `${nUnseenClass} rows have a class that no training row has; they are unlabelled`;
  return [{ name: "classes seen in training", passed: true, detail }];
}

/** A failure: on rows of one class any answer may look perfect. */
function oneClassCheck({ problem, table, rows }: Loaded): Evaluation["checks"] {
  const detail = problem.kind === "binary" ? missingClassOf(table.y, rows) : null;
  return detail === null ? [] : [{ name: "both classes in the holdout", passed: false, detail }];
}

/** Importance by permutation and partial dependence, on a thread. */
async function explainAsWhole(
  deps: ActivityDeps,
  given: { loaded: Loaded; model: TrainedModel; view: FeatureView; answers: Answers },
  beat: Beat,
) {
  const { table, rows, problem, pipeline } = given.loaded;
  return deps.cpu.run(
    "explainModel",
    {
      model: firstHorizon(given.model),
      problem,
      bounds: problem.bounds,
      matrix: table.matrix,
      featureNames: table.features.map((feature) => feature.name),
      sources: given.view.features.map(({ args }) => sourceColumn(args)),
      y: table.targets === undefined ? table.y : nearestTarget(table.targets),
      assetCodes: table.assetCodes,
      byGain: given.answers.importance.map(({ feature }) => feature),
      rows,
      seed: pipeline.split.seed,
    },
    beat,
  );
}

/** What a forecast's headline is about; NaN where it is not known. */
function nearestTarget({ values, nHorizons }: ForecastColumns): Float64Array {
  return values.filter((_, cell) => cell % nHorizons === 0);
}

/** The one column an operator reads; null where it reads none or several. */
function sourceColumn(args: unknown): string | null {
  const { column } = args as { readonly column?: unknown };
  return typeof column === "string" ? column : null;
}

/** The trainer's answers for the rows of the reference; the graph was found equal to it. */
async function trainerScores(
  deps: ActivityDeps,
  given: { loaded: Loaded; model: Parameters<typeof predictByTrainer>[1]["model"] },
  beat: Beat,
): Promise<Float64Array> {
  const { table, problem, pipeline, referenceRows: rows } = given.loaded;
  const answered = await predictByTrainer(
    deps,
    {
      model: firstHorizon(given.model),
      table,
      problem,
      rows,
      nProbes: 0,
      seed: pipeline.split.seed,
    },
    beat,
  );
  return headline({ outputs: answered.outputs, nOutputs: answered.nOutputs }, problem.kind, problem.forecast);
}

/** Inputs and answers on the rows that drift is measured against. */
async function referenceOf(
  deps: ActivityDeps,
  { loaded, fitted, scores }: { loaded: Loaded; fitted: FittedState; scores: Float64Array },
  beat: Beat,
) {
  const { table, referenceRows: rows, problem } = loaded;
  const { matrix, features, assetCodes, t } = table;
  const categories = features.flatMap(({ name, kind }) => {
    const texts = kind === "category" ? fitted.categories?.[name] : undefined;
    return texts === undefined ? [] : [[name, texts] as const];
  });
  return deps.cpu.run(
    "freezeModelReference",
    {
      matrix,
      featureNames: features.map((feature) => feature.name),
      categories: Object.fromEntries(categories),
      rows,
      scores,
      scoreTexts: problem.kind === "multiclass" ? table.classLabels : null,
      assetCodes,
      times: t,
    },
    beat,
  );
}

function pickTruth({ table, rows }: Loaded): Float64Array {
  const truth = table.targets === undefined ? table.y : nearestTarget(table.targets);
  return Float64Array.from(rows.test, (row) => truth[row] as number);
}
