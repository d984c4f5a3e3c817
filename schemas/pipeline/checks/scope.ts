import type { ProblemKind } from "../label.ts";
import { usableColumns } from "../personal.ts";
import type { Pipeline } from "../pipeline.ts";
import { withSuggestion } from "../reading/nearest.ts";
import type { FieldPath, Problem } from "../reading/yaml-document.ts";
import type { Column, Source } from "../source.ts";
import type { Span } from "../time.ts";

/** What the checks know about a pipeline, and where they put what they find. */
export interface Scope {
  readonly pipeline: Pipeline;
  /** Name and declaration of the one readings source; undefined when there is none or more than one. */
  readonly readings: { readonly name: string; readonly source: Source } | undefined;
  /** Columns of the readings that may be features, by name. */
  readonly columns: ReadonlyMap<string, Column>;
  readonly parts: ReadonlySet<string>;
  readonly hasAsset: boolean;
  readonly timeKind: "timestamp" | "cycle" | "none";
  readonly problems: Problem[];
}

/** Collects the facts of a pipeline once. */
export function scopeOf(pipeline: Pipeline): Scope {
  const all = Object.entries(pipeline.sources).filter(([, s]) => s.role === "readings");
  const [name, source] = all.length === 1 ? (all[0] ?? []) : [];
  const readings = name === undefined || source === undefined ? undefined : { name, source };
  const keys = new Set([source?.asset, source?.time?.column]);
  return {
    pipeline,
    readings,
    columns: new Map(
      (source === undefined ? [] : usableColumns(source))
        .filter((c) => !keys.has(c.name))
        .map((c) => [c.name, c]),
    ),
    parts: new Set((source?.files ?? []).flatMap((f) => f.part ?? [])),
    hasAsset: source?.asset !== undefined,
    timeKind: source?.time?.kind ?? "none",
    problems: [],
  };
}

/** What the trainer sees. */
export function problemKindOf(pipeline: Pipeline): ProblemKind {
  const { label, task } = pipeline;
  if (task.kind === "rul") return "regression";
  if (task.kind === "failure_within") return "binary";
  if (task.kind === "anomaly" || task.kind === "forecast") return task.kind;
  return label.kind === "column" && label.positive !== undefined ? "binary" : "multiclass";
}

export function report(scope: Scope, path: FieldPath, expected: string, found: string): void {
  scope.problems.push({ path, expected, found });
}

/** Reports a name that is not among `known`, with the nearest one; personal columns are never among them. */
export function reportUnknown(
  scope: Scope,
  path: FieldPath,
  unknown: { readonly what: string; readonly name: string; readonly known: Iterable<string> },
): void {
  const known = [...unknown.known];
  const list = known.length > 0 && known.length <= 12 ? ` (${known.join(", ")})` : "";
  const isPersonal = Object.values(scope.pipeline.sources).some(
    ({ pii, columns }) =>
      pii?.includes(unknown.name) === true && columns.some(({ name }) => name === unknown.name),
  );
  const found = isPersonal ? `'${unknown.name}', which is personal (pii)` : `'${unknown.name}'`;
  report(scope, path, withSuggestion(`${unknown.what}${list}`, unknown.name, known), found);
}

/** A span that must be in the unit of the readings' time. */
export function checkTimeSpan(scope: Scope, path: FieldPath, span: Span): void {
  if (scope.timeKind === "timestamp" && typeof span === "number") {
    report(scope, path, "a duration such as 72h, because time is a timestamp", String(span));
  } else if (scope.timeKind === "cycle" && typeof span === "string") {
    report(scope, path, "a whole number of cycles, because time is a cycle", span);
  } else if (scope.timeKind === "none") {
    report(scope, path, "a time column in the readings, to have a span of", String(span));
  }
}

/** A source of a role that something refers to by name; undefined (and reported) when it is not there. */
export function sourceOfRole(
  scope: Scope,
  path: FieldPath,
  wanted: { readonly name: string; readonly role: Source["role"] },
): Source | undefined {
  const source = scope.pipeline.sources[wanted.name];
  if (source?.role === wanted.role) return source;
  const known = Object.entries(scope.pipeline.sources).filter(([, s]) => s.role === wanted.role);
  const what =
    known.length === 0
      ? `a source with role ${wanted.role} (there is none)`
      : `a source with role ${wanted.role}`;
  reportUnknown(scope, path, { what, name: wanted.name, known: known.map(([n]) => n) });
  return undefined;
}

/** Names that rows of a source are known by: declared columns, asset and time. */
export function namesIn(source: Source): Set<string> {
  const names = new Set(usableColumns(source).map((c) => c.name));
  if (source.asset !== undefined) names.add(source.asset);
  if (source.time !== undefined) names.add(source.time.column);
  return names;
}
