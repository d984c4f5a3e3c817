import type { PipelineClasses } from "../../numerics/onnx/adaptation/class-labels.ts";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import type { ImportSignature } from "../../schemas/models/model-import.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { Beat } from "../heartbeat.ts";
import type { Problem } from "../training/problem.ts";

/** Largest graph that is taken: as large as one that is served. */
export const MAX_GRAPH_BYTES = 256 * 2 ** 20;

export interface GraphRequest {
  readonly file: ObjectRef;
  readonly signature: Pick<ImportSignature, "input" | "output" | "column" | "unusual">;
  readonly problem: Problem;
  /** Names of the features, in their order. */
  readonly features: readonly string[];
  /** Of classes; null: columns are taken as they are. */
  readonly classes: PipelineClasses | null;
}

/**
 * What a pipeline calls its classes, for a graph that names its own.
 *
 * @param classLabels in code order, of several classes
 * @param areCodes the graph was trained on codes, so that its whole numbers are no names
 */
export function pipelineClasses(
  { label }: Pick<Pipeline, "label">,
  { kind }: Pick<Problem, "kind">,
  { classLabels, areCodes }: { readonly classLabels: readonly string[] | null; readonly areCodes: boolean },
): PipelineClasses | null {
  if (kind === "multiclass") return classLabels === null ? null : { names: classLabels, areCodes };
  if (kind !== "binary") return null;
  const positive = label.kind === "column" ? (label.positive ?? true) : true;
  // A truth value is a number to many converters.
  const number = typeof positive === "boolean" ? [String(Number(positive))] : [];
  return { names: [String(positive), ...number], areCodes };
}

/**
 * A file from elsewhere as a graph in the served form, stored. No runtime has seen it yet.
 *
 * @throws {PlatformError} model_refused, with the reason
 */
export async function graphOfFile(
  deps: Pick<ActivityDeps, "objects" | "cpu">,
  { file, signature, problem, features, classes }: GraphRequest,
  beat: Beat,
): Promise<ObjectRef> {
  if (file.bytes > MAX_GRAPH_BYTES)
    throw new PlatformError("model_refused", `import model: it is larger than ${MAX_GRAPH_BYTES} bytes`);
  const bytes = await deps.objects.get(file, MAX_GRAPH_BYTES);
  const { kind, forecast } = problem;
  const { input, output, column, unusual } = signature;
  const adapted = await deps.cpu.run(
    "adaptGraph",
    {
      bytes,
      taskKind: kind,
      nFeatures: features.length,
      featureNames: features,
      ...(input === undefined ? {} : { input }),
      ...(output === undefined ? {} : { output }),
      ...(column === undefined ? {} : { column }),
      ...(classes === null ? {} : { classes }),
      ...(kind === "anomaly" && unusual === "lower" ? { isLowerUnusual: true } : {}),
      ...(forecast === undefined
        ? {}
        : { forecast: { nHorizons: forecast.horizons.length, nQuantiles: forecast.quantiles.length } }),
    },
    beat,
  );
  if ("refused" in adapted) throw new PlatformError("model_refused", `import model: ${adapted.refused}`);
  return deps.objects.put(`processed/onnx/${sha256Hex(adapted.onnx)}.onnx`, adapted.onnx);
}
