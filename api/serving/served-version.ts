import type { z } from "zod";
import { parseView } from "../../features/feature-view.ts";
import type { FeatureView } from "../../features/feature-view.ts";
import type { ServedModel } from "../../inference/served-model.ts";
import { fittedStateSchema } from "../../schemas/data/feature-set.ts";
import type { FittedState } from "../../schemas/data/feature-set.ts";
import { goldenSchema } from "../../schemas/models/golden.ts";
import type { Golden } from "../../schemas/models/golden.ts";
import { signatureSchema } from "../../schemas/models/model-version.ts";
import type { Signature, VersionFileRole, VersionManifest } from "../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { withThreshold } from "../../schemas/serving/served-threshold.ts";
import { versionDigest } from "../../schemas/models/version-digest.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import { createRowEncoder } from "./row-encoder.ts";
import type { RowEncoder } from "./row-encoder.ts";
import { RowTemplate } from "./row-template.ts";

/** Which version of a model serves; enough to fetch and verify it without the database. */
export interface VersionPointer {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly manifest: VersionManifest;
  /** Set since it was trained; absent: its own. */
  readonly threshold?: number | undefined;
}

/** A version whose every file was fetched and verified, as `/predict` needs it. */
export interface ServedVersion {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly signature: Signature;
  readonly encoder: RowEncoder;
  /** Reads plain rows straight from a body. */
  readonly rowTemplate: RowTemplate;
  /** For requests with readings. */
  readonly view: FeatureView;
  readonly fitted: FittedState;
  /** Absent in versions that were made elsewhere or by an earlier release. */
  readonly explanation?: ObjectRef;
}

/** Largest ONNX file that is served. */
const MAX_MODEL_BYTES = 256 * 2 ** 20;

/**
 * Fetches the files of a version, each verified by its hash, and holds the manifest against the digest that
 * was approved.
 *
 * @throws {PlatformError} integrity, objects_unavailable, model_refused (signature and golden vectors disagree)
 */
export async function fetchVersion(
  pointer: VersionPointer,
  objects: ObjectStore,
): Promise<{ served: ServedVersion; model: ServedModel }> {
  checkDigest(pointer);
  const onnx = refOf(pointer, "onnx");
  const own = await readJson(objects, refOf(pointer, "signature"), signatureSchema);
  const signature = withThreshold(own, pointer.threshold);
  const golden = await readJson(objects, refOf(pointer, "golden"), goldenSchema);
  const fitted = await readJson(objects, refOf(pointer, "fitted"), fittedStateSchema);
  const view = parseView(Buffer.from(await objects.get(refOf(pointer, "view"))).toString("utf8"));
  const bytes = await objects.get(onnx, MAX_MODEL_BYTES);
  const { model, version, digest } = pointer;
  const { explanation } = pointer.manifest.files;
  const nFeatures = signature.inputs.length;
  return {
    served: {
      model,
      version,
      digest,
      signature,
      encoder: createRowEncoder(signature),
      rowTemplate: new RowTemplate(signature),
      view,
      fitted,
      ...(explanation === undefined ? {} : { explanation }),
    },
    model: {
      key: digest,
      bytes,
      sha256: onnx.sha256,
      nFeatures,
      outputName: signature.output.name,
      golden: goldenVectors(golden, nFeatures),
    },
  };
}

function checkDigest({ model, digest, manifest }: VersionPointer): void {
  const found = versionDigest(manifest);
  if (found === digest && manifest.model === model) return;
  throw new PlatformError("integrity", `load version [${model}]: expected digest ${digest}, got ${found}`);
}

function refOf({ model, manifest }: VersionPointer, role: VersionFileRole): ObjectRef {
  const ref = manifest.files[role];
  if (ref !== undefined) return ref;
  throw new PlatformError("model_refused", `load version [${model}]: the manifest has no ${role} file`);
}

async function readJson<T>(objects: ObjectStore, ref: ObjectRef, schema: z.ZodType<T>): Promise<T> {
  const bytes = await objects.get(ref);
  const parsed = schema.safeParse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  if (parsed.success) return parsed.data;
  throw new PlatformError("model_refused", `load version [${ref.key}]: ${parsed.error.issues[0]?.message}`);
}

function goldenVectors(golden: Golden, nFeatures: number): ServedModel["golden"] {
  const nOutputs = golden.outputs[0]?.length ?? 0;
  const isWhole =
    golden.rows.length === golden.outputs.length &&
    golden.rows.every((row) => row.length === nFeatures) &&
    golden.outputs.every((row) => row.length === nOutputs);
  if (!isWhole) {
    throw new PlatformError(
      "model_refused",
      `load version: golden rows do not have the signature's ${nFeatures} inputs`,
    );
  }
  return {
    nRows: golden.rows.length,
    rows: Float64Array.from(golden.rows.flat(), (value) => value ?? NaN),
    outputs: Float64Array.from(golden.outputs.flat()),
  };
}
