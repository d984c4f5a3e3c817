import type { DriftColumn, DriftReference, FeatureReference } from "../../numerics/drift/reference.ts";
import { compareWithReference } from "../../numerics/drift/verdict.ts";
import type { DriftOptions, DriftReport } from "../../numerics/drift/verdict.ts";
import { unionOf } from "../../numerics/drift/window-counts.ts";
import { indexGroups } from "../../numerics/splits/groups.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import { evidenceGroups } from "../evaluation/evidence-groups.ts";
import { PARITY_LIMIT } from "../evaluation/graph-runner.ts";
import { textsOf } from "../evaluation/model-reference.ts";
import type { CategoryTexts } from "../evaluation/model-reference.ts";
import type { TraceWindow } from "./trace-window.ts";

export interface CompareJob {
  readonly reference: DriftReference;
  readonly window: TraceWindow;
  /** Headline answer per row. */
  readonly scores: Float64Array;
  readonly categories: CategoryTexts;
  /** Names of the answers where they are classes. */
  readonly scoreTexts: readonly string[];
  readonly options: Required<Omit<DriftOptions, "groups">>;
}

/** Logged inputs and answers against the reference frozen at training. */
export function compareWindow(job: CompareJob, _hooks: TrainingHooks): DriftReport {
  const { reference, window, scores, categories, scoreTexts, options } = job;
  let column = 0;
  const columns = reference.features.map((feature): DriftColumn => {
    if (feature.role === "score") return columnOf(feature, asFrozen(scores, feature), scoreTexts);
    const at = column++;
    const values = new Float64Array(window.nRows);
    for (let row = 0; row < window.nRows; row++)
      values[row] = window.features[row * window.nFeatures + at] as number;
    return columnOf(feature, values, categories[feature.name] ?? []);
  });
  const groups = evidenceGroups(indexGroups(window.assets).codes);
  return compareWithReference(reference, columns, { ...options, groups });
}

/**
 * The reference holds the trainer's answers and a window those of the graph, which are held to be equal but for what parity
 * allows. Where most answers are one and the same number, as those of a tree ensemble for healthy machines, so little is enough
 * to put nearly all of them on its other side: an answer that close to one of the reference is taken for it.
 */
function asFrozen(scores: Float64Array, feature: FeatureReference): Float64Array {
  if (feature.kind !== "numeric") return scores;
  // Values that were there; an edge may be a hair below the lowest of them, where nothing was.
  const points = unionOf(
    feature.sketch,
    [feature.min, feature.max].filter((end) => end !== null),
  );
  if (points.length === 0) return scores;
  return scores.map((score) => {
    const nearest = nearestOf(points, score);
    return Math.abs(score - nearest) <= PARITY_LIMIT * Math.max(1, Math.abs(nearest)) ? nearest : score;
  });
}

/** @param points ascending, at least one */
function nearestOf(points: Float64Array, value: number): number {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  const above = points[low] as number;
  const below = points[Math.max(0, low - 1)] as number;
  return value - below < above - value ? below : above;
}

/**
 * Of the kind that the reference has frozen: what was frozen as codes is compared as codes. A trace has the row that the model was
 * given, in which a category that training has not seen is missing.
 */
function columnOf(
  { name, kind, role }: FeatureReference,
  values: Float64Array,
  texts: readonly string[],
): DriftColumn {
  return kind === "numeric"
    ? { name, role, kind, values }
    : { name, role, kind, values: textsOf(values, texts), isUnseenMissing: role === "feature" };
}
