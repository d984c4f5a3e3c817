import { setTimeout as sleep } from "node:timers/promises";
import { createGenerator } from "../../../numerics/random/generator.ts";
import type { Generator } from "../../../numerics/random/generator.ts";
import { inMs, untilAnswered } from "../patience.ts";
import { runFileDevice } from "./file-device.ts";
import { runHttpDevice } from "./http-device.ts";
import { KilledPlatform, takesMqtt } from "./killed-parts.ts";
import type { KilledPart, KilledPlatformOptions } from "./killed-parts.ts";
import { Ledger } from "./ledger.ts";
import type { LedgerRow } from "./ledger.ts";
import { runMqttDevice } from "./mqtt-device.ts";
import { ReadingSeries } from "./reading-series.ts";

export interface IntakeCase extends KilledPlatformOptions {
  readonly seed: number;
  /** Kills of each part, dealt at random times. */
  readonly kills: number;
  /** After the parts by themselves, as many kills of each in a random order, whether they are back or not. */
  readonly isMixed?: boolean;
  /** Whether a part is at work again before it is killed the next time; default: yes, but for those in a random order. */
  readonly isPatient?: boolean;
}

export interface IntakeOutcome {
  /** What was acknowledged while a part was killed, by part. */
  readonly rows: readonly (LedgerRow & { readonly part: string; readonly kills: number })[];
  /** What is wrong, one line each. */
  readonly violations: readonly string[];
  readonly nAcknowledged: number;
  readonly nSent: number;
  readonly nApiStarts: number;
}

/** How a violation begins that a harness without the promise must find. */
export const LOST = "lost";

const SOURCE = "ledger";
const HTTP_DEVICES = 4;
const MQTT_DEVICES = 2;
const SETTLE_MS = 60_000;
/** From the moment at which a part does its work again to its next kill. */
const PAUSE_MS = { least: 200, most: 1_700 };
const MIXED = "mixed";

/** Devices send under load while parts are killed with SIGKILL; then their ledger is held against the store. */
export async function runIntakeCase(options: IntakeCase): Promise<IntakeOutcome> {
  const { seed, kills, parts, isMixed = false, isPatient = true } = options;
  const platform = await KilledPlatform.start(options);
  const ledger = new Ledger();
  const stopping = new AbortController();
  const generator = createGenerator(seed);
  let now: string = parts[0] ?? MIXED;
  try {
    await declare(platform, parts);
    const devices = startDevices({ platform, parts, ledger, part: () => now, signal: stopping.signal });
    const phases: [string, readonly KilledPart[]][] = parts.map((part) => [part, Array(kills).fill(part)]);
    if (isMixed)
      phases.push([
        MIXED,
        shuffled(
          parts.flatMap((part) => Array(kills).fill(part)),
          generator,
        ),
      ]);
    for (const [name, victims] of phases) {
      now = name;
      await killAll(victims, { platform, ledger, generator, isPatient: isPatient && name !== MIXED });
    }
    for (const part of parts) await isBack(part, platform, ledger);
    stopping.abort();
    await Promise.all(devices);
    // A part that acknowledges too early needs no database to do so: it may still be away.
    const { rows, faults } = await untilAnswered("the database", inMs(SETTLE_MS), () =>
      ledger.judge(platform.databaseUrl),
    );
    const late = parts.includes("scorer") ? await scorerFaults(platform) : [];
    const named = phases.map(([part, victims]) => ({ part, kills: victims.length, ...rowOf(rows, part) }));
    return {
      rows: named,
      violations: [...named.flatMap(violationsOf), ...faults, ...late],
      nAcknowledged: ledger.nAcknowledged,
      nSent: ledger.nSent,
      nApiStarts: platform.nStarts("api"),
    };
  } finally {
    stopping.abort();
    await platform.dispose();
  }
}

interface Load {
  readonly platform: KilledPlatform;
  readonly parts: readonly KilledPart[];
  readonly ledger: Ledger;
  readonly part: () => string;
  readonly signal: AbortSignal;
}

