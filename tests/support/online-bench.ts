import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { readSettings } from "../../config/settings.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database } from "../../stores/postgres/port.ts";
import { startScorer } from "../../workers/start-scorer.ts";
import type { RunningScorer } from "../../workers/start-scorer.ts";
import { startApiFixture } from "./api-fixture.ts";
import type { ApiFixture } from "./api-fixture.ts";
import { promoteVersion } from "./champions.ts";
import { MemoryObjects } from "./memory-objects.ts";
import { createTestDatabase } from "./platform.ts";
import { putTinyVersion } from "./served-versions.ts";

/** A real database with a source `pump` and a champion of two plain columns, for scorers and APIs of a test. */
export interface OnlineBench {
  readonly db: Database;
  startScorer(environment?: Record<string, string>): Promise<RunningScorer>;
  startApi(environment?: Record<string, string>): Promise<ApiFixture>;
  send(
    asset: string,
    values: { readonly voltage: number; readonly current: number },
    ms?: number,
  ): Promise<void>;
  close(): Promise<void>;
}

export async function openOnlineBench(name: string): Promise<OnlineBench> {
  const stateDir = await mkdtemp(join(tmpdir(), `aura-${name}-`));
  const test = await createTestDatabase(name);
  const db = await createDatabase(test.url);
  const objects = new MemoryObjects();
  await promoteVersion(db, await putTinyVersion(objects, { model: "pump", timeKind: "timestamp" }));
  const api = await startApiFixture({ database: { ...db, close: async () => undefined }, objects });
  const headers = { "content-type": "application/json" };
  const columns = [{ name: "voltage" }, { name: "current" }];
  const body = JSON.stringify({ name: "pump", owner: "test", columns });
  await api.request("/v1/sources/pump", { method: "PUT", headers, body });
  return {
    db,
    startScorer: (environment = {}) =>
      startScorer(readSettings({ AURA_STATE_DIR: stateDir, ...environment }, stateDir), {
        database: db,
        objects,
        logger: pino({ level: "silent" }),
        leaseTtlMs: 1_000,
      }),
    startApi: (environment = {}) =>
      startApiFixture({ database: { ...db, close: async () => undefined }, objects, environment }),
    async send(asset, values, ms = Date.now()) {
      const reading = { asset, time: new Date(ms).toISOString(), values };
      const sent = JSON.stringify({ source: "pump", readings: [reading] });
      const response = await api.request("/readings", { method: "POST", headers, body: sent });
      const reply = (await response.json()) as { stored: number };
      if (reply.stored !== 1) throw new Error(`not stored: ${JSON.stringify(reply)}`);
    },
    async close() {
      await api.close();
      await db.close();
      await test.drop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
