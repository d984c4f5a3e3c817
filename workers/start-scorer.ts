import { randomBytes, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import { Alarms } from "../api/alarms.ts";
import { Metrics } from "../api/metrics.ts";
import { ChampionFile } from "../api/serving/champion-file.ts";
import type { Champions } from "../api/serving/champions.ts";
import { openModelServing } from "../api/serving/model-serving.ts";
import type { ModelServing } from "../api/serving/model-serving.ts";
import { haveSameFeatures } from "../api/serving/rollout/same-features.ts";
import type { Settings } from "../config/settings.ts";
import { AlertEvaluator } from "../alerting/alert-evaluator.ts";
import { prometheusAsker } from "../alerting/prometheus.ts";
import { AssetContexts } from "../scoring/asset-contexts.ts";
import { CacheFeed } from "../scoring/cache-feed.ts";
import { startFeaturesServer } from "../scoring/features-server.ts";
import { LiveScoring } from "../scoring/live-scoring.ts";
import { ModelFeeds } from "../scoring/model-feeds.ts";
import type { ServedView } from "../scoring/model-feeds.ts";
import type { ScoringObserver } from "../scoring/observer.ts";
import { ScoringQueue } from "../scoring/scoring-queue.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import { createDuckDb } from "../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../stores/duckdb/duckdb.ts";
import type { ObjectStore } from "../stores/objects/port.ts";
import type { Database } from "../stores/postgres/port.ts";
import { openRedisFeatureCache } from "../stores/redis/feature-cache.ts";
import { ChampionScoring } from "./champion-scoring.ts";
import { claimFolder } from "./own-folder.ts";
import { ScorerMetrics } from "./scorer-metrics.ts";

/** The real things behind the ports, made by the main. */
export interface ScorerParts {
  readonly database: Database;
  readonly objects: ObjectStore;
  readonly logger: Logger;
  /** What watches readings and scores: alert rules. */
  readonly observers?: readonly ScoringObserver[];
  readonly leaseTtlMs?: number;
  readonly checkpointEvery?: number;
}

export interface RunningScorer {
  readonly scorerId: string;
  readonly url: string;
  readonly scoring: LiveScoring;
  close(): Promise<void>;
}

const MAX_QUEUE_ROWS = 100_000;
/** Of the children: what is asked of the API comes first. */
const CHILD_NICENESS = 10;
/** While the API loads a new champion, which people wait for, its processors are its own. */
const FOLLOW_AFTER_MS = 300;
/** Beyond the time between two scores: for the score itself. */
const SETTLE_MS = 2_000;
/** Kind of the alert on a champion whose live source does not feed it. */
const UNFED = "features";
const KNOWN_LOOK_MS = 20;
/** Events and attributes of a dataset are read once, and small beside its readings. */
const DUCKDB_MEMORY = "256MB";

/** Wires a scorer and has it own its share of the assets. */
export async function startScorer(settings: Settings, parts: ScorerParts): Promise<RunningScorer> {
  const { database, objects, logger } = parts;
  const scorerId = randomUUID();
  const folder = await claimFolder(join(settings.stateDir, "scorers"));
  const stateDir = folder.path;
  const metrics = new Metrics(false);
  const scorerMetrics = new ScorerMetrics();
  const alarms = new Alarms({ alerts: () => database.alerts, metrics, logger });
  const file = new ChampionFile(join(stateDir, "serving.json"));
  const remembered = await file.read();
  let live: LiveScoring | undefined;
  let isReady = false;
  const serving: ModelServing = await openModelServing({
    settings,
    stateDir,
    file,
    database: () => database,
    connected: Promise.resolve(),
    objects,
    metrics,
    alarms,
    logger,
    pool: {
      children: 1,
      maxQueueRows: MAX_QUEUE_ROWS,
      niceness: CHILD_NICENESS,
      onEvent: (event) => logger.debug({ event }, "inference pool"),
    },
    champions: { onServed: () => void live?.refresh(), followAfterMs: FOLLOW_AFTER_MS },
    onCandidateChange: () => void live?.refresh(),
    onSyncFailed: () => scorerMetrics.syncFailed(),
  });
  const { champions, predictor } = serving;
  let duckdb: Promise<DuckDb> | undefined;
  const openDuckDb = (): Promise<DuckDb> =>
    (duckdb ??= createDuckDb({
      directories: directoriesOf(settings),
      memoryLimit: DUCKDB_MEMORY,
      threads: 1,
    }));
  const feeds = new ModelFeeds({
    served: () => [...champions.list(), ...besideOf(serving)],
    online: database.online,
    sources: database.liveSources,
    contexts: new AssetContexts({
      online: database.online,
      datasets: database.datasets,
      objects,
      openDuckDb,
    }),
    onChange({ model, version }, problem) {
      const subject = `model/${model}`;
      if (problem === undefined) return alarms.resolve(UNFED, subject);
      const { message, code } = problem;
      alarms.raise({
        key: `${UNFED}/${model}`,
        kind: UNFED,
        severity: "warning",
        subject,
        message: `${model}@${version} is not fed by live readings: ${message}`,
        details: { version, code },
      });
    },
  });
  const secret = randomBytes(24).toString("base64url");
  const server = await startFeaturesServer({
    host: settings.scorer.host,
    port: settings.scorer.port ?? 0,
    secret,
    isReady: () => isReady,
    feeds() {
      if (!isReady) throw notReady();
      return { items: feeds.report() };
    },
    async history(request, signal) {
      if (live === undefined || !isReady) throw notReady();
      return live.history(request, signal);
    },
    async refresh(request) {
      if (live === undefined || !isReady) throw notReady();
      return live.recompute(request);
    },
    metrics: () => scorerMetrics.text(),
    async answer(form, { asset, model, digest }) {
      if (live === undefined || !isReady) throw notReady();
      return form === "features" ? live.features(asset, model) : live.row(asset, model, digest);
    },
  });
  const observers = parts.observers ?? [];
  const champion = new ChampionScoring({
    predictor,
    online: database.online,
    fenceOf: (asset) => live?.fenceOf(asset),
    async seriesBeside({ model, digest }, asset) {
      if (live === undefined) throw notReady();
      return live.series(asset, model, digest);
    },
    observers,
    onOutcome: (model, outcome, count) => scorerMetrics.scored(model, outcome, count),
    logger,
  });
  const queue = new ScoringQueue({
    everyMs: settings.scorer.everyMs,
    score: (series) => champion.score(series),
  });
  const { redisUrl } = settings;
  const cacheFeed =
    redisUrl === undefined
      ? undefined
      : new CacheFeed(
          openRedisFeatureCache(redisUrl, (err) =>
            logger.debug({ err }, "the feature cache does not answer"),
          ),
        );
  const url = `http://${reachableHost(settings.scorer.host)}:${server.port}`;
  const scoring = new LiveScoring({
    online: database.online,
    feeds,
    address: { scorerId, url, secret },
    maxSeries: settings.scorer.maxSeries,
    observers,
    settleMs: settings.scorer.everyMs + SETTLE_MS,
    onUpdate(series) {
      if (series.model.isBeside === true) return;
      scorerMetrics.updated(series.model.model, (Date.now() - series.committedAt) / 1_000);
      queue.add(series);
      cacheFeed?.add(series);
    },
    onFailure: (what, err) => logger.warn({ err, what }, "live scoring failed; it is tried again"),
    ...(parts.leaseTtlMs === undefined ? {} : { leaseTtlMs: parts.leaseTtlMs }),
    ...(parts.checkpointEvery === undefined ? {} : { checkpointEvery: parts.checkpointEvery }),
  });
  const alerts = new AlertEvaluator({
    evaluatorId: scorerId,
    evaluation: database.alertEvaluation,
    rules: database.alertRules,
    sources: database.liveSources,
    online: database.online,
    ...(settings.prometheusUrl === undefined
      ? {}
      : { askPrometheus: prometheusAsker(settings.prometheusUrl) }),
    onFailure: (what, err) =>
      logger.warn({ err, what }, "alert rules cannot be evaluated now; it is tried again"),
  });
  // Before the champions: an alert on a reading needs no model.
  await alerts.start();
  await champions.start(remembered.champions);
  await untilKnown(champions);
  live = scoring;
  await scoring.start();
  isReady = true;
  scorerMetrics.watch(scoring);
  logger.info({ url, scorerId }, "listening");
  return {
    scorerId,
    url,
    scoring,
    async close() {
      await alerts.close();
      await scoring.stopFollowing();
      await queue.close();
      await champion.close();
      await cacheFeed?.close();
      await scoring.close();
      await server.close();
      await serving.close();
      await alarms.close();
      folder.release();
      (await duckdb)?.close();
    },
  };
}

/** Versions that rollouts bring and that see other features than their champions. */
function besideOf({ champions, candidates }: Pick<ModelServing, "champions" | "candidates">): ServedView[] {
  return candidates.list().flatMap(({ served }) => {
    const champion = champions.list().find(({ model }) => model === served.model);
    const isAlike = champion === undefined || haveSameFeatures(champion, served);
    return isAlike ? [] : [{ ...served, isBeside: true }];
  });
}

/** What serves must be known before readings are followed: they would be passed over. */
async function untilKnown(champions: Champions): Promise<void> {
  while (!champions.isReady) await new Promise((resolve) => setTimeout(resolve, KNOWN_LOOK_MS));
}

const notReady = (): PlatformError =>
  new PlatformError("features_unavailable", "read features: the scorer is starting");

/** Under what name others reach a server that listens on every address. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return hostname();
  return host.includes(":") ? `[${host}]` : host;
}

function directoriesOf({ stateDir, objects }: Settings): string[] {
  const cache = join(stateDir, "cache");
  return objects.kind === "file" ? [cache, objects.directory] : [cache];
}
