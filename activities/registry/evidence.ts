import { censoredText } from "../../schemas/runs/censored.ts";
import { findMetric } from "../../numerics/metrics/metric-table.ts";
import type { ApprovalEvidence } from "../../schemas/models/approval-evidence.ts";
import type { EnvelopeFinding } from "../../schemas/models/envelope-finding.ts";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import type { Evaluation, GateResult } from "../../schemas/models/model-version.ts";
import { operatingPointOf } from "../../schemas/models/operating-point.ts";
import { sliceMetricOf } from "../../schemas/models/slice-metric.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";

/** Name that selection gives to the constant model, which is no declared candidate. */
const CONSTANT_KIND = "constant";

/** Lists beyond these are cut: the whole is in the evaluation, which the version keeps. */
const SHOWN = { slices: 8, gates: 64, sources: 16, reasons: 32, calibrationBins: 20, thresholds: 24 };

/** Longest text of a gate; the figures stand at its beginning. */
const MAX_DETAIL = 400;

export interface EvidenceGiven {
  readonly row: Pick<VersionRow, "model" | "version" | "digest" | "dataset" | "evaluation">;
  readonly gates: readonly GateResult[];
  readonly champion: ApprovalEvidence["champion"];
  /** Undefined: it is gone, and no counts are shown. */
  readonly dataset: DatasetManifest | undefined;
  readonly envelope?: EnvelopeFinding;
}

/** What an approver sees, bounded whatever the data hold: people decide on a page and not on a dump. */
export function approvalEvidence({
  row,
  gates,
  champion,
  dataset,
  envelope,
}: EvidenceGiven): ApprovalEvidence {
  const { model, version, digest, evaluation } = row;
  const { metrics, intervals, labelConvention, primaryMetric, candidate, rows } = evaluation;
  const baseline = evaluation.candidates.find(({ kind }) => kind === CONSTANT_KIND);
  const calibration = evaluation.calibration ?? null;
  return {
    model,
    version,
    digest,
    dataset: row.dataset,
    candidate,
    labelConvention,
    primaryMetric,
    metrics,
    intervals,
    rows,
    ...(evaluation.censored === undefined ? {} : { censored: evaluation.censored }),
    baseline: baseline?.test ?? null,
    champion,
    gates: gates.slice(0, SHOWN.gates).map((gate) => ({ ...gate, detail: gate.detail.slice(0, MAX_DETAIL) })),
    operatingPoint: operatingPointOf(evaluation),
    thresholds: evaluation.thresholds.slice(0, SHOWN.thresholds),
    calibration: calibration && {
      ...calibration,
      bins: calibration.bins.slice(0, SHOWN.calibrationBins),
    },
    worstSlices: worstSlicesOf(evaluation),
    data: dataCountsOf(dataset),
    ...(envelope === undefined ? {} : { envelope }),
  };
}

/**
 * The evidence in a few lines for Temporal's own page, which reads markdown: figures and names of ours, no text of the data.
 */
export function evidenceSummary(evidence: ApprovalEvidence): string[] {
  const { primaryMetric: metric, metrics, intervals, champion, gates, operatingPoint: point } = evidence;
  const interval = intervals[metric];
  const beside = [
    interval === undefined ? "" : ` (95 %: ${interval.map(short).join(" … ")})`,
    evidence.baseline === null ? "" : `, baseline ${short(evidence.baseline[metric])}`,
    champion === null
      ? ", no champion"
      : `, champion @${champion.version} ${short(champion.metrics[metric])}`,
  ];
  const nPassed = gates.filter(({ passed }) => passed).length;
  const lines = [`${metric}: ${short(metrics.test[metric])}${beside.join("")}`];
  if (point !== null) {
    const { costs } = point;
    const cost =
      costs === null ? "" : `, ${short(costs.total)} ${costs.currency.replace(/[^\p{L}\p{Sc}]/gu, "")}`;
    lines.push(
      `alerts from ${short(point.threshold)}: ${point.missedFailures} failure rows not alerted${assetsText(point)}, ${point.falseAlarms} false alarms${cost}`,
    );
  }
  const count = (name: "accepted" | "quarantined") => evidence.data.reduce((sum, one) => sum + one[name], 0);
  if (evidence.censored !== undefined) lines.push(censoredText(evidence.censored));
  lines.push(
    `gates: ${nPassed} of ${gates.length} passed`,
    `data: ${count("accepted")} rows accepted, ${count("quarantined")} quarantined`,
  );
  return lines;
}

/** Rows are many before one failure: beside them the assets that failed. */
function assetsText({ failures }: NonNullable<ApprovalEvidence["operatingPoint"]>): string {
  if (failures === undefined) return "";
  const { assets, missedAssets } = failures.test;
  const missed = missedAssets === undefined ? "" : `, ${missedAssets} without any alert`;
  return ` (of ${assets} assets that failed${missed})`;
}

function short(value: number | undefined): string {
  return value === undefined ? "–" : String(Number(value.toPrecision(4)));
}

function worstSlicesOf({ slices, primaryMetric }: Evaluation): ApprovalEvidence["worstSlices"] {
  const metric = sliceMetricOf(primaryMetric, slices);
  const isHigherBetter = findMetric(metric).direction === "higher";
  const judged = slices.flatMap((slice) => {
    const value = slice.metrics[metric];
    return value === undefined ? [] : [{ slice, badness: isHigherBetter ? -value : value }];
  });
  const worst = judged.toSorted((a, b) => b.badness - a.badness);
  return { shown: worst.slice(0, SHOWN.slices).map(({ slice }) => slice), of: judged.length };
}

function dataCountsOf(dataset: DatasetManifest | undefined): ApprovalEvidence["data"] {
  return Object.entries(dataset?.sources ?? {})
    .slice(0, SHOWN.sources)
    .map(([source, { role, counts, nAssets }]) => ({
      source,
      role,
      assets: nAssets,
      ...counts,
      byReason: Object.fromEntries(Object.entries(counts.byReason).slice(0, SHOWN.reasons)),
    }));
}
