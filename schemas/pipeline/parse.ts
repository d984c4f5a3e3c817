import { z } from "zod";
import { hashOf } from "../canonical-json.ts";
import { PlatformError } from "../platform-error.ts";
import type { ErrorLocation } from "../platform-error.ts";
import { pipelineSchema } from "./pipeline.ts";
import type { Pipeline } from "./pipeline.ts";
import { problemsOf } from "./reading/schema-problems.ts";
import { checkSemantics } from "./semantics.ts";
import { readYaml } from "./reading/yaml-document.ts";
import type { Problem, YamlFile } from "./reading/yaml-document.ts";

export { jsonSchema } from "./reading/json-schema.ts";
export type { JsonSchema } from "./reading/json-schema.ts";

/** A checked pipeline and the identity of its meaning. */
export interface ParsedPipeline {
  readonly pipeline: Pipeline;
  /** `hashOf` the spec with all defaults filled in: comments, order and spelling do not change it. */
  readonly hash: string;
}

export interface ParseOptions {
  /** Checks that need what schemas may not import, e.g. the parameter tables of the trainers. */
  readonly extraChecks?: (pipeline: Pipeline) => readonly Problem[];
}

/**
 * Reads a pipeline file: YAML, then the schema, then what only fits together or not.
 *
 * @param fileName as the user gave it; stands in every location
 * @throws {PlatformError} invalid_pipeline: every problem of the first stage that failed, each with line, field,
 *   expected and found, in line order
 * @throws {PlatformError} task_not_yet: the file is valid and its task has no trainer yet
 */
export function parsePipeline(text: string, fileName: string, options: ParseOptions = {}): ParsedPipeline {
  const file = readYaml(text);
  if (file.problems.length > 0)
    throw invalid(
      fileName,
      file.problems.map((p) => ({ file: fileName, ...p })),
    );
  const checked = pipelineSchema.safeParse(withTaskDefaults(file.value));
  if (!checked.success)
    throw invalid(fileName, located(problemsOf(checked.error.issues, file.value), file, fileName));
  const pipeline = checked.data;
  const problems = [...checkSemantics(pipeline), ...(options.extraChecks?.(pipeline) ?? [])];
  if (problems.length > 0) throw invalid(fileName, located(problems, file, fileName));
  refuseTasksWithoutTrainer(pipeline, file, fileName);
  return { pipeline, hash: hashOf(pipeline) };
}

/** Detectors need no target, so that the default candidates are of the task. */
function withTaskDefaults(value: unknown): unknown {
  const given = looseFileSchema.safeParse(value);
  if (!given.success || given.data.task.kind !== "anomaly" || given.data.candidates !== undefined)
    return value;
  return { ...given.data, candidates: [{ kind: "pca_monitor" }] };
}

const looseFileSchema = z.looseObject({
  task: z.looseObject({ kind: z.string() }),
  candidates: z.unknown().optional(),
});

function refuseTasksWithoutTrainer(pipeline: Pipeline, file: YamlFile, fileName: string): void {
  const { kind } = pipeline.task;
  if (kind !== "forecast") return;
  const expected = "failure_within, class, rul or anomaly";
  throw new PlatformError(
    "task_not_yet",
    `${fileName}: the task ${kind} is declared but has no trainer yet`,
    {
      locations: [
        { file: fileName, line: file.lineOf(["task", "kind"]), field: "task.kind", expected, found: kind },
      ],
    },
  );
}

function located(problems: readonly Problem[], file: YamlFile, fileName: string): ErrorLocation[] {
  // A misspelt key often leaves another one missing in the same line: the cause first.
  const causesFirst = [...problems].sort((a, b) => Number(b.key !== undefined) - Number(a.key !== undefined));
  return causesFirst.map((p) => ({
    file: fileName,
    line: file.lineOf(p.path, p.key),
    field: fieldName(p),
    expected: p.expected,
    found: p.found,
  }));
}

/** `sources.readings.columns.2.unit`; the whole file is `(file)`. */
function fieldName(problem: Problem): string {
  const steps = problem.key === undefined ? problem.path : [...problem.path, problem.key];
  return steps.length === 0 ? "(file)" : steps.join(".");
}

function invalid(fileName: string, locations: readonly ErrorLocation[]): PlatformError {
  const sorted = [...locations].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const first = sorted[0];
  const more = sorted.length > 1 ? ` (and ${sorted.length - 1} more)` : "";
  const at = `${fileName}:${first?.line ?? 1}: ${first?.field === undefined ? "" : `${first.field}: `}`;
  return new PlatformError(
    "invalid_pipeline",
    `${at}expected ${first?.expected ?? "a pipeline"}, found ${first?.found ?? "nothing"}${more}`,
    { locations: sorted },
  );
}
