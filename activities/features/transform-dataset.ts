import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { featureSpecs, parseView } from "../../features/feature-view.ts";
import type { FeatureView } from "../../features/feature-view.ts";
import { checkLifeTables } from "../../features/labels/check-life-tables.ts";
import { countUnseenClass } from "../../features/labels/column.ts";
import { keepsCensored } from "../../features/labels/label-plan.ts";
import { transformShard } from "../../features/transform.ts";
import { fittedStateSchema } from "../../schemas/data/feature-set.ts";
import type { FeatureSetManifest, FittedState } from "../../schemas/data/feature-set.ts";
import { hashOf } from "../../schemas/canonical-json.ts";
import type { DatasetManifest, ParquetPart } from "../../schemas/data/dataset.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument, putDocument, readDataset } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { Beat } from "../heartbeat.ts";
import { putParquet } from "../parquet-object.ts";
import { isReproduction, reuseOr } from "../stage-cache.ts";
import type { TransformResult } from "./messages.ts";
import { registerFeatureSet } from "./publish-features.ts";
import { requireHorizons } from "./require-horizons.ts";
import { localParts } from "./sensor-columns.ts";

/** Raised when the same inputs would give other features than before. */
const TRANSFORM_VERSION = 3;

export interface TransformRequest {
  readonly dataset: ObjectRef;
  readonly view: ObjectRef;
  readonly fitted: ObjectRef;
  /** false: a fleet to score, whose truth nobody knows yet. */
  readonly hasLabel: boolean;
}

/**
 * Features and labels of a dataset under one view and one fitted state, shard by shard, so that memory is bounded by a
 * shard whatever the size of the dataset. Computed once per (dataset, view, fitted state).
 *
 * @throws {PlatformError} conflict when the dataset lacks a column of the view
 */
export async function transformDataset(
  deps: ActivityDeps,
  request: TransformRequest,
  beat: Beat,
): Promise<TransformResult> {
  const inputs = {
    dataset: request.dataset,
    view: request.view,
    fitted: request.fitted,
    hasLabel: request.hasLabel,
  };
  return reuseOr(deps.db.datasets, { stage: "transform", version: TRANSFORM_VERSION, inputs }, () =>
    transformFresh(deps, request, beat),
  );
}

