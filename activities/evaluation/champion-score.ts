import { signatureSchema } from "../../schemas/models/model-version.ts";
import type { ServedForecast, Signature } from "../../schemas/models/model-version.ts";
import { horizonsOf, quantilesOf } from "../../schemas/pipeline/forecast.ts";
import type { ForecastTask } from "../../schemas/pipeline/forecast.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { splitDocumentSchema } from "../../schemas/data/split.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { OUTPUT_NAMES } from "../../numerics/onnx/export.ts";
import { goldenSchema } from "../../schemas/models/golden.ts";
import { getDocument, readPipeline } from "../../stores/objects/documents.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { trainingChoice } from "../features/row-choice.ts";
import { transformDataset } from "../features/transform-dataset.ts";
import type { Beat } from "../heartbeat.ts";
import { finalRows } from "../training/fold-rows.ts";
import { problemOf } from "../training/problem.ts";
import type { Problem } from "../training/problem.ts";
import { keyOfUse } from "./graph-runner.ts";
import type { ChampionScore, ScoreChampionInput } from "./messages.ts";
import { featureRows, scoreRows } from "./scoring.ts";

/** Largest graph that is run: as large as one that is served. */
const MAX_GRAPH_BYTES = 256 * 2 ** 20;

/**
 * Metrics of a registered version on the holdout of the present split: its own view and fitted state, its own graph and
 * threshold, but the challenger's rows and truth. Each measured against its own label would let the easier label win.
 *
 * @throws {PlatformError} conflict when the two answer different questions, or the dataset lacks a column of the view
 */
export async function scoreVersion(
  deps: ActivityDeps,
  version: VersionRow,
  given: { readonly input: ScoreChampionInput; readonly beat: Beat },
): Promise<NonNullable<ChampionScore>> {
  const { input, beat } = given;
  const { objects } = deps;
  const file = (role: string) => {
    const ref = version.manifest.files[role];
    if (ref === undefined)
      throw new PlatformError(
        "integrity",
        `score ${version.model}@${version.version}: it has no ${role} file`,
      );
    return ref;
  };
  const pipeline = await readPipeline(objects, input.spec);
  const split = await getDocument(objects, input.split, splitDocumentSchema);
  const signature = await getDocument(objects, file("signature"), signatureSchema);
  const choice = trainingChoice(pipeline);
  const challenger = await deps.tables.load(input.featureSet, choice);
  const problem = problemOf(pipeline, challenger.classLabels);
  requireSameQuestion(version, signature, { pipeline, problem, classLabels: challenger.classLabels });
  const base = { dataset: input.dataset, view: file("view"), fitted: file("fitted"), hasLabel: false };
  const own = await deps.tables.load((await transformDataset(deps, base, beat)).featureSet, choice);
  const { test: rows, censored } = finalRows(challenger, pipeline, split);
  requireSameRows(challenger, own, rows);
  // Its order of lives is judged on the same rows as the challenger's, those of assets that had not failed among them.
  const asked = Int32Array.from([...rows, ...censored.test]);
  const answers = await answerRows(deps, version, {
    inputs: featureRows(own, asked),
    nRows: asked.length,
    outputName: OUTPUT_NAMES[problem.kind],
  });
  const nJudged = (answers.length / asked.length) * rows.length;
  const prediction = answers.subarray(0, nJudged);
  const threshold = version.threshold ?? signature.output.threshold ?? null;
  const scored = await scoreRows(
    deps,
    {
      table: challenger,
      pipeline,
      problem,
      rows,
      prediction,
      baseline: prediction,
      threshold,
      interval: signature.output.interval ?? null,
      slices: [],
      intervalsOf: [],
      censored: { rows: censored.test, prediction: answers.subarray(nJudged) },
    },
    beat,
  );
  const { digest } = version;
  return { version: version.version, digest, rows: input.holdoutHash, metrics: scored.test };
}

