import { setTimeout } from "node:timers/promises";
import { tableFromIPC } from "apache-arrow";
import { ExplainerThread } from "../../inference/explanation/explainer-thread.ts";
import { describeExplanation, explainedOutput } from "../../inference/explanation/describe-explanation.ts";
import { signatureSchema } from "../../schemas/models/model-version.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { featureRows } from "../evaluation/scoring.ts";
import { transformDataset } from "../features/transform-dataset.ts";
import type { Beat } from "../heartbeat.ts";
import type { Answer } from "../../schemas/maintenance/answer.ts";
import type { Signature } from "../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { PredictionIndexRow, VersionRow } from "../../stores/postgres/port.ts";
import { putDocument } from "../../stores/objects/documents.ts";
import type { Reason } from "./messages.ts";

type ReasonDeps = Pick<ActivityDeps, "db" | "objects">;

/** Between two looks at whether a trace is stored, and how long they go on before the activity is tried again. */
const LOOK_MS = 200;
const LONGEST_WAIT_MS = 5_000;
/** Contributions that are named. */
const MOST_REASONS = 5;
const MAX_SEGMENT_BYTES = 512 * 2 ** 20;
const MAX_EXPLANATION_BYTES = 256 * 2 ** 20;

/**
 * What moved a traced answer most, from its stored inputs and the version that gave it.
 *
 * @throws {PlatformError} not_ready: its trace is not stored yet; not_explainable; not_found; integrity
 */
export async function tracedReasons(deps: ReasonDeps, predictionId: string): Promise<Reason[]> {
  const { object, ...row } = await storedTrace(deps, predictionId);
  const { value, offset } = row;
  const version = await versionOf(deps, row);
  const features = featuresIn(await deps.objects.get(object, MAX_SEGMENT_BYTES), {
    offset,
    predictionId,
  });
  return reasonsFor(deps, version, { features, headline: value });
}

/**
 * Where a trace is stored. Whoever answered keeps it for half a minute; it is asked to store it now, until it has.
 *
 * @throws {PlatformError} not_ready
 */
async function storedTrace(
  { db: { predictions } }: ReasonDeps,
  predictionId: string,
): Promise<PredictionIndexRow & { readonly object: ObjectRef }> {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    const row = await predictions.get(predictionId);
    if (row?.object != null) return { ...row, object: row.object };
    if (Date.now() > deadline)
      throw new PlatformError(
        "not_ready",
        `explain prediction [${predictionId}]: its trace is not stored yet`,
      );
    if (row !== undefined) await predictions.want(row.segment);
    await setTimeout(LOOK_MS);
  }
}

/**
 * The same of an asset's line of a fleet score, from the features of the files that were scored: they are kept, or computed anew.
 *
 * @throws {PlatformError} not_explainable; not_found; integrity
 */
export async function fleetReasons(
  deps: ActivityDeps,
  answer: Pick<Answer, "model" | "version" | "digest" | "asset" | "class"> & { readonly scoreId: string },
  beat: Beat,
): Promise<Reason[]> {
  const { scoreId, asset } = answer;
  const version = await versionOf(deps, answer);
  const job = await deps.db.scores.get(scoreId);
  const dataset = job === undefined ? undefined : await deps.db.datasets.get(job.dataset);
  const { view, fitted } = version.manifest.files;
  if (dataset === undefined || view === undefined || fitted === undefined)
    throw new PlatformError("not_found", `explain score [${scoreId}]: what it was made of is gone`);
  const request = {
    dataset: await putDocument(deps.objects, dataset.manifest),
    view,
    fitted,
    hasLabel: false,
  };
  const { featureSet } = await transformDataset(deps, request, beat);
  const table = await deps.tables.load(featureSet, { kind: "last" });
  const row = table.last.findIndex(
    (isLast, at) => isLast === 1 && table.assets[table.assetCodes[at] as number] === asset,
  );
  if (row < 0) throw new PlatformError("not_found", `explain score [${scoreId}]: the asset is not in it`);
  const signature = await signatureOf(deps, version);
  const headline = signature.output.classLabels?.indexOf(answer.class ?? "") ?? 0;
  return reasonsFor(deps, version, { features: featureRows(table, Int32Array.of(row)), headline });
}

/** @throws {PlatformError} integrity: another version has its number now */
async function versionOf(
  { db }: ReasonDeps,
  { model, version, digest }: Pick<VersionRow, "model" | "version" | "digest">,
): Promise<VersionRow> {
  const made = await db.registry.version(model, version);
  if (made?.digest === digest) return made;
  throw new PlatformError("integrity", `explain [${model}@${version}]: it is not the version that answered`);
}

async function signatureOf(
  { objects }: ReasonDeps,
  { model, version, manifest }: VersionRow,
): Promise<Signature> {
  const { signature } = manifest.files;
  if (signature === undefined)
    throw new PlatformError("integrity", `explain [${model}@${version}]: it has no signature`);
  return getDocument(objects, signature, signatureSchema);
}

async function reasonsFor(
  deps: ReasonDeps,
  version: VersionRow,
  { features, headline }: { readonly features: Float64Array; readonly headline: number },
): Promise<Reason[]> {
  const { explanation } = version.manifest.files;
  if (explanation === undefined)
    throw new PlatformError(
      "not_explainable",
      `explain [${version.model}@${version.version}]: it has no explanation file`,
    );
  const signature = await signatureOf(deps, version);
  // Recommendations are rare: a thread that stays would hold models for nothing.
  const thread = new ExplainerThread({ maxModels: 1 });
  try {
    const explained = await thread.explain(
      {
        key: version.digest,
        nFeatures: signature.inputs.length,
        read: () => deps.objects.get(explanation, MAX_EXPLANATION_BYTES),
      },
      features,
      1,
    );
    const output = explainedOutput(signature, headline);
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
