import { z } from "zod";
import { signatureSchema, thresholdsFileSchema } from "../../../schemas/models/model-version.ts";
import type { AlertCurvePoint } from "../../../schemas/models/model-version.ts";
import { hashOf } from "../../../schemas/canonical-json.ts";
import { nameSchema, sha256Schema } from "../../../schemas/names.ts";
import { objectRefSchema } from "../../../schemas/object-ref.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { getDocument } from "../../../stores/objects/documents.ts";
import type { ObjectStore } from "../../../stores/objects/port.ts";
import type { Registry, VersionRow } from "../../../stores/postgres/port.ts";
import { anyObject, found, listOf, modelParams, timeQuery, versionParams } from "../parts.ts";
import { streamObject, streamPage } from "../object-body.ts";
import { route } from "../route.ts";
import { pointAt } from "./thresholds.ts";
import type { AnyRoute } from "../route.ts";

/** Registered versions are the same for all sites. */
const reader = { role: "viewer", scope: "any" } as const;

const evaluatedSchema = z.looseObject({ report: objectRefSchema });

export const modelRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/models",
    tag: "models",
    summary: "Models with their number of versions and their champion.",
    policy: reader,
    query: z.strictObject({ model: nameSchema.optional() }),
    reply: listOf(anyObject),
    async handle({ query: { model } }, { database }) {
      const items = await database().registry.models();
      return { items: model === undefined ? items : items.filter((one) => one.model === model) };
    },
  }),
  route({
    method: "get",
    path: "/v1/models/{model}",
    tag: "models",
    summary: "One model: versions and alias history.",
    policy: reader,
    params: modelParams,
    reply: anyObject,
    async handle({ params: { model } }, { database }) {
      const { registry } = database();
      const [versions, history] = await Promise.all([registry.versions(model), registry.history(model)]);
      if (versions.length === 0) throw new PlatformError("not_found", "read model: there is no such model");
      const champion = versions.find((v) => v.aliases.includes("champion"))?.version ?? null;
      return { model, champion, versions: versions.map(summaryOf), history };
    },
  }),
  route({
    method: "get",
    path: "/v1/models/{model}/versions/{version}",
    tag: "models",
    summary:
      "One version: manifest, evaluation, gates, stage, aliases, and its alarm threshold if it has one, with what that did out of fold.",
    policy: reader,
    params: versionParams,
    reply: anyObject,
    async handle({ params }, { database, objects }) {
      const row = await readVersion(database().registry, params.model, params.version);
      const threshold = await thresholdOf(objects, row);
      return { ...row, threshold, outOfFold: await outOfFoldAt(objects, row, threshold) };
    },
  }),
  route({
    method: "get",
    path: "/v1/models/{model}/versions/{version}/files/{sha256}",
    tag: "models",
    summary: "One file of a version, as its manifest names it: the ONNX graph, its signature, its card …",
    policy: reader,
    params: versionParams.extend({ sha256: sha256Schema }),
    reply: z.unknown(),
    async handle({ params }, { database, objects }) {
      const { manifest } = await readVersion(database().registry, params.model, params.version);
      const file = Object.values(manifest.files).find(({ sha256 }) => sha256 === params.sha256);
      return streamObject(objects, found(file, "file of the version"), "application/octet-stream");
    },
  }),
  route({
    method: "get",
    path: "/v1/models/{model}/versions/{version}/report",
    tag: "models",
    summary:
      "The report of a version as one HTML page: metrics, plots, slices, checks. No scripts, no network.",
    policy: reader,
    params: versionParams,
    reply: z.unknown(),
    async handle({ params }, { database, objects }) {
      const { registry, datasets } = database();
      const { runId, manifest } = await readVersion(registry, params.model, params.version);
      const made = await datasets.evaluationResult({ runId, manifestHash: hashOf(manifest) });
      const { data } = evaluatedSchema.safeParse(made);
      return streamPage(objects, found(data?.report, "report"));
    },
  }),
  route({
    method: "get",
    path: "/v1/models/{model}/champion",
    tag: "models",
    summary: "The champion now, or at a time in the past, with the event that made it.",
    policy: reader,
    params: modelParams,
    query: z.strictObject({ at: timeQuery.optional() }),
    reply: anyObject,
    async handle({ params, query }, { database }) {
      const champion = await database().registry.champion(params.model, query.at);
      if (champion !== undefined) return champion;
      throw new PlatformError("no_champion", `read champion [${params.model}]: there is none`);
    },
  }),
  route({
    method: "get",
    path: "/v1/models/{model}/compare",
    tag: "models",
    summary: "Two versions side by side: metrics, intervals, gates, and what of their files differs.",
    policy: reader,
    params: modelParams,
    query: z.strictObject({ a: z.coerce.number().int().min(1), b: z.coerce.number().int().min(1) }),
    reply: anyObject,
    async handle({ params, query }, { database }) {
      const { registry } = database();
      const a = await readVersion(registry, params.model, query.a);
      const b = await readVersion(registry, params.model, query.b);
      return compareVersions(a, b);
    },
  }),
];

async function readVersion(registry: Registry, model: string, version: number): Promise<VersionRow> {
  return found(await registry.version(model, version), "version");
}

/** Least probability or score that is an alarm; null for a version that decides nothing. */
async function thresholdOf(
  objects: ObjectStore,
  { manifest, threshold }: VersionRow,
): Promise<number | null> {
  if (threshold !== undefined) return threshold;
  const ref = manifest.files["signature"];
  if (ref === undefined) return null;
  const { output, problem } = await getDocument(objects, ref, signatureSchema);
  if (problem === "anomaly") return output.threshold ?? null;
  return problem === "binary" ? (output.threshold ?? 0.5) : null;
}

/** What its threshold would have done on the out-of-fold scores; null where they do not tell. */
async function outOfFoldAt(
  objects: ObjectStore,
  { manifest }: VersionRow,
  threshold: number | null,
): Promise<AlertCurvePoint | null> {
  const ref = manifest.files["thresholds"];
  if (threshold === null || ref === undefined) return null;
  const { curve = [] } = await getDocument(objects, ref, thresholdsFileSchema);
  return pointAt(curve, threshold) ?? null;
}

function summaryOf({ version, digest, stage, aliases, dataset, runId, createdAt, evaluation }: VersionRow) {
  const { primaryMetric, metrics } = evaluation;
  return { version, digest, stage, aliases, dataset, runId, createdAt, primaryMetric, metrics };
}

/** Metrics are comparable only where both were taken on the same holdout; `sameHoldout` says so. */
function compareVersions(a: VersionRow, b: VersionRow) {
  const names = Object.keys({ ...a.evaluation.metrics.test, ...b.evaluation.metrics.test });
  const valueOf = (row: VersionRow, name: string) => row.evaluation.metrics.test[name] ?? null;
  return {
    model: a.model,
    sameHoldout: a.evaluation.holdout === b.evaluation.holdout,
    a: { ...summaryOf(a), gates: a.gates, intervals: a.evaluation.intervals },
    b: { ...summaryOf(b), gates: b.gates, intervals: b.evaluation.intervals },
    test: names.map((name) => {
      const [left, right] = [valueOf(a, name), valueOf(b, name)];
      return {
        metric: name,
        a: left,
        b: right,
        difference: left === null || right === null ? null : right - left,
      };
    }),
    differentFiles: Object.keys({ ...a.manifest.files, ...b.manifest.files }).filter(
      (role) => a.manifest.files[role]?.sha256 !== b.manifest.files[role]?.sha256,
    ),
  };
}
