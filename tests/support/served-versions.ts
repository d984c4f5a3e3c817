import { sealView } from "../../features/feature-view.ts";
import type { FeatureView } from "../../features/feature-view.ts";
import type { FittedState } from "../../schemas/data/feature-set.ts";
import { canonicalJson } from "../../schemas/canonical-json.ts";
import type { Evaluation, Signature, VersionManifest } from "../../schemas/models/model-version.ts";
import { VERSION_FILES } from "../../schemas/models/model-version.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";
import { versionDigest } from "../../schemas/models/version-digest.ts";
import { linearOnnx } from "./tiny-onnx.ts";

const COLUMNS = ["voltage", "current"];

/** View of the two current columns of a cycle-timed source. */
export function tinyView(timeKind: FeatureView["timeKind"] = "cycle"): FeatureView {
  const columns = COLUMNS.map((name, i) => ({ name, physical: `v${i}`, type: "float" as const }));
  return sealView({
    kind: "aura.view/1",
    source: "readings",
    hasAsset: true,
    timeKind,
    ...(timeKind === "timestamp" ? { times: { readings: { timezone: "UTC" } } } : {}),
    columns,
    derived: [],
    features: columns.map(({ name, physical }, i) => ({
      name,
      physical: `f${i}`,
      kind: "number" as const,
      operator: "current" as const,
      args: { column: name, physical },
    })),
    label: { kind: "none" } as never,
  });
}

const EVALUATION: Evaluation = {
  kind: "aura.evaluation/1",
  dataset: "d".repeat(64),
  holdout: "e".repeat(64),
  labelConvention: "test",
  primaryMetric: "rmse",
  candidate: "linear",
  metrics: { test: { rmse: 1 }, cv: { rmse: 1 } },
  intervals: {},
  candidates: [],
  slices: [],
  thresholds: [],
  importance: [],
  rows: { train: 1, test: 1, cv: 1 },
  checks: [],
};

export interface TinyVersionOptions {
  readonly model?: string;
  readonly version?: number;
  /** `value = slope · voltage + current + 1`. */
  readonly slope?: number;
  readonly signature?: Partial<Signature>;
  readonly timeKind?: FeatureView["timeKind"];
  /** Features of its own; the value is then of the first two, and missing inputs are taken. */
  readonly view?: FeatureView;
  readonly fitted?: FittedState;
  /** Content of `thresholds.json`. */
  readonly thresholds?: unknown;
  /** Wrong golden vectors: such a version must not be served. */
  readonly isBroken?: boolean;
  /** A graph of its own, which answers the golden rows as the linear one. */
  readonly onnx?: Uint8Array;
  /** Default true; versions made elsewhere have none. */
  readonly hasExplanation?: boolean;
}

/** Stores a whole model version and returns its registry row. */
export async function putTinyVersion(
  objects: ObjectStore,
  options: TinyVersionOptions = {},
): Promise<VersionRow> {
  const { model = "pump", version = 1, slope = 2, isBroken = false, timeKind, view } = options;
  const names = view?.features.map(({ name }) => name) ?? COLUMNS;
  const coefficients = names.map((_, i) => [slope, 1][i] ?? 0);
  const signature: Signature = {
    kind: "aura.signature/1",
    problem: "regression",
    task: "rul",
    inputs: names.map((name) => ({ name, kind: "number", nullable: view !== undefined })),
    output: { name: "output", unit: "cycles" },
    ...options.signature,
  };
  const rows = [
    [0, 0],
    [1, 2],
    [-3, 0.5],
  ].map((pair) => names.map((_, i) => pair[i] ?? 0));
  const contents = {
    view: view ?? tinyView(timeKind),
    fitted: options.fitted ?? {},
    signature,
    thresholds: options.thresholds ?? {},
    reference: {},
    card: {},
    explanation: {
      kind: "aura.explanation/1",
      model: {
        kind: "linear",
        taskKind: "regression",
        nFeatures: names.length,
        nOutputs: 1,
        postTransform: "identity",
        means: names.map(() => 0),
        scales: names.map(() => 1),
        coefficients,
        intercepts: [1],
      },
    },
    golden: {
      kind: "aura.golden/1",
      rows,
      outputs: rows.map(([v = 0, c = 0]) => [slope * v + c + (isBroken ? 1.5 : 1)]),
    },
  };
  const folder = `models/${model}/${version}-${slope}-${isBroken}`;
  const files: VersionManifest["files"] = {
    onnx: await objects.put(`${folder}/model.onnx`, options.onnx ?? linearOnnx(coefficients, 1)),
  };
  for (const [role, content] of Object.entries(contents)) {
    if (role === "explanation" && options.hasExplanation === false) continue;
    const name = VERSION_FILES[role as keyof typeof VERSION_FILES];
    files[role] = await objects.put(`${folder}/${name}`, Buffer.from(canonicalJson(content)));
  }
  const manifest: VersionManifest = { kind: "aura.model/1", model, files };
  return {
    model,
    version,
    digest: versionDigest(manifest),
    manifest,
    evaluation: EVALUATION,
    gates: [],
    dataset: "d".repeat(64),
    runId: `run-${version}`,
    stage: "production",
    aliases: ["champion"],
    createdAt: "2026-01-01T00:00:00.000Z",
    code: null,
  };
}
