import type { SendAround } from "../alerting/channels/send.ts";
import type { Client } from "@temporalio/client";
import type { Logger } from "pino";
import type { InferencePool } from "../inference/pool.ts";
import type { DuckDb } from "../stores/duckdb/duckdb.ts";
import type { ObjectStore } from "../stores/objects/port.ts";
import type { Database } from "../stores/postgres/port.ts";
import type { CpuPool } from "./cpu/cpu-pool.ts";
import type { FeatureTableCache } from "./features/feature-table-cache.ts";

/** Everything an activity may reach, handed in by the worker; a factory takes the part it needs. */
export interface ActivityDeps {
  readonly db: Database;
  readonly objects: ObjectStore;
  readonly duckdb: DuckDb;
  readonly cpu: CpuPool;
  readonly pool: InferencePool;
  readonly tables: FeatureTableCache;
  readonly temporal: Client;
  readonly log: Logger;
  /** Folder for files in the making; emptied of what a crash left at start. On the disk of the object cache. */
  readonly scratchDir: string;
  /** Upper bound for staged rows whatever a pipeline says. */
  readonly stagingMaxRows: number;
  /** How long replies are kept for repeated requests. */
  readonly replyRetentionMs: number;
  /** How long alerts that are over are kept. */
  readonly alertRetentionMs: number;
  readonly reportRetentionMs: number;
  /** What channels of alerts may reach, and where their secrets are. */
  readonly alerting: SendAround;
  /** Whether HTTP sources may point at this machine. */
  readonly allowLoopbackSources: boolean;
}
