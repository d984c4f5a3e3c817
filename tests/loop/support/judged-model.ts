import { compileView } from "../../../features/view.ts";
import { hashOf } from "../../../schemas/canonical-json.ts";
import type { DatasetManifest } from "../../../schemas/data/dataset.ts";
import type { SplitDocument } from "../../../schemas/data/split.ts";
import type { Evaluation, MetricSet, Signature } from "../../../schemas/models/model-version.ts";
import { versionDigest } from "../../../schemas/models/version-digest.ts";
import { parsePipeline } from "../../../schemas/pipeline/parse.ts";
import { putDocument } from "../../../stores/objects/documents.ts";
import type { ObjectStore } from "../../../stores/objects/port.ts";
import type { Database, PredictionIndexRow, VersionRow } from "../../../stores/postgres/port.ts";
import { promoteVersion } from "../../support/champions.ts";
import { evaluationOf } from "../../support/registry-samples.ts";

export interface JudgedModel {
  readonly name: string;
  /** Of the readings. */
  readonly timeKind: "cycle" | "timestamp" | "none";
  readonly label: object;
  readonly task: object;
  readonly performance?: object;
  readonly retraining?: object;
  /** Live source; default: the one named like the model. */
  readonly live?: string;
  readonly signature: Pick<Signature, "problem" | "task"> & {
    readonly output?: Partial<Signature["output"]>;
  };
  /** Of the holdout. */
  readonly test: MetricSet;
  readonly calibration?: Evaluation["calibration"];
  readonly reference?: object;
  /** Id of a registered dataset that it was trained on; default: one that nothing is on record of. */
  readonly dataset?: string;
  readonly split?: SplitDocument;
}

const STATES = { name: "state", type: "text", use: "label" } as const;

/** A champion with all that its answers are held against labels by, and nothing that could answer. */
export async function promoteJudged(
  { db, objects }: { readonly db: Database; readonly objects: ObjectStore },
  model: JudgedModel,
): Promise<VersionRow> {
  const text = pipelineText(model);
  const { pipeline } = parsePipeline(text, "pipeline.yaml");
  const view = compileView(pipeline, manifestOf(model));
  const signature: Signature = {
    kind: "aura.signature/1",
    inputs: [{ name: "x", kind: "number", nullable: true }],
    ...model.signature,
    output: { name: "answer", ...model.signature.output },
  };
  const files = {
    view: await objects.put(`models/${hashOf(view)}.json`, Buffer.from(JSON.stringify(view))),
    signature: await putDocument(objects, signature),
    ...(model.reference === undefined ? {} : { reference: await putDocument(objects, model.reference) }),
  };
  const manifest = { kind: "aura.model/1", model: model.name, files } as const;
  const { calibration, dataset = hashOf("dataset"), split } = model;
  const evaluation: Evaluation = {
    ...evaluationOf(1),
    primaryMetric: Object.keys(model.test)[0] ?? "rmse",
    metrics: { test: model.test, cv: {} },
    ...(calibration === undefined ? {} : { calibration }),
  };
  return promoteVersion(
    db,
    {
      model: model.name,
      version: 1,
      digest: versionDigest(manifest),
      manifest,
      evaluation,
      gates: [],
      dataset,
      ...(split === undefined
        ? {}
        : { holdout: { hash: hashOf("holdout"), object: await putDocument(objects, split) } }),
      runId: "",
      stage: "production",
      aliases: [],
      createdAt: "",
      code: null,
    },
    text,
  );
}

function pipelineText({ name, timeKind, label, task, performance, retraining, live }: JudgedModel): string {
  const time = timeKind === "none" ? {} : { time: { column: "at", kind: timeKind } };
  const asset = timeKind === "none" ? {} : { asset: "unit" };
  const events =
    "source" in label
      ? {
          failures: {
            role: "events",
            files: "f.csv",
            ...asset,
            ...time,
            columns: [{ name: "kind", type: "text" }],
          },
        }
      : {};
  return JSON.stringify({
    name,
    sources: {
      readings: {
        files: "r.csv",
        ...asset,
        ...time,
        columns: [{ name: "x" }, STATES],
        ...(live === undefined ? {} : { live }),
      },
      ...events,
    },
    label,
    task,
    features: [{ current: { columns: ["x"] } }],
    ...(performance === undefined ? {} : { performance }),
    ...(retraining === undefined ? {} : { retraining }),
  });
}

function manifestOf({ name, timeKind, label }: JudgedModel): DatasetManifest {
  const common = {
    hasAsset: timeKind !== "none",
    timeKind,
    schemaHash: "0".repeat(64),
    parts: [],
    counts: { read: 0, accepted: 0, quarantined: 0, byReason: {} },
    nAssets: 0,
  };
  const x = { name: "x", physical: "v0", type: "float", use: "feature" } as const;
  const kind = { name: "kind", physical: "v0", type: "text", use: "feature" } as const;
  return {
    kind: "aura.dataset/1",
    pipeline: name,
    owner: "test",
    retention: "5y",
    raw: [],
    sources: {
      readings: { ...common, role: "readings", columns: [x, { ...STATES, physical: "v1" }] },
      ...("source" in label ? { failures: { ...common, role: "events", columns: [kind] } } : {}),
    },
  };
}

let made = 0;

/** An index row of an answer of the version; what is not said is made up. */
export function answerOf(
  { model, version, digest }: Pick<VersionRow, "model" | "version" | "digest">,
  over: Pick<PredictionIndexRow, "asset" | "t" | "at" | "value"> & Partial<PredictionIndexRow>,
): PredictionIndexRow {
  made += 1;
  return {
    predictionId: `p-${model}-${made}`,
    model,
    version,
    digest,
    actor: "test",
    role: "answer",
    segment: "none",
    offset: made,
    requestId: "r",
    ...over,
  };
}
