import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { runClosedLoop } from "../load/closed-loop.ts";
import { encodePost, openConnection } from "../load/http-connection.ts";
import { percentile } from "../load/load-result.ts";
import type { LoadResult } from "../load/load-result.ts";
import { runOpenLoop } from "../load/open-loop.ts";
import type { RowSpec } from "../row.ts";
import { requestBodies } from "../serve/fleet-table.ts";
import type { BenchSuite, SuiteContext } from "../suite.ts";
import { bareCopy } from "./bare-copy.ts";
import { kafkaPeak, mqttPeak } from "./broker-peaks.ts";
import { fillHistory, HISTORY_ASSETS, readHistory } from "./history.ts";
import { startIngestPlatform } from "./ingest-platform.ts";
import type { IngestPlatform } from "./ingest-platform.ts";
import { ASSETS, arrowBodies, jsonRequests, SOURCE } from "./reading-bodies.ts";

const arrow = {
  work: "peak: readings of 8 values as Arrow, 20,000 in a request, 4 connections, beside a bare COPY of as many into the same table",
  unit: "readings/s",
  better: "higher",
  of: "ratio",
} as const;
const http = {
  work: "peak: readings of 8 values as JSON over HTTP, 500 in a request, 8 connections",
  unit: "readings/s",
  better: "higher",
  of: "ours",
} as const;
const mqtt = {
  work: "peak: a reading of 8 values in each message, MQTT with QoS 1, embedded endpoint, 16 connections with 256 unacknowledged",
  unit: "readings/s",
  better: "higher",
  of: "ours",
} as const;
const kafka = {
  work: "peak: a reading of 8 values in each message, waiting in a Kafka of 4 partitions",
  unit: "readings/s",
  better: "higher",
  of: "ours",
} as const;

export const INGEST_SPECS = {
  arrow: { ...arrow, kind: "aim", min: 0.5 },
  arrowMust: { ...arrow, kind: "must", min: 0.25 },
  http: { ...http, kind: "aim", min: 40_000 },
  httpMust: { ...http, kind: "must", min: 20_000 },
  mqtt: { ...mqtt, kind: "aim", min: 5_000 },
  mqttMust: { ...mqtt, kind: "must", min: 2_500 },
  kafka: { ...kafka, kind: "aim", min: 40_000 },
  kafkaMust: { ...kafka, kind: "must", min: 20_000 },
  lag: {
    work: "2,000 readings/s with 200 predictions/s: p99 from when a reading was due to its committed answer",
    unit: "ms",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 1_000,
  },
  predict: {
    work: "the same: p99 of the predictions",
    unit: "ms",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 20,
  },
  stored: {
    work: "the same: share of readings stored exactly once",
    unit: "share",
    kind: "must",
    better: "higher",
    of: "ours",
    min: 1,
  },
  overloadMemory: {
    work: "20,000 readings/s on 64 connections: resident memory of the API in the last quarter, beside the first",
    unit: "ratio",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 1.25,
  },
  overloadStored: {
    work: "the same: share of accepted readings that are stored exactly once",
    unit: "share",
    kind: "must",
    better: "higher",
    of: "ours",
    min: 1,
  },
  overloadRecovery: {
    work: "the same: from its end until a reading is stored within 1 s",
    unit: "s",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 10,
  },
  burst: {
    work: "300,000 buffered readings of 500 devices, each its own connection's turn: until all are stored",
    unit: "s",
    kind: "aim",
    better: "lower",
    of: "ours",
    max: 60,
  },
  burstOthers: {
    work: "the same: largest lag of another device that sends a reading every 100 ms",
    unit: "s",
    kind: "aim",
    better: "lower",
    of: "ours",
    max: 5,
  },
  page: {
    work: "a year of 100 assets, a reading a minute: page of 100 readings, p99",
    unit: "ms",
    kind: "aim",
    better: "lower",
    of: "ours",
    max: 50,
  },
  trend: {
    work: "the same: trend of 24 hours in steps of five minutes, p99",
    unit: "ms",
    kind: "aim",
    better: "lower",
    of: "ours",
    max: 50,
  },
} as const satisfies Record<string, RowSpec>;

