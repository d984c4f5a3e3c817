import { importSignatureSchema } from "../../schemas/models/model-import.ts";
import type { ImportSignature } from "../../schemas/models/model-import.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument, putDocument, readFeatureSet, readPipeline } from "../../stores/objects/documents.ts";
import { BASELINE_CANDIDATE } from "../candidates.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { problemOf } from "../training/problem.ts";
import type { Problem } from "../training/problem.ts";
import type { Selection } from "../training/selection.ts";
import { graphOfFile, pipelineClasses } from "./graph-of-file.ts";
import type { AdoptInput, AdoptResult } from "./messages.ts";

/** Name under which a model from elsewhere stands among the candidates of its evaluation. */
const IMPORTED = "imported";

const DEFAULT_THRESHOLD = 0.5;

/** Models from elsewhere, up to where they are evaluated like any other. */
export function createAdoptionActivities(deps: Pick<ActivityDeps, "objects" | "cpu">) {
  const { objects } = deps;
  return {
    /**
     * Checks a file, holds its signature beside the pipeline's features, and brings the graph into the served form.
     *
     * **Effects**: graph and selection objects. **Idempotency**: content. **Heartbeat**: 1 s. **Errors**: model_refused,
     * not_enough_data. **Retry**: work.
     */
    async adoptModel(input: AdoptInput): Promise<AdoptResult> {
      return withHeartbeat(async (beat) => {
        const pipeline = await readPipeline(objects, input.spec);
        const { features, classLabels } = await readFeatureSet(objects, input.featureSet);
        const signature = await getDocument(objects, input.signature, importSignatureSchema);
        const names = features.map(({ name }) => name);
        requireInputs(signature.inputs, names);
        const problem = problemOf(pipeline, classLabels ?? null);
        const labels = { classLabels: classLabels ?? null, areCodes: false };
        const classes = pipelineClasses(pipeline, problem, labels);
        const request = { file: input.file, signature, problem, features: names, classes };
        const onnx = await graphOfFile(deps, request, beat);
        const threshold = declaredThreshold(signature, problem);
        const common = { cv: {}, iterations: null, calibration: null, interval: null, offsets: null };
        const selection: Selection = {
          kind: "aura.selection/2",
          chosen: IMPORTED,
          primaryMetric: problem.primaryMetric,
          candidates: [
            {
              ...common,
              name: IMPORTED,
              kind: IMPORTED,
              threshold,
            },
            { ...common, name: BASELINE_CANDIDATE, kind: "constant", threshold: null },
          ],
          cvRows: 0,
        };
        const stored = await putDocument(objects, selection);
        return { onnx, selection: stored, primaryMetric: problem.primaryMetric, cv: {} };
      });
    },
  };
}

/**
 * The threshold on the served scale: scores that are served with the other sign are alerted from with the other sign. Of
 * anomalies without one the scores of the training rows decide, when they are known.
 *
 * @throws {PlatformError} model_refused: it is no probability
 */
export function declaredThreshold(
  { threshold, unusual }: Pick<ImportSignature, "threshold" | "unusual">,
  { kind }: Pick<Problem, "kind">,
): number | null {
  if (kind === "anomaly") {
    if (threshold === undefined) return null;
    return unusual === "lower" ? 0 - threshold : threshold;
  }
  if (kind !== "binary") return null;
  const probability = threshold ?? DEFAULT_THRESHOLD;
  if (probability >= 0 && probability <= 1) return probability;
  const expected = "a probability of 0 to 1";
  const found = String(probability);
  throw new PlatformError("model_refused", `import model: its threshold must be ${expected}, is ${found}`, {
    locations: [{ field: "signature.threshold", expected, found }],
  });
}

/** @throws {PlatformError} model_refused: other names, or another order */
export function requireInputs(declared: readonly string[], features: readonly string[]): void {
  const at = features.findIndex((name, i) => declared[i] !== name);
  if (at < 0 && declared.length === features.length) return;
  const column = at < 0 ? features.length : at;
  const expected = features[column] ?? "no more";
  const found = declared[column] ?? "none";
  throw new PlatformError(
    "model_refused",
    `import model: its inputs must be the ${features.length} features of the pipeline in their order; input ${column + 1} must be ${expected}, is ${found}`,
    { locations: [{ field: `signature.inputs.${column}`, expected, found }] },
  );
}
