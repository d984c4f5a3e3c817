import { DROPPED_FOLD, HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import { PlatformError } from "../../schemas/platform-error.ts";

/** The columns of a feature table that say which row it is. */
export interface RowKeys {
  /** Asset of each row as an index into `assets`. */
  readonly assetCodes: Int32Array;
  readonly assets: readonly string[];
  /** `__t`, `__seq` per row. */
  readonly t: Float64Array;
  readonly seq: Float64Array;
}

/**
 * Fold of each row in one repeat.
 *
 * @returns Int32Array (nRows): fold ≥ 0 (of folds in time the number of folds for rows that only train), HOLDOUT_FOLD or
 *   DROPPED_FOLD
 * @throws {PlatformError} integrity when the split does not know an asset or row of the table
 */
export function rowFolds(split: SplitDocument, repeat: number, rows: RowKeys): Int32Array {
  const folds = split.folds[repeat];
  if (folds === undefined) throw new RangeError(`repeat must be below ${split.folds.length}, got ${repeat}`);
  const unitOf = split.unit === "row" ? rows.seq : unitsOfAssets(split, rows);
  const out = new Int32Array(rows.t.length);
  for (let row = 0; row < out.length; row++) {
    const fold = folds[unitOf[row] as number];
    if (fold === undefined)
      throw new PlatformError("integrity", `assign rows [row ${row}]: not part of the split`);
    out[row] = foldInTime(split, fold, rows.t[row] as number);
  }
  return out;
}

function unitsOfAssets(split: SplitDocument, rows: RowKeys): Float64Array {
  const unitByAsset = new Map(split.ids.map((id, index) => [id, index]));
  const unitByCode = rows.assets.map((asset) => unitByAsset.get(asset) ?? Number.NaN);
  return Float64Array.from(rows.assetCodes, (code) => unitByCode[code] as number);
}

function foldInTime(split: SplitDocument, fold: number, t: number): number {
  if (split.holdoutFrom === undefined) return fold;
  if (t >= split.holdoutFrom) return HOLDOUT_FOLD;
  if (t >= (split.gapFrom ?? split.holdoutFrom)) return DROPPED_FOLD;
  return split.timeFolds === undefined ? fold : blockOf(split.timeFolds.from, t);
}

/** The block of time that holds t; the rows before the first one have a number that no fold has. */
function blockOf(from: readonly number[], t: number): number {
  for (let fold = from.length - 1; fold >= 0; fold--) if (t >= (from[fold] as number)) return fold;
  return from.length;
}

/** Indices of the rows for which `keep` holds, ascending. */
export function rowsWhere(nRows: number, keep: (row: number) => boolean): Int32Array {
  const kept: number[] = [];
  for (let row = 0; row < nRows; row++) if (keep(row)) kept.push(row);
  return Int32Array.from(kept);
}
