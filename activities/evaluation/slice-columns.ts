import type { FeatureTable } from "../features/feature-table.ts";

/**
 * Slice values of rows, for the columns of `evaluate.slices` that are category features.
 *
 * The value shown is the category's code: texts are fitted state, which the report resolves.
 */
export function slicesOf(
  table: FeatureTable,
  columns: readonly string[],
  rows: Int32Array,
): { readonly column: string; readonly values: readonly string[] }[] {
  return columns.flatMap((column) => {
    const index = table.features.findIndex((f) => f.kind === "category" && f.name === column);
    if (index < 0) return [];
    const { data, nColumns } = table.matrix;
    return [{ column, values: Array.from(rows, (row) => String(data[row * nColumns + index])) }];
  });
}
