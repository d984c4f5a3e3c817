import { cutPoints } from "../../numerics/splits/cut-points.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { HOLDOUT_FOLD } from "../../schemas/split.ts";
import type { SplitDocument } from "../../schemas/split.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { rowRulesOf } from "./detection.ts";
import { rowFolds, rowsWhere } from "../split/row-folds.ts";

/** Share of a fold's training groups kept back to decide when boosting stops. */
const EARLY_STOP_SHARE_FOLDS = 7;

export interface FoldRows {
  /** Rows that train (without those for early stopping). */
  readonly train: Int32Array;
  /** Rows of whole groups kept apart inside the training side, for early stopping. */
  readonly earlyStop: Int32Array;
  /** Rows whose out-of-fold predictions count. */
  readonly validate: Int32Array;
}

/**
 * Rows of one fold. The groups for early stopping come out of the fold's own training side: stopping on the rows that
 * are scored would let the score choose the model.
 */
export function rowsOfFold(
  table: FeatureTable,
  given: {
    readonly pipeline: Pipeline;
    readonly split: SplitDocument;
    readonly repeat: number;
    readonly fold: number;
  },
): FoldRows {
  const { pipeline, split, repeat, fold } = given;
  const folds = rowFolds(split, repeat, table);
  const { isLearnt, isJudged } = rowRulesOf(pipeline, table);
  const nRows = folds.length;
  const isBefore = beforeFold(split, table, fold);
  const training = rowsWhere(
    nRows,
    (row) => (folds[row] as number) >= 0 && folds[row] !== fold && isBefore(row) && isLearnt(row),
  );
  const validate = rowsWhere(nRows, (row) => folds[row] === fold && isJudged(row));
  return {
    ...learningSides({ pipeline, split, fold }, table, training),
    validate:
      pipeline.evaluate.cvRows === "cut_points"
        ? cutRows(table, validate, pipeline.split.seed + repeat)
        : validate,
  };
}

/** Rows of the whole training side, and of the holdout that count. */
export function finalRows(
  table: FeatureTable,
  pipeline: Pipeline,
  split: SplitDocument,
): { readonly train: Int32Array; readonly test: Int32Array } {
  const folds = rowFolds(split, 0, table);
  const { isLearnt, isJudged } = rowRulesOf(pipeline, table);
  const counts = (row: number) => pipeline.evaluate.rows === "all" || table.last[row] === 1;
  return {
    train: rowsWhere(folds.length, (row) => (folds[row] as number) >= 0 && isLearnt(row)),
    test: rowsWhere(folds.length, (row) => folds[row] === HOLDOUT_FOLD && isJudged(row) && counts(row)),
  };
}

/** Rows whose labels are known before the fold begins; where folds are not cut by time, all. */
function beforeFold(
  { timeFolds }: SplitDocument,
  { t }: FeatureTable,
  fold: number,
): (row: number) => boolean {
  if (timeFolds === undefined) return () => true;
  const end = (timeFolds.from[fold] ?? 0) - timeFolds.gap;
  return (row) => (t[row] as number) < end;
}

/** The rows that are learnt from, and those that decide when boosting stops. */
function learningSides(
  {
    pipeline,
    split,
    fold,
  }: { readonly pipeline: Pipeline; readonly split: SplitDocument; readonly fold: number },
  table: FeatureTable,
  training: Int32Array,
): Pick<FoldRows, "train" | "earlyStop"> {
  // Detectors do not stop early: they learn from every row.
  if (pipeline.task.kind === "anomaly") return { train: training, earlyStop: new Int32Array() };
  if (split.timeFolds !== undefined) return latestApart(table, training, split.timeFolds.gap);
  const isKept = earlyStopGroups(split, table, training, fold);
  return {
    train: training.filter((row) => !isKept(row)),
    earlyStop: training.filter((row) => isKept(row)),
  };
}

/** The latest seventh of the rows apart, and those out whose labels reach into it. */
function latestApart(
  { t }: FeatureTable,
  rows: Int32Array,
  gap: number,
): Pick<FoldRows, "train" | "earlyStop"> {
  const times = Float64Array.from(rows, (row) => t[row] as number).sort();
  const from = times[Math.floor((times.length * (EARLY_STOP_SHARE_FOLDS - 1)) / EARLY_STOP_SHARE_FOLDS)] ?? 0;
  const train = rows.filter((row) => (t[row] as number) < from - gap);
  // Of a short past nothing can be kept apart: then nothing stops early.
  if (train.length === 0) return { train: rows, earlyStop: new Int32Array() };
  return { train, earlyStop: rows.filter((row) => (t[row] as number) >= from) };
}

/** Every seventh group of the training side, in an order that turns with the fold. */
function earlyStopGroups(
  split: SplitDocument,
  table: FeatureTable,
  rows: Int32Array,
  fold: number,
): (row: number) => boolean {
  const unitOf =
    split.unit === "row"
      ? (row: number) => table.seq[row] as number
      : (row: number) => table.assetCodes[row] as number;
  const units = [...new Set(Array.from(rows, unitOf))];
  const kept = new Set(units.filter((_, i) => (i + fold) % EARLY_STOP_SHARE_FOLDS === 0));
  return (row) => kept.has(unitOf(row));
}

/** Random rows of each validation asset, so that folds resemble series that are cut before failure. */
function cutRows(table: FeatureTable, rows: Int32Array, seed: number): Int32Array {
  const byAsset = new Map<number, number[]>();
  for (const row of rows) {
    const code = table.assetCodes[row] as number;
    const list = byAsset.get(code);
    if (list === undefined) byAsset.set(code, [row]);
    else list.push(row);
  }
  const lists = [...byAsset.values()];
  const ids = [...byAsset.keys()].map((code) => table.assets[code] as string);
  const cuts = cutPoints(
    lists.map((list) => list.length),
    ids,
    { seed, perAsset: CUTS_PER_ASSET },
  );
  const picked = lists.flatMap((list, i) => Array.from(cuts[i] ?? [], (offset) => list[offset] as number));
  return Int32Array.from(picked).sort();
}

/** More than one cut an asset steadies the estimate; they are scored like any other row. */
const CUTS_PER_ASSET = 5;
