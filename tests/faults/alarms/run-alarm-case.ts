import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { ApiClient } from "../../../cli/client.ts";
import { createGenerator } from "../../../numerics/random/generator.ts";
import { sendSignal } from "../../../platform/process/identity.ts";
import { startTestPlatform } from "../../support/platform.ts";
import type { TestPlatform } from "../../support/platform.ts";
import { inMs, untilAnswered } from "../patience.ts";
import { AlarmLedger, RULES, SOURCE } from "./alarm-ledger.ts";
import { startAlarmReceiver } from "./alarm-receiver.ts";
import type { AlarmReceiver } from "./alarm-receiver.ts";
import { z } from "zod";

export interface AlarmCase {
  readonly seed: number;
  /** Kills of the scorer, the worker and PostgreSQL each, in turn at random times. */
  readonly kills: number;
}

export interface AlarmOutcome {
  readonly violations: readonly string[];
  readonly nReadings: number;
  readonly nChanges: number;
  /** Tellings that came a second time with the same key. */
  readonly nRepeated: number;
}

const ASSETS = ["a1", "a2", "a3", "a4"];
const KILLED = ["scorer", "worker", "postgres"] as const;
const SETTLE_MS = 120_000;
const PAUSE_MS = { least: 700, most: 2_500 };
const SEND_EVERY_MS = 40;

/**
 * Readings cross limits while the scorer, which evaluates rules, the worker, which tells of alerts, and PostgreSQL are killed
 * with SIGKILL. Afterwards alerts must have been raised and cleared exactly as the acknowledged readings say, and each
 * change told.
 */
export async function runAlarmCase({ seed, kills }: AlarmCase): Promise<AlarmOutcome> {
  const receiver = await startAlarmReceiver();
  const test = await startTestPlatform({
    parts: ["postgres", "temporal", "worker", "api", "scorer"],
    environment: {
      AURA_ALLOW_LOOPBACK_SOURCES: "true",
      AURA_ALERT_SECRET: "secret",
      AURA_INFERENCE_CHILDREN: "1",
      AURA_LOG_LEVEL: "warn",
    },
  });
  try {
    const client = new ApiClient({ baseUrl: test.platform.urls.api });
    await declare(client, receiver.url);
    const ledger = new AlarmLedger();
    const stopping = new AbortController();
    const sending = sendReadings(client, { seed, ledger, signal: stopping.signal });
    await killInTurn(test, { seed, kills });
    stopping.abort();
    const nReadings = await sending;
    const violations = await settled(test.platform.urls.databaseUrl, ledger, receiver);
    const nRepeated = receiver.nTaken() - receiver.told.size;
    return { violations, nReadings, nChanges: ledger.nExpected, nRepeated };
  } finally {
    await test.dispose();
    receiver.close();
  }
}

async function declare(client: ApiClient, url: string): Promise<void> {
  const reply = z.looseObject({});
  await client.put(`/v1/sources/${SOURCE.name}`, { reply, body: SOURCE });
  const to = { kind: "webhook", url, secret: "${env:AURA_ALERT_SECRET}" };
  await client.put("/v1/alert-channels/ledger", { reply, body: { name: "ledger", to } });
  for (const rule of RULES) await client.put(`/v1/alert-rules/${rule.name}`, { reply, body: rule });
}

/** Values that wander across the limits; each batch is sent until it is acknowledged. @returns how many readings */
async function sendReadings(
  client: ApiClient,
  { seed, ledger, signal }: { seed: number; ledger: AlarmLedger; signal: AbortSignal },
): Promise<number> {
  const generator = createGenerator(seed).fork("readings");
  const heats = new Map(ASSETS.map((asset) => [asset, 85]));
  const counted = z.looseObject({ received: z.int() });
  let at = Date.now() - 600_000;
  let nReadings = 0;
  while (!signal.aborted) {
    at += 500;
    const readings = ASSETS.map((asset) => {
      const heat = 85 + ((heats.get(asset) ?? 85) - 85) * 0.85 + generator.normal() * 6;
      heats.set(asset, heat);
      return { asset, time: new Date(at).toISOString(), values: { heat } };
    });
    const body = { source: SOURCE.name, readings };
    await untilAnswered("readings that are taken", inMs(SETTLE_MS), () =>
      client.post("/v1/readings", { reply: counted, body }),
    );
    for (const { asset, values } of readings) ledger.acknowledged(asset, at, values.heat);
    nReadings += readings.length;
    await sleep(SEND_EVERY_MS);
  }
  return nReadings;
}

async function killInTurn(test: TestPlatform, { seed, kills }: AlarmCase): Promise<void> {
  const generator = createGenerator(seed).fork("kills");
  for (let i = 0; i < kills * KILLED.length; i++) {
    await sleep(PAUSE_MS.least + generator.next() * (PAUSE_MS.most - PAUSE_MS.least));
    const name = KILLED[i % KILLED.length];
    const running = test.platform.parts().find((part) => part.name === name)?.process;
    if (running !== undefined) sendSignal(running.pid, "SIGKILL");
  }
}

/** Waits until what was found is right and told, and looks once more whether anything comes after that. */
async function settled(databaseUrl: string, ledger: AlarmLedger, receiver: AlarmReceiver): Promise<string[]> {
  const judge = async (): Promise<string[]> => {
    const found = await changesIn(databaseUrl);
    const told = tellingsOf(receiver);
    return [
      ...ledger.judge(found).map((line) => `alerts: ${line}`),
      ...ledger.judge(told).map((line) => `told: ${line}`),
    ];
  };
  let last: string[] = ["nothing was found"];
  await untilAnswered("alerts as they must be", inMs(SETTLE_MS), async () => {
    last = await judge();
    return last.length === 0 ? true : undefined;
  }).catch(() => undefined);
  if (last.length > 0) return last;
  await sleep(3_000);
  return judge();
}

async function changesIn(databaseUrl: string): Promise<Map<string, string[]>> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ rule: string; asset: string; kind: string }>(
      "select rule, asset_id as asset, kind from aura.alert_events where kind in ('raised', 'cleared') order by event_id",
    );
    return grouped(rows.map(({ rule, asset, kind }) => [`${rule} ${asset}`, kind]));
  } finally {
    await client.end();
  }
}

/** Of each key the first telling; a channel hears of one alert in order. */
function tellingsOf({ told }: AlarmReceiver): Map<string, string[]> {
  return grouped(
    [...told.values()].map((telling) => {
      const [rule = "", asset = "", event = ""] = telling.split(" ");
      return [`${rule} ${asset}`, event];
    }),
  );
}

function grouped(pairs: readonly (readonly [string, string])[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [key, value] of pairs) groups.set(key, [...(groups.get(key) ?? []), value]);
  return groups;
}
