import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Settings } from "../config/settings.ts";
import type { PoolEvent } from "../inference/pool-options.ts";
import { ReadingIntake } from "../intake/reading-intake.ts";
import type { IntakeOptions, ReadingSink } from "../intake/reading-intake.ts";
import type { ObjectStore } from "../stores/objects/port.ts";
import type { Database, NewAlert } from "../stores/postgres/port.ts";
import { watchAlerts } from "./alert-metrics.ts";
import { watchMaintenance } from "./maintenance/maintenance-metrics.ts";
import { watchDrift } from "./drift/metrics.ts";
import { watchPerformance } from "./performance/metrics.ts";
import { watchRetrains } from "./retraining/metrics.ts";
import { PlatformSampler } from "../alerting/platform-sampler.ts";
import { openRedisFeatureCache } from "../stores/redis/feature-cache.ts";
import { watchRollouts } from "./rollout-metrics.ts";
import { Alarms, hourOf } from "./alarms.ts";
import { DatabaseConnection } from "./database-connection.ts";
import type { ApiDeps } from "./deps.ts";
import { Authenticator } from "./http/auth.ts";
import { listen } from "./http/listen.ts";
import { Metrics } from "./metrics.ts";
import { ReviewKeeper } from "./review-keeper.ts";
import { ReadinessProbe } from "./readiness.ts";
import { createListener } from "./server.ts";
import { ChampionFile } from "./serving/champion-file.ts";
import { openModelServing } from "./serving/model-serving.ts";
import type { ModelServing } from "./serving/model-serving.ts";
import { OnlineFeatureClient } from "./serving/online-feature-client.ts";
import { AlertsChannel } from "./sockets/alerts-channel.ts";
import { asChannel, LiveSockets } from "./sockets/live-sockets.ts";
import { ReadingsChannel } from "./sockets/readings-channel.ts";
import type { TraceSpool } from "./trace/spool.ts";
import type { WorkflowGateway } from "./workflow-gateway.ts";

/** The real things behind the ports, made by the main. */
export interface ApiParts {
  readonly connectDatabase: () => Promise<Database>;
  readonly objects: ObjectStore;
  readonly workflows: WorkflowGateway;
  readonly logger: Logger;
  readonly release: string;
  readonly temporalUiUrl?: string;
  /** Default: the product's intake. */
  readonly createIntake?: (options: IntakeOptions) => ReadingSink;
  /** Poll of the champions, in ms. */
  readonly championPollMs?: number;
}

export interface RunningApi {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const MAX_QUEUE_ROWS = 8_192;
const MAX_UPLOAD_BYTES = 64 * 2 ** 30;
const STOP_GRACE_MS = 6_000;
/** Before a beyond-loopback binding is refused, the database gets this long to say that keys are on. */
const KEYS_ANSWER_MS = 10_000;

/**
 * Wires the API and listens. It listens at once and serves the last known champions while PostgreSQL,
 * Temporal or the object store are still away; `/readyz` says what is missing.
 *
 * @throws {PlatformError} config_invalid for an address beyond loopback without keys
 */
export async function startApi(settings: Settings, parts: ApiParts): Promise<RunningApi> {
  const { logger, objects, workflows } = parts;
  const stateDir = join(settings.stateDir, "api");
  const uploadDir = await emptyFolder(join(stateDir, "uploads"));
  const file = new ChampionFile(join(stateDir, "serving.json"));
  const remembered = await file.read();
  const metrics = new Metrics();
  const database = new DatabaseConnection({
    connect: parts.connectDatabase,
    bootstrapAdminKey: settings.bootstrapAdminKey,
    logger,
  });
  const auth = new Authenticator({
    keys: () => database.get().keys,
    listenHost: settings.api.host,
    areKeysOnAtStart: remembered.areKeysOn || settings.bootstrapAdminKey !== undefined,
    onKeysTurnedOn: () =>
      void file.rememberKeysOn().catch((err: unknown) => logger.warn({ err }, "keys state not kept")),
  });
  await settleBinding(auth, database);
  const alarms = new Alarms({ alerts: () => database.get().alerts, metrics, logger });
  const { championPollMs } = parts;
  const serving: ModelServing = await openModelServing({
    settings,
    stateDir,
    file,
    database: () => database.get(),
    connected: database.connected,
    objects,
    metrics,
    alarms,
    logger,
    pool: {
      children: settings.inferenceChildren,
      maxQueueRows: MAX_QUEUE_ROWS,
      onEvent: (event) => tellPoolEvent(event, { metrics, logger, alarms }),
    },
    champions: {
      onServed: (served, golden) => void serving.explanations.prepare(served, golden),
      ...(championPollMs === undefined ? {} : { pollMs: championPollMs }),
    },
    onSyncFailed: onSyncFailed(metrics, logger),
    onNoSpool: (err) => logger.error({ err }, "trace spool cannot be opened"),
    onSetAside(what, count) {
      metrics.setAside(what, count);
      if (what === "segment") alarms.raise(segmentSetAside());
    },
  });
  const { champions, predictor, explanations } = serving;
  const readiness = new ReadinessProbe([
    { name: "database", check: async () => database.get().probe() },
    { name: "objects", check: () => objects.probe() },
    { name: "temporal", check: () => workflows.probe() },
    { name: "models", check: async () => checkModels(serving) },
    // Not ready, though it answers: with the default policy answers go on without a trace.
    { name: "trace spool", check: () => checkSpool(serving.spool) },
  ]);
  watchAlerts(metrics.registry, () => database.get());
  watchMaintenance(metrics.registry, () => database.get());
  watchRollouts(metrics.registry, serving.candidates);
  watchDrift(metrics.registry, () => database.get().drift);
  watchRetrains(metrics.registry, () => database.get().retrains);
  watchPerformance(metrics.registry, () => database.get().performance);
  const sampler = new PlatformSampler({
    registry: metrics.registry,
    put: (metric, value) => database.get().alertEvaluation.putSample(metric, "api", value),
  });
  metrics.watchReconciliations(async () => database.get().readingUpkeep.reconciliations());
  const { createIntake = (options) => new ReadingIntake(options) } = parts;
  const readings = createIntake({
    sources: () => database.get().liveSources,
    readings: () => database.get().readings,
    onCommit: (event) => metrics.readingsCommitted(event),
  });
  const features = new OnlineFeatureClient({
    owners: async () => database.get().online.owners(),
    ...(settings.redisUrl === undefined
      ? {}
      : { cache: openRedisFeatureCache(settings.redisUrl, onRedisFailure(logger)) }),
  });
  const reviews = new ReviewKeeper({
    approvals: () => database.get().approvals,
    connected: database.connected,
    objects,
    workflows,
    logger,
  });
  const deps: ApiDeps = {
    breakGlass: settings.breakGlass,
    reviews,
    database: () => database.get(),
    objects,
    workflows,
    readings,
    predictor,
    features,
    explanations,
    auth,
    readiness,
    metrics,
    logger,
    uploadDir,
    maxUploadBytes: MAX_UPLOAD_BYTES,
    allowLoopbackSources: settings.allowLoopbackSources,
    alertReach: { allowLoopback: settings.allowLoopbackSources, hosts: settings.alertHosts },
    release: parts.release,
    ...(parts.temporalUiUrl === undefined ? {} : { temporalUiUrl: parts.temporalUiUrl }),
  };
  const sockets = new LiveSockets({
    channels: [
      asChannel(new ReadingsChannel(() => database.get())),
      asChannel(new AlertsChannel(() => database.get().alertEvents)),
    ],
    auth,
    logger,
  });
  const listener = { ...createListener(deps), upgrade: sockets.upgrade };
  const listening = await listen(listener, settings.api.host, settings.api.port ?? 0);
  const started = champions.start(remembered.champions);
  return {
    url: listening.url,
    port: listening.port,
    async close() {
      readiness.drain();
      sampler.close();
      await reviews.close();
      await sockets.close();
      await listening.close(STOP_GRACE_MS);
      readiness.close();
      await started;
      await serving.close();
      await features.close();
      await workflows.close();
      await alarms.close();
      await database.close();
    },
  };
}

async function emptyFolder(path: string): Promise<string> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}

