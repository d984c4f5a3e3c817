import { cutPoints } from "../../numerics/splits/cut-points.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { spanInTimeUnits } from "../../schemas/pipeline/time.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { isCensored } from "./censored.ts";
import { rowRulesOf } from "./detection.ts";
import { rowFolds, rowsWhere } from "../split/row-folds.ts";
import type { RowKeys } from "../split/row-folds.ts";

/** Share of a fold's training groups kept back to decide when boosting stops. */
const EARLY_STOP_SHARE_FOLDS = 7;

export interface FoldRows {
  /** Rows that train (without those for early stopping). */
  readonly train: Int32Array;
  /** Rows of whole groups kept apart inside the training side, for early stopping. */
  readonly earlyStop: Int32Array;
  /** Rows whose out-of-fold predictions count. */
  readonly validate: Int32Array;
  /** The same of rows whose life is only known to exceed a bound; in none of the above. */
  readonly censored: Readonly<Record<"train" | "earlyStop" | "validate", Int32Array>>;
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
  const isTrained = (row: number) => (folds[row] as number) >= 0 && folds[row] !== fold && isBefore(row);
  const isBound = isCensored(table);
  const known = rowsWhere(nRows, (row) => isTrained(row) && isLearnt(row));
  const censored = rowsWhere(nRows, (row) => isTrained(row) && isBound(row));
  const cut = (rows: Int32Array) =>
    pipeline.evaluate.cvRows === "cut_points" ? cutRows(table, rows, pipeline.split.seed + repeat) : rows;
  const validated = (isOf: (row: number) => boolean) =>
    cut(rowsWhere(nRows, (row) => folds[row] === fold && isOf(row)));
  const sides = learningSides({ pipeline, split, fold }, table, { known, censored });
  return {
    train: sides.known.train,
    earlyStop: sides.known.earlyStop,
    validate: validated(isJudged),
    censored: { ...sides.censored, validate: validated(isBound) },
  };
}

/**
 * @param what the fold, for the message
 * @throws {PlatformError} not_enough_data when a side has no row whose label is known
 */
export function requireRows({ train, validate, censored }: FoldRows, what: string): void {
  if (train.length > 0 && validate.length > 0) return;
  const nBounds = censored.train.length + censored.validate.length;
  const hint =
    nBounds === 0
      ? ""
      : `, and ${nBounds} rows of assets that had not failed; fewer folds give each its share of the failures, and with a label.cap long lives count as known`;
  throw new PlatformError(
    "not_enough_data",
    `train ${what}: expected labelled rows on both sides, got ${train.length} to train and ${validate.length} to validate${hint}`,
  );
}

/** Rows of the whole training side, and of the holdout that count. */
export interface FinalRows {
  readonly train: Int32Array;
  readonly test: Int32Array;
  /** The same of rows whose life is only known to exceed a bound. */
  readonly censored: Readonly<Record<"train" | "test", Int32Array>>;
}

/**
 * All that is known of the training side, ended lives or not: what the inputs of a served model are expected to be like, as it
 * answers for machines that run.
 */
function observedRows({ train, censored }: FinalRows): Int32Array {
  return censored.train.length === 0 ? train : Int32Array.from([...train, ...censored.train]).sort();
}

/**
 * What drift is measured against: all that is known of the training side or, with `monitoring.reference`, its newest part. That
 * is of rows without a label as well, as the newest ones have none yet; and of `monitoring.minRows` rows at least, as fewer give no verdict.
 */
export function referenceRows(
  table: RowKeys,
  { monitoring: { reference, minRows } }: Pick<Pipeline, "monitoring">,
  { split, rows }: { readonly split: SplitDocument; readonly rows: FinalRows },
): Int32Array {
  if (reference === undefined) return observedRows(rows);
  const folds = rowFolds(split, 0, table);
  const trained = rowsWhere(folds.length, (row) => (folds[row] as number) >= 0);
  const times = Float64Array.from(trained, (row) => table.t[row] as number).sort();
  const newest = times.at(-1) ?? 0;
  const from = Math.min(
    newest - spanInTimeUnits(reference, "timestamp"),
    times[Math.max(0, times.length - minRows)] ?? newest,
  );
  return trained.filter((row) => (table.t[row] as number) >= from);
}