async function transformFresh(
  deps: ActivityDeps,
  request: TransformRequest,
  beat: Beat,
): Promise<Omit<TransformResult, "isReused">> {
  const { objects } = deps;
  const dataset = await readDataset(objects, request.dataset);
  const view = await readView(deps, request.view);
  const fitted = await getDocument(objects, request.fitted, fittedStateSchema);
  requireColumns(view, dataset);
  const scratch = await mkdtemp(join(deps.scratchDir, "transform-"));
  try {
    return await transformShards(deps, { dataset, view, fitted, scratch, beat, hasLabel: request.hasLabel });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface ShardJob {
  readonly dataset: DatasetManifest;
  readonly view: FeatureView;
  readonly fitted: FittedState;
  readonly hasLabel: boolean;
  readonly scratch: string;
  readonly beat: Beat;
}

async function transformShards(
  deps: ActivityDeps,
  job: ShardJob,
): Promise<Omit<TransformResult, "isReused">> {
  const { dataset, view, fitted, hasLabel, scratch, beat } = job;
  const paths: Record<string, string[]> = {};
  for (const [name, source] of Object.entries(dataset.sources)) paths[name] = await localParts(deps, source);
  const readings = paths[view.source] ?? [];
  if (hasLabel) await checkLifeTables(deps.duckdb, view, paths);
  const classLabels = hasLabel ? fitted.classLabels : undefined;
  const parts: ParquetPart[] = [];
  for (const [shard, path] of readings.entries()) {
    beat.signal.throwIfAborted();
    beat.report({ shard, of: readings.length });
    const out = join(scratch, `features-${shard}.parquet`);
    const { [view.source]: _, ...others } = paths;
    const { rows } = await transformShard(deps.duckdb, {
      view,
      fitted,
      readings: [path],
      allReadings: readings,
      sources: others,
      hasLabel,
      out,
      signal: beat.signal,
      ...(classLabels === undefined ? {} : { classLabels }),
    });
    parts.push(await putParquet(deps.objects, { path: out, rows, shard }));
  }
  const counts = await countRows(deps, parts, hasLabel && keepsCensored(view.label));
  requireEndedLife(counts);
  if (hasLabel) await requireHorizons(deps.duckdb, view, await tableOf(deps, parts));
  const manifest: FeatureSetManifest = {
    kind: "aura.features/1",
    dataset: hashOf(dataset),
    view: view.hash,
    fitted: hashOf(fitted),
    features: featureSpecs(view),
    ...(classLabels === undefined
      ? {}
      : {
          classLabels,
          nUnseenClass: await countUnseenClass(deps.duckdb, view, { paths: readings, classLabels }),
        }),
    ...(hasLabel && view.label.kind === "forecast" ? { nHorizons: view.label.horizons.length } : {}),
    parts,
    ...(hasLabel && view.weight !== undefined ? { hasWeight: true } : {}),
    ...counts,
  };
  const featureSet = await putDocument(deps.objects, manifest);
  // Of a replay's snapshot nothing is registered: no dataset is there that it could belong to.
  if (!isReproduction() && dataset.asOf === undefined)
    await registerFeatureSet(deps, { featureSet, manifest, view });
  return { featureSet, rows: counts.nRows, features: manifest.features.length };
}

async function tableOf(deps: ActivityDeps, parts: readonly ParquetPart[]): Promise<string> {
  const paths = [];
  for (const part of parts) paths.push(await deps.objects.fetch(part.object));
  return deps.duckdb.parquet(paths);
}

async function countRows(deps: ActivityDeps, parts: readonly ParquetPart[], hasCensored: boolean) {
  const censored = hasCensored ? ", count(__y_least) AS censored" : "";
  const [row] = await deps.duckdb.query(
    `SELECT count(*) AS rows, count(__y) AS labelled, count(DISTINCT __asset) AS assets${censored} FROM ${await tableOf(deps, parts)}`,
  );
  return {
    nRows: Number(row?.["rows"]),
    nLabelled: Number(row?.["labelled"]),
    ...(hasCensored ? { nCensored: Number(row?.["censored"]) } : {}),
    nAssets: Number(row?.["assets"]),
  };
}

/** @throws {PlatformError} not_enough_data when no life ended, so that nothing says how long one is */
export function requireEndedLife({
  nLabelled,
  nCensored = 0,
}: Pick<FeatureSetManifest, "nLabelled" | "nCensored">): void {
  if (nLabelled > 0 || nCensored === 0) return;
  throw new PlatformError(
    "not_enough_data",
    `label the readings: expected a failure that some reading comes before, got none: all ${nCensored} rows with a life are of assets that had not failed; check label.where and the assets of the events, give a label.cap that some asset outlived, or use the task anomaly, which needs no failures`,
  );
}

export async function readView(deps: Pick<ActivityDeps, "objects">, ref: ObjectRef): Promise<FeatureView> {
  return parseView(new TextDecoder().decode(await deps.objects.get(ref)));
}

/** A view names stored columns by position; it fits a dataset only where name, position and type are the same. */
function requireColumns(view: FeatureView, dataset: DatasetManifest): void {
  const stored = new Map(dataset.sources[view.source]?.columns.map((column) => [column.physical, column]));
  for (const column of view.columns) {
    const found = stored.get(column.physical);
    if (found?.name === column.name && found.type === column.type) continue;
    throw new PlatformError(
      "conflict",
      `transform [view ${view.hash.slice(0, 12)}]: expected column ${column.name} (${column.type}) in ${view.source}, found ${found === undefined ? "none" : `${found.name} (${found.type})`}`,
    );
  }
}
