import type { ClassCalibrationMethod } from "../../numerics/calibration/class-calibrator.ts";
import type { IntervalRule } from "../../numerics/conformal/interval-rule.ts";
import { OUTPUT_NAMES } from "../../numerics/onnx/export.ts";
import type { FittedState } from "../../schemas/data/feature-set.ts";
import type { Golden } from "../../schemas/models/golden.ts";
import type {
  Evaluation,
  ServedForecast,
  ServedInterval,
  Signature,
} from "../../schemas/models/model-version.ts";
import { horizonsOf, horizonSpans, quantilesOf } from "../../schemas/pipeline/forecast.ts";
import type { ForecastTask } from "../../schemas/pipeline/forecast.ts";
import type { Span } from "../../schemas/pipeline/time.ts";
import type { Where } from "../../schemas/pipeline/label.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { modelNameOf } from "../../schemas/pipeline/pipeline.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import type { Problem } from "../training/problem.ts";

/** Unit of the answer: remaining life counts in the asset's own time, a forecast is in that of its column. */
function outputUnit(problem: Problem, timeKind: string, table: FeatureTable): string | undefined {
  const { forecast } = problem;
  if (forecast !== undefined) return table.features.find(({ name }) => name === forecast.column)?.unit;
  if (problem.kind !== "regression") return undefined;
  return timeKind === "cycle" ? "cycles" : "h";
}

/** Class index that most of the rows have; of equals the least. */
export function mostFrequent(y: Float64Array, rows: Int32Array): number {
  const counts: number[] = [];
  for (const row of rows) counts[y[row] as number] = (counts[y[row] as number] ?? 0) + 1;
  let best = 0;
  for (const [code, count] of counts.entries()) if ((count ?? 0) > (counts[best] ?? 0)) best = code;
  return best;
}

/** A fitted rule with the range that answers lie in; null without a rule. */
export function servedInterval(
  rule: IntervalRule | undefined,
  { bounds }: Pick<Problem, "bounds">,
): ServedInterval | null {
  if (rule === undefined) return null;
  const { min, max } = bounds ?? { min: -Number.MAX_VALUE, max: Number.MAX_VALUE };
  const { level, method, knots, below, above } = rule;
  return { level, method, knots: [...knots], below: [...below], above: [...above], min, max };
}

/** What goes in and out of the served graph. */
export function signatureOf(given: {
  readonly pipeline: Pipeline;
  readonly table: FeatureTable;
  readonly problem: Problem;
  readonly fitted: FittedState;
  readonly threshold: number | null;
  readonly interval: ServedInterval | null;
  readonly calibration: ClassCalibrationMethod;
  readonly timeKind: string;
  readonly trainRows: Int32Array;
}): Signature {
  const { pipeline, table, problem, fitted, threshold, interval, calibration } = given;
  const unit = outputUnit(problem, given.timeKind, table);
  const { kind } = pipeline.task;
  return {
    kind: "aura.signature/1",
    problem: problem.kind,
    task: kind,
    inputs: table.features.map((feature) => {
      const values = feature.kind === "category" ? fitted.categories?.[feature.name] : undefined;
      return {
        name: feature.name,
        kind: feature.kind,
        ...(feature.unit === undefined ? {} : { unit: feature.unit }),
        nullable: feature.name !== problem.forecast?.column,
        ...(values === undefined ? {} : { values: [...values] }),
      };
    }),
    output: {
      name: OUTPUT_NAMES[problem.kind],
      ...(unit === undefined ? {} : { unit }),
      ...(table.classLabels === null ? {} : { classLabels: [...table.classLabels] }),
      ...(problem.kind === "multiclass" ? { commonClass: mostFrequent(table.y, given.trainRows) } : {}),
      ...(threshold === null ? {} : { threshold }),
      ...(problem.cap === null ? {} : { cap: problem.cap }),
      ...(interval === null ? {} : { interval }),
      ...(calibration === "none" ? {} : { calibration }),
      ...(pipeline.task.kind === "forecast"
        ? { forecast: servedForecast(pipeline.task, given.timeKind) }
        : {}),
    },
  };
}

function servedForecast(task: ForecastTask, timeKind: string): ServedForecast {
  const unit = timeKind === "timestamp" ? "timestamp" : "cycle";
  const horizons = horizonsOf(task);
  const { column, statistic, limit } = task;
  return {
    column,
    statistic,
    horizons: horizonSpans(task, unit).map(({ span }, h) => ({ horizon: horizons[h] as Span, span })),
    quantiles: quantilesOf(task),
    timeKind: unit,
    anchor: column,
    ...(limit === undefined
      ? {}
      : {
          limit: {
            ...(limit.above === undefined ? {} : { above: limit.above }),
            ...(limit.below === undefined ? {} : { below: limit.below }),
          },
        }),
  };
}

