import { z } from "zod";
import { censoredText } from "../../schemas/runs/censored.ts";
import {
  alertCurvePointSchema,
  evaluationSchema,
  gateResultSchema,
} from "../../schemas/models/model-version.ts";
import type { AlertCurvePoint } from "../../schemas/models/model-version.ts";
import { operatingPointOf } from "../../schemas/models/operating-point.ts";
import { sliceMetricOf } from "../../schemas/models/slice-metric.ts";
import { apiPath } from "../client.ts";
import type { ApiClient } from "../client.ts";
import { timeText } from "../list-view.ts";
import { safeText } from "../output.ts";
import type { Output } from "../output.ts";
import { gateLine } from "./approval-card.ts";
import {
  importanceLines,
  intervalsOf,
  metricLines,
  numberText,
  operatingPointLines,
  quantileLines,
  sliceLines,
  uncertaintyLines,
  valuesOf,
} from "./evaluation-text.ts";

const versionSchema = z.looseObject({
  model: z.string(),
  version: z.number(),
  digest: z.string(),
  stage: z.string(),
  aliases: z.array(z.string()),
  dataset: z.string(),
  runId: z.string(),
  createdAt: z.string(),
  gates: z.array(gateResultSchema),
  evaluation: evaluationSchema,
  /** From which score or probability it alerts now; null: it decides nothing. */
  threshold: z.number().nullable().optional(),
  /** What that did out of fold, where this is known. */
  outOfFold: alertCurvePointSchema.nullable().optional(),
});
export type ModelVersion = z.infer<typeof versionSchema>;

/** Metrics a slice is shown with: the deciding one, and what a person asks for next. */
const SLICE_METRICS = [
  "mase",
  "intervalCoverage",
  "rmse",
  "mae",
  "rocAuc",
  "recall",
  "precision",
  "f1",
  "macroF1",
  "accuracy",
];

/** @throws {PlatformError} not_found, and what every request throws */
export function readVersion(client: ApiClient, model: string, version: number): Promise<ModelVersion> {
  return client.get(apiPath`/v1/models/${model}/versions/${version}`, versionSchema);
}

/** One version as evaluation found it: metrics with intervals, its threshold, slices, gates. */
export function showVersion(output: Output, found: ModelVersion): void {
  const { evaluation, model, version, aliases, stage } = found;
  const { primaryMetric, rows, intervals } = evaluation;
  const marks = [stage, ...aliases].join(", ");
  output.line(output.style("bold", safeText(`${model}@${version} (${marks})`)));
  output.line(`digest   ${found.digest}`);
  output.line(`dataset  ${found.dataset}`);
  output.line(`made     ${timeText(found.createdAt)} by run ${safeText(found.runId)}`);
  output.line(`trained  ${safeText(evaluation.candidate)} on ${rows.train} rows, judged on ${rows.test}`);
  if (evaluation.censored !== undefined)
    output.line(`censored ${safeText(censoredText(evaluation.censored))}`);
  output.line(`label    ${safeText(evaluation.labelConvention)}`);
  if (found.threshold != null) output.line(`alerts   ${alertText(found.threshold, found.outOfFold)}`);
  output.line(`report   ${safeText(reportCommand(model, version))}`);
  output.line();
  const { test, cv } = evaluation.metrics;
  const columns = [...valuesOf("test", test), ...intervalsOf(intervals), ...valuesOf("cv", cv)];
  for (const line of metricLines(test, primaryMetric, columns)) output.line(line);
  const point = operatingPointOf(evaluation);
  if (point !== null) showBlock(output, operatingPointLines(point));
  const uncertainty = uncertaintyLines(evaluation);
  if (uncertainty.length > 0) showBlock(output, uncertainty);
  const quantiles = quantileLines(evaluation);
  if (quantiles.length > 0) showBlock(output, quantiles);
  const leading = importanceLines(evaluation);
  if (leading.length > 0) showBlock(output, leading);
  if (evaluation.slices.length > 0) {
    const known = new Set(evaluation.slices.flatMap(({ metrics }) => Object.keys(metrics)));
    const first = sliceMetricOf(primaryMetric, evaluation.slices);
    const others = SLICE_METRICS.filter((metric) => metric !== first && known.has(metric));
    showBlock(output, sliceLines(evaluation.slices, [first, ...others.slice(0, 3)]));
  }
  if (found.gates.length > 0)
    showBlock(
      output,
      found.gates.map((gate) => gateLine(output, gate)),
    );
}

/** `from 4.2 on; out of fold 1 % of the readings alerted, 0.3 days of each asset in a month` */
function alertText(threshold: number, point: AlertCurvePoint | null | undefined): string {
  const from = `from ${numberText(threshold)} on`;
  if (point == null) return from;
  const { alertShare, alertsPerAssetMonth } = point;
  const days =
    alertsPerAssetMonth === undefined
      ? ""
      : `, ${numberText(alertsPerAssetMonth)} days of each asset in a month`;
  return `${from}; out of fold ${numberText(alertShare * 100)} % of the readings alerted${days}`;
}

/** What writes the report of a version to a file. */
export function reportCommand(model: string, version: number): string {
  return `aura models report ${model}@${version}`;
}

function showBlock(output: Output, lines: readonly string[]): void {
  output.line();
  for (const line of lines) output.line(line);
}
