import { mkdirSync } from "node:fs";
import { dirname, basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { putParquet } from "../../activities/parquet-object.ts";
import { transformShard } from "../../features/transform.ts";
import { compileView } from "../../features/view.ts";
import type { RawFile } from "../../schemas/data/dataset.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { ingest } from "../../sources/ingest/ingest.ts";
import { datasetManifest } from "../../sources/ingest/manifest.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import { readingsPipeline } from "./pipeline.ts";

/**
 * Ours in the transform suite, in a process of its own: what the ingest and transform activities do between their
 * heartbeats, with the worker's DuckDB settings. Parts are hashed and put into a file object store.
 *
 * Usage: ours-process.js READINGS.csv OUT_FOLDER THREADS
 */
const [csv = "", out = "", threads = "1"] = process.argv.slice(2);

/** As in workers/dependencies.ts. */
const DUCKDB_MEMORY = "700MB";

const { pipeline } = parsePipeline(readingsPipeline(basename(csv)), "bench-transform");

const scratch = join(out, "scratch");
const objectsDir = join(out, "objects");
mkdirSync(scratch, { recursive: true });
mkdirSync(objectsDir, { recursive: true });

const start = performance.now();
const objects = createObjectStore({ objects: pathToFileURL(objectsDir).href, cacheDir: join(out, "cache") });
const duckdb = await createDuckDb({
  directories: [scratch, objectsDir, join(out, "cache"), dirname(csv)],
  memoryLimit: DUCKDB_MEMORY,
  threads: Number(threads),
  tempDirectory: join(scratch, "spill"),
});

// The starter has put and hashed the original before ingest begins; its reference is only carried along.
const sha256 = "0".repeat(64);
const raw: RawFile[] = [{ name: basename(csv), object: { key: `raw/sha256/${sha256}`, sha256, bytes: 0 } }];
const found = await ingest({
  pipeline,
  files: [{ name: basename(csv), localPath: csv, sha256 }],
  duckdb,
  workDir: join(scratch, "ingest"),
});
const stored = new Map<string, Awaited<ReturnType<typeof putParquet>>>();
for (const parts of Object.values(found.parts)) {
  for (const part of parts) stored.set(part.path, await putParquet(objects, part));
}
const refs = new Map([...stored].map(([path, part]) => [path, part.object]));
const manifest = datasetManifest(pipeline, found, { raw, objects: refs });
const ingestMs = performance.now() - start;

const view = compileView(pipeline, manifest);
const readings = [];
for (const { object } of manifest.sources[view.source]?.parts ?? [])
  readings.push(await objects.fetch(object));
let rows = 0;
for (const [shard, path] of readings.entries()) {
  const part = join(scratch, `features-${shard}.parquet`);
  const written = await transformShard(duckdb, {
    view,
    fitted: {},
    readings: [path],
    allReadings: readings,
    sources: {},
    hasLabel: false,
    out: part,
  });
  await putParquet(objects, { ...written, shard });
  rows += written.rows;
}
const wallMs = performance.now() - start;
duckdb.close();

const peakRssBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`${JSON.stringify({ wallMs, ingestMs, peakRssBytes, rows })}\n`);