export function goldenDocument(given: {
  inputs: Float64Array;
  expected: Float64Array;
  nFeatures: number;
  nOutputs: number;
  nRows: number;
}): Golden {
  const { inputs, expected, nFeatures, nOutputs, nRows } = given;
  const rowsOf = (values: Float64Array, width: number) =>
    Array.from({ length: nRows }, (_, row) => Array.from(values.subarray(row * width, (row + 1) * width)));
  return {
    kind: "aura.golden/1",
    rows: rowsOf(inputs, nFeatures).map((row) => row.map((value) => (Number.isNaN(value) ? null : value))),
    outputs: rowsOf(expected, nOutputs),
  };
}

/** Model card data: what it is for, from what, how good, by whose rules. No times. */
export function cardOf(pipeline: Pipeline, evaluation: Evaluation) {
  return {
    kind: "aura.card/1",
    model: modelNameOf(pipeline),
    pipeline: pipeline.name,
    description: pipeline.description ?? "",
    owner: pipeline.owner,
    task: pipeline.task,
    label: pipeline.label,
    candidate: evaluation.candidate,
    ...(evaluation.origin === undefined ? {} : { origin: evaluation.origin }),
    labelConvention: evaluation.labelConvention,
    dataset: evaluation.dataset,
    holdout: evaluation.holdout,
    metrics: evaluation.metrics,
    intervals: evaluation.intervals,
    slices: evaluation.slices,
    rows: evaluation.rows,
    ...(evaluation.censored === undefined ? {} : { censored: evaluation.censored }),
    failures: evaluation.failures ?? null,
    /** What `missedFailures` of thresholds and costs count. */
    counted: COUNTED,
    checks: evaluation.checks,
    threshold: evaluation.threshold ?? null,
    costs: pipeline.costs ?? null,
  };
}

const COUNTED =
  "missedFailures: rows within the horizon of a failure (or of the positive class) that were not alerted; falseAlarms: other rows that were";

/** In words: which truth the metrics were computed against. */
export function labelConventionOf(pipeline: Pipeline, problem: Problem): string {
  const scored =
    pipeline.evaluate.rows === "last_per_asset" ? "last reading of each holdout asset" : "all holdout rows";
  const rows = `${failureEvents(pipeline)}${scored}`;
  switch (problem.kind) {
    case "regression":
      return problem.cap === null
        ? `remaining life, uncapped; ${rows}`
        : `remaining life capped at ${problem.cap}: rmse, mae, nasaScore, r2 against the capped truth, …Raw against the raw one; ${rows}`;
    case "binary":
      return pipeline.task.kind === "failure_within"
        ? `failure within ${pipeline.task.horizon} after the reading; ${rows}`
        : `positive class; ${rows}`;
    case "multiclass":
      return `class of the row; ${rows}`;
    case "forecast":
      return `${forecastConvention(pipeline.task)}; ${rows}`;
    case "anomaly": {
      const learnt =
        problem.detection?.isHealthyLabelled === true ? "rows labelled as usual" : "all training rows";
      const judged =
        problem.detection?.hasLabel === true
          ? "judged by the label"
          : "no label: nothing says which alerts are right";
      return `unusual against ${learnt}; ${judged}; ${rows}`;
    }
  }
}

function forecastConvention(task: Pipeline["task"]): string {
  if (task.kind !== "forecast") return "";
  const { column, statistic, season } = task;
  const what = statistic === "value" ? column : `${statistic} of ${column} until then`;
  const naive = season === undefined ? "the present value" : `the value of the last season (${season})`;
  return `${what} at ${horizonsOf(task).join(", ")} after the reading; the naive forecast is ${naive}`;
}

/** Longest text of a filter in the convention; the whole is in the card. */
const MAX_WHERE = 300;

/** Which events count as failures, and which end a life without one, as the file says. */
function failureEvents({ label }: Pipeline): string {
  if (label.kind !== "events") return "";
  const { replacements } = label;
  const replaced = replacements === undefined ? "" : `replacements are ${eventsText(replacements)}; `;
  return `failures are ${eventsText(label)}; ${replaced}`;
}

interface EventRows {
  readonly source: string;
  readonly where?: Where | undefined;
}

function eventsText({ source, where = {} }: EventRows): string {
  const conditions = Object.entries(where)
    .map(([column, value]) => `${column} = ${(Array.isArray(value) ? value : [value]).join(" or ")}`)
    .join(" and ");
  return conditions === ""
    ? `all rows of ${source}`
    : `rows of ${source} with ${conditions.slice(0, MAX_WHERE)}`;
}
