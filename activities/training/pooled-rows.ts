import type { NumberColumns } from "../../stores/objects/numbers.ts";
import type { PooledRows } from "./summarise-candidates.ts";

/** Stored out-of-fold rows of one fold. */
export interface FoldColumns {
  readonly fold: number;
  readonly columns: NumberColumns;
}

/** Out-of-fold rows of one repeat, fold after fold in the given order. */
export function poolRows(folds: readonly FoldColumns[]): PooledRows {
  const join = (name: string) => concat(folds.map(({ columns }) => columns[name] ?? new Float64Array()));
  const foldOf = (name: string) =>
    Int32Array.from(
      folds.flatMap(({ fold, columns }) => Array.from({ length: columns[name]?.length ?? 0 }, () => fold)),
    );
  const hasAssetDays = folds.every(({ columns }) => columns["assetDay"] !== undefined);
  const hasHorizons = folds.every(({ columns }) => columns["horizon"] !== undefined);
  return {
    prediction: join("prediction"),
    truth: join("truth"),
    truthRaw: join("truthRaw"),
    fold: foldOf("truth"),
    ...(hasAssetDays ? { assetDay: join("assetDay") } : {}),
    ...(hasHorizons ? { horizon: Int32Array.from(join("horizon")) } : {}),
    ...(folds.some(({ columns }) => columns["censoredLeast"] !== undefined)
      ? {
          censored: {
            least: join("censoredLeast"),
            prediction: join("censoredPrediction"),
            fold: foldOf("censoredLeast"),
          },
        }
      : {}),
  };
}

function concat(arrays: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(arrays.reduce((sum, a) => sum + a.length, 0));
  let at = 0;
  for (const array of arrays) {
    out.set(array, at);
    at += array.length;
  }
  return out;
}
