import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transformShard } from "../../features/transform.ts";
import { compileView } from "../../features/view.ts";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { ingest } from "../../sources/ingest/ingest.ts";
import { datasetManifest } from "../../sources/ingest/manifest.ts";
import { generateFleet } from "../../sources/synthetic/fleet.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import { readDataset } from "../../stores/objects/documents.ts";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import { localParts, readingsOf } from "../features/sensor-columns.ts";
import { putParquet } from "../parquet-object.ts";
import { snapshotAsOf } from "./snapshot.ts";

const folder = mkdtempSync(join(tmpdir(), "snapshot-"));
const duckdb = await createDuckDb({ directories: [folder], memoryLimit: "256MB", threads: 1 });
const objects = createObjectStore({
  objects: `file://${join(folder, "objects")}`,
  cacheDir: join(folder, "cache"),
});
const deps = { objects, duckdb, scratchDir: folder };
afterAll(() => {
  duckdb.close();
  rmSync(folder, { recursive: true, force: true });
});

const LABELS = {
  events: "label: { kind: events, source: events, where: { type: failure } }",
  ends: "label: { kind: end_of_life, ends: [{ at: last_reading }] }",
};
const pipelineOf = (label: string): Pipeline =>
  parsePipeline(
    `
name: fleet
sources:
  readings:
    files: readings.csv
    asset: asset
    time: { column: time, kind: timestamp }
    columns: [{ name: temperature }, { name: current }]
  events:
    role: events
    files: events.csv
    asset: asset
    time: { column: time, kind: timestamp }
    columns: [{ name: type, type: text }]
${label}
task: { kind: failure_within, horizon: 72h }
features: [{ current: { columns: [temperature] } }]
quality: { maxBadShare: 1, maxNullShare: 1, maxSchemaDrift: 1 }
`,
    "p.yaml",
  ).pipeline;

/** Readings and events as text; the generator's other columns are left out. */
interface Tables {
  readonly readings: string;
  readonly events: string;
}

const HORIZON = 72 * 3_600_000_000;
const CUT_TEXT = "2024-01-20T12:00:00Z";
const CUT = Date.parse(CUT_TEXT) * 1_000;

let whole: Tables;
let nIngested = 0;

beforeAll(async () => {
  const made = await generateFleet({ assets: 6, days: 40, intervalMinutes: 240 }, join(folder, "fleet"));
  const columns = (path: string, take: readonly number[]): string =>
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => take.map((i) => line.split(",")[i]).join(","))
      .join("\n");
  whole = {
    readings: `${columns(made.files.readings, [0, 1, 4, 3])}\n`,
    events: `${columns(made.files.events, [0, 1, 2])}\n`,
  };
});

async function datasetOf(tables: Tables, pipeline: Pipeline): Promise<DatasetManifest> {
  const workDir = join(folder, `ingest-${nIngested++}`);
  mkdirSync(workDir, { recursive: true });
  const files = Object.entries(tables).map(([name, text]) => {
    const localPath = join(folder, `${name}-${nIngested}.csv`);
    writeFileSync(localPath, text);
    return { name: `${name}.csv`, localPath, sha256: sha256Hex(new TextEncoder().encode(text)) };
  });
  const found = await ingest({ pipeline, files, duckdb, workDir: join(workDir, "work") });
  const stored = new Map<string, ObjectRef>();
  for (const part of [...Object.values(found.parts).flat(), ...(found.quarantine ? [found.quarantine] : [])])
    stored.set(part.path, (await putParquet(objects, part)).object);
  const raw = files.map(({ name, sha256 }) => ({
    name,
    object: { key: `raw/sha256/${sha256}`, sha256, bytes: 1 },
  }));
  return datasetManifest(pipeline, found, { raw, objects: stored });
}

const timeOf = (line: string): string => line.split(",")[1] ?? "";

/** The tables with every row after the cut changed; null leaves it out. */
function withFuture(change: (line: string) => string | null): Tables {
  const changed = (text: string): string =>
    text
      .split("\n")
      .flatMap((line) => (timeOf(line) > CUT_TEXT && line.startsWith("SUB") ? (change(line) ?? []) : line))
      .join("\n");
  return { readings: changed(whole.readings), events: changed(whole.events) };
}

async function snapshotOf(tables: Tables, label: string, until = CUT) {
  const pipeline = pipelineOf(label);
  const made = await snapshotAsOf(deps, { pipeline, dataset: await datasetOf(tables, pipeline), until });
  return { ...made, dataset: made.dataset, manifest: await readDataset(objects, made.manifest), pipeline };
}

