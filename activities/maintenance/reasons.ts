import { tableFromIPC } from "apache-arrow";
import { ExplainerThread } from "../../inference/explanation/explainer-thread.ts";
import { describeExplanation, explainedOutput } from "../../inference/explanation/describe-explanation.ts";
import { signatureSchema } from "../../schemas/models/model-version.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { Reason } from "./messages.ts";

type ReasonDeps = Pick<ActivityDeps, "db" | "objects">;

/** Contributions that are named. */
const MOST_REASONS = 5;
const MAX_SEGMENT_BYTES = 512 * 2 ** 20;
const MAX_EXPLANATION_BYTES = 256 * 2 ** 20;

/**
 * What moved a traced answer most, from its stored inputs and the version that gave it.
 *
 * @throws {PlatformError} not_ready: its trace is not stored yet; not_explainable; not_found; integrity
 */
export async function reasonsOf({ db, objects }: ReasonDeps, predictionId: string): Promise<Reason[]> {
  const row = await db.predictions.get(predictionId);
  if (row === undefined || row.object === null)
    throw new PlatformError("not_ready", `explain prediction [${predictionId}]: its trace is not stored yet`);
  const { model, version, digest, value, offset } = row;
  const made = await db.registry.version(model, version);
  const { signature: signatureRef, explanation } = made?.manifest.files ?? {};
  if (made?.digest !== digest || signatureRef === undefined)
    throw new PlatformError(
      "integrity",
      `explain [${model}@${version}]: it is not the version that answered`,
    );
  if (explanation === undefined)
    throw new PlatformError("not_explainable", `explain [${model}@${version}]: it has no explanation file`);
  const features = featuresIn(await objects.get(row.object, MAX_SEGMENT_BYTES), { offset, predictionId });
  const signature = await getDocument(objects, signatureRef, signatureSchema);
  // Recommendations are rare: a thread that stays would hold models for nothing.
  const thread = new ExplainerThread({ maxModels: 1 });
  try {
    const explained = await thread.explain(
      {
        key: digest,
        nFeatures: signature.inputs.length,
        read: () => objects.get(explanation, MAX_EXPLANATION_BYTES),
      },
      features,
      1,
    );
    const output = explainedOutput(signature, value);
    const given = { row: 0, output, values: features, limit: MOST_REASONS };
    return describeExplanation(signature, explained, given).contributions;
  } finally {
    await thread.close();
  }
}

/** The row of the input tensor. @throws {PlatformError} integrity */
function featuresIn(
  bytes: Uint8Array,
  { offset, predictionId }: { readonly offset: number; readonly predictionId: string },
): Float64Array {
  const row = tableFromIPC(bytes).get(offset);
  if (row === null || String(row["predictionId"]) !== predictionId)
    throw new PlatformError(
      "integrity",
      `explain prediction [${predictionId}]: it is not where its index says`,
    );
  return Float64Array.from(row["features"] as Iterable<number>);
}
