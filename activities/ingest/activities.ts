import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { hashOf } from "../../schemas/canonical-json.ts";
import type { DatasetManifest, RawFile } from "../../schemas/data/dataset.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { ingest } from "../../sources/ingest/ingest.ts";
import type { IngestResult as LocalDataset } from "../../sources/ingest/ingest.ts";
import { datasetManifest } from "../../sources/ingest/manifest.ts";
import { putDocument, readPipeline, readRawFiles } from "../../stores/objects/documents.ts";
import { systemAudit } from "../audit.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import type { Beat } from "../heartbeat.ts";
import { putParquet } from "../parquet-object.ts";
import { reuseOr } from "../stage-cache.ts";
import type { IngestInput, IngestResult } from "./messages.ts";
import { pullSources } from "./pull-sources.ts";
import { quarantineHead } from "./quarantine-head.ts";
import { withRegisteredPersonal } from "./registered-personal.ts";
import { stageReadings } from "./staged-rows.ts";

/** Raised when the same files would give another dataset than before. */
const INGEST_VERSION = 2;

type Ingested = Omit<IngestResult, "isReused">;

/** Ingest: raw files to a registered, immutable dataset. */
export function createIngestActivities(deps: ActivityDeps) {
  const { objects, db } = deps;
  return {
    /**
     * Reads, checks and sorts the files into content-addressed Parquet, and registers the dataset with its ledger,
     * quarantine, assets and staged rows.
     *
     * **Effects**: Parquet and manifest objects; dataset, ledger, quarantine, asset and staged rows. **Idempotency**:
     * content addresses; the registration is one transaction keyed by the dataset id. **Heartbeat**: 1 s with file and
     * rows. **Errors**: bad_file, quality_gate, invalid_pipeline, integrity. **Retry**: work.
     */
    async ingestDataset(input: IngestInput): Promise<IngestResult> {
      const pipeline = await withRegisteredPersonal(db.liveSources, await readPipeline(objects, input.spec));
      const uploaded = await readRawFiles(objects, input.files);
      // Pulled before the cache is asked: what a URL holds now is part of what the dataset is made of.
      const files = [...uploaded, ...(await pullSources(deps, pipeline))];
      const { sources, quality, name, owner, retention, staging } = pipeline;
      const inputs = { sources, quality, name, owner, retention, staging, files };
      return reuseOr<Ingested>(db.datasets, { stage: "ingest", version: INGEST_VERSION, inputs }, () =>
        withHeartbeat((beat) => ingestFresh(deps, { runId: input.runId, pipeline, files, beat })),
      );
    },
  };
}

interface IngestJob {
  readonly runId: string;
  readonly pipeline: Pipeline;
  readonly files: readonly RawFile[];
  readonly beat: Beat;
}

async function ingestFresh(deps: ActivityDeps, job: IngestJob): Promise<Ingested> {
  const { pipeline, files, beat } = job;
  // A folder of its own: two attempts may overlap for the seconds until the first one's heartbeat is missed.
  const scratch = await mkdtemp(join(deps.scratchDir, "ingest-"));
  try {
    const local = [];
    for (const { name, object } of files) {
      local.push({ name, sha256: object.sha256, localPath: await deps.objects.fetch(object) });
    }
    const found = await ingest({
      pipeline,
      files: local,
      duckdb: deps.duckdb,
      workDir: join(scratch, "work"),
      signal: beat.signal,
      onProgress: (progress) => beat.report(progress),
    });
    return await register(deps, job, found);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function register(deps: ActivityDeps, job: IngestJob, found: LocalDataset): Promise<Ingested> {
  const { pipeline, runId } = job;
  const manifest = await storeManifest(deps, job, found);
  const manifestObject = await putDocument(deps.objects, manifest);
  const id = hashOf(manifest);
  const readings = Object.entries(manifest.sources).find(([, source]) => source.role === "readings");
  const counts = Object.fromEntries(
    Object.entries(manifest.sources).map(([name, source]) => [name, source.counts]),
  );
  await deps.db.datasets.register({
    id,
    manifest,
    manifestObject,
    runId,
    counts,
    perFile: found.perFile,
    quarantine: await quarantineHead(deps.duckdb, found.quarantine),
    assets: found.assets,
    audit: systemAudit("dataset.register", `dataset/${id}`, { pipeline: pipeline.name, runId, counts }),
  });
  if (readings !== undefined)
    await stageReadings(deps, { id, pipeline, name: readings[0], source: readings[1] });
  const totals = Object.values(manifest.sources);
  return {
    dataset: id,
    manifest: manifestObject,
    rows: readings?.[1].counts.accepted ?? 0,
    quarantined: totals.reduce((sum, source) => sum + source.counts.quarantined, 0),
    assets: readings?.[1].nAssets ?? 0,
  };
}

async function storeManifest(
  deps: ActivityDeps,
  job: IngestJob,
  found: LocalDataset,
): Promise<DatasetManifest> {
  const local = [
    ...Object.values(found.parts).flat(),
    ...(found.quarantine === undefined ? [] : [found.quarantine]),
  ];
  const objects = new Map<string, ObjectRef>();
  for (const part of local) objects.set(part.path, (await putParquet(deps.objects, part)).object);
  return datasetManifest(job.pipeline, found, { raw: job.files, objects });
}
