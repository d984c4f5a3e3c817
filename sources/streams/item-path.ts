/** A JSON object. */
export type Item = Readonly<Record<string, unknown>>;

export function isItem(value: unknown): value is Item {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own member, whatever it is called. */
export const memberOf = (item: Item, name: string): unknown =>
  Object.hasOwn(item, name) ? item[name] : undefined;

/** What a path such as `meta.machine` or `data.0.at` leads to; undefined: nothing. */
export function valueAt(path: string, from: unknown): unknown {
  let value = from;
  for (const step of path.split(".")) {
    if (Array.isArray(value) && /^\d+$/.test(step)) value = (value as readonly unknown[])[Number(step)];
    else if (isItem(value)) value = memberOf(value, step);
    else return undefined;
  }
  return value;
}

/** Readings of a document: those of a list, those of a body as POST /readings takes it, or the one that it is. */
export function itemsOf(document: unknown): readonly unknown[] {
  if (Array.isArray(document)) return document;
  const readings = isItem(document) ? memberOf(document, "readings") : undefined;
  return Array.isArray(readings) ? readings : [document];
}
