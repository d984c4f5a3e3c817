import { signatureSchema } from "../../schemas/model-version.ts";
import { splitDocumentSchema } from "../../schemas/split.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { OUTPUT_NAMES } from "../../numerics/onnx/export.ts";
import { goldenSchema } from "../../schemas/golden.ts";
import { getDocument, readPipeline } from "../../stores/objects/documents.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { transformDataset } from "../features/transform-dataset.ts";
import type { Beat } from "../heartbeat.ts";
import { finalRows } from "../training/fold-rows.ts";
import { problemOf } from "../training/problem.ts";
import type { ChampionScore, ScoreChampionInput } from "./messages.ts";
import { featureRows, scoreRows } from "./scoring.ts";

/**
 * Metrics of a registered version on the holdout of the present split, as it would be served: its own view and fitted
 * state, its own graph, its own threshold.
 */
export async function scoreVersion(
  deps: ActivityDeps,
  version: VersionRow,
  given: { readonly input: ScoreChampionInput; readonly beat: Beat },
): Promise<NonNullable<ChampionScore>> {
  const { input, beat } = given;
  const { objects } = deps;
  const file = (role: string) => {
    const ref = version.manifest.files[role];
    if (ref === undefined)
      throw new PlatformError(
        "integrity",
        `score ${version.model}@${version.version}: it has no ${role} file`,
      );
    return ref;
  };
  const pipeline = await readPipeline(objects, input.spec);
  const split = await getDocument(objects, input.split, splitDocumentSchema);
  const signature = await getDocument(objects, file("signature"), signatureSchema);
  const base = { dataset: input.dataset, view: file("view"), fitted: file("fitted"), hasLabel: true };
  const { featureSet } = await transformDataset(deps, base, beat);
  const table = await deps.tables.load(featureSet);
  const problem = problemOf(pipeline, table.classLabels);
  const rows = finalRows(table, pipeline, split).test;
  const prediction = await answerRows(deps, version, {
    inputs: featureRows(table, rows),
    nRows: rows.length,
    outputName: OUTPUT_NAMES[problem.kind],
  });
  const threshold = signature.output.threshold ?? null;
  const scored = await scoreRows(
    deps,
    { table, pipeline, problem, rows, prediction, baseline: prediction, threshold },
    beat,
  );
  return { version: version.version, digest: version.digest, metrics: scored.test };
}

/** Runs the graph of a registered version on feature rows, in the inference children. */
export async function answerRows(
  deps: Pick<ActivityDeps, "objects" | "pool">,
  version: VersionRow,
  given: { readonly inputs: Float64Array; readonly nRows: number; readonly outputName: string },
): Promise<Float64Array> {
  const { onnx, golden: goldenRef } = version.manifest.files;
  if (onnx === undefined || goldenRef === undefined) {
    throw new PlatformError(
      "integrity",
      `run ${version.model}@${version.version}: graph or golden vectors are missing`,
    );
  }
  const golden = await getDocument(deps.objects, goldenRef, goldenSchema);
  const nFeatures = golden.rows[0]?.length ?? 0;
  const key = `activity-${version.digest}`;
  await deps.pool.load({
    key,
    bytes: await deps.objects.get(onnx),
    sha256: onnx.sha256,
    nFeatures,
    outputName: given.outputName,
    golden: {
      nRows: golden.rows.length,
      rows: Float64Array.from(golden.rows.flat(), (value) => value ?? Number.NaN),
      outputs: Float64Array.from(golden.outputs.flat()),
    },
  });
  try {
    return (await deps.pool.predict(key, given.inputs, given.nRows)).values;
  } finally {
    await deps.pool.unload(key);
  }
}
