import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ApiClient } from "../../cli/client.ts";
import { readSettings } from "../../config/settings.ts";
import { startPlatform } from "../../platform/supervisor.ts";
import { intakeReplySchema } from "../../schemas/live/intake.ts";
import { onlineFeaturesSchema } from "../../schemas/live/online-features.ts";
import { auraCommand } from "../aura-command.ts";
import { ASSETS, COLUMNS, jsonRequests, SOURCE, valuesOf } from "../ingest/reading-bodies.ts";
import { percentile } from "../load/load-result.ts";
import { runOpenLoop } from "../load/open-loop.ts";
import type { RowSpec } from "../row.ts";
import type { BenchSuite, SuiteContext } from "../suite.ts";

const SEED = 23;
/** Readings a second beside what is measured; every asset of them has its features kept up and is scored once a second. */
const LOAD = { rate: 2_000, size: 20, connections: 8 } as const;
const READS = { rate: 200, connections: 8 } as const;
const WINDOW = 20;
const N_FEATURES = 50;
const PROBES = 200;
const PROBE_PAUSE_MS = 100;
const POLL_MS = 3;
const SETTLE_SECONDS = 4;

export const FEATURE_SPECS = {
  read: {
    work: `GET /v1/features of ${N_FEATURES} features, ${READS.rate} a second beside ${LOAD.rate} readings/s of ${ASSETS} assets, p99`,
    unit: "ms",
    kind: "aim",
    better: "lower",
    of: "ours",
    max: 5,
  },
  freshness: {
    work: `from a reading being sent until its features are answered, beside ${LOAD.rate} readings/s, p99`,
    unit: "ms",
    kind: "aim",
    better: "lower",
    of: "ours",
    max: 2_000,
  },
} as const satisfies Record<string, RowSpec>;

/** How soon live readings are features, and what it takes to read them. */
export const featuresSuite: BenchSuite = {
  name: "features",
  about:
    "The real platform (API, embedded PostgreSQL, scorer, ingestor, worker, Temporal) with a champion of 50 windowed features that live readings feed. The generator is on the same two cores.",
  specs: FEATURE_SPECS,
  run: runFeaturesSuite,
};

async function runFeaturesSuite(context: SuiteContext): Promise<void> {
  const stateDir = join(context.scratch, "state");
  const settings = readSettings({ AURA_STATE_DIR: stateDir, AURA_LOG_LEVEL: "warn" }, context.scratch);
  const platform = await startPlatform(settings, { anyPorts: true });
  try {
    const { api } = platform.urls;
    const client = new ApiClient({ baseUrl: api });
    const body = { name: SOURCE, owner: "bench", columns: COLUMNS };
    await client.put(`/v1/sources/${SOURCE}`, { reply: z.looseObject({}), body });
    await serveModel(context, stateDir);
    await measure(context, client, Number(new URL(api).port));
  } finally {
    await platform.stop();
  }
}

