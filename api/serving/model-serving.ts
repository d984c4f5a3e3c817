import { join } from "node:path";
import type { Logger } from "pino";
import type { Settings } from "../../config/settings.ts";
import type { PoolEvent, PoolOptions } from "../../inference/pool-options.ts";
import { createInferencePool } from "../../inference/pool.ts";
import type { InferencePool } from "../../inference/pool.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { Database } from "../../stores/postgres/port.ts";
import type { Alarms } from "../alarms.ts";
import type { Metrics } from "../metrics.ts";
import { TraceShipper } from "../trace/shipper.ts";
import type { ShipperOptions } from "../trace/shipper.ts";
import { TraceSpool } from "../trace/spool.ts";
import type { ChampionFile } from "./champion-file.ts";
import { Champions } from "./champions.ts";
import type { ChampionsOptions } from "./champions.ts";
import { Candidates } from "./rollout/candidates.ts";
import { Explanations } from "./explanations.ts";
import { createAssetFeatures } from "./online-features.ts";
import { Predictor } from "./predictor.ts";

export interface ModelServingOptions {
  readonly settings: Pick<Settings, "traceAsideRetentionMs" | "traceOnFull">;
  /** Folder of the process, for its spool. */
  readonly stateDir: string;
  readonly file: ChampionFile;
  readonly database: () => Pick<Database, "registry" | "rollouts" | "predictions">;
  /** Resolves once `database` can be asked. */
  readonly connected: Promise<void>;
  readonly objects: ObjectStore;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  readonly logger: Logger;
  readonly pool: {
    readonly children: number;
    readonly maxQueueRows: number;
    readonly niceness?: number;
    readonly onEvent: (event: PoolEvent) => void;
  };
  readonly champions?: Pick<ChampionsOptions, "onServed" | "pollMs" | "followAfterMs">;
  /** A version came to serve beside a champion, or does no more. */
  readonly onCandidateChange?: () => void;
  readonly onSyncFailed: (error: unknown) => void;
  /** Where it is given, a spool that cannot be opened is done without; the trace policy then decides. */
  readonly onNoSpool?: (error: unknown) => void;
  readonly onSetAside?: ShipperOptions["onSetAside"];
}

/** What a process has that answers with champions: their children, their explanations and the traces of its answers. */
export interface ModelServing {
  readonly pool: InferencePool;
  /** Not started. */
  readonly champions: Champions;
  /** Started. */
  readonly candidates: Candidates;
  readonly explanations: Explanations;
  readonly predictor: Predictor;
  readonly spool: TraceSpool | undefined;
  /** After everything that predicts. */
  close(): Promise<void>;
}

const DEADLINE_MS = 5_000;
const MEMORY_LIMIT_MB = 1_024;
/** Small: one that is several times as slow must not miss the deadline of a batch for the number of its rows. */
const CANDIDATE_BATCH_ROWS = 16;
/** A third of a turn where the processor is fought for: enough to be scored at all. */
const SHADOW_NICENESS = 5;
const SHADOW_QUEUE_ROWS = 2_048;
const CANARY_QUEUE_ROWS = 4_096;

/** @throws {Error} the spool cannot be opened, without `onNoSpool` */
export async function openModelServing(options: ModelServingOptions): Promise<ModelServing> {
  const { settings, file, database, connected, objects, metrics, alarms, logger } = options;
  const pool = createInferencePool({
    ...options.pool,
    deadlineMs: DEADLINE_MS,
    memoryLimitMb: MEMORY_LIMIT_MB,
  });
  const explanations = new Explanations({ objects, logger });
  const champions = new Champions({
    ...options.champions,
    registry: () => database().registry,
    connected,
    objects,
    pool,
    file,
    logger,
    metrics,
    alarms,
  });
  const { onCandidateChange } = options;
  const candidates = new Candidates({
    database,
    connected,
    objects,
    logger,
    championOf: (model) => champions.list().find((served) => served.model === model)?.digest,
    createPool: (mode) => createInferencePool(candidatePool(mode, options.pool)),
    ...(onCandidateChange === undefined ? {} : { onChange: onCandidateChange }),
  });
  candidates.start();
  const spool = await openSpool(options);
  const predictor = new Predictor({
    champions,
    candidates,
    pool,
    spool,
    traceOnFull: settings.traceOnFull,
    assetFeatures: createAssetFeatures(),
    explanations,
    metrics,
    logger,
  });
  const shipper = spool && shipperOf(options, spool, predictor);
  const stopReleasing = spool && releaseWanted(options, spool);
  return {
    pool,
    champions,
    candidates,
    explanations,
    predictor,
    spool,
    async close() {
      await champions.close();
      await candidates.close();
      await stopReleasing?.();
      await spool?.close();
      await shipper?.close();
      await pool.close();
      await explanations.close();
    },
  };
}

/** In shadow nothing waits for it: one child that takes what time is left, and a short queue. */
function candidatePool(mode: "shadow" | "canary", { children }: ModelServingOptions["pool"]): PoolOptions {
  const common = {
    deadlineMs: DEADLINE_MS,
    memoryLimitMb: MEMORY_LIMIT_MB,
    maxBatchRows: CANDIDATE_BATCH_ROWS,
  };
  if (mode === "shadow")
    return { ...common, children: 1, maxQueueRows: SHADOW_QUEUE_ROWS, niceness: SHADOW_NICENESS };
  return { ...common, children: Math.ceil(children / 2), maxQueueRows: CANARY_QUEUE_ROWS };
}

function shipperOf(options: ModelServingOptions, spool: TraceSpool, predictor: Predictor): TraceShipper {
  const { database, objects, logger, onSetAside } = options;
  return new TraceShipper({
    spool,
    objects,
    predictions: () => database().predictions,
    headlineOf: (row) => predictor.headlineOf(row),
    logger,
    ...(onSetAside === undefined ? {} : { onSetAside }),
  });
}

/** Segments that somebody waits for are shipped at once. @returns ends it */
function releaseWanted(
  { connected, database, logger }: ModelServingOptions,
  spool: TraceSpool,
): () => Promise<void> {
  let stop: (() => Promise<void>) | undefined;
  let isOver = false;
  const listening = connected.then(async () => {
    if (!isOver) stop = await database().predictions.onWanted((segment) => spool.release(segment));
  });
  listening.catch((err: unknown) => logger.warn({ err }, "nobody hears that a trace is waited for"));
  return async () => {
    isOver = true;
    await stop?.();
  };
}

async function openSpool(options: ModelServingOptions): Promise<TraceSpool | undefined> {
  const { stateDir, settings, onSyncFailed, onNoSpool } = options;
  try {
    return await TraceSpool.start({
      dir: join(stateDir, "spool"),
      asideRetentionMs: settings.traceAsideRetentionMs,
      onSyncFailed,
    });
  } catch (error) {
    if (onNoSpool === undefined) throw error;
    onNoSpool(error);
    return undefined;
  }
}
