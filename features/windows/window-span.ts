import { durationMs } from "../../schemas/pipeline/time.ts";
import type { Span } from "../../schemas/pipeline/time.ts";

/**
 * A window that ends with, and includes, the present reading.
 *
 * - `rows` n: the last n readings of the asset (readings without a value count as readings).
 * - `us` w: readings with a time in (t − w, t], in microseconds; of several readings at the same time, those that
 *   come later in file order are not seen yet.
 */
export type WindowSpan = { readonly rows: number } | { readonly us: number };

/** A number is a count of readings; a duration text is time. */
export function windowSpanOf(span: Span): WindowSpan {
  return typeof span === "number" ? { rows: span } : { us: durationMs(span) * 1000 };
}

/** First index of the window that ends at `index`. */
export function windowStart(span: WindowSpan, index: number, t: ArrayLike<number>): number {
  if ("rows" in span) return Math.max(0, index - span.rows + 1);
  const now = t[index] ?? 0;
  let start = index;
  while (start > 0 && (t[start - 1] ?? 0) > now - span.us) start--;
  return start;
}

/** What a sliding window is keyed by, and the least key it keeps. */
export function windowKey(
  span: WindowSpan,
  row: { index: number; t: number },
): { key: number; least: number } {
  return "rows" in span
    ? { key: row.index, least: row.index - span.rows + 1 }
    : // Times are whole microseconds: t > now − w is the same as t ≥ now − w + 1.
      { key: row.t, least: row.t - span.us + 1 };
}