async function measure(context: SuiteContext, client: ApiClient, port: number): Promise<void> {
  const nProbes = context.quick ? PROBES / 4 : PROBES;
  const seconds = Math.ceil((nProbes * PROBE_PAUSE_MS * 1.2) / 1_000);
  await warm(client);
  const reads = Array.from({ length: READS.rate * seconds }, (_, i) =>
    Buffer.from(
      `GET /v1/features/a${i % ASSETS}?model=${SOURCE} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
    ),
  );
  // One after the other: who polls for a fresh value would be part of the load of the reads.
  const read = await besideReadings(port, { first: 0, seconds }, () =>
    runOpenLoop({ port, rate: READS.rate, seconds, connections: READS.connections, requests: reads }),
  );
  if (read.failed > 0) throw new Error(`features: ${read.failed} reads failed`);
  context.row(FEATURE_SPECS.read, { ours: percentile(read.latenciesMs, 0.99), seed: SEED });
  const fresh = await besideReadings(port, { first: 1, seconds }, () => probe(client, nProbes));
  context.row(FEATURE_SPECS.freshness, { ours: percentile(fresh, 0.99), seed: SEED });
  const [shownRead, shownFresh] = [read.latenciesMs, fresh].map((one) => percentile(one, 0.5).toFixed(1));
  context.say(
    `medians: read ${shownRead} ms, fresh after ${shownFresh} ms; ${read.answered} reads, ${fresh.length} probes`,
  );
}

/** Work while readings come in, of assets that are all there already. */
async function besideReadings<T>(
  port: number,
  { first, seconds }: { readonly first: 0 | 1; readonly seconds: number },
  work: () => Promise<T>,
): Promise<T> {
  const lasting = SETTLE_SECONDS + seconds + 1;
  const n = (LOAD.rate / LOAD.size) * lasting;
  // Later ones go on behind the first, whose times they must not have again.
  const requests = jsonRequests(port, { n: n * (first + 1), size: LOAD.size, prefix: "a", seed: SEED });
  const load = runOpenLoop({
    port,
    rate: LOAD.rate / LOAD.size,
    seconds: lasting,
    connections: LOAD.connections,
    requests: requests.slice(n * first),
  });
  // The first reading of an asset is a read of the database.
  await sleep(SETTLE_SECONDS * 1_000);
  const result = await work();
  const sent = await load;
  if (sent.failed > 0) throw new Error(`features: ${sent.failed} batches failed`);
  return result;
}

const PROBE_ASSET = "probe";

async function send(client: ApiClient, value: number): Promise<void> {
  const values = Object.fromEntries(COLUMNS.map(({ name }, i) => [name, i === 0 ? value : 1]));
  const readings = [{ asset: PROBE_ASSET, time: new Date().toISOString(), values }];
  await client.post("/v1/readings", { reply: intakeReplySchema, body: { source: SOURCE, readings } });
}

async function isAnswered(client: ApiClient, value: number): Promise<boolean> {
  const { features } = await client.get(`/v1/features/${PROBE_ASSET}`, onlineFeaturesSchema, {
    model: SOURCE,
  });
  return features.find(({ name }) => name === "s0")?.value === value;
}

/** The scorer learns of a new champion within seconds. */
async function warm(client: ApiClient): Promise<void> {
  await send(client, -1);
  for (let tries = 0; tries < 300; tries++) {
    if (await isAnswered(client, -1).catch(() => false)) return;
    await sleep(100);
  }
  throw new Error("features: the scorer does not answer");
}

/** ms from sending a reading until its value is answered, ascending. */
async function probe(client: ApiClient, n: number): Promise<Float64Array> {
  const took: number[] = [];
  for (let value = 0; value < n; value++) {
    const began = performance.now();
    await send(client, value);
    while (!(await isAnswered(client, value))) await sleep(POLL_MS);
    took.push(performance.now() - began);
    await sleep(PROBE_PAUSE_MS);
  }
  return Float64Array.from(took).sort();
}

/** A linear model of 48 windows and two present values. */
async function serveModel({ root, scratch }: SuiteContext, stateDir: string): Promise<void> {
  const data = join(scratch, "fleet");
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, "fleet.csv"), fleetText());
  const pipeline = join(scratch, "pipeline.yaml");
  writeFileSync(pipeline, pipelineText());
  const aura = auraCommand(root, stateDir);
  const run = await aura.train([pipeline, "--data", data, "--approve-as", "bench@example.com"], 300_000);
  if (run.outcome !== "promoted") throw new Error(`model: expected promoted, got ${run.outcome}`);
}

function fleetText(): string {
  const value = valuesOf(SEED);
  const lines = [["asset", "time", ...COLUMNS.map(({ name }) => name), "failed"].join(",")];
  for (let asset = 0; asset < 40; asset++) {
    for (let minute = 0; minute < 60; minute++) {
      const values = COLUMNS.map(() => value());
      const time = new Date(Date.UTC(2025, 0, 1) + minute * 60_000).toISOString();
      lines.push([`m${asset}`, time, ...values, (values[0] ?? 0) + value() > 110 ? 1 : 0].join(","));
    }
  }
  return `${lines.join("\n")}\n`;
}

function pipelineText(): string {
  return `name: ${SOURCE}
sources:
  readings:
    files: fleet.csv
    asset: asset
    time: { column: time, kind: timestamp }
    columns:
${COLUMNS.map(({ name, unit }) => `      - { name: ${name}, unit: "${unit}" }`).join("\n")}
      - { name: failed, type: integer, use: label }
label: { kind: column, column: failed, positive: 1 }
task: { kind: class }
features:
  - current: { columns: [s0, s1] }
  - rolling: { columns: "*", stats: [mean, std, min, max, slope, median], windows: [${WINDOW}] }
candidates: [{ kind: linear }]
`;
}
