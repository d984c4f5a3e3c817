import { z } from "zod";
import { rawFileSchema } from "../data/dataset.ts";
import { objectRefSchema } from "../object-ref.ts";

const tensorName = z.string().min(1).max(256);

export const unusualScoresSchema = z.enum(["higher", "lower"]);

/** How a graph from elsewhere is read: `sig.json` of `aura models import`. */
export const importSignatureSchema = z.strictObject({
  kind: z.literal("aura.import/1"),
  /** Names of the features in the order of the graph's columns: those of the pipeline, all of them. */
  inputs: z.array(z.string().min(1).max(400)).min(1).max(100_000),
  /** The graph's own input; default: its only one. */
  input: tensorName.optional(),
  /** The graph's own output; default: its only one, the one with the task's name, or the only one of real numbers. */
  output: tensorName.optional(),
  /**
   * Column of the output that is the answer, e.g. 1 for the second of two probabilities; default: all of them, and of
   * two classes that a converter names the positive one.
   */
  column: z.int().min(0).max(1_000).optional(),
  /** Anomalies: which scores are the unusual ones, default the higher. `lower` is what scikit-learn's detectors give. */
  unusual: unusualScoresSchema.optional(),
  /**
   * Two classes: the probability from which the version alerts, default 0.5. Anomalies: the file's own score;
   * default by the alert budget or the label, on the training rows.
   */
  threshold: z.number().optional(),
});
export type ImportSignature = z.infer<typeof importSignatureSchema>;

/** A model from elsewhere as a run is given it. */
export const importedModelSchema = z.strictObject({
  file: rawFileSchema,
  /** Stored ImportSignature. */
  signature: objectRefSchema,
});
export type ImportedModel = z.infer<typeof importedModelSchema>;

/** Body of `POST /v1/models/{model}/imports`. */
export const startImportSchema = z.strictObject({
  onnx: rawFileSchema,
  signature: importSignatureSchema,
  /** Text of the pipeline file that says what the model is judged on; default: the champion's, with its files. */
  pipeline: z.string().min(1).max(1_000_000).optional(),
  files: z.array(rawFileSchema).max(10_000).default([]),
});
export type StartImport = z.infer<typeof startImportSchema>;
