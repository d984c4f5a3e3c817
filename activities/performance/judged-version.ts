import { parseView } from "../../features/feature-view.ts";
import type { FeatureView } from "../../features/feature-view.ts";
import { signatureSchema } from "../../schemas/models/model-version.ts";
import type { Signature } from "../../schemas/models/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { pipelineOfRun, standingPipeline } from "../retraining/standing-pipeline.ts";
import { problemOf } from "../training/problem.ts";
import type { Problem } from "../training/problem.ts";

/** What performance needs of the worker. */
export type PerformanceDeps = Pick<ActivityDeps, "db" | "objects" | "cpu">;

/** A version with what its answers are held against the truth by: its own question, as it was trained on. */
export interface JudgedVersion {
  readonly row: VersionRow;
  readonly view: FeatureView;
  readonly signature: Signature;
  readonly pipeline: Pipeline;
  readonly problem: Problem;
}

/**
 * @param runId the run whose file counts; default: the one that counts for the version
 * @throws {PlatformError} not_found; integrity: a file of the version is missing or not what its hash says
 */
export async function judgedVersion(
  { db, objects }: PerformanceDeps,
  row: VersionRow,
  runId?: string | null,
): Promise<JudgedVersion> {
  const { view, signature } = row.manifest.files;
  if (view === undefined || signature === undefined)
    throw new PlatformError("integrity", `judge [${row.model}@${row.version}]: the version has no view`);
  const { pipeline } = runId == null ? await standingPipeline(db, row) : await pipelineOfRun(db, runId);
  const own = await getDocument(objects, signature, signatureSchema);
  return {
    row,
    view: parseView(Buffer.from(await objects.get(view)).toString("utf8")),
    signature: own,
    pipeline,
    problem: problemOf(pipeline, own.output.classLabels ?? null),
  };
}

/** What a version's answers are held against its holdout by. */
export function metricJudgedBy({ pipeline, problem }: Pick<JudgedVersion, "pipeline" | "problem">): string {
  return pipeline.performance.metric ?? problem.primaryMetric;
}

/** Why answers of a version cannot be held against labels; undefined: they can. */
export function whyNotJudged({
  problem,
  view,
  pipeline,
}: Pick<JudgedVersion, "problem" | "view" | "pipeline">): string | undefined {
  if (problem.kind === "forecast")
    return "a forecast is held against later readings, which a check does not do yet";
  if (view.label.kind === "none") return "the pipeline has no label that could say what was true";
  const metric = metricJudgedBy({ pipeline, problem });
  return metric === "stability" ? "without a label no metric of a detector can be realized" : undefined;
}
