/**
 * Features of all assets of a scorer, kept up as their readings are committed.
 *
 *   follower ──► take ──► series of (model, asset) ──► onUpdate
 *                           │ absent, or a reading is late
 *                           └──► rebuilt from stored readings, as far back as any feature looks
 *
 * Features of whole lives look back to an asset's first reading. So that a year of readings need not be read for that, a series
 * leaves a checkpoint every some thousand readings, and is rebuilt from the newest but one that no late reading lies before.
 *
 * A rebuild reads one snapshot of the database. What is followed meanwhile waits, and of it what that snapshot showed is
 * known already: no reading counts twice, and none is passed over. Series that nobody asked for longest go first when
 * there are too many; they are rebuilt when they are needed again.
 */
import { getHeapStatistics } from "node:v8";
import type { FollowedReading, OnlineStore, StoredCheckpoint } from "../stores/postgres/port/online.ts";
import { AssetSeries, isSeenBy } from "./asset-series.ts";
import type { LiveModel } from "./live-model.ts";
import { replayDepth, replayFarEnough } from "./replay-depth.ts";
import { checkpointHashOf, seriesCheckpointSchema } from "./series-checkpoint.ts";
import type { SeriesCheckpoint } from "./series-checkpoint.ts";

export interface FeatureEngineOptions {
  readonly store: Pick<OnlineStore, "replay" | "checkpoint" | "putCheckpoints">;
  /** Default 8,192: readings from one checkpoint of a series to the next. */
  readonly checkpointEvery?: number;
  /** Series kept at once. */
  readonly maxSeries: number;
  /** A series has new features. Must not throw. */
  readonly onUpdate: (series: AssetSeries) => void;
  /** A rebuild failed; it is tried again with the next reading, and after a while. */
  readonly onFailure: (error: unknown, asset: string) => void;
}

interface Entry {
  series: AssetSeries | undefined;
  building: Promise<AssetSeries> | undefined;
  /** Readings that came during a rebuild. */
  waiting: FollowedReading[];
  /** More came than can wait: the rebuild is done once more. */
  isOutrun: boolean;
}

const MOST_WAITING = 5_000;
/** Rebuilds at once: each holds a connection. */
const MOST_BUILDING = 4;
const RETRY_MS = 1_000;
const CHECKPOINT_EVERY = 8_192;
const MOST_SAVED = 200;
const MOST_HEAP_SHARE = 0.75;
const DROPPED_SHARE = 0.2;

