import type { Prediction } from "../../../schemas/serving/prediction.ts";

/** A scorer process and how it is asked. */
export interface ScorerAddress {
  readonly scorerId: string;
  readonly url: string;
  readonly secret: string;
}

/** A shard that somebody owns until its lease ends. */
export interface ShardLease {
  readonly shard: number;
  /** Higher with each new owner. */
  readonly fence: number;
  /** How far its readings were followed by whoever wrote that down last; absent: never. */
  readonly followed?: FollowPosition;
}

/** A place in the order in which readings were committed. */
export interface FollowPosition {
  /** Transaction id, as text: it has 64 bits. */
  readonly tx: string;
  readonly batch: number;
}

/** A committed reading as followers get it. */
export interface FollowedReading {
  readonly asset: string;
  readonly sourceKey: number;
  readonly epoch: number;
  readonly ts: number;
  readonly seq: number;
  /** In the order of the source's columns; null or NaN = missing. */
  readonly values: readonly (number | null)[];
  /** Transaction that stored it. */
  readonly tx: string;
  /** ms since 1970 of its commit. */
  readonly committedAt: number;
}

export interface FollowedReadings {
  readonly readings: readonly FollowedReading[];
  /** Everything before this has been given out. */
  readonly upTo: FollowPosition;
  /** More can be had at once. */
  readonly hasMore: boolean;
  /** Something is stored that cannot be given out before a transaction beside it has ended. */
  readonly isHeldBack: boolean;
}

/** Which transactions a read saw. */
export interface Snapshot {
  readonly xmin: bigint;
  readonly xmax: bigint;
  readonly running: ReadonlySet<bigint>;
}

/** Readings of one asset from which its features are computed anew. */
export interface ReplayRequest {
  readonly sourceKey: number;
  readonly asset: string;
  /** The whole of the asset's present life. */
  readonly isWhole: boolean;
  /** Else so many readings, and those of so many microseconds before the newest. */
  readonly readings: number;
  readonly micros: number;
  /** Only readings at or before this time, in the unit of `ts`. */
  readonly until?: number;
  /**
   * A reading of the asset's present life from which a whole life may be gone on with: then only those from as far before it as
   * `readings` and `micros` say are given. Of no effect where not exactly `nRead` readings from `beganAt` on lead up to it.
   */
  readonly resume?: ResumePoint | undefined;
}

export interface ResumePoint {
  readonly epoch: number;
  readonly ts: number;
  readonly seq: number;
  readonly nRead: number;
  readonly beganAt: number;
}

/** How replayed readings begin: with the asset's present life or the end of it, or before the point to go on from. */
export type ReplayStart = "plain" | "resumed";

/** Readings of a replay, oldest first; `start` comes first, without any, and once more where it begins anew. */
export type TakeReplayed = (readings: readonly ReplayedReading[], start?: ReplayStart) => void;

/** What a series of a model is gone on with; plain JSON, whose form is the scorer's. */
export interface StoredCheckpoint {
  readonly model: string;
  readonly asset: string;
  readonly sourceKey: number;
  /** Of all that it depends on beside readings. */
  readonly digest: string;
  readonly checkpoint: object;
}

export type ReplayedReading = Pick<FollowedReading, "epoch" | "ts" | "seq" | "values">;

export interface Replayed {
  readonly snapshot: Snapshot;
  /** Nothing of the asset's present life lies before what was given out. */
  readonly isWhole: boolean;
  /** ms since 1970 of the commit of the newest reading; NaN where there is none. */
  readonly committedAt: number;
}

/** Latest answer of a model for an asset. */
export interface AssetScore {
  readonly model: string;
  readonly asset: string;
  readonly version: number;
  readonly digest: string;
  readonly prediction: Prediction;
  /** Its one number: remaining life, probability, score, class index. */
  readonly headline: number;
  /** The reading it was made at. */
  readonly source: string;
  readonly epoch: number;
  readonly ts: number;
  readonly seq: number;
  /** In the order of the source's columns; NaN = missing. */
  readonly values: readonly number[];
  readonly receivedAt: string;
  readonly scoredAt: string;
  /** Features that rest on readings which failed a check. */
  readonly unfit: readonly string[];
}

