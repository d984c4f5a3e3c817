import type { FeatureView } from "../../features/feature-view.ts";
import type { LiveValue } from "../../features/online.ts";
import { shown } from "../../features/reading-checks.ts";
import type { ReadingFault } from "../../features/reading-checks.ts";

type Fields = Readonly<Record<string, LiveValue>>;

/** Names beyond these are counted. */
const SHOWN = 10;
const NAME_LENGTH = 120;

/**
 * First fault of the attributes a client sends; undefined when they are good.
 *
 * A view knows the attributes that features use, and not the others that were declared: beside all of those any name
 * may stand, as any column may in a reading. Where one of them is absent, another name is a typing mistake.
 */
export function attributeFault(view: FeatureView, attributes: Fields): ReadingFault | undefined {
  const used = usedAttributes(view);
  if (absentNames(used, attributes).length > 0) {
    const strange = Object.keys(attributes).find((name) => !used.has(name));
    if (strange !== undefined)
      return {
        field: `attributes.${strange.slice(0, NAME_LENGTH)}`,
        expected: `an attribute that features use, null where it is not known: ${listed([...used.keys()])}`,
        found: "another name",
      };
  }
  for (const [name, { isText }] of used) {
    if (!isText && Object.hasOwn(attributes, name) && typeof attributes[name] === "string")
      return { field: `attributes.${name}`, expected: "a finite number or null", found: "a text" };
  }
  return undefined;
}

/** A line where attributes that features use are not given, for people; null is a word of the client's. */
export function absentWarnings(view: FeatureView, attributes: Fields): string[] {
  const absent = absentNames(usedAttributes(view), attributes);
  if (absent.length === 0) return [];
  return [`attributes: features use ${listed(absent)}, got nothing; their values count as missing`];
}

/** A line per text of the scored reading and the attributes that training has not seen, for people. */
export function unseenWarnings(
  { features }: FeatureView,
  row: Float64Array,
  given: { readonly attributes: Fields; readonly fields: Fields; readonly index: number },
): string[] {
  const lines = features.flatMap(({ kind, operator, args }, i) => {
    if (kind !== "category" || !Number.isNaN(row[i])) return [];
    const isAttribute = operator === "attribute";
    const { column } = args as { readonly column: string };
    const fields = isAttribute ? given.attributes : given.fields;
    const value = Object.hasOwn(fields, column) ? (fields[column] ?? null) : null;
    if (value === null) return [];
    const place = isAttribute ? "attributes" : `readings.${given.index}`;
    return [`${place}.${column}: ${shown(value)} was not seen in training; it counts as missing`];
  });
  return [...new Set(lines)];
}

/** Of the same name in two sources an attribute is a text when it is one in either. */
function usedAttributes({ features }: FeatureView): Map<string, { readonly isText: boolean }> {
  const used = new Map<string, { readonly isText: boolean }>();
  for (const { operator, args } of features) {
    if (operator !== "attribute") continue;
    const { column, isText } = args as { readonly column: string; readonly isText: boolean };
    used.set(column, { isText: isText || used.get(column)?.isText === true });
  }
  return used;
}

function absentNames(used: ReadonlyMap<string, unknown>, attributes: Fields): string[] {
  return [...used.keys()].filter((name) => !Object.hasOwn(attributes, name));
}

function listed(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return names.slice(0, SHOWN).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
