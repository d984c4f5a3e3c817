import { join } from "node:path";
import type { FeatureView } from "../../features/feature-view.ts";
import type { TrainingRows } from "../../features/fit.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import { quoteLiteral } from "../../stores/duckdb/duckdb.ts";
import type { ActivityDeps } from "../dependencies.ts";

/** The fold that validates; null: none, the whole training side is learnt from. */
export interface FoldLeftOut {
  readonly repeat: number;
  readonly fold: number;
}

export interface TrainingRowsInput {
  readonly view: FeatureView;
  readonly split: SplitDocument;
  readonly left: FoldLeftOut | null;
  readonly readings: readonly string[];
  /** Folder for the row list. */
  readonly scratch: string;
}

/** The rows a fold's fitted state may be learnt from: never the holdout, never the fold that validates. */
export async function trainingRows(
  deps: Pick<ActivityDeps, "duckdb">,
  input: TrainingRowsInput,
): Promise<TrainingRows> {
  const { view, split, left, readings, scratch } = input;
  // Nothing is learnt from data: whichever rows are named, the fitted state is empty.
  if (
    view.regimes === undefined &&
    !learnsClasses(view) &&
    !view.features.some((feature) => feature.kind === "category")
  )
    return "all";
  const folds = split.folds[left?.repeat ?? 0] ?? [];
  const { timeFolds } = split;
  const isLeft = (fold: number) => fold < 0 || (timeFolds === undefined && fold === left?.fold);
  const units = folds.flatMap((fold, unit) => (isLeft(fold) ? [] : [unit]));
  const before =
    timeFolds !== undefined && left !== null
      ? (timeFolds.from[left.fold] ?? 0) - timeFolds.gap
      : (split.gapFrom ?? split.holdoutFrom);
  if (split.unit === "asset" && before === undefined)
    return { assets: units.map((unit) => split.ids[unit] as string) };
  const listed =
    split.unit === "asset"
      ? `__asset IN (${units.map((unit) => quoteLiteral(split.ids[unit] as string)).join(", ")})`
      : `__seq IN (SELECT unnest([${units.join(", ")}]))`;
  const isBefore = before === undefined ? "" : ` AND __t < ${BigInt(Math.ceil(before))}`;
  const seqPath = join(scratch, `rows-${left === null ? "final" : `${left.repeat}-${left.fold}`}.parquet`);
  const from = await deps.duckdb.parquet(readings);
  await deps.duckdb.copyToParquet(`SELECT __seq FROM ${from} WHERE ${listed}${isBefore}`, seqPath);
  return { seqPath };
}

function learnsClasses({ label }: FeatureView): boolean {
  return label.kind === "column" && label.target === "class" && label.positive === undefined;
}
