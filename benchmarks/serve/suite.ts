import type { RowSpec } from "../row.ts";
import type { BenchSuite, SuiteContext } from "../suite.ts";
import { runClosedLoop } from "../load/closed-loop.ts";
import { encodePost } from "../load/http-connection.ts";
import { percentile } from "../load/load-result.ts";
import type { LoadResult } from "../load/load-result.ts";
import { runOpenLoop } from "../load/open-loop.ts";
import { peerPython } from "../peer-python.ts";
import { requestBodies } from "./fleet-table.ts";
import { fastApiVersion, startFastApi } from "./peer.ts";
import type { PeerStyle, RunningPeer } from "./peer.ts";
import { startPlatform } from "./platform.ts";
import type { ServingPlatform } from "./platform.ts";
import { runPromotions } from "./promotions.ts";
import { startShadow } from "./shadow.ts";

const SINGLE_ROW = "/predict, one row, 300 trees × 60 features, traced";

export const SERVE_SPECS = {
  throughput8: {
    work: `${SINGLE_ROW}, 8 connections`,
    unit: "requests/s",
    kind: "aim",
    better: "higher",
    of: "ratio",
    min: 5,
  },
  throughput64: {
    work: `${SINGLE_ROW}, 64 connections`,
    unit: "requests/s",
    kind: "aim",
    better: "higher",
    of: "ratio",
    min: 8,
  },
  latencyMust: {
    work: `${SINGLE_ROW}, open loop at 500/s`,
    unit: "ms, p99",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 20,
  },
  latencyAim: {
    work: `${SINGLE_ROW}, open loop at 500/s`,
    unit: "ms, p99",
    kind: "aim",
    better: "lower",
    of: "ours",
    max: 10,
  },
  explained: {
    work: "/predict?explain=5, one row, the same model, open loop at 50/s",
    unit: "ms, p99",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 20,
  },
  promotionFailures: {
    work: "promotions under 300 requests/s: share of requests answered and not mixed",
    unit: "share",
    kind: "must",
    better: "higher",
    of: "ours",
    min: 1,
  },
  promotionMemory: {
    work: "the same: resident memory of the platform's processes after, beside before",
    unit: "ratio",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 1.1,
  },
  swapLatency: {
    work: "promotions under 300 requests/s: p99 within swaps, beside that between them",
    unit: "ratio",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 1.5,
  },
  shadowLatency: {
    work: "open loop at 300/s with a version in shadow: p99 of the champion, beside that without",
    unit: "ratio",
    kind: "aim",
    better: "lower",
    of: "ours",
    max: 1.5,
  },
} as const satisfies Record<string, RowSpec>;

/** Throughput and latency of answers over HTTP, beside FastAPI and onnxruntime in the same run. */
export const serveSuite: BenchSuite = {
  name: "serve",
  about:
    "The real API process with inference children and traces on, a model trained and promoted through the pipeline, and beside it FastAPI with onnxruntime on the same ONNX file, body and kind of connection (uvicorn with uvloop and httptools, the better of one and two workers, one thread per call). The servers are loaded in turn, in short slices, by our own load generator on the same cores. Open-loop latency counts from the scheduled send time.",
  specs: SERVE_SPECS,
  run: runServeSuite,
};

const SEED = 11;
const SHADOW_ROUNDS = 3;

interface Plan {
  /** Seconds of one slice of closed-loop load, and slices per server and number of connections. */
  readonly sliceSeconds: number;
  readonly rounds: number;
  readonly openSeconds: number;
  readonly promotions: number;
}

async function runServeSuite(context: SuiteContext): Promise<void> {
  const plan: Plan = context.quick
    ? { sliceSeconds: 0.5, rounds: 2, openSeconds: 4, promotions: 2 }
    : { sliceSeconds: 2.5, rounds: 4, openSeconds: 60, promotions: 20 };
  const bodies = requestBodies(256, SEED);
  const platform = await startPlatform(context);
  try {
    const ours = requestsFor(platform.port, bodies);
    await measureThroughput(context, platform, { bodies, plan });
    await measureLatency(context, platform, { ours, plan });
    await measureExplained(context, platform, { bodies, plan });
    await measurePromotions(context, platform, { ours, plan });
    await measureShadow(context, platform, { ours, plan, body: bodies[0] ?? "" });
  } finally {
    await platform.stop();
  }
}

const CONNECTIONS = [8, 64] as const;

/** A server under closed-loop load, and what it answered so far by number of connections. */
interface Contender {
  readonly name: string;
  readonly port: number;
  readonly requests: readonly Buffer[];
  readonly tallies: Map<number, { answered: number; seconds: number }>;
}

