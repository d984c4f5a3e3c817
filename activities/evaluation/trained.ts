import { z } from "zod";
import type { TrainedModel } from "../../numerics/model.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { FinalOutput } from "../training/train-final.ts";

const headSchema = z.looseObject({
  kind: z.enum(["tree_ensemble", "linear", "constant", "blend", "pca_monitor"]),
});
const trainedSchema = z.strictObject({ model: headSchema, baseline: headSchema });

/** Reads trained models; the trainer's own code checks their shape when they predict. */
export async function readTrained(objects: ObjectStore, ref: ObjectRef): Promise<FinalOutput> {
  const { model, baseline } = await getDocument(objects, ref, trainedSchema);
  return { model: asModel(model), baseline: asModel(baseline) };
}

function asModel(value: { kind: string }): TrainedModel {
  if (!("nFeatures" in value) || !("nOutputs" in value))
    throw new PlatformError("integrity", "read trained model: it has no shape");
  return value as unknown as TrainedModel;
}
