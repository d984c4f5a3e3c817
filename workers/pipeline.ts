import { fileURLToPath } from "node:url";
import { existsSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { Runtime, Worker } from "@temporalio/worker";
import type { NativeConnection } from "@temporalio/worker";
import pino from "pino";
import { createActivities } from "../activities/index.ts";
import { readSettings } from "../config/settings.ts";
import type { Settings } from "../config/settings.ts";
import { connectNative } from "../temporal-config/connection.ts";
import { TASK_QUEUES, WORKER_TUNING } from "../temporal-config/constants.ts";
import type { TaskQueueName } from "../temporal-config/constants.ts";
import { AlarmDispatcher } from "./alarm-dispatcher.ts";
import { startAuditSealer } from "./audit-sealer.ts";
import { openWorkerDeps } from "./dependencies.ts";
import { startIntakeReconciler } from "./intake-reconciler.ts";
import { ensureFeaturesRefresh, ensureHousekeeping, ensureReadingsUpkeep } from "./standing-schedules.ts";
import { RecommendationWatcher } from "./recommendation-watcher.ts";
import { RolloutSweeper } from "./rollout-sweeper.ts";
import { temporalLogger } from "./temporal-logger.ts";

/** Activities at once by queue. Training takes a whole core per activity; data work is DuckDB, which threads by itself. */
function concurrencyOf(queue: TaskQueueName, { trainings }: Settings): number {
  return { control: 40, data: 2, train: trainings }[queue];
}

/** The pipeline worker: workflows on the control queue, activities on the queues it is told to serve. */
async function main(): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  const log = pino({ level: settings.logLevel, base: { part: "worker" } });
  // `forward: {}`: the native core otherwise writes coloured lines to stdout, past every logger.
  Runtime.install({
    logger: temporalLogger(log),
    telemetryOptions: { logging: { forward: {}, filter: "WARN" }, ...metricsOf(settings) },
  });
  // Training yields to serving: on a small machine they share the cores, and an answer cannot wait.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const deps = await openWorkerDeps(settings, log);
  const connection = await connectNative(settings);
  const activities = createActivities(deps);
  const workers = await Promise.all(
    settings.workerQueues.map((queue) => createWorker(queue, { connection, settings, activities })),
  );
  // Not waited for, and no reason not to start: the schedule that is there goes on.
  if (settings.workerQueues.includes("control")) {
    ensureHousekeeping(deps.temporal, settings.housekeeping).catch((err: unknown) =>
      log.warn({ err }, "the schedule of housekeeping could not be brought up to date"),
    );
    ensureFeaturesRefresh(deps.temporal).catch((err: unknown) =>
      log.warn({ err }, "the schedule of live features' refresh could not be brought up to date"),
    );
    ensureReadingsUpkeep(deps.temporal).catch((err: unknown) =>
      log.warn({ err }, "the schedule of readings' upkeep could not be brought up to date"),
    );
  }
  const dispatcher = new AlarmDispatcher(deps.db, deps.temporal, log);
  await dispatcher.start();
  const watcher = new RecommendationWatcher(deps.db, deps.temporal, log);
  watcher.start();
  const sweeper = new RolloutSweeper(deps.db, deps.temporal, log);
  sweeper.start();
  const sealer = startAuditSealer(deps.db, log);
  const reconciler = startIntakeReconciler(deps.db, log);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => workers.forEach((worker) => worker.shutdown()));
  }
  log.info({ queues: settings.workerQueues }, "worker ready");
  try {
    await Promise.all(workers.map((worker) => worker.run()));
  } finally {
    sealer.stop();
    await dispatcher.close();
    await watcher.close();
    await sweeper.close();
    reconciler.stop();
    await deps.close();
    await connection.close();
  }
}

interface WorkerContext {
  readonly connection: NativeConnection;
  readonly settings: Settings;
  readonly activities: ReturnType<typeof createActivities>;
}

function createWorker(queue: TaskQueueName, context: WorkerContext): Promise<Worker> {
  const bundle = fileURLToPath(new URL("../workflows/bundle.js", import.meta.url));
  const workflows = existsSync(bundle)
    ? { workflowBundle: { codePath: bundle } }
    : { workflowsPath: fileURLToPath(new URL("../workflows/index.js", import.meta.url)) };
  return Worker.create({
    connection: context.connection,
    namespace: context.settings.temporal.namespace,
    taskQueue: TASK_QUEUES[queue],
    ...(queue === "control" ? workflows : {}),
    activities: context.activities[queue],
    maxConcurrentActivityTaskExecutions: concurrencyOf(queue, context.settings),
    ...WORKER_TUNING,
  });
}

function metricsOf(settings: Settings) {
  if (settings.metricsPort === undefined) return {};
  return { metrics: { prometheus: { bindAddress: `127.0.0.1:${settings.metricsPort}` } } };
}

try {
  await main();
  process.exit(0);
} catch (error) {
  pino({ base: { part: "worker" } }).fatal({ err: error }, "worker ended");
  process.exit(1);
}