async function measureThroughput(
  context: SuiteContext,
  platform: ServingPlatform,
  given: { readonly bodies: readonly string[]; readonly plan: Plan },
): Promise<void> {
  const ours = contender("AURA", platform.port, given.bodies);
  const python = peerPython(context.root);
  if (python === undefined) context.say("peer absent: run npm run bench:peers for FastAPI and onnxruntime");
  const peers = python === undefined ? [] : await startPeers(context, platform, { python, style: "typed" });
  const typed = peers.map(({ name, port }) => contender(name, port, given.bodies));
  try {
    await takeTurns([ours, ...typed], given.plan);
  } finally {
    for (const peer of peers) await peer.process.stop();
  }
  for (const peer of typed) context.say(ratesOf(peer));
  // The other styles are told beside the rows, so that nobody has to guess how the peer was written.
  if (python !== undefined && !context.quick) await tellOtherStyles(context, platform, { ...given, python });
  const peerVersion = python === undefined ? undefined : await fastApiVersion(python);
  for (const [connections, spec] of [
    [8, SERVE_SPECS.throughput8],
    [64, SERVE_SPECS.throughput64],
  ] as const) {
    const best = Math.max(...typed.map((peer) => rateOf(peer, connections)));
    context.row(spec, {
      ours: rateOf(ours, connections),
      seed: SEED,
      ...(peerVersion === undefined ? {} : { peer: best, peerVersion }),
    });
  }
}

/**
 * Loads the servers in turn, in short slices: what else the machine does meanwhile then meets all of them alike. A
 * server that is not asked only waits.
 */
async function takeTurns(contenders: readonly Contender[], { sliceSeconds, rounds }: Plan): Promise<void> {
  for (const { name, port, requests } of contenders)
    await load(`${name}, warm-up`, runClosedLoop({ port, connections: 8, seconds: 1, requests }));
  for (let round = 0; round < rounds; round += 1) {
    for (const connections of CONNECTIONS) {
      for (const { name, port, requests, tallies } of contenders) {
        const loop = { port, connections, seconds: sliceSeconds, requests };
        const { answered, seconds } = await load(name, runClosedLoop(loop));
        const before = tallies.get(connections) ?? { answered: 0, seconds: 0 };
        tallies.set(connections, {
          answered: before.answered + answered,
          seconds: before.seconds + seconds,
        });
      }
    }
  }
}

async function tellOtherStyles(
  context: SuiteContext,
  platform: ServingPlatform,
  {
    bodies,
    plan,
    python,
  }: { readonly bodies: readonly string[]; readonly plan: Plan; readonly python: string },
): Promise<void> {
  for (const style of ["threaded", "bare"] as const) {
    const peers = await startPeers(context, platform, { python, style });
    const contenders = peers.map(({ name, port }) => contender(name, port, bodies));
    try {
      await takeTurns(contenders, plan);
    } finally {
      for (const peer of peers) await peer.process.stop();
    }
    for (const peer of contenders) context.say(ratesOf(peer));
  }
}

/** The peer with one and with two workers. */
async function startPeers(
  { root }: SuiteContext,
  { onnx, columns }: ServingPlatform,
  { python, style }: { readonly python: string; readonly style: PeerStyle },
): Promise<(RunningPeer & { readonly name: string })[]> {
  return Promise.all(
    [1, 2].map(async (workers) => ({
      ...(await startFastApi(python, root, { model: onnx, columns, workers, style })),
      name: `FastAPI, ${style}, ${workers} worker(s)`,
    })),
  );
}

function contender(name: string, port: number, bodies: readonly string[]): Contender {
  return { name, port, requests: requestsFor(port, bodies), tallies: new Map() };
}

function rateOf({ tallies }: Contender, connections: number): number {
  const { answered, seconds } = tallies.get(connections) ?? { answered: 0, seconds: 1 };
  return answered / seconds;
}

function ratesOf(contenderOf: Contender): string {
  const words = CONNECTIONS.map((n) => `${Math.round(rateOf(contenderOf, n))}/s at ${n}`);
  return `${contenderOf.name}: ${words.join(", ")} connections`;
}