/** Readings in: how fast, how late beside predictions, and what overload does. */
export const ingestSuite: BenchSuite = {
  name: "ingest",
  about:
    "The real platform (API, embedded PostgreSQL with its default durability, worker, Temporal) with a model that serves. An event is a reading of 8 values. Answers follow the commit, so an answer's time is the lag. The generator is on the same two cores; open-loop times count from when a request was due.",
  specs: INGEST_SPECS,
  run: runIngestSuite,
};

const SEED = 5;

interface Plan {
  readonly copyRows: number;
  readonly arrowRequests: number;
  readonly peakSeconds: number;
  readonly kafkaMessages: number;
  readonly sustainedSeconds: number;
  readonly overloadSeconds: number;
  readonly burstReadings: number;
  readonly historyMinutes: number;
}

async function runIngestSuite(context: SuiteContext): Promise<void> {
  const plan: Plan = context.quick
    ? {
        copyRows: 100_000,
        arrowRequests: 4,
        peakSeconds: 2,
        kafkaMessages: 60_000,
        sustainedSeconds: 4,
        overloadSeconds: 4,
        burstReadings: 30_000,
        historyMinutes: 2_000,
      }
    : {
        copyRows: 1_000_000,
        arrowRequests: 50,
        peakSeconds: 10,
        kafkaMessages: 600_000,
        sustainedSeconds: 600,
        overloadSeconds: 120,
        burstReadings: 300_000,
        historyMinutes: 365 * 24 * 60,
      };
  const platform = await startIngestPlatform(context);
  try {
    // First: after the peaks the database still cleans up, and the generator's own heap is full of what it sent.
    await measureSustained(context, platform, plan);
    await measureArrow(context, platform, plan);
    await measureHttp(context, platform, plan);
    await measureBrokers(context, platform, plan);
    await measureOverload(context, platform, plan);
    await measureBurst(context, platform, plan);
    await measureHistory(context, platform, plan);
  } finally {
    await platform.stop();
  }
}

const ARROW_ROWS = 20_000;
const ARROW_CONNECTIONS = 4;

async function measureArrow(context: SuiteContext, platform: IngestPlatform, plan: Plan): Promise<void> {
  const peer = await bareCopy(platform.databaseUrl, plan.copyRows);
  const bodies = arrowBodies({ n: plan.arrowRequests, size: ARROW_ROWS, prefix: "arrow-", seed: SEED });
  let next = 0;
  const began = performance.now();
  const send = async (): Promise<void> => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      const response = await fetch(`${platform.apiUrl}/readings?source=${SOURCE}`, {
        method: "POST",
        headers: { "content-type": "application/vnd.apache.arrow.stream" },
        body,
      });
      const reply = (await response.json()) as { stored?: number };
      if (reply.stored !== ARROW_ROWS) throw new Error(`Arrow: ${response.status} ${JSON.stringify(reply)}`);
    }
  };
  await Promise.all(Array.from({ length: ARROW_CONNECTIONS }, send));
  const seconds = (performance.now() - began) / 1_000;
  const measured = {
    ours: (plan.arrowRequests * ARROW_ROWS) / seconds,
    peer,
    peerVersion: "PostgreSQL COPY, binary, one connection",
    seed: SEED,
  };
  context.row(INGEST_SPECS.arrow, measured);
  context.row(INGEST_SPECS.arrowMust, measured);
}

const JSON_ROWS = 500;

async function measureHttp(context: SuiteContext, platform: IngestPlatform, plan: Plan): Promise<void> {
  const { port } = platform;
  // More than can be stored in that time: a reading that is there already would be cheaper.
  const n = Math.ceil((plan.peakSeconds * 150_000) / JSON_ROWS);
  const requests = jsonRequests(port, { n, size: JSON_ROWS, prefix: "http-", seed: SEED });
  const result = await runClosedLoop({ port, connections: 8, seconds: plan.peakSeconds, requests });
  requireAll("JSON peak", result);
  const measured = { ours: (result.answered * JSON_ROWS) / result.seconds, seed: SEED };
  context.row(INGEST_SPECS.http, measured);
  context.row(INGEST_SPECS.httpMust, measured);
}

