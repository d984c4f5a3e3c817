import type { FeatureView, ViewCheck, ViewColumn } from "../features/feature-view.ts";
import type { LiveReading, LiveValue } from "../features/online.ts";
import { inputsOf } from "../features/view-inputs.ts";
import type { LiveSource } from "../schemas/live/source.ts";
import type { Column } from "../schemas/pipeline/source.ts";
import { PlatformError } from "../schemas/platform-error.ts";

/** How stored readings of a live source become readings of a view. */
export interface Binding {
  readonly sourceKey: number;
  readonly source: string;
  /** Values in the order of the source's columns → values under the names of the view. */
  read(ts: number, values: readonly (number | null)[]): LiveReading;
}

/**
 * Matches the columns of a view to those of a live source by name.
 *
 * @throws {PlatformError} features_unbound naming every column that is missing, of another type or unit, or personal: what is
 *   made of it would show it
 */
export function bindSource(
  view: FeatureView,
  source: { readonly sourceKey: number; readonly document: LiveSource },
): Binding {
  const { name, columns, time, pii } = source.document;
  const problems: string[] = [];
  if (time.kind !== view.timeKind) problems.push(`time: expected ${kindOf(view)}, found ${time.kind}`);
  const needed = new Set(inputsOf(view).columns.map((column) => column.name));
  // Columns that only a check looks at come along where the source has them.
  const wanted: (ViewColumn | ViewCheck)[] = [...view.columns];
  for (const check of view.checks ?? [])
    if (!view.columns.some((column) => column.name === check.name)) wanted.push(check);
  const readers: { readonly name: string; readonly place: number; readonly read: ValueReader }[] = [];
  for (const column of wanted) {
    const place = columns.findIndex((one) => one.name === column.name);
    const found = columns[place];
    if (found === undefined) {
      if (needed.has(column.name)) problems.push(`${column.name}: expected such a column, found none`);
      continue;
    }
    const isPersonal = pii.includes(column.name);
    const problem = isPersonal ? "expected a column that is not personal (pii)" : mismatch(column, found);
    if (problem === undefined) readers.push({ name: column.name, place, read: valueReader(found) });
    else if (needed.has(column.name)) problems.push(`${column.name}: ${problem}`);
  }
  if (problems.length > 0)
    throw new PlatformError(
      "features_unbound",
      `feed features from source ${name} [${problems.join("; ")}]: its columns are not those the model learnt from`,
    );
  return {
    sourceKey: source.sourceKey,
    source: name,
    read(ts, values) {
      const named: Record<string, LiveValue> = Object.create(null) as Record<string, LiveValue>;
      for (const { name: column, place, read } of readers) {
        const value = values[place] ?? null;
        named[column] = value === null || Number.isNaN(value) ? null : read(value);
      }
      return { t: ts, values: named };
    },
  };
}

type ValueReader = (value: number) => LiveValue;

function valueReader({ type, values }: Column): ValueReader {
  if (type === "boolean") return (value) => value === 1;
  if (type === "text") return (value) => values?.[value] ?? null;
  return (value) => value;
}

/** Whole numbers are numbers; anything else has to be what it was. */
function mismatch(
  wanted: { readonly type: Column["type"]; readonly unit?: string | undefined },
  found: Column,
): string | undefined {
  const isNumber = (type: Column["type"]): boolean => type === "float" || type === "integer";
  if (wanted.type !== found.type && !(isNumber(wanted.type) && isNumber(found.type)))
    return `expected type ${wanted.type}, found ${found.type}`;
  if (wanted.unit === undefined || wanted.unit === found.unit) return undefined;
  return `expected unit ${wanted.unit}, found ${found.unit ?? "none"}`;
}

function kindOf({ timeKind }: FeatureView): string {
  return timeKind === "none" ? "a time (the model has none, and cannot be fed live)" : timeKind;
}
