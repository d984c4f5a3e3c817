/**
 * Features that give the target away by themselves.
 *
 * A copy of the label, a unit conversion of it, its rank, a code written after the failure: each lets a single column answer
 * almost without error. Honest sensors do not: on C-MAPSS FD001 the best sensor separates the last 30 cycles with an AUC of
 * 0.97 and ranks remaining life with 0.72 (age with 0.78); on AI4I the best AUC is 0.77. Five measures are taken, each with
 * the threshold above which a feature is called suspicious; the evidence is returned either way, as the last word is a
 * person's.
 *
 *   monotone    R² of the best monotone function of the feature (isotonic regression)   numeric targets      ≥ 0.9999
 *   rank        |Spearman| of feature and target                                        numeric targets      ≥ 0.999
 *   separation  single-feature ROC AUC, max(a, 1 − a)                                   binary targets       ≥ 0.999
 *   mapping     share of the target's entropy explained by the feature's values         binary, multi-class  ≥ 0.999
 *   missingness the same AUC of "is missing"                                            binary targets       ≥ 0.999
 *
 * What keeps honest features out: few rows or too few of a class give no verdict; a mapping counts only for values seen on
 * several assets and about ten rows each, so that an id or a build date, which names the asset, is not taken for the label.
 */
import { rocAuc } from "../metrics/binary.ts";
import { requireFinite, requireSameLength } from "../stats/checked-array.ts";
import { spearman } from "../stats/correlation.ts";
import { indexGroups } from "../splits/groups.ts";
import type { GroupId } from "../splits/groups.ts";
import { isotonicRSquared } from "./isotonic.ts";
import { mappingRatio } from "./mapping.ts";

/** A named column; NaN = missing. */
export interface NamedColumn {
  readonly name: string;
  readonly values: ArrayLike<number>;
}

/** The target and, where there are any, the assets of the rows. */
export interface LabelledRows {
  readonly kind: "binary" | "multiclass" | "regression";
  /** 0/1, class index, or number; finite */
  readonly target: ArrayLike<number>;
  /** asset id per row; default: every row its own */
  readonly groups?: ArrayLike<GroupId>;
}

/** From where on a measure is suspicious. */
export interface CopyThresholds {
  readonly monotone?: number;
  readonly rank?: number;
  readonly separation?: number;
  readonly mapping?: number;
  readonly missingness?: number;
  /** rows with a value needed for a verdict; default 100 */
  readonly minRows?: number;
  /** rows needed of each class; default 10 */
  readonly minPerClass?: number;
}

/** One measure of one feature. */
export interface CopyEvidence {
  readonly feature: string;
  readonly measure: (typeof MEASURES)[number];
  readonly value: number;
  readonly threshold: number;
  readonly suspicious: boolean;
}

/** Thresholds without any given. */
export const COPY_DEFAULTS: Required<CopyThresholds> = {
  monotone: 0.9999,
  rank: 0.999,
  separation: 0.999,
  mapping: 0.999,
  missingness: 0.999,
  minRows: 100,
  minPerClass: 10,
};

/**
 * Measure every feature against the target.
 *
 * @param features numeric columns (categories as codes), equally long
 * @param rows     target and assets
 * @returns evidence per feature and applicable measure, suspicious or not; none for a constant or too short feature
 * @throws {RangeError} when lengths differ or the target is not finite
 *
 * Cost: O(n log n) per feature.
 */
export function findTargetCopies(
  features: readonly NamedColumn[],
  rows: LabelledRows,
  thresholds: CopyThresholds = {},
): CopyEvidence[] {
  const limits = { ...COPY_DEFAULTS, ...thresholds };
  requireFinite("target", rows.target);
  const groups = rows.groups ? indexGroups(rows.groups).codes : undefined;
  if (groups) requireSameLength(["target", "groups"], rows.target, groups);
  return features.flatMap((feature) => {
    requireSameLength([feature.name, "target"], feature.values, rows.target);
    const measures = measureFeature(feature.values, { ...rows, codes: groups }, limits);
    return MEASURES.flatMap((measure) => {
      const value = measures[measure];
      return value === undefined ? [] : [describe(feature.name, measure, { value, limits })];
    });
  });
}

const MEASURES = ["monotone", "rank", "separation", "mapping", "missingness"] as const;

type Limits = Required<CopyThresholds>;
type CodedRows = LabelledRows & { readonly codes: Int32Array | undefined };
type Measures = Partial<Record<CopyEvidence["measure"], number>>;

function describe(
  feature: string,
  measure: CopyEvidence["measure"],
  found: { value: number; limits: Limits },
): CopyEvidence {
  const threshold = found.limits[measure];
  return { feature, measure, value: found.value, threshold, suspicious: found.value >= threshold };
}

function measureFeature(values: ArrayLike<number>, rows: CodedRows, limits: Limits): Measures {
  const present: number[] = [];
  for (let row = 0; row < values.length; row++) if (Number.isFinite(values[row])) present.push(row);
  const measures: Measures = {};
  const isMissing = Uint8Array.from({ length: values.length }, (_, row) =>
    Number.isFinite(values[row]) ? 0 : 1,
  );
  if (rows.kind === "binary" && hasBothClasses(rows.target, undefined, limits)) {
    if (present.length < values.length) measures.missingness = folded(rocAuc(rows.target, isMissing));
  }
  if (present.length < limits.minRows) return measures;
  const x = Float64Array.from(present, (row) => values[row]);
  const y = Float64Array.from(present, (row) => rows.target[row]);
  if (isConstant(x) || isConstant(y)) return measures;
  if (rows.kind === "regression") {
    measures.monotone = isotonicRSquared(x, y);
    measures.rank = Math.abs(spearman(x, y));
    return measures;
  }
  if (!hasBothClasses(rows.target, present, limits)) return measures;
  if (rows.kind === "binary") measures.separation = folded(rocAuc(y, x));
  const codes = rows.codes ? Int32Array.from(present, (row) => rows.codes?.[row] ?? 0) : undefined;
  const mapping = mappingRatio(x, y, codes);
  if (mapping !== undefined) measures.mapping = mapping;
  return measures;
}

function folded(auc: number): number {
  return Math.max(auc, 1 - auc);
}

function hasBothClasses(
  target: ArrayLike<number>,
  rows: readonly number[] | undefined,
  limits: Limits,
): boolean {
  const counts = new Map<number, number>();
  const n = rows?.length ?? target.length;
  for (let i = 0; i < n; i++) {
    const label = target[rows ? rows[i] : i];
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const large = [...counts.values()].filter((count) => count >= limits.minPerClass);
  return n >= limits.minRows && large.length >= 2;
}

function isConstant(values: Float64Array): boolean {
  return values.every((value) => value === values[0]);
}
