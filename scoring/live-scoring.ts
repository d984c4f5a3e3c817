/**
 * A scorer without its process: owns shards of assets, follows their readings, keeps their features, answers for them.
 *
 *   ShardOwner (leases) ─┐
 *   ModelFeeds ──────────┼─► ReadingFollower ─► FeatureEngine ─► onUpdate (scoring)
 *                        └─► features / row (asked by the API)
 */
import { setTimeout as sleep } from "node:timers/promises";
import { PlatformError } from "../schemas/platform-error.ts";
import type {
  FeatureHistory,
  FeatureHistoryRequest,
  FeatureRefreshReply,
  FeatureRefreshRequest,
  OnlineFeatures,
  OnlineRow,
} from "../schemas/live/online-features.ts";
import type { OnlineStore, ScorerAddress, ShardLease } from "../stores/postgres/port/online.ts";
import type { AssetSeries } from "./asset-series.ts";
import { FeatureEngine } from "./feature-engine.ts";
import { featureHistory } from "./feature-history.ts";
import { featuresOf, rowOf } from "./feature-reply.ts";
import type { LiveModel } from "./live-model.ts";
import type { ScoringObserver } from "./observer.ts";
import type { ModelFeeds } from "./model-feeds.ts";
import { ReadingFollower } from "./reading-follower.ts";
import { ShardOwner } from "./shard-owner.ts";

export interface LiveScoringOptions {
  readonly online: OnlineStore;
  readonly feeds: ModelFeeds;
  readonly address: ScorerAddress;
  readonly maxSeries: number;
  /** An asset has new features. Must not throw. */
  readonly onUpdate: (series: AssetSeries) => void;
  readonly observers?: readonly ScoringObserver[];
  readonly onFailure: (what: string, error: unknown) => void;
  /** How long an asset with new features may wait for its score. */
  readonly settleMs: number;
  readonly leaseTtlMs?: number;
  /** Readings from one checkpoint of a series to the next. */
  readonly checkpointEvery?: number;
}

/** Pipelines, sources and datasets are looked at again this often. */
const FEEDS_EVERY_MS = 2_000;
/** Assets that are computed anew for one request. */
const REFRESH_PAGE = 200;
const REFRESH_WAIT_MS = 20_000;

