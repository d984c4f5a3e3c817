import { partialDependence } from "../../numerics/explain/partial-dependence.ts";
import { permutationImportance } from "../../numerics/explain/permutation-importance.ts";
import type { DealtColumns, ImportanceRow } from "../../numerics/explain/permutation-importance.ts";
import { selectRows } from "../../numerics/matrix.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import { logLoss } from "../../numerics/metrics/binary.ts";
import { multiclassLogLoss } from "../../numerics/metrics/multiclass.ts";
import { meanAbsoluteError, rootMeanSquaredError } from "../../numerics/metrics/regression.ts";
import { predict } from "../../numerics/model.ts";
import type { OutputCap, Prediction, TrainedModel } from "../../numerics/model.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import type { Evaluation } from "../../schemas/models/model-version.ts";
import { evidenceGroups } from "./evidence-groups.ts";
import { headline } from "./graph-runner.ts";
import type { Problem } from "../training/problem.ts";

export interface ExplainModelJob {
  readonly model: TrainedModel;
  readonly problem: Problem;
  readonly bounds: OutputCap | null;
  readonly matrix: Matrix;
  readonly featureNames: readonly string[];
  /** Column of the readings that each feature is made of; null: of several, or of none. */
  readonly sources: readonly (string | null)[];
  /** Label of each row of the matrix; of forecasts that of the nearest horizon. */
  readonly y: Float64Array;
  /** Asset of each row of the matrix. */
  readonly assetCodes: Int32Array;
  /** Features by gain, largest first. */
  readonly byGain: readonly string[];
  readonly rows: { readonly train: Int32Array; readonly test: Int32Array };
  readonly seed: number;
}

/** Rows, features and repeats that keep this below a second or two for hundreds of trees. */
const MAX_ROWS = 1_000;
const N_DEALS = 3;
/** Features that are dealt whatever a model costs; beyond them as many as answers of this many trees allow. */
const MIN_FEATURES = 20;
const MAX_TREE_ANSWERS = 12_000_000;
/** Columns of the readings whose features are dealt together. */
const MAX_COLUMNS = 40;
const MAX_CURVES = 6;
const CURVE_ROWS = 200;
const CURVE_VALUES = 20;

/** What the model leans on as a whole: permutation importance on the holdout, partial dependence over training rows. */
export function explainModel(
  job: ExplainModelJob,
  _hooks: TrainingHooks,
): NonNullable<Evaluation["explanation"]> {
  const { featureNames, byGain, sources } = job;
  const columnOf = new Map(featureNames.map((name, column) => [name, column]));
  // Detectors do not split by gain: their features stand in the order of the file.
  const ordered = job.problem.kind === "anomaly" ? featureNames : byGain;
  const features = ordered
    .slice(0, countDealt(job))
    .map((name) => ({ name, columns: [columnOf.get(name) as number] }));
  const columns = new Map<string, number[]>();
  for (const [feature, source] of sources.entries()) {
    if (source !== null) columns.set(source, [...(columns.get(source) ?? []), feature]);
  }
  const groups = [...columns].slice(0, MAX_COLUMNS).map(([name, own]) => ({ name, columns: own }));
  return {
    loss: LOSS_NAMES[job.problem.kind],
    features: dealt(job, features),
    columns: dealt(job, groups),
    dependence: ordered
      .slice(0, MAX_CURVES)
      .flatMap((name) => curveOf(job, name, columnOf.get(name) as number)),
  };
}

/** As many features as can be dealt within the cost: all of a small model. */
function countDealt({ model, rows }: ExplainModelJob): number {
  const perFeature = N_DEALS * Math.min(MAX_ROWS, rows.test.length) * Math.max(1, countTrees(model));
  return Math.max(MIN_FEATURES, Math.floor(MAX_TREE_ANSWERS / Math.max(1, perFeature)));
}

function countTrees(model: TrainedModel): number {
  if (model.kind === "blend") return model.members.reduce((sum, member) => sum + countTrees(member), 0);
  return model.kind === "tree_ensemble" ? model.trees.length : 0;
}

const LOSS_NAMES = {
  regression: "rmse",
  binary: "logLoss",
  multiclass: "logLoss",
  anomaly: "scoreShift",
  forecast: "mae",
} as const;

function dealt(job: ExplainModelJob, units: readonly DealtColumns[]): ImportanceRow[] {
  const isJudged = (row: number) => job.problem.kind === "anomaly" || !Number.isNaN(job.y[row]);
  const rows = spread(job.rows.test.filter(isJudged), MAX_ROWS);
  if (rows.length === 0) return [];
  const matrix = selectRows(job.matrix, rows);
  const assets = Int32Array.from(rows, (row) => job.assetCodes[row] as number);
  // A detector answers to no label: what counts is how far its score moves.
  const truth =
    job.problem.kind === "anomaly"
      ? answer(job, matrix).values
      : Float64Array.from(rows, (row) => job.y[row] as number);
  return permutationImportance({
    matrix,
    groups: job.problem.forecast === undefined ? assets : evidenceGroups(assets),
    units,
    lossOf: (given) => lossOf(job.problem, truth, answer(job, given).values),
    nDeals: N_DEALS,
    seed: job.seed,
  });
}

function lossOf({ kind, nClasses }: Problem, truth: Float64Array, answers: Float64Array): number {
  switch (kind) {
    case "regression":
      return rootMeanSquaredError(truth, answers);
    case "binary":
      return logLoss(truth, answers);
    case "multiclass":
      return multiclassLogLoss(truth, answers, nClasses);
    case "forecast":
      return meanAbsoluteError(truth, answers);
    case "anomaly":
      return meanAbsoluteError(truth.map(Math.log1p), answers.map(Math.log1p));
  }
}

function curveOf(
  job: ExplainModelJob,
  feature: string,
  column: number,
): NonNullable<Evaluation["explanation"]>["dependence"] {
  const matrix = selectRows(job.matrix, spread(job.rows.train, CURVE_ROWS));
  const found = partialDependence(matrix, column, {
    answer: (given) => answer(job, given),
    nValues: CURVE_VALUES,
  });
  if (found === null) return [];
  const { values, answers } = found;
  return [{ feature, values: [...values], answers: [...answers] }];
}

/** Of a forecast the median at the nearest horizon alone. */
function answer({ model, bounds, problem }: ExplainModelJob, matrix: Matrix): Prediction {
  const prediction = predict(model, matrix, bounds ?? undefined);
  if (problem.forecast === undefined) return prediction;
  return {
    values: headline(
      { outputs: prediction.values, nOutputs: prediction.nOutputs },
      problem.kind,
      problem.forecast,
    ),
    nRows: prediction.nRows,
    nOutputs: 1,
  };
}

/** At most `most` rows, evenly spread, in their order. */
function spread(rows: Int32Array, most: number): Int32Array {
  if (rows.length <= most) return rows;
  return Int32Array.from({ length: most }, (_, i) => rows[Math.floor((i * rows.length) / most)] as number);
}