async function measureLatency(
  context: SuiteContext,
  platform: ServingPlatform,
  given: { readonly ours: readonly Buffer[]; readonly plan: Plan },
): Promise<void> {
  const { port } = platform;
  const loop = { port, rate: 500, seconds: given.plan.openSeconds, connections: 64, requests: given.ours };
  const result = await load(SERVE_SPECS.latencyMust.work, runOpenLoop(loop));
  const p99 = percentile(result.latenciesMs, 0.99);
  context.row(SERVE_SPECS.latencyMust, { ours: p99, seed: SEED });
  context.row(SERVE_SPECS.latencyAim, { ours: p99, seed: SEED });
  const others = ([0.5, 0.999, 1] as const).map((share) => percentile(result.latenciesMs, share).toFixed(2));
  context.say(
    `open loop at 500/s for ${given.plan.openSeconds} s: p50 ${others[0]}, p99.9 ${others[1]}, max ${others[2]} ms`,
  );
}

/** Explanations are for people who look at an alarm: a tenth of the rate of answers. */
async function measureExplained(
  context: SuiteContext,
  { port }: ServingPlatform,
  { bodies, plan }: { readonly bodies: readonly string[]; readonly plan: Plan },
): Promise<void> {
  const requests = requestsFor(port, bodies, "/predict?explain=5");
  const loop = { port, rate: 50, seconds: plan.openSeconds / 2, connections: 16, requests };
  const { latenciesMs } = await load(SERVE_SPECS.explained.work, runOpenLoop(loop));
  context.row(SERVE_SPECS.explained, { ours: percentile(latenciesMs, 0.99), seed: SEED });
  context.say(`explained, open loop at 50/s: p50 ${percentile(latenciesMs, 0.5).toFixed(2)} ms`);
}

async function measurePromotions(
  context: SuiteContext,
  platform: ServingPlatform,
  given: { readonly ours: readonly Buffer[]; readonly plan: Plan },
): Promise<void> {
  const apiPid = await platform.apiPid();
  const plan = { promotions: given.plan.promotions, rate: 300, apiPid };
  const result = await runPromotions(platform, given.ours, plan);
  const { answered, failed, reasons } = result.load;
  context.row(SERVE_SPECS.promotionFailures, { ours: answered / (answered + failed), seed: SEED });
  const [inSwap, steady] = [percentile(result.swap, 0.99), percentile(result.steady, 0.99)];
  context.row(SERVE_SPECS.swapLatency, { ours: inSwap / steady, seed: SEED });
  context.say(`p99 within swaps ${inSwap.toFixed(2)} ms, between them ${steady.toFixed(2)} ms`);
  const memory = result.memory;
  if (memory === undefined) context.say("memory not measured: there is no /proc here");
  else context.row(SERVE_SPECS.promotionMemory, { ours: memory.after / memory.before, seed: SEED });
  const seen = `${result.promotions} promotions, ${answered + failed} requests, ${result.versionsSeen} versions seen`;
  context.say(failed === 0 ? seen : `${seen}; failed: ${reasons.join("; ")}`);
}

/** With a version in shadow and without, in turn, so that what else the machine does meets both alike. */
async function measureShadow(
  context: SuiteContext,
  platform: ServingPlatform,
  { ours, plan, body }: { readonly ours: readonly Buffer[]; readonly plan: Plan; readonly body: string },
): Promise<void> {
  const loop = { port: platform.port, rate: 300, connections: 32, requests: ours };
  const seconds = plan.openSeconds / (2 * SHADOW_ROUNDS);
  const [alone, beside]: [number[], number[]] = [[], []];
  let compared = 0;
  for (let round = 0; round < SHADOW_ROUNDS; round += 1) {
    alone.push(...(await load("without a shadow", runOpenLoop({ ...loop, seconds }))).latenciesMs);
    const shadow = await startShadow(platform, body);
    beside.push(...(await load("with a shadow", runOpenLoop({ ...loop, seconds }))).latenciesMs);
    compared += await shadow.end();
  }
  const p99 = (latencies: readonly number[]): number => percentile(Float64Array.from(latencies).sort(), 0.99);
  context.row(SERVE_SPECS.shadowLatency, { ours: p99(beside) / p99(alone), seed: SEED });
  context.say(
    `p99 with a shadow ${p99(beside).toFixed(2)} ms, without ${p99(alone).toFixed(2)} ms; ${compared} of ${beside.length} rows compared`,
  );
}

/** @throws {Error} when any request of the run failed: a figure over failures would say nothing */
async function load(work: string, running: Promise<LoadResult>): Promise<LoadResult> {
  const result = await running;
  if (result.failed === 0 && result.answered > 0) return result;
  throw new Error(
    `${work}: ${result.failed} of ${result.failed + result.answered} requests failed [${result.reasons.join("; ")}]`,
  );
}

function requestsFor(port: number, bodies: readonly string[], path = "/predict"): Buffer[] {
  return bodies.map((body) => encodePost(`127.0.0.1:${port}`, path, body));
}
