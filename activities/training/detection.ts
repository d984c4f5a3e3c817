import type { AlertBudget } from "../../numerics/evaluation/alert-budget.ts";
import type { DeclaredAlertBudget } from "../../schemas/pipeline/label.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { timeKindOf } from "../../schemas/pipeline/pipeline.ts";
import type { FeatureTable } from "../features/feature-table.ts";

/** What is particular about a problem without a target to learn from. */
export interface Detection {
  /** A label says which rows are unusual; it judges, and may choose which rows are learnt from. */
  readonly hasLabel: boolean;
  /** Only rows that the label says are usual are learnt from. */
  readonly isHealthyLabelled: boolean;
  /** The threshold follows from it; null: from the label. */
  readonly budget: AlertBudget | null;
  /** Whether candidates are compared by the primary metric; else the first one is taken. */
  readonly isRanked: boolean;
}

/** Without a label and a declared budget one reading in a hundred alerts. */
const DEFAULT_BUDGET: AlertBudget = { kind: "share", share: 0.01 };

/** @returns undefined for a task with a target */
export function detectionOf({ task, label, metrics }: Pipeline): Detection | undefined {
  if (task.kind !== "anomaly") return undefined;
  const hasLabel = label.kind !== "none";
  const declared = task.alerts === undefined ? null : alertBudgetOf(task.alerts);
  return {
    hasLabel,
    isHealthyLabelled: (task.healthy ?? (hasLabel ? "labelled" : "all")) === "labelled",
    budget: declared ?? (hasLabel ? null : DEFAULT_BUDGET),
    isRanked: hasLabel || metrics.primary !== undefined,
  };
}

export function alertBudgetOf({ share, perAssetMonth }: DeclaredAlertBudget): AlertBudget {
  return perAssetMonth === undefined
    ? { kind: "share", share: share ?? 0 }
    : { kind: "perAssetMonth", alerts: perAssetMonth };
}

/** Which rows of a table a pipeline learns from and which it is judged on. */
export interface RowRules {
  readonly isLearnt: (row: number) => boolean;
  readonly isJudged: (row: number) => boolean;
}

/** With a target, labelled rows do both; without one all rows are judged, by the label where they have one. */
export function rowRulesOf(pipeline: Pipeline, { y }: Pick<FeatureTable, "y">): RowRules {
  const detection = detectionOf(pipeline);
  const isLabelled = (row: number) => !Number.isNaN(y[row]);
  if (detection === undefined) return { isLearnt: isLabelled, isJudged: isLabelled };
  const isLearnt = detection.isHealthyLabelled ? (row: number) => y[row] === 0 : () => true;
  return { isLearnt, isJudged: () => true };
}

const MICROS_PER_DAY = 86_400_000_000;
const DAYS_PER_ASSET = 10_000_000;

/** Asset and day of rows as one number, for counting alerts; undefined where rows have no asset or no calendar. */
export function assetDaysOf(
  pipeline: Pipeline,
  { t, assetCodes }: Pick<FeatureTable, "t" | "assetCodes">,
  rows: Int32Array,
): Float64Array | undefined {
  const hasAsset = Object.values(pipeline.sources).some(
    ({ role, asset }) => role === "readings" && asset !== undefined,
  );
  if (!hasAsset || timeKindOf(pipeline) !== "timestamp") return undefined;
  return Float64Array.from(
    rows,
    (row) => (assetCodes[row] as number) * DAYS_PER_ASSET + Math.floor((t[row] as number) / MICROS_PER_DAY),
  );
}