export class FeatureEngine {
  readonly #options: FeatureEngineOptions;
  #models: readonly LiveModel[] = [];
  /** By digest and asset; those used last at the end. */
  readonly #entries = new Map<string, Entry>();
  /** By key, series whose checkpoint is not stored yet. */
  readonly #unsaved = new Map<string, StoredCheckpoint>();
  readonly #saved = new WeakMap<AssetSeries, SeriesCheckpoint>();
  #saving: Promise<void> = Promise.resolve();
  readonly #retries = new Map<string, { readonly model: LiveModel; readonly asset: string }>();
  #nBuilding = 0;
  readonly #queue: (() => void)[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(options: FeatureEngineOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#retry();
      this.#makeRoom();
      this.#saving = this.#saving.then(() => this.saveCheckpoints());
    }, RETRY_MS).unref();
  }

  get models(): readonly LiveModel[] {
    return this.#models;
  }

  get nSeries(): number {
    return this.#entries.size;
  }

  /** The models that are fed from now on; what belongs to others is dropped. */
  setModels(models: readonly LiveModel[]): void {
    const kept = new Set(models.filter((model) => this.#models.includes(model)).map((model) => model.digest));
    this.#models = models;
    for (const key of this.#entries.keys()) if (!kept.has(key.slice(0, 64))) this.#entries.delete(key);
  }

  /** Takes committed readings in the order in which they were followed. */
  take(readings: readonly FollowedReading[]): void {
    const updated = new Set<AssetSeries>();
    for (const reading of readings) {
      for (const model of this.#models) {
        if (model.binding.sourceKey !== reading.sourceKey) continue;
        const series = this.#applied(model, reading);
        if (series !== undefined) updated.add(series);
      }
    }
    for (const series of updated) this.#options.onUpdate(series);
  }

  /** Assets with readings that nobody followed: their features are computed anew. Resolves when they are, or failed. */
  async touch(assets: readonly { readonly sourceKey: number; readonly asset: string }[]): Promise<void> {
    const rebuilds: Promise<void>[] = [];
    for (const { sourceKey, asset } of assets) {
      for (const model of this.#models) {
        if (model.binding.sourceKey !== sourceKey) continue;
        this.#entries.delete(keyOf(model, asset));
        rebuilds.push(this.#rebuild(model, asset));
      }
    }
    await Promise.all(rebuilds);
  }

  /**
   * The series of an asset, rebuilt where it is not at hand.
   *
   * @throws {PlatformError} database_unavailable
   */
  async series(model: LiveModel, asset: string): Promise<AssetSeries> {
    const entry = this.#entryOf(model, asset);
    if (entry.series !== undefined && entry.building === undefined) return entry.series;
    return entry.building ?? this.#build(model, asset, entry);
  }

  /** Forgets the assets of shards that are somebody else's now. */
  keepOnly(isOwn: (asset: string) => boolean): void {
    for (const key of this.#entries.keys()) if (!isOwn(key.slice(65))) this.#entries.delete(key);
  }

  /** Stores the checkpoints that were made since the last time. */
  async saveCheckpoints(): Promise<void> {
    while (this.#unsaved.size > 0) {
      const batch = [...this.#unsaved].slice(0, MOST_SAVED);
      try {
        await this.#options.store.putCheckpoints(batch.map(([, one]) => one));
      } catch (error) {
        // They are kept: without them a rebuild is slow, and not wrong.
        this.#options.onFailure(error, batch[0]?.[1].asset ?? "");
        return;
      }
      for (const [key, one] of batch) if (this.#unsaved.get(key) === one) this.#unsaved.delete(key);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#saving;
    await this.saveCheckpoints();
  }

  #noteCheckpoint(series: AssetSeries): void {
    const { checkpoint, model, asset } = series;
    if (checkpoint === undefined || this.#saved.get(series) === checkpoint) return;
    this.#saved.set(series, checkpoint);
    this.#unsaved.set(keyOf(model, asset), { ...placeOf(model, asset), checkpoint });
  }

  /** What fails with one asset harms no other, and holds up no reading. */
  #applied(model: LiveModel, reading: FollowedReading): AssetSeries | undefined {
    try {
      return this.#apply(model, reading);
    } catch (error) {
      const { asset } = reading;
      const key = keyOf(model, asset);
      this.#entries.delete(key);
      this.#retries.set(key, { model, asset });
      this.#options.onFailure(error, asset);
      return undefined;
    }
  }

  #apply(model: LiveModel, reading: FollowedReading): AssetSeries | undefined {
    const entry = this.#entries.get(keyOf(model, reading.asset));
    if (entry === undefined) {
      void this.#rebuild(model, reading.asset);
      return undefined;
    }
    if (entry.building !== undefined || entry.series === undefined) {
      if (entry.waiting.length < MOST_WAITING) entry.waiting.push(reading);
      else entry.isOutrun = true;
      return undefined;
    }
    const { series } = entry;
    if (series.snapshot !== undefined && isSeenBy(series.snapshot, BigInt(reading.tx))) return undefined;
    const taken = series.push(reading);
    if (taken === "late") void this.#rebuild(model, reading.asset);
    if (taken !== "next") return undefined;
    series.committedAt = reading.committedAt;
    this.#noteCheckpoint(series);
    return series;
  }

  async #rebuild(model: LiveModel, asset: string): Promise<void> {
    const entry = this.#entryOf(model, asset);
    if (entry.building !== undefined) return;
    try {
      const series = await this.#build(model, asset, entry);
      // One that another rebuild has taken the place of is behind that.
      if (this.#entries.get(keyOf(model, asset)) === entry) this.#options.onUpdate(series);
    } catch {
      // It is told by #build, and tried again.
    }
  }

  /** The entry, now the one used last; the one used longest ago goes where there are too many. */
  #entryOf(model: LiveModel, asset: string): Entry {
    const key = keyOf(model, asset);
    const entry = this.#entries.get(key) ?? newEntry();
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    for (const [oldest, { building }] of this.#entries) {
      if (this.#entries.size <= this.#options.maxSeries) break;
      if (building === undefined && oldest !== key) this.#entries.delete(oldest);
    }
    return entry;
  }

  #build(model: LiveModel, asset: string, entry: Entry): Promise<AssetSeries> {
    const key = keyOf(model, asset);
    const building = this.#replayed(model, asset, entry.series?.checkpoint)
      .then((series) => this.#catchUp(series, entry))
      .then(
        (series) => {
          entry.series = series;
          // Whoever asks for assets that are not there must not take the place of those that are.
          if (series.last === undefined && this.#entries.get(key) === entry) this.#entries.delete(key);
          this.#noteCheckpoint(series);
          return series;
        },
        (error: unknown) => {
          if (this.#entries.get(key) === entry) this.#entries.delete(key);
          this.#retries.set(key, { model, asset });
          this.#options.onFailure(error, asset);
          throw error;
        },
      )
      .finally(() => (entry.building = undefined));
    entry.building = building;
    return building;
  }

  /** What was followed during the rebuild and is not in it; once more from the store where it does not fit behind. */
  async #catchUp(built: AssetSeries, entry: Entry): Promise<AssetSeries> {
    let series = built;
    for (;;) {
      const { waiting, isOutrun } = entry;
      entry.waiting = [];
      entry.isOutrun = false;
      const { snapshot } = series;
      const unseen = waiting.filter(({ tx }) => snapshot === undefined || !isSeenBy(snapshot, BigInt(tx)));
      let isLate = isOutrun;
      for (const reading of unseen) {
        isLate ||= series.push(reading) === "late";
        series.committedAt = reading.committedAt;
      }
      if (!isLate) return series;
      series = await this.#replayed(series.model, series.asset, series.checkpoint);
    }
  }

  async #replayed(
    model: LiveModel,
    asset: string,
    known: SeriesCheckpoint | undefined,
  ): Promise<AssetSeries> {
    await this.#turn();
    try {
      const { checkpointEvery = CHECKPOINT_EVERY, store } = this.#options;
      let series = new AssetSeries(model, asset, { checkpointEvery });
      const { sourceKey } = model.binding;
      const depth = replayDepth(model);
      const resume = known ?? (depth.isWhole ? await this.#storedCheckpoint(model, asset) : undefined);
      const { snapshot, isWhole, committedAt } = await replayFarEnough(depth, async ({ nGood, ...back }) => {
        const replayed = await store.replay({ sourceKey, asset, ...back, resume }, (readings, start) => {
          if (start !== undefined)
            series = new AssetSeries(model, asset, {
              checkpointEvery,
              ...(start === "resumed" ? { resume } : {}),
            });
          for (const reading of readings) series.push(reading);
        });
        return { ...replayed, isEnough: series.hasEnough(nGood, replayed.isWhole) };
      });
      series.snapshot = snapshot;
      series.isWhole = isWhole;
      series.committedAt = committedAt;
      return series;
    } finally {
      this.#nBuilding--;
      this.#queue.shift()?.();
    }
  }

  async #storedCheckpoint(model: LiveModel, asset: string): Promise<SeriesCheckpoint | undefined> {
    const stored = await this.#options.store.checkpoint(placeOf(model, asset));
    // One of another release is none.
    return seriesCheckpointSchema.safeParse(stored).data;
  }

  async #turn(): Promise<void> {
    while (this.#nBuilding >= MOST_BUILDING) await new Promise<void>((go) => this.#queue.push(go));
    this.#nBuilding++;
  }

  /** Before the heap is full a part of the series goes, those used longest ago. */
  #makeRoom(): void {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    if (used < MOST_HEAP_SHARE * limit) return;
    let n = Math.ceil(this.#entries.size * DROPPED_SHARE);
    for (const [key, { building }] of this.#entries) {
      if (n-- <= 0) return;
      if (building === undefined) this.#entries.delete(key);
    }
  }

  #retry(): void {
    const retries = [...this.#retries.values()];
    this.#retries.clear();
    for (const { model, asset } of retries)
      if (this.#models.includes(model)) void this.#rebuild(model, asset);
  }
}

const newEntry = (): Entry => ({ series: undefined, building: undefined, waiting: [], isOutrun: false });

const placeOf = (live: LiveModel, asset: string) => ({
  model: live.model,
  asset,
  sourceKey: live.binding.sourceKey,
  digest: checkpointHashOf(live),
});

/** 64 characters of digest, a separator, the asset. */
function keyOf({ digest }: LiveModel, asset: string): string {
  return `${digest} ${asset}`;
}
