import type { FeedKind, OriginOf } from "../../schemas/live/feed-origin.ts";

/**
 * What brings readings in from elsewhere: one small interface for brokers, folders, servers and databases.
 *
 *   subscribe → batch → (the readings of it are committed) → commit → batch …
 *
 * Nothing is acknowledged to the other side, and no position moves on, before the readings are stored: a process that
 * is killed anywhere in between sees the batch again, and the key of a reading keeps it from being stored twice.
 */

/** A place in a stream as JSON, in the terms of its adapter. */
export type StreamPosition =
  | null
  | string
  | number
  | boolean
  | readonly StreamPosition[]
  | { readonly [key: string]: StreamPosition };

/** One message: a document that was read already, or text and bytes that hold one. */
export interface StreamMessage {
  readonly body: unknown;
  /** Of MQTT and Kafka. */
  readonly topic?: string;
  /** Where it stands in the stream, where it stands there again when it is read again. */
  readonly place?: string;
  readonly key?: string;
  /** When the other side says it was sent, in ms since 1970. */
  readonly sentAt?: number;
  /** Name of the file it stood in. */
  readonly file?: string;
  /** Which row of the file, from 1; the header is none. */
  readonly row?: number;
  /** Cells of a table that came as text: numbers and switches are still to be read. */
  readonly isText?: boolean;
}

export interface StreamBatch {
  readonly messages: readonly StreamMessage[];
  /** Behind this batch; kept with the feed after the commit. Absent: the other side keeps it. */
  readonly position?: StreamPosition;
  /** Messages that wait behind it, where the other side says. */
  readonly nWaiting?: number;
}

/** An open stream. `batch` and `commit` are called in turn. */
export interface Stream {
  /**
   * The next messages, as soon as there are some; no messages: only the position moved on.
   *
   * @throws {PlatformError} source_unavailable and others: the stream is closed and subscribed to again later
   */
  batch(): Promise<StreamBatch>;
  /** The readings of the batch are stored: acknowledges it to the other side. */
  commit(batch: StreamBatch): Promise<void>;
  close(): Promise<void>;
}

/** What an adapter is given: where to read, where to begin, and what this process allows. */
export interface Subscription<K extends FeedKind> {
  readonly feed: string;
  /** References to secrets are resolved. */
  readonly origin: OriginOf<K>;
  /** Of the last batch that was committed; null: from the beginning that the feed declares. */
  readonly position: StreamPosition;
  /** Path of the list of readings in a message, where the feed says one. */
  readonly itemsPath?: string;
  /** Aborted when the feed is paused, changed or removed, or the process ends. */
  readonly signal: AbortSignal;
  readonly policy: StreamPolicy;
}

/** What the one who runs the process allows and has. */
export interface StreamPolicy {
  /** Absolute; watched folders lie below one of them. */
  readonly folders: readonly string[];
  /** Absolute; for files that live as long as a request. */
  readonly scratchDir: string;
  /** Whether HTTP servers on this machine may be asked. */
  readonly allowLoopback: boolean;
  /** Rows of a Parquet file, from the given one on; opens the engine at the first call. */
  readonly readParquet: (
    path: string,
    rows: { readonly from: number; readonly limit: number },
  ) => Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** One kind of stream. */
export interface StreamAdapter<K extends FeedKind> {
  readonly kind: K;
  /** @throws {PlatformError} source_unavailable: it is tried again; invalid_feed: it will not come right by itself */
  subscribe(subscription: Subscription<K>): Promise<Stream>;
}
