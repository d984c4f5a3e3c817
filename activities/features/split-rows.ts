import type { SplitDocument } from "../../schemas/split.ts";

/**
 * SQL condition on `__asset`, `__seq`, `__t` that holds for the rows which train when `fold` is left out of `repeat`
 * (null: nothing is left out but the holdout).
 *
 * Assets and rows are listed by value; lists are data, quoted by the caller's function.
 */
export interface TrainingRows {
  readonly unit: "asset" | "row";
  /** Asset ids, or `__seq` numbers as text. */
  readonly ids: readonly string[];
  /** Only rows before this `__t`, where the holdout was cut by time. */
  readonly before: number | null;
}

export function trainingRows(
  split: SplitDocument,
  left: { readonly repeat: number; readonly fold: number } | null,
): TrainingRows {
  const folds = split.folds[left?.repeat ?? 0] ?? [];
  const ids = folds.flatMap((fold, unit) => {
    if (fold < 0 || fold === left?.fold) return [];
    return [split.unit === "asset" ? (split.ids[unit] as string) : String(unit)];
  });
  return { unit: split.unit, ids, before: split.gapFrom ?? split.holdoutFrom ?? null };
}
