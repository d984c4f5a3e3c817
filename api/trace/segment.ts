import { close, fdatasync, ftruncateSync, openSync, unlinkSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { encodeTraceBatch, END_OF_STREAM, schemaMessage } from "./arrow-batch.ts";
import type { TraceRow } from "./trace-row.ts";

const datasync = promisify(fdatasync);
const closeFile = promisify(close);

/** Rows that are written together, and the promise their requests share. */
interface Group {
  readonly rows: TraceRow[];
  readonly written: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What a segment tells of itself. */
export interface SegmentEvents {
  /** Of every group on disk, with the row number of its first row. */
  readonly onWritten: (rows: readonly TraceRow[], offset: number) => void;
  /** Of every fdatasync that failed. */
  readonly onSyncFailed: (error: unknown) => void;
}

/** How often the last fdatasync of a segment is tried. */
const CLOSING_SYNCS = 3;

/**
 * One open segment of one model: an Arrow IPC stream that grows by a record batch per turn of the event loop.
 *
 * Requests whose answers came together share one batch and one write. The write is synchronous: it ends in the
 * page cache after some 3 µs (p99.9 below 0.1 ms beside a running fdatasync, ext4), where handing it to the
 * thread pool costs 40 µs and another turn. `append` answers when the operating system has the bytes: they
 * then survive the end of this process, however sudden. `sync` puts them on the disk; the spool calls it every
 * few milliseconds, which bounds what a power loss can take. A sync that fails is told of and tried again with the
 * next look; the rows are with the operating system in any case.
 */
export class Segment {
  readonly path: string;
  readonly name: string;
  readonly openedAt: number;
  nBytes = 0;
  nRows = 0;
  private readonly file: number;
  private readonly events: SegmentEvents;
  private group: Group | undefined;
  private isDirty = false;
  private isClosed = false;
  private syncing: Promise<void> = Promise.resolve();

  /**
   * Creates the file with the schema in it.
   *
   * @throws {Error} of the file system; nothing is left behind then
   */
  constructor(path: string, name: string, events: SegmentEvents) {
    this.path = path;
    this.name = name;
    this.events = events;
    this.file = openSync(path, "wx", 0o600);
    this.openedAt = performance.now();
    try {
      this.writeWhole(schemaMessage());
    } catch (error) {
      unlinkSync(path);
      close(this.file);
      throw error;
    }
  }

  /** Rejects when the disk refuses the write. */
  append(rows: readonly TraceRow[]): Promise<void> {
    let { group } = this;
    if (group === undefined) {
      group = this.group = newGroup();
      // Answers of one batch go on in microtasks that are queued already: this one runs after them.
      queueMicrotask(() => this.flush());
    }
    for (const row of rows) group.rows.push(row);
    return group.written;
  }

  /** Puts what was written on the disk. Never rejects: a failure is told of, and leaves it to be done again. */
  async sync(): Promise<void> {
    if (!this.isDirty || this.isClosed) return;
    // Before the call: a write that comes meanwhile may miss this one.
    this.isDirty = false;
    this.syncing = datasync(this.file).catch((error: unknown) => {
      this.isDirty = true;
      this.events.onSyncFailed(error);
    });
    await this.syncing;
  }

  /** Writes what waits, ends the stream and closes the file. */
  async close(): Promise<void> {
    this.flush();
    await this.syncing;
    try {
      this.writeWhole(END_OF_STREAM);
    } catch {
      // A segment without its end is read all the same: its messages are whole.
    }
    for (let i = 0; i < CLOSING_SYNCS && this.isDirty; i++) await this.sync();
    this.isClosed = true;
    await closeFile(this.file).catch(() => undefined);
  }

  private flush(): void {
    const { group } = this;
    if (group === undefined) return;
    this.group = undefined;
    try {
      this.writeWhole(encodeTraceBatch(group.rows));
    } catch (error) {
      group.reject(error);
      return;
    }
    this.events.onWritten(group.rows, this.nRows);
    this.nRows += group.rows.length;
    group.resolve();
  }

  /** A short or failed write is taken back, so that the file always holds whole messages. */
  private writeWhole(bytes: Uint8Array): void {
    const start = this.nBytes;
    try {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.file, bytes, done, bytes.length - done, start + done);
      }
    } catch (error) {
      ftruncateSync(this.file, start);
      throw error;
    }
    this.nBytes = start + bytes.length;
    this.isDirty = true;
  }
}

function newGroup(): Group {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const written = new Promise<void>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  return { rows: [], written, resolve, reject };
}
