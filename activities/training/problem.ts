import { censoredValues } from "./censored.ts";
import { rowWeights } from "./row-weights.ts";
import { unknownClasses } from "./weights.ts";
import type { ClassNames } from "./weights.ts";
import { detectionOf } from "./detection.ts";
import type { Detection } from "./detection.ts";
import type { FitTarget } from "./fit-candidate.ts";
import type { ForecastTarget } from "./fit-forecast.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import type { OutputCap } from "../../numerics/model.ts";
import type { MetricTask } from "../../numerics/metrics/metric-table.ts";
import { findMetric, metricsOfTask } from "../../numerics/metrics/metric-table.ts";
import { horizonsOf, horizonSpans, quantilesOf } from "../../schemas/pipeline/forecast.ts";
import type { ForecastTask } from "../../schemas/pipeline/forecast.ts";
import type { Span } from "../../schemas/pipeline/time.ts";
import { timeKindOf } from "../../schemas/pipeline/pipeline.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { lifeInUnits } from "../../schemas/pipeline/time.ts";
import type { ProblemKind } from "../../schemas/pipeline/label.ts";
import { problemKindOf } from "../../schemas/pipeline/semantics.ts";
import { withSuggestion } from "../../schemas/pipeline/reading/nearest.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";

/** A task as the trainer and the metrics see it. */
export interface Problem {
  readonly kind: ProblemKind;
  readonly metricTask: MetricTask;
  readonly primaryMetric: string;
  readonly nClasses: number;
  /** Remaining life is learnt as min(life, cap); null: uncapped, or no remaining life. */
  readonly cap: number | null;
  /** Range of the answers: a remaining life is never negative, and not above its cap. Null: no bounds. */
  readonly bounds: OutputCap | null;
  /** Of anomalies only. */
  readonly detection?: Detection;
  /** Of forecasts only. */
  readonly forecast?: ForecastProblem;
}

/** What is forecast: answers are horizon-major, quantiles ascending within each horizon. */
export interface ForecastProblem {
  readonly column: string;
  /** As declared, nearest first. */
  readonly horizons: readonly Span[];
  /** In units of `t`. */
  readonly spans: readonly number[];
  readonly quantiles: readonly number[];
}

const DEFAULT_METRIC: Readonly<Record<ProblemKind, string>> = {
  regression: "rmse",
  binary: "averagePrecision",
  multiclass: "macroF1",
  anomaly: "averagePrecision",
  forecast: "pinball",
};

/**
 * Where lives have not ended, the known ones are the short ones, and their error would prefer whoever expects lives to be
 * short: on simulated fleets it chose the model whose error of all lives was up to twice as large.
 */
const UNENDED_METRIC = "lifeLoss";

/** Whether the file says that some assets may not have failed, and that they shall be learnt from. */
export function hasUnendedLives({ task, label }: Pick<Pipeline, "task" | "label">): boolean {
  if (task.kind !== "rul") return false;
  if (label.kind === "events") return label.censored !== "drop";
  return label.kind === "end_of_life" && label.ends.some(({ at }) => at === "not_failed");
}

/**
 * @param classLabels class texts in code order, null for regression
 * @throws {PlatformError} invalid_pipeline for a metric the task does not have, or a class weight of no class;
 *   not_enough_data for a label with fewer than two classes
 */
