import { z } from "zod";
import { hashOf } from "../canonical-json.ts";
import { pipelineSchema } from "./pipeline.ts";
import type { Pipeline } from "./pipeline.ts";
import { invalidFile, located } from "./reading/located-problems.ts";
import { problemsOf } from "./reading/schema-problems.ts";
import { checkSemantics } from "./semantics.ts";
import { readYaml } from "./reading/yaml-document.ts";
import type { Problem } from "./reading/yaml-document.ts";

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
 */
export function parsePipeline(text: string, fileName: string, options: ParseOptions = {}): ParsedPipeline {
  const file = readYaml(text);
  if (file.problems.length > 0)
    throw invalidFile(
      "invalid_pipeline",
      fileName,
      file.problems.map((p) => ({ file: fileName, ...p })),
    );
  const checked = pipelineSchema.safeParse(withTaskDefaults(file.value));
  if (!checked.success)
    throw invalidFile(
      "invalid_pipeline",
      fileName,
      located(problemsOf(checked.error.issues, file.value), file, fileName),
    );
  const pipeline = checked.data;
  const problems = [...checkSemantics(pipeline), ...(options.extraChecks?.(pipeline) ?? [])];
  if (problems.length > 0) throw invalidFile("invalid_pipeline", fileName, located(problems, file, fileName));
  return { pipeline, hash: hashOf(pipeline) };
}

const looseFileSchema = z.looseObject({ task: z.looseObject({ kind: z.string() }) });

/** What the file leaves out and the task knows better than the schema. */
function withTaskDefaults(value: unknown): unknown {
  const given = looseFileSchema.safeParse(value);
  if (!given.success) return value;
  switch (given.data.task.kind) {
    case "anomaly":
      // Detectors need no target.
      return { candidates: [{ kind: "pca_monitor" }], ...given.data };
    case "forecast":
      return {
        ...FORECAST_DEFAULTS,
        ...forecastFeatures(value),
        ...given.data,
        split: withTimeHoldout(given.data["split"]),
      };
    default:
      return value;
  }
}

/** A forecast that is no better than the naive one is not worth serving. */
const FORECAST_DEFAULTS = { gates: [{ metric: "mase", max: 1 }] };

const looseForecastSchema = z.looseObject({
  task: z.looseObject({ column: z.string() }),
  sources: z.record(z.string(), z.looseObject({ time: z.looseObject({ kind: z.string() }).optional() })),
});

/** The recent past of the column, and the time of day where time is a calendar; all sensors as they are now. */
function forecastFeatures(value: unknown): object {
  const given = looseForecastSchema.safeParse(value);
  if (!given.success) return {};
  const { task, sources } = given.data;
  const columns = [task.column];
  const hasCalendar = Object.values(sources).some(({ time }) => time?.kind === "timestamp");
  return {
    features: [
      { current: { columns: "*" } },
      { lag: { columns, steps: [1, 2, 3, 6, 12, 23] } },
      { rolling: { columns, stats: ["mean", "std", "slope"], windows: [6, 24] } },
      ...(hasCalendar ? [{ cyclical: { of: ["hour_of_day"] } }] : []),
    ],
  };
}

/** The past is learnt from, what came after it judges. */
function withTimeHoldout(split: unknown): unknown {
  if (split === undefined) return { holdout: { by: "time" } };
  const isObject = typeof split === "object" && split !== null && !Array.isArray(split);
  return isObject ? { holdout: { by: "time" }, ...split } : split;
}
