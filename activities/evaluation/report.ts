import { censoredText } from "../../schemas/runs/censored.ts";
import { MIN_SLICE_ROWS } from "../../schemas/models/model-version.ts";
import type { Evaluation, MetricSet, Signature } from "../../schemas/models/model-version.ts";
import type { TrialView } from "../../schemas/runs/trial.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { modelNameOf } from "../../schemas/pipeline/pipeline.ts";
import { escapeHtml } from "../../schemas/text/html.ts";
import type { Problem } from "../training/problem.ts";
import type { Fan } from "./fan-charts.ts";
import { barChart, calibrationCurve, curve, fanChart, histogramPair, scatter } from "./report-plots.ts";
import { searchSections } from "./report-search.ts";

export interface ReportInput {
  readonly pipeline: Pipeline;
  readonly evaluation: Evaluation;
  readonly problem: Problem;
  /** What goes in and out of the served graph, with units. */
  readonly signature: Pick<Signature, "inputs" | "output">;
  /** Test rows: label as learnt and headline answer. */
  readonly truth: Float64Array;
  readonly prediction: Float64Array;
  /** Of the run's searches; empty where nothing was searched. */
  readonly trials: readonly TrialView[];
  /** Of forecasts. */
  readonly fans?: readonly Fan[];
}

/**
 * One self-contained page an approver reads before deciding: metrics beside baseline and other candidates, plots,
 * thresholds, checks. No scripts, no network; all text is escaped. No times, so that equal evaluations give equal bytes.
 */
