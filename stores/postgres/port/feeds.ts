import type { Feed, FeedState } from "../../../schemas/live/feed.ts";
import type { Actor, AuditEntry } from "./actor.ts";

/** A place in a stream, in the terms of its adapter. */
export type FeedPosition =
  | null
  | string
  | number
  | boolean
  | readonly FeedPosition[]
  | { readonly [key: string]: FeedPosition };

export interface FeedRow {
  readonly feed: string;
  readonly document: Feed;
  readonly isPaused: boolean;
  /** Raised by every change of the declaration and by pause and resume. */
  readonly revision: number;
  readonly actor: string;
  readonly changedAt: string;
  readonly state: FeedState;
  readonly reason: string | null;
  readonly position: FeedPosition;
  /** Messages that wait behind the position; null: the other side does not say. */
  readonly nWaiting: number | null;
  readonly nMessages: number;
  readonly lastBatchAt: string | null;
  /** When the ingestor last said so. */
  readonly at: string | null;
}

/** What the ingestor says of a feed; what is absent stays as it is. */
export interface FeedReport {
  readonly state: FeedState;
  readonly reason: string | null;
  readonly position?: FeedPosition;
  readonly nWaiting?: number | null;
  /** Messages of the batches since the last report. */
  readonly nMessages?: number;
}

/** Declared feeds, and what they do. */
export interface FeedStore {
  /** @throws {PlatformError} not_found: there is no such source */
  put(document: Feed, actor: Actor): Promise<FeedRow & { readonly isNew: boolean }>;
  get(feed: string): Promise<FeedRow | undefined>;
  /** In the order of their names. */
  list(): Promise<FeedRow[]>;
  setPaused(feed: string, isPaused: boolean, audit: AuditEntry): Promise<FeedRow | undefined>;
  /** @returns whether there was one; its readings stay */
  remove(feed: string, audit: AuditEntry): Promise<boolean>;
  report(feed: string, report: FeedReport): Promise<void>;
  /** Says that somebody still looks after these. */
  touch(feeds: readonly string[]): Promise<void>;
  /** Claims feeds for this process and tells of changes. */
  openClaims(options: ClaimOptions): FeedClaims;
}

export interface ClaimOptions {
  /** Feeds changed, or may have. */
  readonly onChange: () => void;
  /** The connection broke: nothing is claimed any more. */
  readonly onLost: () => void;
}

/** Feeds that are this process's own: a claim lasts as long as its one connection, so a killed process holds none. */
export interface FeedClaims {
  /** @returns whether the feed is this process's now; false while the database is away */
  claim(feed: string): Promise<boolean>;
  release(feed: string): Promise<void>;
  close(): Promise<void>;
}

/** An asset of a source that a last will marked. */
export interface StaleAsset {
  readonly asset: string;
  readonly source: string;
  readonly since: string;
  readonly reason: string;
}

export interface StaleAssetStore {
  /** @returns whether the source has such an asset */
  mark(source: string, asset: string, reason: string): Promise<boolean>;
  /** Longest silent first. */
  list(filter: { readonly source?: string; readonly limit: number }): Promise<StaleAsset[]>;
}