export function problemOf(pipeline: Pipeline, classLabels: readonly string[] | null): Problem {
  // As declared, and not as the data happen to be: without a positive class nothing says what an alert would be for.
  const kind = problemKindOf(pipeline);
  const metricTask = kind === "regression" ? "rul" : kind;
  const detection = detectionOf(pipeline);
  const isUnlabelled = detection?.hasLabel === false;
  const { label } = pipeline;
  const declaredCap = kind === "regression" && "cap" in label ? label.cap : undefined;
  const cap = declaredCap === undefined ? null : lifeInUnits(declaredCap, timeKindOf(pipeline));
  const usual = hasUnendedLives(pipeline) ? UNENDED_METRIC : DEFAULT_METRIC[kind];
  const primaryMetric = pipeline.metrics.primary ?? (isUnlabelled ? "stability" : usual);
  if (!metricsOfTask(metricTask).some((metric) => metric.key === primaryMetric)) {
    const expected = metricsOfTask(metricTask)
      .map((m) => m.key)
      .join(", ");
    throw new PlatformError(
      "invalid_pipeline",
      `metrics.primary: expected one of ${expected}, found ${primaryMetric}`,
      {
        locations: [{ field: "metrics.primary", expected, found: primaryMetric }],
      },
    );
  }
  if (kind === "multiclass" && classLabels !== null && classLabels.length < 2) {
    const found = classLabels.length === 0 ? "none" : `only '${classLabels.join()}'`;
    throw new PlatformError(
      "not_enough_data",
      `read the label: expected two classes or more in the training rows, found ${found}`,
    );
  }
  if (kind === "multiclass" && classLabels !== null) requireKnownClasses(pipeline, classLabels);
  const bounds = kind === "regression" ? { min: 0, max: cap ?? Number.MAX_VALUE } : null;
  const nClasses = classLabels?.length ?? 1;
  const problem: Problem = { kind, metricTask, primaryMetric, nClasses, cap, bounds };
  return {
    ...problem,
    ...(detection === undefined ? {} : { detection }),
    ...(pipeline.task.kind === "forecast"
      ? { forecast: forecastProblem(pipeline.task, timeKindOf(pipeline)) }
      : {}),
  };
}

/** @throws {PlatformError} invalid_pipeline for a class weight of a class that the label does not have */
function requireKnownClasses({ candidates }: Pipeline, classLabels: readonly string[]): void {
  const list =
    classLabels.length > 20 ? `the ${classLabels.length} classes of the label` : classLabels.join(", ");
  const locations = candidates.flatMap(({ classWeight }, i) =>
    unknownClasses(classWeight, classLabels).map((name) => ({
      field: `candidates.${i}.classWeight.${name}`,
      expected: withSuggestion(`one of ${list}`, name, classLabels),
      found: `unknown class ${name}`,
    })),
  );
  const [first] = locations;
  if (first === undefined) return;
  const text = `${first.field}: expected ${first.expected}, found ${first.found}`;
  throw new PlatformError("invalid_pipeline", text, { locations });
}

function forecastProblem(task: ForecastTask, timeKind: string): ForecastProblem {
  const spans = horizonSpans(task, timeKind === "timestamp" ? "timestamp" : "cycle").map(({ span }) => span);
  return { column: task.column, horizons: horizonsOf(task), spans, quantiles: quantilesOf(task) };
}

/** Targets by row of a table. */
export interface Targets extends ClassNames {
  readonly target: FitTarget;
  /** Uint8Array (nRows): 1 where the target is only a lower bound; absent where none is. */
  readonly censored?: Uint8Array;
  /** Float64Array (nRows): how much each row counts; absent where all count 1. */
  readonly weights?: Float64Array;
}

/** @throws {PlatformError} integrity for a forecast whose targets or present value are not in the table */
export function targetsOf(
  problem: Problem,
  table: Omit<FeatureTable, "matrix">,
  given: { readonly pipeline: Pipeline; readonly split: Pick<SplitDocument, "holdoutFrom"> },
): Targets {
  const { kind, nClasses } = problem;
  if (kind === "anomaly") return { target: { taskKind: "anomaly" } };
  const weights = rowWeights(given.pipeline, table);
  const weighted = weights === undefined ? {} : { weights };
  if (kind === "forecast") return { target: forecastTarget(problem, table), ...weighted };
  if (kind === "multiclass") {
    const target = { taskKind: kind, values: table.y, nClasses };
    return { target, classLabels: table.classLabels ?? [], ...weighted };
  }
  const bounded = kind === "regression" ? censoredValues(table, given) : undefined;
  if (bounded === undefined) return { target: { taskKind: kind, values: table.y }, ...weighted };
  return { target: { taskKind: kind, values: bounded.values }, censored: bounded.censored, ...weighted };
}

function forecastTarget(
  { forecast }: Problem,
  { targets, features }: Pick<FeatureTable, "targets" | "features">,
): ForecastTarget {
  const anchor = features.findIndex(({ name }) => name === forecast?.column);
  if (forecast === undefined || targets === undefined || anchor < 0)
    throw new PlatformError("integrity", "read the forecast's targets: they are not in the feature set");
  return { taskKind: "forecast", values: targets.values, quantiles: forecast.quantiles, anchor };
}

/** Whether `a` is better than `b` on this metric. */
export function isBetter(metric: string, a: number, b: number): boolean {
  return findMetric(metric).direction === "higher" ? a > b : a < b;
}