export class LiveScoring {
  readonly #options: LiveScoringOptions;
  readonly #engine: FeatureEngine;
  readonly #owner: ShardOwner;
  readonly #follower: ReadingFollower;
  #feedsTimer: NodeJS.Timeout | undefined;
  #refreshing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: LiveScoringOptions) {
    this.#options = options;
    const { online, address, onFailure, leaseTtlMs } = options;
    this.#engine = new FeatureEngine({
      store: online,
      ...(options.checkpointEvery === undefined ? {} : { checkpointEvery: options.checkpointEvery }),
      maxSeries: options.maxSeries,
      onUpdate: options.onUpdate,
      onFailure: (error, asset) => onFailure(`rebuild ${asset}`, error),
    });
    this.#owner = new ShardOwner({
      online,
      address,
      onChange: (gained, hasLost) => this.#shardsChanged(gained, hasLost),
      onFailure: (error) => onFailure("renew leases", error),
      ...(leaseTtlMs === undefined ? {} : { ttlMs: leaseTtlMs }),
    });
    this.#follower = new ReadingFollower({
      online,
      scorerId: address.scorerId,
      sources: () => this.#sources(),
      shards: () => this.#owner.shards,
      take: (readings) => {
        this.#engine.take(readings);
        if (readings.length === 0) return;
        this.#tell((observer) => observer.readingsArrived?.(readings));
      },
      onFailure: (error) => onFailure("follow readings", error),
      settleMs: options.settleMs,
    });
  }

  async start(): Promise<void> {
    await this.refresh();
    await this.#follower.start();
    await this.#owner.start();
    this.#planRefresh();
  }

  get nSeries(): number {
    return this.#engine.nSeries;
  }

  get shards(): readonly number[] {
    return this.#owner.shards;
  }

  fenceOf(asset: string): { readonly shard: number; readonly fence: number } | undefined {
    return this.#owner.fenceOf(asset);
  }

  /** Looks again at what serves and what feeds it. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#options.feeds
      .refresh()
      .then(
        (models) => this.#setModels(models),
        (error: unknown) => this.#options.onFailure("read models", error),
      )
      .finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async features(asset: string, model: string | undefined): Promise<OnlineFeatures> {
    return featuresOf(await this.series(asset, model), Date.now());
  }

  /** @param digest of a version beside the champion; absent: the champion's */
  async row(asset: string, model: string | undefined, digest?: string): Promise<OnlineRow> {
    return rowOf(await this.series(asset, model, digest), Date.now());
  }

  /** Of any asset: nothing of it needs the state that this scorer keeps. */
  async history({ model, rows }: FeatureHistoryRequest, signal?: AbortSignal): Promise<FeatureHistory> {
    return featureHistory(this.#options.online, this.#options.feeds.find(model), {
      rows,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Computes a page of assets anew: those whose score is behind, those heard of since a moment, or all. */
  async recompute({ model, after, isWhole, sinceMs }: FeatureRefreshRequest): Promise<FeatureRefreshReply> {
    const { binding, digest } = this.#options.feeds.find(model);
    const { sourceKey } = binding;
    const shards = this.#owner.shards;
    const of = { sourceKey, model, digest, shards, after, limit: REFRESH_PAGE };
    const page = await this.#options.online.scored(of);
    const chosen = page.filter(({ isBehind, storedAt }) =>
      sinceMs === undefined ? isWhole || isBehind : (storedAt ?? -Infinity) >= sinceMs,
    );
    // The next page waits for this one, or for as long as the one who asks has patience.
    const done = this.#engine.touch(chosen.map(({ asset }) => ({ sourceKey, asset })));
    await Promise.race([done, sleep(REFRESH_WAIT_MS, undefined, { ref: false })]);
    const next = page.length < REFRESH_PAGE ? null : (page.at(-1)?.asset ?? null);
    return { assets: chosen.length, next };
  }

  /** @throws {PlatformError} features_unavailable: the asset is another scorer's */
  async series(asset: string, model: string | undefined, digest?: string): Promise<AssetSeries> {
    const live = this.#options.feeds.find(model, digest);
    if (this.#owner.fenceOf(asset) === undefined)
      throw new PlatformError(
        "features_unavailable",
        `read features [${asset}]: its shard is not of this scorer`,
      );
    return this.#engine.series(live, asset);
  }

  /** Follows no more readings; what was taken can still be scored. */
  async stopFollowing(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#feedsTimer);
    await this.#refreshing;
    await this.#follower.stop();
  }

  /** Gives the shards back. Everything that was taken has been scored. */
  async close(): Promise<void> {
    await this.stopFollowing();
    const fail = (error: unknown): void => this.#options.onFailure("give shards back", error);
    await this.#follower.noteEnd().catch(fail);
    await this.#owner.close().catch(fail);
    await this.#engine.close();
  }

  /** An observer that throws holds up neither the others nor the readings. */
  #tell(call: (observer: ScoringObserver) => void): void {
    for (const observer of this.#options.observers ?? []) {
      try {
        call(observer);
      } catch (error) {
        this.#options.onFailure("tell an observer", error);
      }
    }
  }

  /** Sources that feed models, and those that observers need. */
  #sources(): readonly number[] {
    const fed = this.#engine.models.map(({ binding }) => binding.sourceKey);
    const watched = (this.#options.observers ?? []).flatMap((observer) => observer.sources?.() ?? []);
    return [...new Set([...fed, ...watched])];
  }

  #setModels(models: readonly LiveModel[]): void {
    const before = this.#engine.models;
    const isSame = models.length === before.length && models.every((model) => before.includes(model));
    if (!isSame) this.#engine.setModels(models);
  }

  /** What came in while nobody followed the gained shards is caught up with. */
  async #shardsChanged(gained: readonly ShardLease[], hasLost: boolean): Promise<void> {
    if (hasLost) this.#engine.keepOnly((asset) => this.#owner.fenceOf(asset) !== undefined);
    // What is being read now is read with the shards of before.
    const until = await this.#follower.settled();
    this.#tell((observer) => observer.shardsChanged?.(this.#owner.shards));
    const sources = this.#sources();
    if (until === undefined || sources.length === 0) return;
    const since = new Map<string, ShardLease[]>();
    for (const lease of gained) {
      if (lease.followed === undefined) continue;
      const key = `${lease.followed.tx} ${lease.followed.batch}`;
      since.set(key, [...(since.get(key) ?? []), lease]);
    }
    for (const leases of since.values()) {
      const { followed } = leases[0] as ShardLease;
      if (followed === undefined) continue;
      const shards = leases.map(({ shard }) => shard);
      void this.#engine.touch(await this.#options.online.touched(followed, until, { sources, shards }));
    }
  }

  #planRefresh(): void {
    if (this.#isClosed) return;
    this.#feedsTimer = setTimeout(() => void this.refresh().then(() => this.#planRefresh()), FEEDS_EVERY_MS);
  }
}