function startDevices({ platform, parts, ledger, part, signal }: Load): Promise<void>[] {
  const { apiUrl, mqttPort, inbox } = platform;
  const series = (path: string) => new ReadingSeries(path, part);
  const devices = Array.from({ length: HTTP_DEVICES }, (_, i) =>
    runHttpDevice({ apiUrl, source: SOURCE, series: series(`http-${i}`), ledger, signal }),
  );
  if (!takesMqtt(parts)) return devices;
  for (let i = 0; i < MQTT_DEVICES; i++) {
    const own = { clientId: `device-${i}`, series: series(`mqtt-${i}`) };
    devices.push(runMqttDevice({ port: mqttPort, source: SOURCE, ledger, signal, ...own }));
  }
  devices.push(runFileDevice({ folder: inbox, part, series: series("files"), ledger, signal }));
  return devices;
}

async function declare({ apiUrl }: KilledPlatform, parts: readonly KilledPart[]): Promise<void> {
  const put = (path: string, body: object): Promise<true> =>
    untilAnswered(`PUT ${path}`, inMs(SETTLE_MS), async () => {
      const response = await fetch(`${apiUrl}${path}`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return response.ok || undefined;
    });
  const columns = [{ name: "value", range: [0, 1e12] }];
  await put(`/v1/sources/${SOURCE}`, { name: SOURCE, owner: "tests", columns });
  const from = { kind: "folder", path: "inbox", settle: "1s", every: "1s", done: "move" };
  if (takesMqtt(parts)) await put("/v1/feeds/inbox", { name: "inbox", source: SOURCE, from });
}

interface Killing {
  readonly platform: KilledPlatform;
  readonly ledger: Ledger;
  readonly generator: Generator;
  /** Whether a part that was killed is waited for before it is killed again. */
  readonly isPatient: boolean;
}

async function killAll(
  victims: readonly KilledPart[],
  { platform, ledger, generator, isPatient }: Killing,
): Promise<void> {
  for (const part of victims) {
    if (isPatient) await isBack(part, platform, ledger);
    await sleep(PAUSE_MS.least + generator.next() * (PAUSE_MS.most - PAUSE_MS.least));
    platform.kill(part);
  }
}

/** Waits until the part does its work. */
async function isBack(part: KilledPart, platform: KilledPlatform, ledger: Ledger): Promise<void> {
  const before = await untilAnswered(`the progress of ${part}`, inMs(SETTLE_MS), () =>
    platform.progress(part, ledger),
  );
  await untilAnswered(`${part} at work`, inMs(SETTLE_MS), async () =>
    (await platform.progress(part, ledger)) > before ? true : undefined,
  );
}

/** Whoever follows the readings must come to the end of them, whatever was killed. */
async function scorerFaults(platform: KilledPlatform): Promise<string[]> {
  try {
    await untilAnswered("the scorer at the end of the readings", inMs(SETTLE_MS), async () => {
      const { least, last } = await platform.followed();
      return least >= last || undefined;
    });
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function shuffled<T>(items: readonly T[], generator: Generator): T[] {
  const order = items.map((item) => ({ item, at: generator.next() }));
  return order.sort((a, b) => a.at - b.at).map(({ item }) => item);
}

function rowOf(rows: ReadonlyMap<string, LedgerRow>, part: string): LedgerRow {
  return rows.get(part) ?? { acknowledged: 0, bad: 0, lost: 0, changed: 0, doubled: 0 };
}

function violationsOf({
  part,
  acknowledged,
  lost,
  changed,
  doubled,
}: IntakeOutcome["rows"][number]): string[] {
  const said = `of ${acknowledged} readings that were acknowledged while ${part} was killed`;
  return [
    ...(lost === 0 ? [] : [`${LOST}: ${lost} ${said}`]),
    ...(changed === 0 ? [] : [`changed: ${changed} ${said}`]),
    ...(doubled === 0 ? [] : [`doubled: ${doubled} while ${part} was killed`]),
  ];
}
