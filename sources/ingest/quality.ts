import type { z } from "zod";
import type { SourceCounts } from "../../schemas/data/dataset.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { qualitySchema } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ErrorLocation } from "../../schemas/platform-error.ts";
import { withSuggestion } from "../../schemas/pipeline/reading/nearest.ts";
import type { FileOutcome } from "./source-ingest.ts";

export type QualityRules = z.infer<typeof qualitySchema>;

/** What a source looked like when it was read. */
export interface SourceQuality {
  readonly name: string;
  readonly counts: SourceCounts;
  readonly files: readonly FileOutcome[];
  /** Column → missing values among the accepted rows; ignored columns are left out. */
  readonly nulls: ReadonlyMap<string, number>;
  /** Some of the quarantined rows. */
  readonly examples: readonly ErrorLocation[];
}

/**
 * Holds the sources to the pipeline's quality rules, all of them before it speaks.
 *
 * Nothing is registered when it throws, not even the quarantine: the message and the locations must say enough.
 *
 * @throws {PlatformError} bad_file: a file has other columns than declared
 * @throws {PlatformError} quality_gate: a rule is broken; either with one location per broken rule and some of the
 *   rows, and the counts by source in `details.counts`
 */
export function requireQuality(pipeline: Pipeline, sources: readonly SourceQuality[]): void {
  const ofSchema = sources.flatMap((s) => schemaFaults(pipeline, s));
  const ofRows = sources.flatMap((s) => [
    ...noRowFaults(pipeline, s),
    ...badShareFaults(pipeline.quality, s),
    ...nullFaults(pipeline.quality, s),
  ]);
  const faults = [...ofSchema, ...ofRows];
  if (faults.length === 0) return;
  throw new PlatformError(ofSchema.length > 0 ? "bad_file" : "quality_gate", sentencesOf(faults), {
    locations: faults,
    details: { counts: Object.fromEntries(sources.map((s) => [s.name, s.counts])) },
  });
}

/** Broken rules that the message spells out; all of them are locations. */
const MAX_SAID = 10;

/** Faults as one message, but for the values of single rows: these are examples, and locations beside it. */
export function sentencesOf(faults: readonly ErrorLocation[]): string {
  const rules = faults.filter(({ line, field }) => line === undefined || field === undefined);
  const said = rules.slice(0, MAX_SAID).map(sentenceOf).join("; ");
  return rules.length > MAX_SAID ? `${said} (and ${rules.length - MAX_SAID} more)` : said;
}

function sentenceOf({ file, line, field, expected, found }: ErrorLocation): string {
  const where = line === undefined ? (file ?? field ?? "data") : `${file ?? "data"}:${line}`;
  return `${where}: expected ${expected}, found ${found}`;
}

function schemaFaults(pipeline: Pipeline, { name, files }: SourceQuality): ErrorLocation[] {
  const source = pipeline.sources[name];
  const declared = (source?.columns ?? []).map((c) => c.name);
  return files.flatMap(({ resolved, staged }) => {
    const faults: ErrorLocation[] = [];
    const share = staged.missingColumns.length / Math.max(1, declared.length);
    if (share > pipeline.quality.maxSchemaDrift) {
      const missing = staged.missingColumns
        .slice(0, 10)
        .map((c) => withSuggestion(`'${c}'`, c, staged.unknownColumns));
      faults.push({
        file: resolved.name,
        field: `sources.${name}.columns`,
        expected: `the declared columns, at most ${percent(pipeline.quality.maxSchemaDrift)} absent`,
        found: `without ${missing.join(", ")}`,
      });
    }
    if (staged.unknownColumns.length > 0 && source?.unknownColumns === "reject") {
      faults.push({
        file: resolved.name,
        field: `sources.${name}.unknownColumns`,
        expected: "declared columns only",
        found: staged.unknownColumns
          .slice(0, 10)
          .map((c) => `'${c}'`)
          .join(", "),
      });
    }
    return faults;
  });
}

/** Readings of which nothing can be used, whatever share of bad rows is allowed. */
function noRowFaults(
  { sources, quality }: Pipeline,
  { name, counts, examples }: SourceQuality,
): ErrorLocation[] {
  if (sources[name]?.role !== "readings" || counts.accepted > 0) return [];
  // Said by the share already.
  if (counts.read > 0 && quality.maxBadShare < 1) return [];
  return [
    {
      field: `sources.${name}`,
      expected: "at least one row that can be used",
      found: counts.read === 0 ? "no row" : `all ${counts.read} rows refused (${reasonsOf(counts)})`,
    },
    ...examples,
  ];
}

function reasonsOf({ byReason }: SourceCounts): string {
  return Object.entries(byReason)
    .map(([code, n]) => `${n} ${code}`)
    .join(", ");
}

/** Too many bad rows in a source, with some of them; empty when there are not. */
export function badShareFaults(
  rules: QualityRules,
  { name, counts, examples }: Pick<SourceQuality, "name" | "counts" | "examples">,
): ErrorLocation[] {
  const share = counts.quarantined / Math.max(1, counts.read);
  if (share <= rules.maxBadShare) return [];
  return [
    {
      field: `sources.${name}`,
      expected: `at most ${percent(rules.maxBadShare)} bad rows (quality.maxBadShare)`,
      found: `${counts.quarantined} of ${counts.read} (${reasonsOf(counts)})`,
    },
    ...examples,
  ];
}

function nullFaults(rules: QualityRules, { name, counts, nulls }: SourceQuality): ErrorLocation[] {
  return [...nulls].flatMap(([column, n]) => {
    const share = n / Math.max(1, counts.accepted);
    if (share <= rules.maxNullShare) return [];
    return [
      {
        field: `sources.${name}.columns.${column}`,
        expected: `at most ${percent(rules.maxNullShare)} missing (quality.maxNullShare)`,
        found: percent(share),
      },
    ];
  });
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}