async function settleBinding(auth: Authenticator, database: DatabaseConnection): Promise<void> {
  if (!auth.mayBind) {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, KEYS_ANSWER_MS);
    });
    await Promise.race([database.connected, timeout]);
    clearTimeout(timer);
    await auth.learn();
  }
  try {
    auth.checkBinding();
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function checkModels({ champions, pool }: ModelServing): Promise<void> {
  if (!champions.isReady) throw new Error("the champions are not known yet");
  if (champions.list().length > 0 && !pool.status().ready)
    throw new Error("an inference child is being replaced");
}

async function checkSpool(spool: TraceSpool | undefined): Promise<void> {
  if (spool === undefined) throw new Error("the trace spool could not be opened");
  await spool.probe();
}

/** A cache that is away costs nothing but itself: it is told of in debug lines. */
function onRedisFailure(logger: Logger): (error: unknown) => void {
  return (err) => logger.debug({ err }, "the feature cache does not answer");
}

/** A failing sync is tried again every few milliseconds: each is counted, one a minute is logged. */
function onSyncFailed(metrics: Metrics, logger: Logger): (error: unknown) => void {
  let loggedAt = -Infinity;
  return (err) => {
    metrics.syncFailed();
    if (performance.now() - loggedAt < 60_000) return;
    loggedAt = performance.now();
    logger.error({ err }, "traces cannot be put on the disk; it is tried again");
  };
}

function segmentSetAside(): NewAlert {
  return {
    key: `trace/set-aside/${hourOf()}`,
    kind: "trace",
    severity: "warning",
    subject: "traces",
    message: "trace segments cannot be shipped; they were set aside in the spool",
  };
}

function tellPoolEvent(
  event: PoolEvent,
  { metrics, logger, alarms }: { metrics: Metrics; logger: Logger; alarms: Alarms },
): void {
  metrics.pool(event);
  if (event.type === "batch") return;
  const isBad =
    event.type === "child_lost" || event.type === "child_start_failed" || event.type === "model_refused";
  if (event.type === "child_lost" || event.type === "child_start_failed") {
    alarms.raise({
      key: `inference/${event.type}/${hourOf()}`,
      kind: "inference",
      severity: "warning",
      subject: "inference",
      message:
        event.type === "child_lost"
          ? `an inference child was lost (${event.reason}) and replaced`
          : `an inference child cannot be started: ${event.message}`,
    });
  }
  logger[isBad ? "warn" : "info"]({ event }, "inference pool");
}
