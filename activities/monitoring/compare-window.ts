import type { DriftColumn, DriftReference, FeatureReference } from "../../numerics/drift/reference.ts";
import { compareWithReference } from "../../numerics/drift/verdict.ts";
import type { DriftOptions, DriftReport } from "../../numerics/drift/verdict.ts";
import { indexGroups } from "../../numerics/splits/groups.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import { evidenceGroups } from "../evaluation/evidence-groups.ts";
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
    if (feature.role === "score")
      return columnOf(feature, Float64Array.from(scores, Math.fround), scoreTexts);
    const at = column++;
    const values = new Float64Array(window.nRows);
    for (let row = 0; row < window.nRows; row++)
      values[row] = window.features[row * window.nFeatures + at] as number;
    return columnOf(feature, values, categories[feature.name] ?? []);
  });
  const groups = evidenceGroups(indexGroups(window.assets).codes);
  const rounded = { ...reference, features: reference.features.map(withRoundedScores) };
  return compareWithReference(rounded, columns, { ...options, groups });
}

/**
 * The reference holds the trainer's answers and a window those of the graph, which are equal but for the last bits. Where most
 * answers are one and the same number, as those of a tree ensemble for healthy machines, these bits alone would lie on the
 * other side of it; in single precision both are equal.
 */
function withRoundedScores(feature: FeatureReference): FeatureReference {
  if (feature.role !== "score" || feature.kind !== "numeric") return feature;
  const round = (value: number | null) => (value === null ? null : Math.fround(value));
  return {
    ...feature,
    min: round(feature.min),
    max: round(feature.max),
    edges: feature.edges.map(Math.fround),
    sketch: feature.sketch.map(Math.fround),
  };
}

/** Of the kind that the reference has frozen: what was frozen as codes is compared as codes. */
function columnOf(
  { name, kind, role }: FeatureReference,
  values: Float64Array,
  texts: readonly string[],
): DriftColumn {
  return kind === "numeric"
    ? { name, role, kind, values }
    : { name, role, kind, values: textsOf(values, texts) };
}
