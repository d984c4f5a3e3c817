import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { packageRoot } from "../../../config/package-root.ts";
import { createGenerator } from "../../../numerics/random/generator.ts";
import { sendSignal } from "../../../platform/process/identity.ts";
import { freePort } from "../../support/free-port.ts";
import { startTestPlatform, testEnvironment } from "../../support/platform.ts";
import { inMs, untilAnswered } from "../patience.ts";
import { runDevice } from "./device.ts";
import { Ledger } from "./ledger.ts";
import { Respawned } from "./respawned.ts";

export interface IntakeCase {
  readonly seed: number;
  /** Kills of the API, and as many of PostgreSQL, dealt at random times. */
  readonly kills: number;
  /** Built entry of the API; default: the product's. */
  readonly apiEntry?: string;
}

export interface IntakeOutcome {
  readonly violations: readonly string[];
  readonly nAcknowledged: number;
  readonly nSent: number;
  readonly nApiStarts: number;
}

const DEVICES = 8;
const BATCH = 40;
const SETTLE_MS = 60_000;
/** Between kills: a part that is back has worked for a while, most of the time. */
const PAUSE_MS = { least: 300, most: 1_800 };

/** Devices send under load while API and PostgreSQL are killed with SIGKILL; then their ledger is held against the store. */
export async function runIntakeCase({
  seed,
  kills,
  apiEntry = "api/main.js",
}: IntakeCase): Promise<IntakeOutcome> {
  const test = await startTestPlatform({ parts: ["postgres"] });
  const port = await freePort();
  const apiUrl = `http://127.0.0.1:${port}`;
  const { databaseUrl } = test.platform.urls;
  const api = new Respawned(join(packageRoot(), "dist", apiEntry), {
    ...testEnvironment({}),
    DATABASE_URL: databaseUrl,
    // Nothing of this case needs it.
    TEMPORAL_ADDRESS: "127.0.0.1:1",
    AURA_STATE_DIR: join(test.stateDir, "faulty-api"),
    AURA_API_PORT: String(port),
    AURA_INFERENCE_CHILDREN: "1",
    AURA_LOG_LEVEL: "silent",
  });
  const ledger = new Ledger();
  const stopping = new AbortController();
  try {
    await declareSource(apiUrl);
    const devices = Array.from({ length: DEVICES }, (_, i) =>
      runDevice({ apiUrl, source: "ledger", asset: `d${i}`, batch: BATCH, ledger, signal: stopping.signal }),
    );
    await killInTurn({ seed, kills }, [
      () => api.kill(),
      () => {
        const postgres = test.platform.parts().find(({ name }) => name === "postgres")?.process;
        if (postgres !== undefined) sendSignal(postgres.pid, "SIGKILL");
      },
    ]);
    const before = ledger.nAcknowledged;
    await untilAnswered("readings after the last kill", inMs(SETTLE_MS), async () =>
      ledger.nAcknowledged > before ? true : undefined,
    );
    stopping.abort();
    await Promise.all(devices);
    // An API that acknowledges too early needs no database to do so: it may still be away.
    const violations = await untilAnswered("the database", inMs(SETTLE_MS), () => ledger.judge(databaseUrl));
    return {
      violations,
      nAcknowledged: ledger.nAcknowledged,
      nSent: ledger.nSent,
      nApiStarts: api.nStarts,
    };
  } finally {
    stopping.abort();
    api.stop();
    await test.dispose();
  }
}

async function declareSource(apiUrl: string): Promise<void> {
  await untilAnswered("the declared source", inMs(SETTLE_MS), async () => {
    const response = await fetch(`${apiUrl}/v1/sources/ledger`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "ledger", owner: "tests", columns: [{ name: "value" }] }),
    });
    return response.ok || undefined;
  });
}

async function killInTurn(
  { seed, kills }: Pick<IntakeCase, "seed" | "kills">,
  parts: readonly (() => void)[],
): Promise<void> {
  const generator = createGenerator(seed);
  for (let i = 0; i < kills * parts.length; i++) {
    await sleep(PAUSE_MS.least + generator.next() * (PAUSE_MS.most - PAUSE_MS.least));
    parts[i % parts.length]?.();
  }
}
