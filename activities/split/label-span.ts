import { timeUnitsPer } from "../../features/labels/label-plan.ts";
import type { DatasetSource } from "../../schemas/data/dataset.ts";
import { horizonSpans } from "../../schemas/pipeline/forecast.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { lifeInUnits, spanInTimeUnits } from "../../schemas/pipeline/time.ts";

type TimeKind = DatasetSource["timeKind"];
type Labelled = Pick<Pipeline, "task" | "label">;

/**
 * The longest span that a label may look ahead, in the unit of `__t`: the horizon (of a forecast the farthest, with its
 * tolerance), or the cap of a remaining life. 0 where
 * it says nothing of later rows, and where no bound is declared.
 */
export function labelSpan({ task, label }: Labelled, timeKind: TimeKind): number {
  if ((task.kind === "failure_within" || task.kind === "anomaly") && task.horizon !== undefined)
    return spanInTimeUnits(task.horizon, timeKind === "timestamp" ? "timestamp" : "cycle");
  if (task.kind === "forecast") {
    const spans = horizonSpans(task, timeKind === "timestamp" ? "timestamp" : "cycle");
    return Math.max(...spans.map(({ span, tolerance }) => span + tolerance));
  }
  if (task.kind !== "rul" || !isLife(label) || label.cap === undefined) return 0;
  return lifeInUnits(label.cap, timeKind) * timeUnitsPer(timeKind);
}

/**
 * How far the label of each row looks ahead, in the unit of `__t`: a remaining life is known when it ends or passes the cap,
 * a failure within a horizon when the horizon is over.
 *
 * @param labels label as learnt and before the cap per row, in hours or cycles for a remaining life; NaN = unlabelled, of
 *   the second also where only the cap is known to be reached
 * @returns Float64Array, finite and ≥ 0 where the label is
 */
export function labelReach(
  pipeline: Labelled,
  timeKind: TimeKind,
  { y, yRaw }: { readonly y: Float64Array; readonly yRaw: Float64Array },
): Float64Array {
  const { task, label } = pipeline;
  const span = labelSpan(pipeline, timeKind);
  if (task.kind !== "rul" || !isLife(label)) return new Float64Array(yRaw.length).fill(span);
  const longest = label.cap === undefined ? Number.POSITIVE_INFINITY : span;
  // Lives are stored in hours: back in microseconds they are whole again.
  return yRaw.map((life, row) =>
    Number.isNaN(life) && !Number.isNaN(y[row])
      ? longest
      : Math.min(Math.round(life * timeUnitsPer(timeKind)), longest),
  );
}

function isLife(label: Pipeline["label"]): label is Exclude<Pipeline["label"], { kind: "column" | "none" }> {
  return label.kind === "end_of_life" || label.kind === "events";
}
