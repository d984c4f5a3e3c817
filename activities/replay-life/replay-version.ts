import { OUTPUT_NAMES } from "../../numerics/onnx/export.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { signatureSchema, versionManifestSchema } from "../../schemas/models/model-version.ts";
import type { Signature, VersionManifest } from "../../schemas/models/model-version.ts";
import { versionDigest } from "../../schemas/models/version-digest.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { answerRows } from "../evaluation/champion-score.ts";
import { featureRows } from "../evaluation/scoring.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { trainingChoice } from "../features/row-choice.ts";
import { transformDataset } from "../features/transform-dataset.ts";
import type { Beat } from "../heartbeat.ts";
import { problemOf } from "../training/problem.ts";
import type { Problem } from "../training/problem.ts";
import type { ReplayModel } from "./messages.ts";

/** A version that is in service in a replay. It is in no registry: its number is that of its training. */
export interface ReplayVersion {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly manifest: VersionManifest;
  readonly signature: Signature;
}

export async function readReplayVersion(
  { objects }: Pick<ActivityDeps, "objects">,
  { training, manifest: ref }: ReplayModel,
): Promise<ReplayVersion> {
  const manifest = await getDocument(objects, ref, versionManifestSchema);
  const { model, files } = manifest;
  const signature = await getDocument(objects, fileOf(manifest, "signature"), signatureSchema);
  return { model, version: training, digest: versionDigest({ model, files }), manifest, signature };
}

/** @throws {PlatformError} integrity */
export function fileOf({ model, files }: VersionManifest, role: string): ObjectRef {
  const ref = files[role];
  if (ref === undefined)
    throw new PlatformError("integrity", `replay ${model}: the version has no ${role} file`);
  return ref;
}

/** A dataset as a version sees it: its own view and fitted state, and the truth in its own codes. */
export interface SeenDataset {
  readonly version: ReplayVersion;
  readonly table: FeatureTable;
  readonly problem: Problem;
}

/** Features of all rows, each from what came before it: operators look back only, which their tests hold them to. */
export async function seeDataset(
  deps: ActivityDeps,
  given: {
    readonly model: ReplayModel;
    readonly dataset: ObjectRef;
    readonly pipeline: Pipeline;
    readonly hasLabel: boolean;
  },
  beat: Beat,
): Promise<SeenDataset> {
  const { model, dataset, pipeline, hasLabel } = given;
  const version = await readReplayVersion(deps, model);
  const view = fileOf(version.manifest, "view");
  const fitted = fileOf(version.manifest, "fitted");
  const { featureSet } = await transformDataset(deps, { dataset, view, fitted, hasLabel }, beat);
  const table = await deps.tables.load(featureSet, trainingChoice(pipeline));
  const classLabels = table.classLabels ?? version.signature.output.classLabels ?? null;
  return { version, table, problem: problemOf(pipeline, classLabels) };
}

/** Answers of the served graph, row-major; none for no row. */
export async function answersOf(
  deps: ActivityDeps,
  { version, table, problem }: SeenDataset,
  rows: Int32Array,
): Promise<Float64Array> {
  if (rows.length === 0) return new Float64Array();
  const outputName = OUTPUT_NAMES[problem.kind];
  return answerRows(deps, version, { inputs: featureRows(table, rows), nRows: rows.length, outputName });
}

/** The threshold that a version alerts from; null where none decides. */
export function thresholdOf({ signature }: ReplayVersion): number | null {
  return signature.output.threshold ?? null;
}
