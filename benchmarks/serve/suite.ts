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
import type { RunningPeer } from "./peer.ts";
import { startPlatform } from "./platform.ts";
import type { ServingPlatform } from "./platform.ts";
import { runPromotions } from "./promotions.ts";

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
} as const satisfies Record<string, RowSpec>;

/** Throughput and latency of answers over HTTP, beside FastAPI and onnxruntime in the same run. */
export const serveSuite: BenchSuite = {
  name: "serve",
  about:
    "The real API process with inference children and traces on, a model trained and promoted through the pipeline, and beside it FastAPI with onnxruntime on the same ONNX file, body and kind of connection (uvicorn with uvloop and httptools, the better of one and two workers, one thread per call). The load generator is our own and runs on the same cores. Open-loop latency counts from the scheduled send time.",
  specs: SERVE_SPECS,
  run: runServeSuite,
};

const SEED = 11;

interface Plan {
  readonly closedSeconds: number;
  readonly openSeconds: number;
  readonly promotions: number;
}

async function runServeSuite(context: SuiteContext): Promise<void> {
  const plan: Plan = context.quick
    ? { closedSeconds: 1.5, openSeconds: 4, promotions: 2 }
    : { closedSeconds: 10, openSeconds: 60, promotions: 20 };
  const bodies = requestBodies(256, SEED);
  const platform = await startPlatform(context);
  try {
    const ours = requestsFor(platform.port, bodies);
    await load("warm-up", runClosedLoop({ port: platform.port, connections: 8, seconds: 1, requests: ours }));
    await measureThroughput(context, platform, { ours, bodies, plan });
    await measureLatency(context, platform, { ours, plan });
    await measurePromotions(context, platform, { ours, plan });
  } finally {
    await platform.stop();
  }
}

async function measureThroughput(
  context: SuiteContext,
  platform: ServingPlatform,
  given: { readonly ours: readonly Buffer[]; readonly bodies: readonly string[]; readonly plan: Plan },
): Promise<void> {
  const { closedSeconds } = given.plan;
  const peer = await measurePeerThroughput(context, platform, given);
  for (const [connections, spec] of [
    [8, SERVE_SPECS.throughput8],
    [64, SERVE_SPECS.throughput64],
  ] as const) {
    const loop = { port: platform.port, connections, seconds: closedSeconds, requests: given.ours };
    const result = await load(spec.work, runClosedLoop(loop));
    const peerRate = peer?.rates.get(connections);
    context.row(spec, {
      ours: result.answered / result.seconds,
      seed: SEED,
      ...(peer === undefined || peerRate === undefined ? {} : { peer: peerRate, peerVersion: peer.version }),
    });
  }
}

/** Requests per second of the peer by connections, the better of one and two workers. */
async function measurePeerThroughput(
  context: SuiteContext,
  platform: ServingPlatform,
  given: { readonly bodies: readonly string[]; readonly plan: Plan },
): Promise<{ readonly version: string; readonly rates: ReadonlyMap<number, number> } | undefined> {
  const python = peerPython(context.root);
  if (python === undefined) {
    context.say("peer absent: run npm run bench:peers for FastAPI and onnxruntime");
    return undefined;
  }
  const rates = new Map<number, number>();
  // The other styles are told beside the rows, so that nobody has to guess how the peer was written.
  for (const style of context.quick ? (["typed"] as const) : (["typed", "threaded", "bare"] as const)) {
    for (const workers of [1, 2]) {
      const served = { model: platform.onnx, columns: platform.columns, workers, style };
      const measured = await measurePeerServer(await startFastApi(python, context.root, served), given);
      const words = [...measured].map(([connections, rate]) => `${Math.round(rate)}/s at ${connections}`);
      context.say(`FastAPI, ${style}, ${workers} worker(s): ${words.join(", ")} connections`);
      if (style !== "typed") continue;
      for (const [connections, rate] of measured)
        rates.set(connections, Math.max(rate, rates.get(connections) ?? 0));
    }
  }
  return { version: await fastApiVersion(python), rates };
}

async function measurePeerServer(
  peer: RunningPeer,
  given: { readonly bodies: readonly string[]; readonly plan: Plan },
): Promise<ReadonlyMap<number, number>> {
  const rates = new Map<number, number>();
  try {
    const requests = requestsFor(peer.port, given.bodies);
    await load("peer warm-up", runClosedLoop({ port: peer.port, connections: 8, seconds: 1, requests }));
    for (const connections of [8, 64]) {
      const seconds = given.plan.closedSeconds;
      const result = await load("peer", runClosedLoop({ port: peer.port, connections, seconds, requests }));
      rates.set(connections, result.answered / result.seconds);
    }
  } finally {
    await peer.process.stop();
  }
  return rates;
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
  const memory = result.memory;
  if (memory === undefined) context.say("memory not measured: there is no /proc here");
  else context.row(SERVE_SPECS.promotionMemory, { ours: memory.after / memory.before, seed: SEED });
  const seen = `${result.promotions} promotions, ${answered + failed} requests, ${result.versionsSeen} versions seen`;
  context.say(failed === 0 ? seen : `${seen}; failed: ${reasons.join("; ")}`);
}

/** @throws {Error} when any request of the run failed: a figure over failures would say nothing */
async function load(work: string, running: Promise<LoadResult>): Promise<LoadResult> {
  const result = await running;
  if (result.failed === 0 && result.answered > 0) return result;
  throw new Error(
    `${work}: ${result.failed} of ${result.failed + result.answered} requests failed [${result.reasons.join("; ")}]`,
  );
}

function requestsFor(port: number, bodies: readonly string[]): Buffer[] {
  return bodies.map((body) => encodePost(`127.0.0.1:${port}`, "/predict", body));
}