async function measureBrokers(context: SuiteContext, platform: IngestPlatform, plan: Plan): Promise<void> {
  const acknowledged = {
    ours: await mqttPeak(platform, { seconds: plan.peakSeconds, seed: SEED }),
    seed: SEED,
  };
  context.row(INGEST_SPECS.mqtt, acknowledged);
  context.row(INGEST_SPECS.mqttMust, acknowledged);
  const { scratch } = context;
  const drained = await kafkaPeak(platform, { n: plan.kafkaMessages, seed: SEED, scratch });
  if (typeof drained === "object") return context.say(`Kafka is left out: ${drained.missing}`);
  context.row(INGEST_SPECS.kafka, { ours: drained, seed: SEED });
  context.row(INGEST_SPECS.kafkaMust, { ours: drained, seed: SEED });
}

const SUSTAINED = { rate: 2_000, size: 20, predictions: 200 } as const;

async function measureSustained(context: SuiteContext, platform: IngestPlatform, plan: Plan): Promise<void> {
  const { port } = platform;
  const { rate, size, predictions } = SUSTAINED;
  const seconds = plan.sustainedSeconds;
  const requests = jsonRequests(port, { n: (rate / size) * seconds, size, prefix: "live-", seed: SEED });
  const predict = requestBodies(256, SEED).map((body) => encodePost(`127.0.0.1:${port}`, "/predict", body));
  const [readings, answers] = await Promise.all([
    runOpenLoop({ port, rate: rate / size, seconds, connections: 32, requests }),
    runOpenLoop({ port, rate: predictions, seconds, connections: 16, requests: predict }),
  ]);
  requireAll("sustained readings", readings);
  requireAll("sustained predictions", answers);
  context.row(INGEST_SPECS.lag, { ours: percentile(readings.latenciesMs, 0.99), seed: SEED });
  context.row(INGEST_SPECS.predict, { ours: percentile(answers.latenciesMs, 0.99), seed: SEED });
  const stored = await storedOf(platform, "live-");
  context.row(INGEST_SPECS.stored, { ours: stored / (readings.answered * size), seed: SEED });
  context.say(
    `sustained for ${seconds} s: ${readings.answered * size} readings, ${answers.answered} predictions, none failed`,
  );
}

const OVERLOAD_RATE = 20_000;

/** Ten times the sustained rate. What is refused is no failure: it was not accepted. */
async function measureOverload(context: SuiteContext, platform: IngestPlatform, plan: Plan): Promise<void> {
  const { port } = platform;
  const seconds = plan.overloadSeconds;
  // Made in slices: the bodies of two minutes at once would be gigabytes.
  const sliceSeconds = Math.min(10, seconds);
  const resident: number[] = [];
  let isOver = false;
  const watch = (async () => {
    for (; !isOver; await sleep(250)) resident.push(residentBytes(platform.apiPid()));
  })();
  let accepted = 0;
  let refused = 0;
  for (let slice = 0; slice * sliceSeconds < seconds; slice++) {
    const n = (OVERLOAD_RATE / 100) * sliceSeconds;
    const requests = jsonRequests(port, { n, size: 100, prefix: `over${slice}-`, seed: SEED + slice });
    const result = await runOpenLoop({
      port,
      rate: OVERLOAD_RATE / 100,
      seconds: sliceSeconds,
      connections: 64,
      requests,
    });
    accepted += result.answered * 100;
    refused += result.failed * 100;
  }
  const ended = performance.now();
  isOver = true;
  await watch;
  const recovery = await untilPrompt(platform, ended);
  const quarter = Math.max(1, Math.floor(resident.length / 4));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  context.row(INGEST_SPECS.overloadMemory, {
    ours: mean(resident.slice(-quarter)) / mean(resident.slice(0, quarter)),
    seed: SEED,
  });
  context.row(INGEST_SPECS.overloadStored, {
    ours: (await storedOf(platform, "over")) / accepted,
    seed: SEED,
  });
  context.row(INGEST_SPECS.overloadRecovery, { ours: recovery, seed: SEED });
  context.say(
    `overload for ${seconds} s: ${accepted} readings accepted, ${refused} refused, API at most ${Math.round(Math.max(...resident) / 2 ** 20)} MiB`,
  );
}

