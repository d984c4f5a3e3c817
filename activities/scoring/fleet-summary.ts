import type { NeededHistory } from "../../features/needed-history.ts";
import type { DatasetManifest, SourceCounts } from "../../schemas/data/dataset.ts";
import type { Signature } from "../../schemas/models/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { LeftOutAsset, RowCounts, ScoreSummary } from "../../schemas/serving/score.ts";
import type { Ranking } from "./rank-assets.ts";

/** Assets named in a summary; the rest are counted. */
const MAX_LEFT_OUT = 1_000;
const HOUR_MICROS = 3_600_000_000;

/** What the numbers of a ranking mean, and what of the files they rest on. */
export function summaryOf(given: {
  readonly ranking: Ranking;
  readonly leftOut: readonly LeftOutAsset[];
  readonly dataset: DatasetManifest;
  readonly signature: Signature;
  readonly needed: NeededHistory;
  /** As the model was trained with it: its own task and quality rules. */
  readonly pipeline: Pick<Pipeline, "task" | "quality">;
}): ScoreSummary {
  const { ranking, dataset, signature, needed, pipeline } = given;
  const leftOut = [...given.leftOut, ...ranking.blank];
  const scored = ranking.ranked.length;
  return {
    ...meaningOf(signature),
    horizon: pipeline.task.kind === "failure_within" ? String(pipeline.task.horizon) : null,
    data: { ...rowsOf(dataset), maxBadShare: pipeline.quality.maxBadShare },
    assets: {
      seen: scored + leftOut.length,
      scored,
      leftOut: leftOut.length,
      incomplete: ranking.ranked.filter(({ missing }) => missing > 0).length,
      short: ranking.ranked.filter(({ short }) => short).length,
    },
    needs: { readings: needed.readings, hours: needed.micros / HOUR_MICROS },
    features: signature.inputs.length,
    leftOut: leftOut.slice(0, MAX_LEFT_OUT),
  };
}

const KINDS = {
  regression: "rul",
  binary: "risk",
  multiclass: "class",
  anomaly: "score",
  forecast: "forecast",
} as const;

function meaningOf({
  problem,
  output,
}: Signature): Pick<
  ScoreSummary,
  "kind" | "order" | "unit" | "cap" | "interval" | "forecast" | "threshold" | "classLabels" | "commonClass"
> {
  const kind = KINDS[problem];
  const isByName = output.forecast !== undefined && output.forecast.limit === undefined;
  return {
    kind,
    order: isByName ? "name" : kind === "rul" ? "ascending" : "descending",
    ...(output.forecast === undefined ? {} : { forecast: output.forecast }),
    unit: output.unit ?? null,
    cap: output.cap ?? null,
    ...(output.interval === undefined ? {} : { interval: output.interval }),
    // As served: one half where training chose none.
    threshold:
      kind === "risk" ? (output.threshold ?? 0.5) : kind === "score" ? (output.threshold ?? null) : null,
    classLabels: output.classLabels ?? null,
    commonClass: (output.commonClass === undefined ? null : output.classLabels?.[output.commonClass]) ?? null,
  };
}

function rowsOf({ sources }: DatasetManifest): Omit<RowCounts, "maxBadShare"> {
  const bySource: Record<string, SourceCounts> = {};
  const byReason: Record<string, number> = {};
  const total = { read: 0, accepted: 0, quarantined: 0 };
  for (const [name, { counts }] of Object.entries(sources)) {
    bySource[name] = counts;
    total.read += counts.read;
    total.accepted += counts.accepted;
    total.quarantined += counts.quarantined;
    for (const [reason, n] of Object.entries(counts.byReason)) byReason[reason] = (byReason[reason] ?? 0) + n;
  }
  return { ...total, byReason, bySource };
}
