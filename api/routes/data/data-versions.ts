import { z } from "zod";
import {
  dataDiffSchema,
  dataDiffViewSchema,
  dataIdRowSchema,
  dataKindSchema,
} from "../../../schemas/data/data-diff.ts";
import type { DataKind } from "../../../schemas/data/data-diff.ts";
import { dataPointerSchema } from "../../../schemas/data/data-pointer.ts";
import type { DataPointer } from "../../../schemas/data/data-pointer.ts";
import type { DatasetManifest, ParquetPart } from "../../../schemas/data/dataset.ts";
import type { FeatureSetManifest } from "../../../schemas/data/feature-set.ts";
import { sha256Schema } from "../../../schemas/names.ts";
import { objectRefSchema } from "../../../schemas/object-ref.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { compareDataWorkflowId } from "../../../temporal-config/constants.ts";
import { getDocument, readFeatureSet } from "../../../stores/objects/documents.ts";
import type { ApiDeps } from "../../deps.ts";
import { anyObject, found, limitQuery, listOf, operator, viewer } from "../parts.ts";
import { streamObject } from "../object-body.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const dataParams = z.strictObject({ kind: dataKindSchema, id: sha256Schema });
const sidesSchema = z.strictObject({ a: sha256Schema, b: sha256Schema });
const PARQUET_TYPE = "application/vnd.apache.parquet";
const comparedSchema = z.looseObject({ diff: objectRefSchema });

/** Versions of data: what there is, what changed between two, and the bytes. */
export const dataVersionRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/feature-sets",
    tag: "datasets",
    summary: "Feature sets, newest first: features and labels of a dataset under one view and fitted state.",
    policy: viewer,
    query: z.strictObject({ dataset: sha256Schema.optional(), limit: limitQuery() }),
    reply: listOf(anyObject),
    handle: async ({ query: { dataset, limit } }, { database }) => ({
      items: await database().features.featureSets({ limit, ...(dataset === undefined ? {} : { dataset }) }),
    }),
  }),
  route({
    method: "get",
    path: "/v1/feature-sets/{id}",
    tag: "datasets",
    summary: "One feature set with its manifest.",
    policy: viewer,
    params: z.strictObject({ id: sha256Schema }),
    reply: anyObject,
    async handle({ params }, { database, objects }) {
      const set = found(await database().features.featureSet(params.id), "feature set");
      return { ...set, manifest: await readFeatureSet(objects, set.object) };
    },
  }),
  route({
    method: "get",
    path: "/v1/data/ids",
    tag: "datasets",
    summary: "Datasets and feature sets whose ids begin with `prefix`.",
    policy: viewer,
    query: z.strictObject({ prefix: z.string().regex(/^[0-9a-f]{6,64}$/), limit: limitQuery() }),
    reply: listOf(dataIdRowSchema),
    handle: async ({ query: { prefix, limit } }, { database }) => ({
      items: await database().datasets.idsFrom(prefix, limit),
    }),
  }),
  route({
    method: "get",
    path: "/v1/data/{kind}/{id}/pointer",
    tag: "datasets",
    summary: "A pointer to one version of data, small enough for Git.",
    policy: viewer,
    params: dataParams,
    reply: dataPointerSchema,
    handle: async ({ params }, deps) => pointerOf(params, await readVersion(deps, params)),
  }),
  route({
    method: "get",
    path: "/v1/data/{kind}/{id}/parts/{sha256}",
    tag: "datasets",
    summary: "One Parquet part of a dataset or feature set, as its manifest names it.",
    policy: viewer,
    params: dataParams.extend({ sha256: sha256Schema }),
    reply: z.unknown(),
    async handle({ params }, deps) {
      const { parts } = await readVersion(deps, params);
      const part = found(
        parts.find(({ object }) => object.sha256 === params.sha256),
        "part",
      );
      return streamObject(deps.objects, part.object, PARQUET_TYPE);
    },
  }),
  route({
    method: "post",
    path: "/v1/data-diffs",
    tag: "datasets",
    summary: "Compare two datasets, or two feature sets, by schema, rows and statistics.",
    policy: operator,
    body: { kind: "json", schema: sidesSchema },
    reply: z.strictObject({ workflowId: z.string(), runId: z.string(), isNew: z.boolean() }),
    status: 202,
    async handle({ body: { a, b } }, deps) {
      return deps.workflows.startDataComparison({ kind: await commonKind(deps, a, b), a, b });
    },
  }),
  route({
    method: "get",
    path: "/v1/data-diffs/{a}/{b}",
    tag: "datasets",
    summary: "What a comparison found; 404 where it was not asked for.",
    policy: viewer,
    params: sidesSchema,
    reply: dataDiffViewSchema,
    async handle({ params: { a, b } }, deps) {
      const workflowId = compareDataWorkflowId(await commonKind(deps, a, b), a, b);
      const { runId, ...outcome } = await deps.workflows.outcomeOf("compare data", workflowId);
      if (outcome.status === "running") return { workflowId, runId, status: outcome.status };
      const { diff } = comparedSchema.parse(outcome.result);
      const result = await getDocument(deps.objects, diff, dataDiffSchema);
      return { workflowId, runId, status: outcome.status, result };
    },
  }),
];

interface VersionOfData {
  readonly pipeline: string;
  readonly rows: number;
  readonly parts: readonly ParquetPart[];
}

async function readVersion(
  { database, objects }: Pick<ApiDeps, "database" | "objects">,
  { kind, id }: { readonly kind: DataKind; readonly id: string },
): Promise<VersionOfData> {
  switch (kind) {
    case "dataset":
      return ofDataset(found(await database().datasets.get(id), "dataset").manifest);
    case "features": {
      const set = found(await database().features.featureSet(id), "feature set");
      return ofFeatureSet(set.pipeline, await readFeatureSet(objects, set.object));
    }
  }
}

function ofDataset({ pipeline, sources }: DatasetManifest): VersionOfData {
  const all = Object.values(sources);
  const rows = all.reduce((sum, { counts }) => sum + counts.accepted, 0);
  return { pipeline, rows, parts: all.flatMap(({ parts }) => parts) };
}

const ofFeatureSet = (pipeline: string, { nRows, parts }: FeatureSetManifest): VersionOfData => ({
  pipeline,
  rows: nRows,
  parts,
});

function pointerOf(
  { kind, id }: { readonly kind: DataKind; readonly id: string },
  { pipeline, rows, parts }: VersionOfData,
): DataPointer {
  const bytes = parts.reduce((sum, { object }) => sum + object.bytes, 0);
  return { kind: "aura.pointer/1", of: kind, id, pipeline, rows, bytes };
}

/** @throws {PlatformError} not_found; conflict: one is a dataset and one a feature set */
async function commonKind({ database }: ApiDeps, a: string, b: string): Promise<DataKind> {
  const kindOf = async (id: string): Promise<DataKind | undefined> => {
    if ((await database().datasets.get(id)) !== undefined) return "dataset";
    return (await database().features.featureSet(id)) === undefined ? undefined : "features";
  };
  const left = found(await kindOf(a), "dataset or feature set [a]");
  const right = found(await kindOf(b), "dataset or feature set [b]");
  if (left === right) return left;
  throw new PlatformError("conflict", `compare data: expected two of a kind, got ${left} and ${right}`);
}
