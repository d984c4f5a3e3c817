import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { pino } from "pino";
import { readSettings } from "../../config/settings.ts";
import { createObjectStore } from "../../stores/objects/object-store.ts";
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

export interface BenchValues {
  readonly voltage: number;
  readonly current: number;
}

/** A real database with a source `pump` and a champion of two plain columns, for scorers and APIs of a test. */
export interface OnlineBench {
  readonly db: Database;
  /** Of the scorers and APIs of this process. */
  readonly objects: MemoryObjects;
  startScorer(environment?: Record<string, string>): Promise<RunningScorer>;
  startApi(environment?: Record<string, string>): Promise<ApiFixture>;
  send(asset: string, values: BenchValues, ms?: number): Promise<void>;
  /** Readings of several assets at one time, in one batch. */
  sendAll(values: ReadonlyMap<string, BenchValues>, ms: number): Promise<void>;
  /** What a scorer process of its own must be told. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function openOnlineBench(name: string): Promise<OnlineBench> {
  const stateDir = await mkdtemp(join(tmpdir(), `aura-${name}-`));
  const test = await createTestDatabase(name);
  const db = await createDatabase(test.url);
  const objects = new MemoryObjects();
  const version = { model: "pump", timeKind: "timestamp" } as const;
  await promoteVersion(db, await putTinyVersion(objects, version));
  // The same for processes of their own, which reach no memory of this one.
  const files = pathToFileURL(join(stateDir, "objects")).href;
  const settings = readSettings({ AURA_STATE_DIR: stateDir, AURA_OBJECTS: files }, stateDir);
  await putTinyVersion(
    createObjectStore({
      objects: settings.objects.url,
      cacheDir: join(stateDir, "cache"),
      cacheMaxBytes: 2 ** 30,
    }),
    version,
  );
  const api = await startApiFixture({ database: { ...db, close: async () => undefined }, objects });
  const headers = { "content-type": "application/json" };
  const columns = [{ name: "voltage" }, { name: "current" }];
  const body = JSON.stringify({ name: "pump", owner: "test", columns });
  await api.request("/v1/sources/pump", { method: "PUT", headers, body });
  const sendAll = async (values: ReadonlyMap<string, BenchValues>, ms: number): Promise<void> => {
    const time = new Date(ms).toISOString();
    const readings = [...values].map(([asset, of]) => ({ asset, time, values: of }));
    const sent = JSON.stringify({ source: "pump", readings });
    const response = await api.request("/readings", { method: "POST", headers, body: sent });
    const reply = (await response.json()) as { stored: number };
    if (reply.stored !== values.size) throw new Error(`not stored: ${JSON.stringify(reply)}`);
  };
  return {
    db,
    objects,
    startScorer: (environment = {}) =>
      startScorer(readSettings({ AURA_STATE_DIR: stateDir, ...environment }, stateDir), {
        database: db,
        objects,
        logger: pino({ level: "silent" }),
        leaseTtlMs: 1_000,
      }),
    startApi: (environment = {}) =>
      startApiFixture({ database: { ...db, close: async () => undefined }, objects, environment }),
    send: (asset, values, ms = Date.now()) => sendAll(new Map([[asset, values]]), ms),
    sendAll,
    environment: {
      DATABASE_URL: test.url,
      AURA_STATE_DIR: stateDir,
      AURA_OBJECTS: files,
    },
    async close() {
      await api.close();
      await db.close();
      await test.drop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