export function renderReport(input: ReportInput): string {
  const { pipeline, evaluation } = input;
  const title = `${modelNameOf(pipeline)}: evaluation`;
  const body = [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p>${escapeHtml(evaluation.labelConvention)}. ${evaluation.rows.train} training rows, ${evaluation.rows.test} holdout rows, dataset <code>${evaluation.dataset.slice(0, 16)}</code>.</p>`,
    ...(evaluation.censored === undefined
      ? []
      : [`<p>${escapeHtml(censoredText(evaluation.censored))}.</p>`]),
    section("Metrics", metricTable(evaluation)),
    section("Candidates", candidateTable(evaluation)),
    ...searchSections(input.trials).map(({ title: heading, content }) => section(heading, content)),
    section("Predicted and true, holdout", plotOf(input)),
    section("Forecasts in the holdout", fanSection(input)),
    section("Quantiles", quantileSection(evaluation)),
    section(
      "Importance (gain)",
      barChart(evaluation.importance.slice(0, 20).map((row) => ({ label: row.feature, value: row.gain }))),
    ),
    section("Importance (permutation)", permutationSection(input)),
    section("Partial dependence", dependenceSection(input)),
    section("Thresholds", thresholdTable(evaluation)),
    section("Calibration", calibrationSection(evaluation)),
    section("Intervals", intervalSection(evaluation)),
    section("Slices", sliceTable(evaluation)),
    section(
      "Checks",
      table(
        evaluation.checks.map((c) => ({ check: c.name, passed: c.passed ? "yes" : "NO", detail: c.detail })),
      ),
    ),
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>${body.join("\n")}</body></html>\n`;
}

const STYLE =
  "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}" +
  "table{border-collapse:collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid #d8dee6;text-align:right}" +
  "td:first-child,th:first-child{text-align:left}h2{margin-top:2rem}svg{max-width:100%;height:auto}";

function section(title: string, content: string): string {
  return content === "" ? "" : `<h2>${escapeHtml(title)}</h2>\n${content}`;
}

function metricTable({ metrics, intervals, primaryMetric }: Evaluation): string {
  const rows = Object.keys(metrics.test).map((key) => {
    const interval = intervals[key];
    return {
      metric: key === primaryMetric ? `${key} (decides)` : key,
      holdout: metrics.test[key] ?? "",
      "95 % interval": interval === undefined ? "" : `${show(interval[0])} … ${show(interval[1])}`,
      "cross-validated": metrics.cv[key] ?? "",
    };
  });
  return table(rows);
}

function candidateTable({ candidates, primaryMetric, candidate }: Evaluation): string {
  const value = (set: MetricSet | undefined) => set?.[primaryMetric] ?? "";
  return table(
    candidates.map((c) => ({
      candidate: c.name === candidate ? `${c.name} (chosen)` : c.name,
      kind: c.kind,
      [`${primaryMetric}, cross-validated`]: value(c.cv),
      [`${primaryMetric}, holdout`]: value(c.test),
    })),
  );
}

const LOSS_TEXTS = {
  rmse: "the RMSE",
  logLoss: "the log loss",
  scoreShift: "the distance of ln(1 + score)",
  mae: "the mean absolute error at the nearest horizon",
} as const;

/** Bars drawn of many. */
const MAX_BARS = 20;

/** How much the loss rises on the holdout when values are dealt to other assets. */
function permutationSection({ evaluation, signature, problem }: ReportInput): string {
  const { explanation } = evaluation;
  if (explanation === undefined) return "";
  const { loss, features, columns } = explanation;
  const chart = (rows: typeof features): string => {
    const rising = rows.filter(({ rise }) => rise > 0).slice(0, MAX_BARS);
    return barChart(rising.map(({ name, rise }) => ({ label: name, value: rise })));
  };
  const ofColumns = chart(columns);
  const nFeatures = signature.inputs.length;
  const first = problem.kind === "anomaly" ? "that are declared first" : "of the largest gain";
  const tried =
    features.length < nFeatures
      ? `The ${features.length} features ${first} were tried, of ${nFeatures}`
      : `All ${nFeatures} features were tried`;
  return [
    `<p>Rise of ${LOSS_TEXTS[loss]} on the holdout when values are dealt to other assets; largest ${show(features[0]?.rise ?? 0)}. ${tried}; drawn are the ${MAX_BARS} largest rises at most.</p>`,
    chart(features),
    ofColumns === "" ? "" : `<p>All features made of one column together:</p>${ofColumns}`,
  ].join("");
}

const ANSWER_TEXTS = {
  regression: "mean answer",
  binary: "mean probability",
  multiclass: "mean probability",
  anomaly: "mean score",
  forecast: "mean median at the nearest horizon",
} as const;

/** Only of answers that are one number. */
function dependenceSection({ evaluation, signature, problem }: ReportInput): string {
  const curves = evaluation.explanation?.dependence ?? [];
  const units = new Map(signature.inputs.map(({ name, unit }) => [name, unit]));
  const y = withUnit(ANSWER_TEXTS[problem.kind], signature.output.unit);
  return curves
    .filter(({ values, answers }) => values.length > 1 && answers.length === values.length)
    .map(({ feature, values, answers }) =>
      curve(values, answers, { x: withUnit(feature, units.get(feature)), y }),
    )
    .join("");
}

function withUnit(name: string, unit: string | undefined): string {
  return unit === undefined ? name : `${name} (${unit})`;
}

/** Counts and cost on the holdout; the chosen threshold is marked. */
function thresholdTable({ thresholds, threshold, costs }: Evaluation): string {
  const rows = thresholds.map((row) => ({
    ...row,
    threshold:
      row["threshold"] === threshold ? `${show(threshold ?? "")} (chosen)` : (row["threshold"] ?? ""),
  }));
  const note =
    costs === undefined
      ? ""
      : `<p>cost = failure rows not alerted × ${show(costs.missedFailure)} + false alarms × ${show(costs.falseAlarm)} ${escapeHtml(costs.currency)}; rows are counted, within the horizon of a failure or of the positive class, and not failures</p>`;
  return rows.length === 0 ? "" : note + table(rows);
}

function calibrationSection({ calibration }: Evaluation): string {
  if (calibration === undefined) return "";
  const [chosen] = calibration.trials ?? [];
  const trials = (calibration.trials ?? []).map(({ method, logLoss, brier }) => ({
    method: method === chosen?.method ? `${method} (chosen)` : method,
    "log loss, cross-validated": logLoss,
    "Brier score, cross-validated": brier,
  }));
  return table(trials) + calibrationCurve(calibration.bins) + calibrationTable(calibration);
}

/** Methods on folds they were not fitted on; what the holdout shows is among the metrics. */
function intervalSection({ interval, metrics }: Evaluation): string {
  if (interval === undefined) return "";
  const [chosen] = interval.trials;
  const { intervalCoverage, intervalWidth } = metrics.test;
  const rows = interval.trials.map(({ method, coverage, meanWidth }) => ({
    method: method === chosen?.method ? `${method} (chosen)` : method,
    "coverage, cross-validated": coverage,
    "mean width, cross-validated": meanWidth,
    ...(method === chosen?.method && intervalCoverage !== undefined && intervalWidth !== undefined
      ? { "coverage, holdout": intervalCoverage, "mean width, holdout": intervalWidth }
      : {}),
  }));
  return `<p>Level ${show(interval.level)}</p>${table(rows)}`;
}

function calibrationTable(calibration: NonNullable<Evaluation["calibration"]>): string {
  const rows = calibration.bins.map(({ low, high, nRows, meanPredicted, observedRate }) => ({
    "predicted between": `${show(low)} and ${show(high)}`,
    rows: nRows,
    "mean predicted": meanPredicted,
    observed: observedRate,
  }));
  return `<p>Expected calibration error ${show(calibration.expectedError)}</p>${table(rows)}`;
}

function sliceTable({ slices }: Evaluation): string {
  const rows = slices.map(({ column, value, bucket, rows: nRows, assets, metrics }) => ({
    slice: `${column} = ${bucket === undefined ? value : `(${value})`}`,
    rows: nRows,
    assets: assets ?? "",
    ...metrics,
  }));
  const note = `<p>Slices of fewer than ${MIN_SLICE_ROWS} rows have no metrics.</p>`;
  return rows.length === 0 ? "" : note + table(rows);
}

function plotOf({ problem, truth, prediction }: ReportInput): string {
  if (problem.kind === "regression") return scatter(truth, prediction, { x: "true", y: "predicted" });
  if (problem.forecast !== undefined) {
    const isKnown = (_: number, row: number) => !Number.isNaN(truth[row]);
    const y = `median predicted, ${problem.forecast.horizons[0]} ahead`;
    return scatter(truth.filter(isKnown), prediction.filter(isKnown), { x: "true", y });
  }
  if (problem.kind === "binary")
    return histogramPair(truth, prediction, { zero: "no failure", one: "failure" });
  return "";
}

/** Time in units of the farthest horizon; the line is what was and what came. */
function fanSection({ fans = [], problem: { forecast } }: ReportInput): string {
  if (forecast === undefined || fans.length === 0) return "";
  const { column, horizons, quantiles } = forecast;
  const farthest = horizons.at(-1) ?? "";
  const about = `<p>${escapeHtml(column)} of some assets in the middle of the holdout: the line is what was and what came, the bands lie between quantiles ${quantiles.join(", ")}. Time counts in units of ${farthest}, 0 is the reading that was scored.</p>`;
  const charts = fans.map(
    (fan) => `<h3>${escapeHtml(fan.asset)}</h3>${fanChart(fan, { x: "time", y: column })}`,
  );
  return about + charts.join("");
}

/** Whether as many truths lie below each quantile as its level says. */
function quantileSection({ quantiles }: Evaluation): string {
  if (quantiles === undefined) return "";
  return `<p>Share of holdout truths that lie below each quantile; it should be the level.</p>${table(
    quantiles.map(({ horizon, level, observed, rows }) => ({ horizon, level, observed, rows })),
  )}`;
}

function table(rows: readonly Readonly<Record<string, string | number>>[]): string {
  const [first] = rows;
  if (first === undefined) return "";
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const head = columns.map((column) => `<th>${escapeHtml(column)}</th>`).join("");
  const body = rows.map(
    (row) =>
      `<tr>${columns.map((column) => `<td>${escapeHtml(show(row[column] ?? ""))}</td>`).join("")}</tr>`,
  );
  return `<table><tr>${head}</tr>${body.join("")}</table>`;
}

function show(value: string | number): string {
  return typeof value === "number" ? String(Number(value.toPrecision(5))) : value;
}