export function finalRows(table: FeatureTable, pipeline: Pipeline, split: SplitDocument): FinalRows {
  const folds = rowFolds(split, 0, table);
  const { isLearnt, isJudged } = rowRulesOf(pipeline, table);
  const counts = (row: number) => pipeline.evaluate.rows === "all" || table.last[row] === 1;
  const isBound = isCensored(table);
  const trained = (isOf: (row: number) => boolean) =>
    rowsWhere(folds.length, (row) => (folds[row] as number) >= 0 && isOf(row));
  const held = (isOf: (row: number) => boolean) =>
    rowsWhere(folds.length, (row) => folds[row] === HOLDOUT_FOLD && isOf(row) && counts(row));
  return {
    train: trained(isLearnt),
    test: held(isJudged),
    censored: { train: trained(isBound), test: held(isBound) },
  };
}

/** Rows of the training side that would be judged, in cross-validation, whether or not they are learnt from. */
export function judgedTrainingRows(
  table: FeatureTable,
  pipeline: Pipeline,
  split: SplitDocument,
): Int32Array {
  const folds = rowFolds(split, 0, table);
  const { isJudged } = rowRulesOf(pipeline, table);
  return rowsWhere(folds.length, (row) => (folds[row] as number) >= 0 && isJudged(row));
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

/** Rows whose label is known, and rows of which only a lower bound is. */
interface KnownRows<Rows> {
  readonly known: Rows;
  readonly censored: Rows;
}
type Sides = Pick<FoldRows, "train" | "earlyStop">;

/** The rows that are learnt from, and those that decide when boosting stops. */
function learningSides(
  {
    pipeline,
    split,
    fold,
  }: { readonly pipeline: Pipeline; readonly split: SplitDocument; readonly fold: number },
  table: FeatureTable,
  rows: KnownRows<Int32Array>,
): KnownRows<Sides> {
  const none = new Int32Array();
  // Detectors do not stop early: they learn from every row.
  if (pipeline.task.kind === "anomaly")
    return { known: { train: rows.known, earlyStop: none }, censored: { train: none, earlyStop: none } };
  if (split.timeFolds !== undefined) {
    const known = latestApart(table, rows.known, split.timeFolds.gap);
    return { known, censored: { train: none, earlyStop: none } };
  }
  const isKept = earlyStopGroups(split, table, { ...rows, fold });
  const sides = (of: Int32Array): Sides => ({
    train: of.filter((row) => !isKept(row)),
    earlyStop: of.filter((row) => isKept(row)),
  });
  return { known: sides(rows.known), censored: sides(rows.censored) };
}

/** The latest seventh of the rows apart, and those out whose labels reach into it. */
function latestApart({ t }: FeatureTable, rows: Int32Array, gap: number): Sides {
  const times = Float64Array.from(rows, (row) => t[row] as number).sort();
  const from = times[Math.floor((times.length * (EARLY_STOP_SHARE_FOLDS - 1)) / EARLY_STOP_SHARE_FOLDS)] ?? 0;
  const train = rows.filter((row) => (t[row] as number) < from - gap);
  // Of a short past nothing can be kept apart: then nothing stops early.
  if (train.length === 0) return { train: rows, earlyStop: new Int32Array() };
  return { train, earlyStop: rows.filter((row) => (t[row] as number) >= from) };
}

/**
 * Every seventh group of the training side, in an order that turns with the fold; of the groups without any known life
 * every seventh as well, so that neither kind is missing where they are many.
 */
function earlyStopGroups(
  split: SplitDocument,
  table: FeatureTable,
  {
    known,
    censored,
    fold,
  }: { readonly known: Int32Array; readonly censored: Int32Array; readonly fold: number },
): (row: number) => boolean {
  const unitOf =
    split.unit === "row"
      ? (row: number) => table.seq[row] as number
      : (row: number) => table.assetCodes[row] as number;
  const units = new Set(Array.from(known, unitOf));
  const others = new Set(Array.from(censored, unitOf).filter((unit) => !units.has(unit)));
  const isKept = (_: number, i: number) => (i + fold) % EARLY_STOP_SHARE_FOLDS === 0;
  const kept = new Set([...[...units].filter(isKept), ...[...others].filter(isKept)]);
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
