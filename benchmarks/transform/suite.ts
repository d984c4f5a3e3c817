import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { runChild } from "../child.ts";
import type { RowSpec } from "../row.ts";
import type { BenchSuite, SuiteContext } from "../suite.ts";
import { runProduct } from "./product-run.ts";
import { readingsCsv } from "./readings-csv.ts";

export const TRANSFORM_SPECS = {
  wall: {
    work: "readings × 8 sensors, CSV to Parquet to 32 features",
    unit: "s",
    kind: "aim",
    better: "lower",
    of: "ratio",
    min: 0.5,
  },
  memory: {
    work: "readings × 8 sensors through `aura run`, until the transform ends: peak resident memory of all AURA processes together",
    unit: "MiB",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 2048,
  },
} as const satisfies Record<string, RowSpec>;

/** Ingest and transform of a large file beside bare DuckDB. */
export const transformSuite: BenchSuite = {
  name: "transform",
  about:
    "Ten million readings (a generated CSV) through our ingest and transform, beside a bare DuckDB script that reads the same file and writes the same features with the same threads, format, order and compression. Ours also checks every value against its declared range, keeps a quarantine and hashes what it writes. A ratio of 0.5 is twice the peer's time. Each side runs in a process of its own. The memory row is another run of the same readings through the whole product, `aura run` with embedded PostgreSQL and Temporal, default limits and labels; it sums the resident memory of the command (which supervises), API, worker and inference children every 100 ms, until the transform ends; the run then goes on to the training.",
  specs: TRANSFORM_SPECS,
  run: runTransformSuite,
};

const reportSchema = z.object({
  wallMs: z.number(),
  ingestMs: z.number(),
  peakRssBytes: z.number(),
  rows: z.int().optional(),
  version: z.string().optional(),
});

const PROCESS_TIMEOUT_MS = 900_000;

async function runTransformSuite(context: SuiteContext): Promise<void> {
  const nRows = context.quick ? 1_000_000 : 10_000_000;
  const csv = await readingsCsv(context.cache, nRows);
  const threads = String(availableParallelism());
  // The first reader would pay for bringing the file into the page cache; the peer reads it first.
  const peer = await measure(context, "duckdb-process.js", [csv, threads]);
  const ours = await measure(context, "ours-process.js", [csv, threads]);
  const work = `${nRows / 1_000_000} M ${TRANSFORM_SPECS.wall.work}`;
  context.row(
    { ...TRANSFORM_SPECS.wall, work },
    {
      ours: ours.wallMs / 1000,
      peer: peer.wallMs / 1000,
      peerVersion: `DuckDB ${peer.version ?? ""}`,
      seed: 0,
    },
  );
  const parts = [ours, peer].map(
    (side) => `${(side.ingestMs / 1000).toFixed(1)} + ${((side.wallMs - side.ingestMs) / 1000).toFixed(1)} s`,
  );
  context.say(`ingest + transform: ours ${parts[0]}, DuckDB ${parts[1]}, ${threads} threads each`);
  context.say(
    `peak resident memory of that process alone: ours ${mib(ours.peakRssBytes)}, DuckDB ${mib(peer.peakRssBytes)}`,
  );
  await measureProduct(context, context.quick ? N_PRODUCT_ROWS_QUICK : nRows);
}

/** The whole product also starts PostgreSQL and Temporal, and stages as few rows as these. */
const N_PRODUCT_ROWS_QUICK = 300_000;

async function measureProduct(context: SuiteContext, nRows: number): Promise<void> {
  const csv = await readingsCsv(context.cache, nRows);
  const { peaks, untilTransform, end } = await runProduct(context, csv);
  if (untilTransform === undefined) {
    context.say("memory of the whole product not measured: there is no /proc here");
    return;
  }
  const { rssBytes, pssBytes, ownPeaksBytes } = untilTransform;
  const work = `${nRows / 1_000_000} M ${TRANSFORM_SPECS.memory.work}`;
  context.row({ ...TRANSFORM_SPECS.memory, work }, { ours: Math.round(rssBytes / 2 ** 20), seed: 0 });
  const shared = pssBytes === undefined ? "" : `, with shared pages counted once ${mib(pssBytes)}`;
  context.say(
    `whole product, \`aura run\` (${end}): sampled peak ${mib(rssBytes)}${shared}; sum of each process's own peak ${mib(ownPeaksBytes)}`,
  );
  const byStage = [...peaks].map(([stage, peak]) => `${stage} ${mib(peak.rssBytes)}`);
  context.say(`whole product, peak by stage: ${byStage.join(", ")}`);
}

async function measure(context: SuiteContext, script: string, [csv, threads]: readonly [string, string]) {
  const out = join(context.scratch, script);
  mkdirSync(out, { recursive: true });
  const path = join(context.root, "dist", "benchmarks", "transform", script);
  const result = await runChild(
    { command: process.execPath, args: [path, csv, out, threads] },
    PROCESS_TIMEOUT_MS,
  );
  if (result.code !== 0)
    throw new Error(`${script} [exit code ${result.code}]: ${result.stderr.slice(-2_000)}`);
  return reportSchema.parse(JSON.parse(result.stdout));
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
