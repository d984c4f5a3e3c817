import type { Where } from "../../schemas/pipeline/label.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { ErrorLocation } from "../../schemas/platform-error.ts";
import { nearestNames } from "../../schemas/text/similar-name.ts";

const MAX_VALUES = 1_000;
const NEAREST = 5;
/** Texts longer than this are no misspelt values; to compare them would take long. */
const MAX_LENGTH = 128;

/** A list of texts that a filter asks of a column. */
interface Asked {
  /** `label.where.type` */
  readonly field: string;
  readonly column: string;
  readonly values: readonly string[];
}

/**
 * The texts that filters of a pipeline (of its label and its features) name for one source, held against the rows: a
 * value that no row has is misspelt more often than not, and would leave out its events without a word. Numbers and
 * booleans have many spellings and are left to ingest. Memory: at most 1000 values of a column.
 */
export class FilterValues {
  private readonly asked: readonly Asked[];
  private readonly source: string;
  private readonly found = new Set<string>();
  private readonly seen = new Map<string, Set<string>>();

  constructor(pipeline: Pipeline, source: string) {
    this.source = source;
    const textColumns = new Set(
      pipeline.sources[source]?.columns.filter(({ type }) => type === "text").map(({ name }) => name),
    );
    this.asked = filtersOf(pipeline, source).flatMap(({ field, where }) =>
      Object.entries(where)
        .filter(([column]) => textColumns.has(column))
        .map(([column, wanted]) => ({
          field: `${field}.${column}`,
          column,
          values: (Array.isArray(wanted) ? wanted : [wanted]).map(String),
        })),
    );
    for (const { column } of this.asked) this.seen.set(column, new Set());
  }

  get isEmpty(): boolean {
    return this.asked.length === 0;
  }

  /** Takes an accepted row. */
  take(columns: readonly string[], fields: readonly string[]): void {
    for (const [column, seen] of this.seen) {
      const cell = fields[columns.indexOf(column)] ?? "";
      if (cell === "" || seen.has(cell)) continue;
      if (seen.size < MAX_VALUES) seen.add(cell);
      for (const one of this.asked) {
        if (one.column === column && one.values.includes(cell)) this.found.add(keyOf(column, cell));
      }
    }
  }

  /** One for each value that no row had. */
  faults(): ErrorLocation[] {
    return this.asked.flatMap(({ field, column, values }) =>
      values
        .filter((value) => !this.found.has(keyOf(column, value)))
        .map((value) => {
          const there = [...(this.seen.get(column) ?? [])].filter((text) => text.length <= MAX_LENGTH);
          const nearest = nearestNames(value.slice(0, MAX_LENGTH), there, NEAREST).join(", ");
          const expected = `a value of ${column} that some row of ${this.source} has`;
          return { field, expected, found: `'${value}'; nearest there: ${nearest || "nothing"}` };
        }),
    );
  }
}

function keyOf(column: string, value: string): string {
  return JSON.stringify([column, value]);
}

/** Filters of the label and of features over rows of a source. */
function filtersOf({ label, features }: Pipeline, source: string): { field: string; where: Where }[] {
  const filters: { field: string; where: Where }[] = [];
  if (label.kind === "events" && label.source === source && label.where !== undefined)
    filters.push({ field: "label.where", where: label.where });
  const replacements = label.kind === "events" ? label.replacements : undefined;
  if (replacements?.source === source && replacements.where !== undefined)
    filters.push({ field: "label.replacements.where", where: replacements.where });
  const collect = (value: unknown, field: string): void => {
    if (typeof value !== "object" || value === null) return;
    const { source: from, where } = value as { source?: unknown; where?: Where };
    if (from === source && where !== undefined) filters.push({ field: `${field}.where`, where });
    for (const [member, inner] of Object.entries(value)) {
      if (member !== "where") collect(inner, `${field}.${member}`);
    }
  };
  collect(features, "features");
  return filters;
}
