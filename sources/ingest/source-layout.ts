import { hashOf } from "../../schemas/canonical-json.ts";
import type { StoredColumn } from "../../schemas/data/dataset.ts";
import type { Column, Source } from "../../schemas/pipeline/source.ts";

/** A column that is stored, with the declaration that its cells are checked against. */
export interface LaidOutColumn {
  readonly column: Column;
  readonly stored: StoredColumn;
}

/**
 * Declared columns in stored order. Asset and time have their own physical columns and are left out; so are personal
 * columns, which are not stored at all.
 */
export function layoutOf(source: Source): LaidOutColumn[] {
  const { asset, time, pii = [] } = source;
  return source.columns
    .filter(({ name }) => name !== asset && name !== time?.column && !pii.includes(name))
    .map((column, i) => ({
      column,
      stored: {
        name: column.name,
        physical: `v${i}`,
        type: column.type,
        ...(column.unit === undefined ? {} : { unit: column.unit }),
        use: column.use,
      },
    }));
}

/** What a compatible later file must have: role, asset, time and columns. */
export function schemaHashOf(source: Source, columns: readonly StoredColumn[]): string {
  return hashOf({
    role: source.role,
    asset: source.asset ?? null,
    time: source.time ?? null,
    columns,
  });
}

/** SQL type of a stored column. */
export function sqlTypeOf(column: StoredColumn): "DOUBLE" | "VARCHAR" | "BIGINT" {
  if (column.type === "text") return "VARCHAR";
  return column.type === "timestamp" ? "BIGINT" : "DOUBLE";
}
