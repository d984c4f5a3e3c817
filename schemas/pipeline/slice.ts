import { usableColumns } from "./personal.ts";
import type { Pipeline } from "./pipeline.ts";
import type { ColumnType } from "./source.ts";

/** Name that slices by the operating regime, where `regimes` is declared. */
export const REGIME_SLICE = "regime";

/** Where the values of one declared slice come from. */
export type SliceSource =
  | { readonly kind: "column"; readonly column: string; readonly type: ColumnType }
  | {
      readonly kind: "attribute";
      readonly source: string;
      readonly column: string;
      readonly type: ColumnType;
    }
  | { readonly kind: "regime" };

/**
 * All that a name of `evaluate.slices` can mean: a text, integer or boolean column of the readings, a column of an
 * attributes source that has assets (also as `<source>.<column>`), or `regime`.
 *
 * @returns none for an unknown name, several where tables share it
 */
export function slicesNamed(pipeline: Pipeline, name: string): SliceSource[] {
  return sliceNames(pipeline).get(name) ?? [];
}

/** Every name that slices, with what it can mean. */
export function sliceNames(pipeline: Pipeline): ReadonlyMap<string, SliceSource[]> {
  const names = new Map<string, SliceSource[]>();
  const add = (name: string, source: SliceSource) => names.set(name, [...(names.get(name) ?? []), source]);
  for (const [source, declared] of Object.entries(pipeline.sources)) {
    const { role, asset, time } = declared;
    for (const { name, type } of usableColumns(declared)) {
      if (name === asset || name === time?.column) continue;
      if (role === "readings" && READING_TYPES.includes(type))
        add(name, { kind: "column", column: name, type });
      if (role !== "attributes" || asset === undefined || type === "timestamp") continue;
      const attribute = { kind: "attribute", source, column: name, type } as const;
      add(name, attribute);
      add(`${source}.${name}`, attribute);
    }
  }
  if ((pipeline.regimes?.count ?? 1) > 1) add(REGIME_SLICE, { kind: "regime" });
  return names;
}

/** Of a measured value nearly every row would be a slice of its own. */
const READING_TYPES: readonly ColumnType[] = ["text", "integer", "boolean"];