/** Label by asset and time. */
async function labelsOf(dataset: DatasetManifest, pipeline: Pipeline): Promise<Map<string, number>> {
  const view = compileView(pipeline, dataset);
  const paths: Record<string, string[]> = {};
  for (const [name, source] of Object.entries(dataset.sources)) paths[name] = await localParts(deps, source);
  const { [view.source]: readings = [], ...sources } = paths;
  const out = join(folder, `features-${nIngested++}.parquet`);
  await transformShard(duckdb, {
    view,
    fitted: {},
    readings,
    allReadings: readings,
    sources,
    hasLabel: true,
    out,
  });
  const { columns } = await duckdb.columns(
    `SELECT __asset || ' ' || __t AS key, __y FROM ${await duckdb.parquet([out])} ORDER BY 1`,
  );
  const y = columns["__y"] as Float64Array;
  return new Map((columns["key"] as string[]).map((key, i) => [key, y[i] as number]));
}

describe("a snapshot", () => {
  it("holds what was there until the moment, numbered from 0, and names no file", async () => {
    const { manifest, rows } = await snapshotOf(whole, LABELS.events);
    const lines = whole.readings
      .split("\n")
      .filter((line) => line.startsWith("SUB") && timeOf(line) <= CUT_TEXT);
    expect(rows).toBe(lines.length);
    expect(manifest).toMatchObject({ raw: [], asOf: CUT });
    const from = await duckdb.parquet(await localParts(deps, readingsOf(manifest)));
    const [row] = await duckdb.query(
      `SELECT max(__t)::DOUBLE AS last, min(__seq) AS low, max(__seq) AS high, count(DISTINCT __seq) AS n FROM ${from}`,
    );
    expect(Number(row?.["last"])).toBeLessThanOrEqual(CUT);
    expect([row?.["low"], row?.["high"], row?.["n"]].map(Number)).toEqual([0, rows - 1, rows]);
  });

  const futures: [name: string, change: (line: string) => string | null][] = [
    ["is removed", () => null],
    ["is another", (line) => line.replace(/\d+\.\d+/g, "1.5").replace("failure", "inspection")],
    ["has more failures", (line) => line.replace("inspection", "failure").replace("repair", "failure")],
  ];
  it.each(futures)("is the same one, down to its id, where the future %s", async (_, change) => {
    const { dataset } = await snapshotOf(whole, LABELS.events);
    expect((await snapshotOf(withFuture(change), LABELS.events)).dataset).toBe(dataset);
  });

  it("is another one where the past is", async () => {
    const { dataset } = await snapshotOf(whole, LABELS.events);
    const past = { ...whole, readings: whole.readings.replace(/(SUB-0001,[^,]+,)[\d.]+/, "$11.5") };
    expect((await snapshotOf(past, LABELS.events)).dataset).not.toBe(dataset);
  });

  it("knows the labels that could be told then: a leak of later failures would show", async () => {
    const { manifest, pipeline } = await snapshotOf(whole, LABELS.events);
    const then = await labelsOf(manifest, pipeline);
    const later = await labelsOf(await datasetOf(whole, pipeline), pipeline);
    let nUnknown = 0;
    for (const [key, label] of then) {
      const t = Number(key.split(" ")[1]);
      if (!Number.isNaN(label)) {
        expect(later.get(key), key).toBe(label);
        if (label === 0) expect(t + HORIZON, key).toBeLessThanOrEqual(CUT);
      } else if (later.get(key) === 1) nUnknown += 1;
    }
    // Failures after the cut whose horizon reaches back before it: with them a training would have looked ahead.
    expect(nUnknown).toBeGreaterThan(0);
  });

  it("leaves out assets that still ran, whose last reading is not their end", async () => {
    // The second asset ends before the cut, as if it had failed then; all others go on.
    const ended = {
      ...whole,
      readings: whole.readings
        .split("\n")
        .filter((line) => !line.startsWith("SUB-0002") || timeOf(line) < "2024-01-15")
        .join("\n"),
    };
    const { manifest } = await snapshotOf(ended, LABELS.ends);
    expect(readingsOf(manifest).nAssets).toBe(1);
    await expect(snapshotOf(whole, LABELS.ends)).rejects.toThrow("no asset had failed yet");
  });
});
