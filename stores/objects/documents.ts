import { z } from "zod";
import { canonicalJson, sha256Hex } from "../../schemas/canonical-json.ts";
import { datasetManifestSchema, rawFileSchema } from "../../schemas/data/dataset.ts";
import type { DatasetManifest, RawFile } from "../../schemas/data/dataset.ts";
import { featureSetManifestSchema } from "../../schemas/data/feature-set.ts";
import type { FeatureSetManifest } from "../../schemas/data/feature-set.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { pipelineSchema } from "../../schemas/pipeline/pipeline.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "./port.ts";

/** Largest JSON document an activity reads whole. */
const MAX_DOCUMENT_BYTES = 256 * 1024 * 1024;

/** Stores a plain value as content-addressed canonical JSON; equal values share one object. */
export async function putDocument(objects: ObjectStore, value: unknown): Promise<ObjectRef> {
  const bytes = new TextEncoder().encode(canonicalJson(value));
  return objects.put(`processed/json/${sha256Hex(bytes)}.json`, bytes);
}

/**
 * Reads a stored document and checks it against its schema.
 * @throws {PlatformError} integrity when the bytes or the shape are not what was stored
 */
export async function getDocument<T>(objects: ObjectStore, ref: ObjectRef, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(
    JSON.parse(new TextDecoder().decode(await objects.get(ref, MAX_DOCUMENT_BYTES))),
  );
  if (parsed.success) return parsed.data;
  throw new PlatformError("integrity", `read document [${ref.key}]: ${z.prettifyError(parsed.error)}`);
}

export const readPipeline = (objects: ObjectStore, ref: ObjectRef): Promise<Pipeline> =>
  getDocument(objects, ref, pipelineSchema as z.ZodType<Pipeline>);
export const readRawFiles = (objects: ObjectStore, ref: ObjectRef): Promise<RawFile[]> =>
  getDocument(objects, ref, z.array(rawFileSchema));
export const readDataset = (objects: ObjectStore, ref: ObjectRef): Promise<DatasetManifest> =>
  getDocument(objects, ref, datasetManifestSchema);
export const readFeatureSet = (objects: ObjectStore, ref: ObjectRef): Promise<FeatureSetManifest> =>
  getDocument(objects, ref, featureSetManifestSchema);