/** @throws {PlatformError} conflict, naming what differs and what to do */
export function requireSameQuestion(
  version: Pick<VersionRow, "model" | "version">,
  signature: Signature,
  now: {
    readonly pipeline: Pick<Pipeline, "task">;
    readonly problem: Pick<Problem, "kind" | "forecast">;
    readonly classLabels: readonly string[] | null;
  },
): void {
  const text = (task: string, kind: string, details: string) => `${task} (${kind}${details})`;
  const classes = (labels: readonly string[] | null | undefined) =>
    labels == null ? "" : ` of ${labels.join(", ")}`;
  const { output } = signature;
  const before = text(
    signature.task,
    signature.problem,
    output.forecast === undefined ? classes(output.classLabels) : servedQuestion(output.forecast),
  );
  const present = text(
    now.pipeline.task.kind,
    now.problem.kind,
    now.pipeline.task.kind === "forecast" ? declaredQuestion(now.pipeline.task) : classes(now.classLabels),
  );
  if (before === present) return;
  throw new PlatformError(
    "conflict",
    `compare with the champion ${version.model}@${version.version}: it answers ${before}, this pipeline ${present}; give the pipeline another model name`,
  );
}

function servedQuestion({ column, statistic, horizons, quantiles }: ServedForecast): string {
  return forecastText({ column, statistic, horizons: horizons.map(({ horizon }) => horizon), quantiles });
}

function declaredQuestion(task: ForecastTask): string {
  const { column, statistic } = task;
  return forecastText({ column, statistic, horizons: horizonsOf(task), quantiles: quantilesOf(task) });
}

/** Two forecasts are comparable where they are of the same quantiles of the same thing. */
function forecastText(given: {
  readonly column: string;
  readonly statistic: string;
  readonly horizons: readonly (string | number)[];
  readonly quantiles: readonly number[];
}): string {
  const { column, statistic, horizons, quantiles } = given;
  return ` of ${column}, ${statistic} at ${horizons.join(", ")}, quantiles ${quantiles.join(", ")}`;
}

/** Both tables hold every reading of one dataset, or the same sample, in stored order, so that a row number means the same row. */
function requireSameRows(challenger: FeatureTable, own: FeatureTable, rows: Int32Array): void {
  const differs = rows.find(
    (row) => own.seq[row] !== challenger.seq[row] || own.t[row] !== challenger.t[row],
  );
  if (own.seq.length === challenger.seq.length && differs === undefined) return;
  throw new PlatformError(
    "integrity",
    `score the champion: expected the challenger's ${challenger.seq.length} rows, found ${own.seq.length} rows${differs === undefined ? "" : `, another at ${differs}`}`,
  );
}

/** Runs the graph of a registered version on feature rows, in the inference children. */
export async function answerRows(
  deps: Pick<ActivityDeps, "objects" | "pool">,
  version: Pick<VersionRow, "model" | "version" | "digest" | "manifest">,
  given: { readonly inputs: Float64Array; readonly nRows: number; readonly outputName: string },
): Promise<Float64Array> {
  const { onnx, golden: goldenRef } = version.manifest.files;
  if (onnx === undefined || goldenRef === undefined) {
    throw new PlatformError(
      "integrity",
      `run ${version.model}@${version.version}: graph or golden vectors are missing`,
    );
  }
  const golden = await getDocument(deps.objects, goldenRef, goldenSchema);
  const nFeatures = golden.rows[0]?.length ?? 0;
  const key = keyOfUse(`activity-${version.digest}`);
  await deps.pool.load({
    key,
    bytes: await deps.objects.get(onnx, MAX_GRAPH_BYTES),
    sha256: onnx.sha256,
    nFeatures,
    outputName: given.outputName,
    golden: {
      nRows: golden.rows.length,
      rows: Float64Array.from(golden.rows.flat(), (value) => value ?? Number.NaN),
      outputs: Float64Array.from(golden.outputs.flat()),
    },
  });
  try {
    return (await deps.pool.predict(key, given.inputs, given.nRows)).values;
  } finally {
    await deps.pool.unload(key);
  }
}
