import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";
import { PlatformSampler } from "../alerting/platform-sampler.ts";
import type { Settings } from "../config/settings.ts";
import type { FeedEvent, FeedSurroundings } from "../intake/feeds/feed-runner.ts";
import { FeedSupervisor } from "../intake/feeds/feed-supervisor.ts";
import { FeedMetrics, IntakeMetrics } from "../intake/intake-metrics.ts";
import { MqttIntake } from "../intake/mqtt/mqtt-intake.ts";
import { ReadingIntake } from "../intake/reading-intake.ts";
import type { IntakeOptions, ReadingSink } from "../intake/reading-intake.ts";
import { MqttServer } from "../sources/mqtt/mqtt-server.ts";
import { streamAdapter } from "../sources/streams/table.ts";
import type { Database } from "../stores/postgres/port.ts";
import { startMetricsServer } from "./intake/metrics-server.ts";
import { createParquetRows } from "./intake/parquet-rows.ts";
import { claimFolder } from "./own-folder.ts";

const MQTT_PORT = 1883;

/** The real things behind the ports, made by the main. */
export interface IngestorParts {
  readonly db: Database;
  readonly log: Logger;
  /** Default: the product's intake. */
  readonly createIntake?: (options: IntakeOptions) => ReadingSink;
}

export interface RunningIngestor {
  close(): Promise<void>;
}

/** Wires an ingestor: it takes readings over MQTT and runs its share of the feeds. */
export async function startIngestor(settings: Settings, parts: IngestorParts): Promise<RunningIngestor> {
  const { db, log } = parts;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const intakeMetrics = new IntakeMetrics(registry);
  const createIntake = parts.createIntake ?? ((options) => new ReadingIntake(options));
  const intake = createIntake({
    sources: () => db.liveSources,
    readings: () => db.readings,
    onCommit: (event) => intakeMetrics.committed(event),
  });
  const sampler = new PlatformSampler({
    registry,
    put: (metric, value) => db.alertEvaluation.putSample(metric, "ingestor", value),
  });
  const folder = await claimFolder(join(settings.stateDir, "scratch", "ingestors"));
  const scratchDir = folder.path;
  // Of one that was killed nothing is of use.
  for (const name of await readdir(scratchDir)) await rm(join(scratchDir, name), { recursive: true });
  const readParquet = createParquetRows({ folders: settings.feeds.folders, scratchDir });
  const supervisor = new FeedSupervisor({
    feeds: db.feeds,
    around: {
      ...surroundings(settings, { db, intake, log, metrics: new FeedMetrics(registry) }),
      policy: {
        folders: settings.feeds.folders,
        scratchDir,
        allowLoopback: settings.allowLoopbackSources,
        readParquet,
      },
    },
    onTrouble: (err) => log.warn({ err }, "feeds cannot be looked at now; trying on"),
  });
  const mqtt = await startMqtt(settings, { db, intake, log });
  const metricsServer =
    settings.metricsPort === undefined ? undefined : await startMetricsServer(registry, settings.metricsPort);
  log.info({ metricsPort: metricsServer?.port ?? null, mqttPort: mqtt?.port ?? null }, "ingestor ready");
  return {
    async close() {
      await mqtt?.close();
      sampler.close();
      await supervisor.close();
      await metricsServer?.close();
      await readParquet.close();
      folder.release();
      await rm(scratchDir, { recursive: true, force: true });
    },
  };
}

interface Parts {
  readonly db: Database;
  readonly intake: ReadingSink;
  readonly log: Logger;
  readonly metrics: FeedMetrics;
}

/** The endpoint that devices publish to; undefined where it is off. */
async function startMqtt(
  { mqtt: { host, port } }: Settings,
  { db, intake, log }: Pick<Parts, "db" | "intake" | "log">,
): Promise<MqttServer | undefined> {
  if (port === "off") return undefined;
  const mqttIntake = new MqttIntake({ db, intake });
  return MqttServer.start({
    host,
    port: port ?? MQTT_PORT,
    admit: (client) => mqttIntake.admit(client),
    onEvent: ({ what, ...event }) => log[what === "refused" ? "warn" : "debug"](event, `MQTT client ${what}`),
  });
}

function surroundings(
  settings: Settings,
  { db, intake, log, metrics }: Parts,
): Omit<FeedSurroundings, "policy"> {
  return {
    adapterOf: streamAdapter,
    sourceOf: (source) => db.liveSources.get(source),
    submit: (source, adapter, readings) => intake.submit(source, adapter, readings),
    report: (feed, report) => db.feeds.report(feed, report),
    tell: (event) => tell(event, metrics, log),
    secrets: { environment: settings.environment, folder: settings.feeds.secrets },
  };
}

function tell({ feed, kind, what, nWaiting, reason }: FeedEvent, metrics: FeedMetrics, log: Logger): void {
  if (nWaiting !== undefined) metrics.waits(feed, kind, nWaiting);
  if (what === "batch") return;
  if (what === "running") metrics.isRunning(feed, kind);
  else if (what === "failed") metrics.hasFailed(feed, kind);
  else metrics.hasEnded(feed, kind);
  log[what === "failed" ? "warn" : "info"](
    { feed, kind, ...(reason === undefined ? {} : { reason }) },
    `feed ${what}`,
  );
}
