import { z } from "zod";
import { answerExplanationSchema } from "../../../schemas/serving/explanation.ts";
import { signatureSchema } from "../../../schemas/models/model-version.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { getDocument } from "../../../stores/objects/documents.ts";
import type { ApiDeps } from "../../deps.ts";
import { describeExplanation, explainedOutput } from "../../../inference/explanation/describe-explanation.ts";
import type { ExplainableVersion } from "../../serving/explanations.ts";
import { tracedFeatures } from "../../trace/trace-rows.ts";
import { found } from "../parts.ts";

export const tracedExplanationSchema = z.strictObject({
  predictionId: z.string(),
  model: z.string(),
  version: z.int(),
  digest: z.string(),
  asset: z.string().nullable(),
  at: z.string(),
  /** Headline of the answer: the value, the probability, or the index of the likeliest class. */
  value: z.number(),
  explanation: answerExplanationSchema,
});

/** Largest segment that is read. */
const MAX_SEGMENT_BYTES = 512 * 2 ** 20;

/**
 * Explains a stored prediction by the version that made it, champion or not.
 *
 * @throws {PlatformError} conflict (its trace is still in the spool), integrity (segment and index disagree),
 *   not_explainable
 */
export async function explainTraced(
  id: string,
  limit: number,
  { database, objects, explanations }: ApiDeps,
): Promise<z.infer<typeof tracedExplanationSchema>> {
  const row = found(await database().predictions.get(id), "prediction");
  const { predictionId, model, version, digest, asset, at, value } = row;
  if (row.object === null) {
    await database().predictions.want(row.segment);
    throw new PlatformError(
      "conflict",
      `explain prediction [${id}]: its trace is not stored yet, ask again in some seconds`,
    );
  }
  const bytes = Buffer.from(await objects.get(row.object, MAX_SEGMENT_BYTES));
  const features = tracedFeatures(bytes, { rowNumber: row.offset, predictionId });
  if (features === undefined)
    throw new PlatformError("integrity", `explain prediction [${id}]: it is not where its index says`);
  const made = await explainableVersion({ model, version, digest }, { database, objects });
  const explained = await explanations.explain(made, features, 1);
  const output = explainedOutput(made.signature, value);
  const given = { row: 0, output, values: features, limit };
  return {
    predictionId,
    model,
    version,
    digest,
    asset,
    at,
    value,
    explanation: describeExplanation(made.signature, explained, given),
  };
}

async function explainableVersion(
  { model, version, digest }: Pick<ExplainableVersion, "model" | "version" | "digest">,
  { database, objects }: Pick<ApiDeps, "database" | "objects">,
): Promise<ExplainableVersion> {
  const row = found(await database().registry.version(model, version), "version");
  const { signature: signatureRef, explanation } = row.manifest.files;
  if (row.digest !== digest || signatureRef === undefined)
    throw new PlatformError(
      "integrity",
      `explain [${model}@${version}]: expected digest ${digest}, got ${row.digest}`,
    );
  const signature = await getDocument(objects, signatureRef, signatureSchema);
  return { model, version, digest, signature, ...(explanation === undefined ? {} : { explanation }) };
}
