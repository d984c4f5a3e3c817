import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { encodeTraceBatch, END_OF_STREAM, schemaMessage } from "./arrow-batch.ts";
import type { TraceRow } from "./trace-row.ts";

interface WaitingRows {
  readonly rows: readonly TraceRow[];
  readonly resolve: (offset: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One open segment of one model: an Arrow IPC stream that grows by a record batch per group commit.
 *
 * One write is in flight at a time; what is appended meanwhile is the next batch, so that concurrent
 * requests share it. `append` answers when the operating system has the bytes: they then survive the end of
 * this process, however sudden. `sync` puts them on the disk; the spool calls it every few milliseconds, which
 * bounds what a power loss can take.
 */
export class Segment {
  readonly path: string;
  readonly name: string;
  readonly openedAt: number;
  nBytes = 0;
  nRows = 0;
  private readonly file: FileHandle;
  private waiting: WaitingRows[] = [];
  private writing: Promise<void> | undefined;
  private isDirty = false;

  private constructor(file: FileHandle, path: string, name: string) {
    this.file = file;
    this.path = path;
    this.name = name;
    this.openedAt = performance.now();
  }

  static async create(path: string, name: string): Promise<Segment> {
    const file = await open(path, "wx", 0o600);
    const segment = new Segment(file, path, name);
    await segment.writeWhole(schemaMessage());
    return segment;
  }

  /** @returns row number of the first of `rows` in the segment. Rejects when the disk refuses the write. */
  append(rows: readonly TraceRow[]): Promise<number> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ rows, resolve, reject });
      this.writing ??= this.writeAll().finally(() => (this.writing = undefined));
    });
  }

  async sync(): Promise<void> {
    if (!this.isDirty) return;
    this.isDirty = false;
    await this.file.datasync();
  }

  /** Waits for running writes, ends the stream and closes the file. */
  async close(): Promise<void> {
    await this.writing;
    await this.writeWhole(END_OF_STREAM).catch(() => undefined);
    await this.file.datasync().catch(() => undefined);
    await this.file.close();
  }

  private async writeAll(): Promise<void> {
    // Requests of the same turn of the event loop belong into the first batch.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const group = this.waiting;
      this.waiting = [];
      try {
        await this.writeWhole(encodeTraceBatch(group.flatMap(({ rows }) => rows)));
      } catch (error) {
        for (const { reject } of group) reject(error);
        continue;
      }
      for (const { rows, resolve } of group) {
        resolve(this.nRows);
        this.nRows += rows.length;
      }
    }
  }

  /** A short or failed write is taken back, so that the file always holds whole messages. */
  private async writeWhole(bytes: Uint8Array): Promise<void> {
    const start = this.nBytes;
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.file.write(bytes, done, bytes.length - done, start + done);
        done += bytesWritten;
      }
    } catch (error) {
      await this.file.truncate(start).catch(() => undefined);
      throw error;
    }
    this.nBytes = start + bytes.length;
    this.isDirty = true;
  }
}