async function measureBurst(context: SuiteContext, platform: IngestPlatform, plan: Plan): Promise<void> {
  const { port } = platform;
  const perRequest = 100;
  const requests = jsonRequests(port, {
    n: plan.burstReadings / perRequest,
    size: perRequest,
    prefix: "burst-",
    seed: SEED,
  });
  let isOver = false;
  let worst = 0;
  const other = (async () => {
    for (; !isOver; await sleep(100)) worst = Math.max(worst, await timeOfOne(platform));
  })();
  const began = performance.now();
  await sendOnce(port, requests, ASSETS);
  const seconds = (performance.now() - began) / 1_000;
  isOver = true;
  await other;
  const stored = await storedOf(platform, "burst-");
  if (stored !== plan.burstReadings)
    throw new Error(`burst: expected ${plan.burstReadings} stored, got ${stored}`);
  context.row(INGEST_SPECS.burst, { ours: seconds, seed: SEED });
  context.row(INGEST_SPECS.burstOthers, { ours: worst, seed: SEED });
}

async function measureHistory(
  context: SuiteContext,
  platform: IngestPlatform,
  { historyMinutes: minutesPerAsset }: Plan,
): Promise<void> {
  const bytes = await fillHistory(platform, minutesPerAsset);
  const reads = context.quick ? 50 : 1_000;
  const { pages, trends } = await readHistory(platform, { reads, minutesPerAsset, seed: SEED });
  context.row(INGEST_SPECS.page, { ours: percentile(pages, 0.99), seed: SEED });
  context.row(INGEST_SPECS.trend, { ours: percentile(trends, 0.99), seed: SEED });
  const nRows = HISTORY_ASSETS * minutesPerAsset;
  context.say(
    `history: ${nRows} readings take ${Math.round(bytes / 2 ** 20)} MiB with their indexes, ${Math.round(bytes / nRows)} bytes each (all readings of the run counted)`,
  );
}

/** Every request once, over so many connections. */
async function sendOnce(port: number, requests: readonly Buffer[], connections: number): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(connections, requests.length) }, async () => {
      const connection = await openConnection(port);
      for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
        const bytes = request;
        const status = await new Promise<number>((resolve, reject) =>
          connection.send(bytes, (error, answer) =>
            answer === undefined ? reject(error) : resolve(answer.status),
          ),
        );
        if (status !== 200) throw new Error(`burst: status ${status}`);
      }
      connection.close();
    }),
  );
}

let nProbes = 0;

/** @returns seconds until one reading of another device is stored */
async function timeOfOne({ apiUrl }: IngestPlatform): Promise<number> {
  const began = performance.now();
  const time = new Date(Date.UTC(2026, 1, 1) + nProbes++ * 1_000).toISOString();
  const response = await fetch(`${apiUrl}/readings`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ source: SOURCE, readings: [{ asset: "probe", time, values: { s0: 1 } }] }),
  });
  await response.arrayBuffer();
  return response.ok ? (performance.now() - began) / 1_000 : Infinity;
}

async function untilPrompt(platform: IngestPlatform, since: number): Promise<number> {
  while ((await timeOfOne(platform)) > 1) await sleep(50);
  return (performance.now() - since) / 1_000;
}

/** Rows of assets whose ids begin so; no key can be there twice, so rows are readings. */
async function storedOf({ database }: IngestPlatform, prefix: string): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    `select count(*)::int as n from aura.readings r join aura.reading_series s using (series_key)
       join aura.assets a using (asset_key) where a.asset_id like $1`,
    [`${prefix}%`],
  );
  return rows[0]?.n ?? 0;
}

function requireAll(work: string, { failed, answered, reasons }: LoadResult): void {
  if (failed > 0 || answered === 0)
    throw new Error(`${work}: ${failed} of ${failed + answered} requests failed [${reasons.join("; ")}]`);
}

function residentBytes(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
  return pages * 4_096;
}
