import type { FittedState } from "../../schemas/data/feature-set.ts";
import type { Slice } from "../../schemas/models/model-version.ts";

/** Longest text of a slice value. */
export const SHOWN_CHARACTERS = 64;

/** Values that get metrics of their own, the most frequent first; all others together are one bucket. */
export const SHOWN_VALUES = 20;

/** Controls, line and paragraph separators, and what turns the direction of text: nothing a value may do to a page. */
// oxlint-disable-next-line no-control-regex -- finding them is the purpose
const UNSHOWN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Numbers the values of rows and folds the rare ones.
 *
 * Codes follow the number of rows, largest first, then the text: they do not depend on the order of the rows. Buckets
 * are told apart by their mark and not by their text, so that a value which calls itself `(other)` is still a value.
 *
 * @param texts  value per row; null = missing
 * @param textOf what people see of a value
 */
export function foldRareValues(
  texts: readonly (string | null)[],
  textOf: (value: string) => string,
): { readonly codes: Int32Array; readonly values: readonly Pick<Slice, "value" | "bucket">[] } {
  const counts = new Map<string, number>();
  for (const text of texts) if (text !== null) counts.set(text, (counts.get(text) ?? 0) + 1);
  const ordered = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([text]) => text);
  // One value alone is shown as itself: a bucket of one would hide its name and save nothing.
  const nShown = ordered.length === SHOWN_VALUES + 1 ? ordered.length : SHOWN_VALUES;
  const shown = ordered.slice(0, nShown);
  const nRare = ordered.length - shown.length;
  const values: Pick<Slice, "value" | "bucket">[] = shown.map((text) => ({ value: shownText(textOf(text)) }));
  const otherCode = nRare === 0 ? -1 : values.push({ value: `${nRare} rarer values`, bucket: "other" }) - 1;
  const hasMissing = texts.includes(null);
  const missingCode = hasMissing ? values.push({ value: "no value", bucket: "missing" }) - 1 : -1;
  const codeOf = new Map(shown.map((text, code) => [text, code]));
  const codes = Int32Array.from(texts, (text) =>
    text === null ? missingCode : (codeOf.get(text) ?? otherCode),
  );
  return { codes, values };
}

/** A text of the data made safe to show: bounded, one line, in its own direction. */
export function shownText(text: string): string {
  const safe = text.replace(UNSHOWN, "\ufffd");
  const characters = Array.from(safe);
  return characters.length <= SHOWN_CHARACTERS
    ? safe
    : `${characters.slice(0, SHOWN_CHARACTERS - 1).join("")}…`;
}

/** `2: altitude 20, mach 0.7`: the number of a regime and the settings at its centre. */
export function regimeText(regimes: NonNullable<FittedState["regimes"]>, regime: number): string {
  const centre = regimes.centres[regime - 1] ?? [];
  const settings = regimes.columns.map((name, j) => {
    const value =
      (centre[j] ?? Number.NaN) * (regimes.settingScales[j] ?? 1) + (regimes.settingMeans[j] ?? 0);
    return `${name} ${Number(value.toPrecision(3))}`;
  });
  return `${regime}: ${settings.join(", ")}`;
}