/** Attributes that were entered with assets, by asset. */
export interface RegisteredAttributes {
  /** Changes when they do. */
  readonly fingerprint: string;
  readonly byAsset: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/** What scorers and those who ask them keep in the database. */
export interface OnlineStore {
  /**
   * Says that a scorer is there, renews its leases and settles how many shards each living scorer has: those beyond its
   * share are given back, free ones are taken up to it.
   *
   * @param ttlMs how long the leases hold from now on
   * @returns the shards it owns
   */
  renew(scorer: ScorerAddress, ttlMs: number): Promise<readonly ShardLease[]>;
  /** Gives back everything a scorer has. */
  leave(scorerId: string): Promise<void>;
  /** Living owners by shard. */
  owners(): Promise<readonly (ScorerAddress & { readonly shard: number })[]>;
  /** The end of what can be followed now. */
  present(): Promise<FollowPosition>;
  /** Committed readings of sources after a position, in the order of their commits. Each is given out exactly once. */
  follow(
    after: FollowPosition,
    of: { readonly sources: readonly number[]; readonly shards: readonly number[] },
  ): Promise<FollowedReadings>;
  /** Assets with readings committed in (after, until]. */
  touched(
    after: FollowPosition,
    until: FollowPosition,
    of: { readonly sources: readonly number[]; readonly shards: readonly number[] },
  ): Promise<readonly { readonly sourceKey: number; readonly asset: string }[]>;
  /**
   * Assets of a source in the order of their ids, whether a model's score of them is absent, of another version, or of an
   * older reading than the newest, and when the newest was stored (ms since 1970; null: so long ago that nobody knows).
   */
  scored(page: {
    readonly sourceKey: number;
    readonly model: string;
    readonly digest: string;
    readonly shards: readonly number[];
    readonly after: string;
    readonly limit: number;
  }): Promise<
    readonly { readonly asset: string; readonly isBehind: boolean; readonly storedAt: number | null }[]
  >;
  /** Writes down how far the shards of a scorer were followed. */
  followed(scorerId: string, position: FollowPosition): Promise<void>;
  /**
   * Calls `take` with readings of one asset, oldest first, as one snapshot has them. It may be called from the beginning again.
   */
  replay(request: ReplayRequest, take: TakeReplayed): Promise<Replayed>;
  /** The checkpoint of an asset with that digest, if it is there. */
  checkpoint(of: Omit<StoredCheckpoint, "checkpoint">): Promise<unknown>;
  /** Keeps one for each model and asset: the last that was given. */
  putCheckpoints(checkpoints: readonly StoredCheckpoint[]): Promise<void>;
  /** Pipeline text and pipeline of the newest run that a model came from. */
  pipelineOf(model: string): Promise<{ readonly pipeline: string; readonly text: string } | undefined>;
  /**
   * What is entered of assets in the register; only of those of which something is.
   *
   * @param known  what it said last: undefined where nothing changed since
   */
  registered(known: string | undefined): Promise<RegisteredAttributes | undefined>;
  /** Id of the newest dataset of a pipeline. */
  latestDataset(pipeline: string): Promise<string | undefined>;
  /** Stores scores of shards whose fence still holds; others are left out. An older reading never replaces a newer one. */
  putScores(
    scores: readonly (AssetScore & { readonly shard: number; readonly fence: number })[],
  ): Promise<void>;
  scores(filter: {
    readonly model?: string;
    readonly asset?: string;
    readonly limit: number;
  }): Promise<AssetScore[]>;
  /** Calls back after readings were committed. Returns an unsubscribe. */
  onReadings(listener: () => void): Promise<() => Promise<void>>;
}
