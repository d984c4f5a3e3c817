import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { runChild } from "../child.ts";
import type { RowSpec } from "../row.ts";
import type { BenchSuite, SuiteContext } from "../suite.ts";
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
    work: "the same: peak resident memory of our process",
    unit: "GiB",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 2,
  },
} as const satisfies Record<string, RowSpec>;

/** Ingest and transform of a large file beside bare DuckDB. */
export const transformSuite: BenchSuite = {
  name: "transform",
  about:
    "Ten million readings (a generated CSV) through our ingest and transform, beside a bare DuckDB script that reads the same file and writes the same features with the same threads, format, order and compression. Ours also checks every value against its declared range, keeps a quarantine and hashes what it writes. A ratio of 0.5 is twice the peer's time. Each side runs in a process of its own.",
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
  context.row(TRANSFORM_SPECS.memory, { ours: ours.peakRssBytes / 2 ** 30, seed: 0 });
  const parts = [ours, peer].map(
    (side) => `${(side.ingestMs / 1000).toFixed(1)} + ${((side.wallMs - side.ingestMs) / 1000).toFixed(1)} s`,
  );
  context.say(`ingest + transform: ours ${parts[0]}, DuckDB ${parts[1]}, ${threads} threads each`);
  context.say(`peak resident memory: ours ${gib(ours.peakRssBytes)}, DuckDB ${gib(peer.peakRssBytes)}`);
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

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
