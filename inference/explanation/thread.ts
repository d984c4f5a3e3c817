import { parentPort } from "node:worker_threads";
import { createExplainer } from "../../numerics/explain/explainer.ts";
import type { Explainer } from "../../numerics/explain/explainer.ts";
import { predictRaw } from "../../numerics/model.ts";
import type { TrainedModel } from "../../numerics/model.ts";
import { explanationDocumentSchema } from "../../schemas/serving/explanation.ts";
import type { ExplainedRows, FromExplanationThread, ToExplanationThread } from "./messages.ts";

/** Entry of the explanation thread: reads trained models, and explains rows, one request after the other. */

interface LoadedExplainer {
  readonly model: TrainedModel;
  readonly explainer: Explainer;
}

/** Largest |expected + Σ contributions − raw score| / max(1, |raw score|) of an explanation that is given. */
const SUM_TOLERANCE = 1e-6;

const loaded = new Map<string, LoadedExplainer>();

function load({ key, bytes, nFeatures }: ToExplanationThread & { type: "load" }): void {
  const parsed = explanationDocumentSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  if (parsed.model.nFeatures !== nFeatures) {
    throw new RangeError(`explanation must have ${nFeatures} features, got ${parsed.model.nFeatures}`);
  }
  const model = parsed.model as unknown as TrainedModel;
  loaded.set(key, { model, explainer: createExplainer(model) });
}

function explain({ key, rows, nRows }: ToExplanationThread & { type: "explain" }): ExplainedRows {
  const found = loaded.get(key);
  if (found === undefined) throw new RangeError(`explain [${key}]: not loaded`);
  const { model, explainer } = found;
  const { nFeatures, nOutputs, postTransform } = model;
  const width = nOutputs * nFeatures;
  const contributions = new Float64Array(nRows * width);
  for (let row = 0; row < nRows; row++)
    explainer.explain(rows, row * nFeatures, contributions.subarray(row * width, (row + 1) * width));
  const rawScores = predictRaw(model, { data: rows, nRows, nColumns: nFeatures }).values;
  const { expected } = explainer;
  const explained = { nFeatures, nOutputs, expected, rawScores, contributions, postTransform };
  checkSums(explained);
  const isCalibrated = model.calibration !== undefined || model.classCalibration !== undefined;
  return { ...explained, isCalibrated };
}

function checkSums({
  nFeatures,
  nOutputs,
  expected,
  rawScores,
  contributions,
}: Omit<ExplainedRows, "isCalibrated">): void {
  rawScores.forEach((raw, place) => {
    let sum = expected[place % nOutputs] as number;
    for (let j = place * nFeatures; j < (place + 1) * nFeatures; j++) sum += contributions[j] as number;
    if (Math.abs(sum - raw) <= SUM_TOLERANCE * Math.max(1, Math.abs(raw))) return;
    throw new RangeError(`contributions must sum to the raw score ${raw}, got ${sum}`);
  });
}

parentPort?.on("message", (message: ToExplanationThread) => {
  const { id } = message;
  let reply: FromExplanationThread;
  try {
    if (message.type === "explain") reply = { type: "done", id, explained: explain(message) };
    else {
      if (message.type === "load") load(message);
      else loaded.delete(message.key);
      reply = { type: "done", id };
    }
  } catch (error) {
    reply = { type: "failed", id, message: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(reply);
});
