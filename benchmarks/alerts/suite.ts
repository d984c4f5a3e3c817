import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { ApiClient } from "../../cli/client.ts";
import { readSettings } from "../../config/settings.ts";
import { startPlatform } from "../../platform/supervisor.ts";
import type { RunningPlatform } from "../../platform/supervisor.ts";
import { join } from "node:path";
import { z } from "zod";
import { jsonRequests, COLUMNS, SOURCE } from "../ingest/reading-bodies.ts";
import { percentile } from "../load/load-result.ts";
import { runOpenLoop } from "../load/open-loop.ts";
import type { RowSpec } from "../row.ts";
import type { BenchSuite, SuiteContext } from "../suite.ts";

const SOCKETS = 200;
const SEED = 11;
/** Readings a second beside the measured ones, each of which the rules look at. */
const LOAD = { rate: 2_000, size: 20, connections: 16 } as const;
const PAUSE_MS = 200;
const HOT = 1_000;
const WAIT_MS = 10_000;

const frame = {
  unit: "ms",
  kind: "aim",
  better: "lower",
  of: "ours",
  max: 500,
} as const;

export const ALERT_SPECS = {
  idle: { ...frame, work: `reading sent → alert frame, each of ${SOCKETS} sockets, p99` },
  loaded: {
    ...frame,
    work: `the same beside ${LOAD.rate} readings/s that rules are evaluated on, p99`,
  },
} as const satisfies Record<string, RowSpec>;

/** How long it takes from a reading to those who are told of its alert. */
export const alertsSuite: BenchSuite = {
  name: "alerts",
  about:
    "The real platform (API, embedded PostgreSQL, scorer, worker, Temporal). A reading crosses the limit of a rule, or goes back; the time runs from before it is sent until the frame is read, over all sockets and alerts. Generator and sockets are on the same two cores.",
  specs: ALERT_SPECS,
  run: runAlertsSuite,
};

async function runAlertsSuite(context: SuiteContext): Promise<void> {
  const settings = readSettings(
    { AURA_STATE_DIR: join(context.scratch, "state"), AURA_LOG_LEVEL: "warn" },
    context.scratch,
  );
  const platform = await startPlatform(settings, { anyPorts: true });
  try {
    await declare(platform);
    const seconds = context.quick ? 6 : 60;
    const watchers = await Watchers.open(platform.urls.api);
    const idle = await measure(platform, watchers, { seconds, prefix: "idle" });
    context.row(ALERT_SPECS.idle, { ours: percentile(idle, 0.99), seed: SEED });
    const idleFromRow = watchers.takeFromRow();
    const port = Number(new URL(platform.urls.api).port);
    const n = (LOAD.rate / LOAD.size) * seconds;
    const requests = jsonRequests(port, { n, size: LOAD.size, prefix: "load-", seed: SEED });
    const [loaded, load] = await Promise.all([
      measure(platform, watchers, { seconds, prefix: "loaded" }),
      runOpenLoop({ port, rate: LOAD.rate / LOAD.size, seconds, connections: LOAD.connections, requests }),
    ]);
    if (load.failed > 0) throw new Error(`load: ${load.failed} of ${n} requests failed`);
    context.row(ALERT_SPECS.loaded, { ours: percentile(loaded, 0.99), seed: SEED });
    const fromRow = watchers.takeFromRow();
    context.say(told("idle", idle, idleFromRow));
    context.say(told(`beside ${load.answered * LOAD.size} readings`, loaded, fromRow));
    watchers.close();
  } finally {
    await platform.stop();
  }
}

function told(what: string, frames: Float64Array, fromRow: Float64Array): string {
  const ms = (values: Float64Array, p: number) => Math.round(percentile(values, p));
  return `${what}: ${frames.length / SOCKETS} alerts, ${frames.length} frames, median ${ms(frames, 0.5)} ms; from the row of the alert to the frame median ${ms(fromRow, 0.5)}, p99 ${ms(fromRow, 0.99)} ms`;
}

async function declare(platform: RunningPlatform): Promise<void> {
  const client = new ApiClient({ baseUrl: platform.urls.api });
  const reply = z.looseObject({});
  const column = COLUMNS[0]?.name;
  await client.put(`/v1/sources/${SOURCE}`, {
    reply,
    body: { name: SOURCE, owner: "bench", columns: COLUMNS },
  });
  const body = {
    name: "hot",
    source: SOURCE,
    when: { kind: "threshold", column, above: HOT / 2, clear: HOT / 4 },
  };
  await client.put("/v1/alert-rules/hot", { reply, body });
}

interface Frame {
  readonly event: string;
  readonly alert: { readonly asset: string; readonly raisedAt: string; readonly resolvedAt: string | null };
}

/** Sockets that note when they hear of an alert. */
class Watchers {
  readonly #sockets: readonly WebSocket[];
  /** Times by asset and event. */
  readonly #heard = new Map<string, number[]>();
  /** ms from the alert's row to each frame. */
  readonly #fromRow: number[] = [];

  private constructor(sockets: readonly WebSocket[]) {
    this.#sockets = sockets;
  }

  static async open(api: string): Promise<Watchers> {
    const url = `${api.replace("http", "ws")}/alerts`;
    const sockets = Array.from({ length: SOCKETS }, () => new WebSocket(url));
    const watchers = new Watchers(sockets);
    for (const socket of sockets)
      socket.on("message", (data: Buffer) => {
        const at = performance.now();
        const { event, alert } = JSON.parse(data.toString()) as Frame;
        watchers.#fromRow.push(Date.now() - Date.parse(alert.resolvedAt ?? alert.raisedAt));
        const key = `${alert.asset} ${event}`;
        const times = watchers.#heard.get(key);
        if (times === undefined) watchers.#heard.set(key, [at]);
        else times.push(at);
      });
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("open", resolve))));
    return watchers;
  }

  /** Times at which all of them heard. */
  async heard(asset: string, event: string): Promise<readonly number[]> {
    const until = performance.now() + WAIT_MS;
    for (;;) {
      const times = this.#heard.get(`${asset} ${event}`) ?? [];
      if (times.length >= SOCKETS) return times;
      if (performance.now() > until)
        throw new Error(`${asset} ${event}: ${times.length} of ${SOCKETS} sockets heard of it`);
      await sleep(5);
    }
  }

  /** ms from the rows of alerts to their frames since the last time. */
  takeFromRow(): Float64Array {
    return Float64Array.from(this.#fromRow.splice(0)).sort();
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}

/** @returns ms of every frame */
async function measure(
  { urls }: RunningPlatform,
  watchers: Watchers,
  { seconds, prefix }: { readonly seconds: number; readonly prefix: string },
): Promise<Float64Array> {
  const latencies: number[] = [];
  const until = performance.now() + seconds * 1_000;
  const column = COLUMNS[0]?.name ?? "";
  const start = Date.now() - 60_000;
  for (let i = 0; performance.now() < until; i++) {
    const asset = `${prefix}-${i >> 1}`;
    const isHot = i % 2 === 0;
    const reading = {
      asset,
      time: new Date(start + i).toISOString(),
      values: { [column]: isHot ? HOT : 0 },
    };
    const began = performance.now();
    const response = await fetch(`${urls.api}/readings`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ source: SOURCE, readings: [reading] }),
    });
    if (!response.ok) throw new Error(`reading: ${response.status} ${await response.text()}`);
    const times = await watchers.heard(asset, isHot ? "raised" : "cleared");
    for (const at of times) latencies.push(at - began);
    await sleep(PAUSE_MS);
  }
  return Float64Array.from(latencies).sort();
}
