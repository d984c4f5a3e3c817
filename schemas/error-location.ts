import { z } from "zod";
import type { ErrorLocation } from "./platform-error.ts";

/** `ErrorLocation` as replies, run rows and failures carry it. */
export const errorLocationSchema = z.object({
  file: z.string().exactOptional(),
  line: z.number().exactOptional(),
  field: z.string().exactOptional(),
  expected: z.string().exactOptional(),
  found: z.string().exactOptional(),
});

/** Locations kept of one failure; the message counts the rest. */
export const MAX_LOCATIONS = 20;
/** Characters kept of each part: a row of a hostile file may be a megabyte. */
const MAX_PART = 300;

/**
 * Locations as they are kept in run rows and in Temporal's failures, whatever the data that caused them: at most 20,
 * each part at most 300 characters. Half of a character at the cut is dropped.
 */
export function boundedLocations(locations: readonly ErrorLocation[]): ErrorLocation[] {
  return locations.slice(0, MAX_LOCATIONS).map(({ file, line, field, expected, found }) => ({
    ...(file === undefined ? {} : { file: clipped(file) }),
    ...(line === undefined ? {} : { line }),
    ...(field === undefined ? {} : { field: clipped(field) }),
    ...(expected === undefined ? {} : { expected: clipped(expected) }),
    ...(found === undefined ? {} : { found: clipped(found) }),
  }));
}

function clipped(text: string): string {
  if (text.length <= MAX_PART) return text;
  return `${text.slice(0, MAX_PART - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
