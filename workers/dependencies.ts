import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { CpuPool } from "../activities/cpu/cpu-pool.ts";
import type { ActivityDeps } from "../activities/dependencies.ts";
import { FeatureTableCache } from "../activities/features/feature-table-cache.ts";
import type { Settings } from "../config/settings.ts";
import { createInferencePool } from "../inference/pool.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import { createDuckDb } from "../stores/duckdb/duckdb.ts";
import { announcePuts } from "../stores/objects/announced-store.ts";
import { createObjectStore } from "../stores/objects/object-store.ts";
import { ObjectAnchors } from "../stores/postgres/audit/object-anchors.ts";
import { createDatabase } from "../stores/postgres/database.ts";
import { connectClient } from "../temporal-config/connection.ts";
import { isRunning } from "./running-process.ts";

/**
 * DuckDB's share: what it does not count itself (Parquet buffers, the allocator's slack) comes to about as much again, so
 * that all our processes together stay under 2 GiB (`npm run bench -- transform`).
 */
const DUCKDB_MEMORY = "700MB";

/** Opens everything the activities reach; `close` undoes it in order. */
export async function openWorkerDeps(
  settings: Settings,
  log: Logger,
): Promise<ActivityDeps & { close(): Promise<void> }> {
  if (settings.databaseUrl === undefined)
    throw new PlatformError("config_invalid", "worker: DATABASE_URL is not set");
  const cacheDir = join(settings.stateDir, "cache");
  // One folder per process: what is in it belongs to nobody once the process is gone.
  const scratchRoot = join(settings.stateDir, "scratch");
  const scratchDir = join(scratchRoot, `worker-${process.pid}`);
  await mkdir(scratchRoot, { recursive: true });
  await removeOrphans(scratchRoot);
  await rm(scratchDir, { recursive: true, force: true });
  await mkdir(scratchDir, { recursive: true });
  const objects = createObjectStore({
    objects: settings.objects.url,
    cacheDir,
    cacheMaxBytes: settings.cacheMaxBytes,
    ...(settings.objects.kind === "s3" ? { s3: settings.objects } : {}),
  });
  const db = await createDatabase(settings.databaseUrl, { onAuditAnchor: new ObjectAnchors(objects).keep });
  const temporal = await connectClient(settings);
  const duckdb = await createDuckDb({
    directories: [
      scratchDir,
      cacheDir,
      ...(settings.objects.kind === "file" ? [settings.objects.directory] : []),
    ],
    memoryLimit: DUCKDB_MEMORY,
    threads: 2,
  });
  const cpu = new CpuPool();
  const pool = createInferencePool({
    children: 1,
    deadlineMs: 30_000,
    memoryLimitMb: 768,
    maxQueueRows: 100_000_000,
    onEvent: (event) => log.debug({ event }, "inference"),
  });
  const announced = announcePuts(objects, (key) => db.retention.useObjects([key]));
  return {
    db,
    objects: announced,
    duckdb,
    cpu,
    pool,
    temporal,
    log,
    scratchDir,
    tables: new FeatureTableCache(announced, duckdb),
    stagingMaxRows: settings.stagingMaxRows,
    replyRetentionMs: settings.housekeeping.replyRetentionMs,
    alertRetentionMs: settings.housekeeping.alertRetentionMs,
    reportRetentionMs: settings.housekeeping.reportRetentionMs,
    allowLoopbackSources: settings.allowLoopbackSources,
    alerting: {
      policy: { allowLoopback: settings.allowLoopbackSources, hosts: settings.alertHosts },
      secrets: { environment: settings.environment, folder: settings.feeds.secrets },
    },
    async close() {
      await Promise.all([cpu.close(), pool.close()]);
      duckdb.close();
      await temporal.connection.close();
      await db.close();
      await rm(scratchDir, { recursive: true, force: true });
    },
  };
}

/** A killed worker leaves its folder behind; those of processes that are gone are removed. */
export async function removeOrphans(scratchRoot: string): Promise<void> {
  for (const name of await readdir(scratchRoot)) {
    const pid = Number(/^(?:worker|ingestor)-(\d+)$/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || isRunning(pid)) continue;
    await rm(join(scratchRoot, name), { recursive: true, force: true });
  }
}
