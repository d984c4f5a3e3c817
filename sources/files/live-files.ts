import { formatSchema } from "../../schemas/pipeline/source.ts";
import type { Source } from "../../schemas/pipeline/source.ts";

/**
 * Files that a retrain makes of what was stored since: readings of a live source, failures that were reported. They are raw
 * files of their run like uploaded ones, and belong to their source whatever its patterns say.
 */
const LIVE_PREFIX = "@live/";

/** @param key tells one extraction from the others */
export function liveFileName(source: string, key: string): string {
  return `${LIVE_PREFIX}${source}/${key}.csv`;
}

/** Source that a file was made for; undefined for all other files. */
export function liveSourceOf(name: string): string | undefined {
  return name.startsWith(LIVE_PREFIX) ? name.split("/")[1] : undefined;
}

/** A source as its live files are written: plain CSV with times in ISO 8601, whatever its own files look like. */
export function asLiveFile(source: Source): Source {
  const { time } = source;
  const plain = time === undefined ? {} : { time: { column: time.column, kind: time.kind, timezone: "UTC" } };
  return { ...source, ...plain, format: formatSchema.parse({ nullValues: [""] }) };
}
