import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { matcherOf } from "../../sources/files/resolve-files.ts";

/**
 * The pipeline as scoring needs it: no truth (labels sources), and only the file groups that were given, so that a folder
 * with new readings alone is enough. The thresholds of training data quality do not apply to a fleet's latest files, and
 * nothing in it need have failed.
 *
 * @throws {PlatformError} bad_file when no readings file was given
 */
export function scoringPipeline(pipeline: Pipeline, names: readonly string[]): Pipeline {
  const isGiven = (pattern: string) => names.some(matcherOf(pattern));
  const sources = Object.entries(pipeline.sources).flatMap(([name, source]) => {
    if (source.role === "labels") return [];
    if (source.files === undefined) return [[name, source] as const];
    const files = source.files.filter((group) => isGiven(group.path));
    return files.length === 0 ? [] : [[name, { ...source, files }] as const];
  });
  if (!sources.some(([, source]) => source.role === "readings")) {
    const expected = Object.values(pipeline.sources)
      .flatMap((s) => (s.role === "readings" ? (s.files ?? []) : []))
      .map((g) => g.path);
    throw new PlatformError(
      "bad_file",
      `choose the files: expected readings in ${expected.join(" or ")}, found ${names.join(", ") || "no file"}`,
    );
  }
  return {
    ...pipeline,
    label: withoutWhere(pipeline.label),
    sources: Object.fromEntries(sources),
    quality: { ...pipeline.quality, maxNullShare: 1, maxBadShare: 1 },
  };
}

function withoutWhere(label: Pipeline["label"]): Pipeline["label"] {
  if (label.kind !== "events") return label;
  const { where: _where, ...rest } = label;
  return rest;
}
