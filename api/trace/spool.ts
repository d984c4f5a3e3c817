import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { PredictionIndexRow } from "../../stores/postgres/port.ts";
import { Segment } from "./segment.ts";
import type { TraceRow } from "./trace-row.ts";

export interface SpoolOptions {
  /** Folder of the spool; one folder per model in it. */
  readonly dir: string;
  /** A segment is closed at this size, or at this age when it has rows. */
  readonly maxSegmentBytes?: number;
  readonly maxSegmentAgeMs?: number;
  /** Above this the spool counts as full: shipping has been impossible for long. */
  readonly maxSpoolBytes?: number;
  /** Longest time between a write and its fdatasync, in ms. */
  readonly syncIntervalMs?: number;
  /** How long a segment that was set aside stays. */
  readonly asideRetentionMs?: number;
  /** Told of every fdatasync that failed; it is tried again. */
  readonly onSyncFailed?: (error: unknown) => void;
}

/** A closed segment that waits to be shipped. */
export interface ClosedSegment {
  readonly model: string;
  readonly name: string;
  readonly path: string;
  /** Size when it was closed or found. */
  readonly nBytes: number;
}

/** An index row before its time is written out: most wait for a while, and text costs memory. */
type PendingRow = Omit<PredictionIndexRow, "at"> & { readonly atMicros: number };

/** Index rows kept in memory; beyond that a segment is indexed from its file once it is closed. */
const MAX_PENDING_INDEX_ROWS = 50_000;

/** A segment that somebody waits for is closed, but not more often than this: else who asks much would have many small ones. */
const YOUNGEST_RELEASED_MS = 1_000;

/** What must fit for the spool to count as writable: some hundred traces. Beside the folders of the models. */
const PROBE_BYTES = 64 * 1_024;
const PROBE_FILE = ".room";
const PROBE_CONTENT = Buffer.alloc(PROBE_BYTES);

/**
 * Traces on local disk, written before the reply.
 *
 * Layout: `<dir>/<model>/<segment>.arrow`. Open segments belong to this process; files found at the start
 * belong to one that ended, and are shipped like closed ones. `<segment>.arrow.aside` are those that cannot be shipped;
 * people have `asideRetentionMs` to look at them.
 */
export class TraceSpool {
  private readonly options: Required<SpoolOptions>;
  private readonly open = new Map<string, Segment>();
  private readonly closed: ClosedSegment[] = [];
  private readonly timer: NodeJS.Timeout;
  private closedBytes = 0;
  private isSyncing = false;
  private pendingIndex: PendingRow[] = [];
  /** Names of open segments that somebody waits for. */
  private readonly wanted = new Set<string>();
  /** Segments with rows that are not in `pendingIndex`: they are indexed from the file. */
  readonly indexFromFile = new Set<string>();

  private constructor(options: Required<SpoolOptions>) {
    this.options = options;
    this.timer = setInterval(() => void this.look(), options.syncIntervalMs);
    this.timer.unref();
  }

  /** Opens the spool and takes over what an earlier process left in it. */
  static async start(options: SpoolOptions): Promise<TraceSpool> {
    const defaults = {
      maxSegmentBytes: 16 * 2 ** 20,
      maxSegmentAgeMs: 30_000,
      maxSpoolBytes: 2 ** 30,
      syncIntervalMs: 15,
      asideRetentionMs: 30 * 86_400_000,
      onSyncFailed: () => undefined,
    };
    await mkdir(options.dir, { recursive: true, mode: 0o700 });
    const spool = new TraceSpool({ ...defaults, ...options });
    await spool.adoptLeftovers();
    return spool;
  }

  /**
   * Stores the rows of one answer.
   * @throws {PlatformError} trace_unavailable when the disk or the spool is full
   */
  async append(model: string, rows: readonly TraceRow[]): Promise<void> {
    this.requireRoom();
    try {
      await this.segmentOf(model).append(rows);
    } catch (cause) {
      throw new PlatformError("trace_unavailable", "trace: the spool cannot be written", { cause });
    }
  }

  /**
   * Whether the next traces will find room. It writes: a quota, or a disk that turned read-only, shows in no count of
   * free blocks.
   *
   * @throws {PlatformError} trace_unavailable
   */
  async probe(): Promise<void> {
    this.requireRoom();
    const path = join(this.options.dir, PROBE_FILE);
    try {
      await writeFile(path, PROBE_CONTENT);
    } catch (cause) {
      throw new PlatformError("trace_unavailable", "trace: the spool cannot be written", { cause });
    } finally {
      // What was written of it before the disk was full must not be what fills it.
      await rm(path, { force: true });
    }
  }

  /** Hands over index rows that are not in the database yet, oldest first. */
  takeIndexRows(limit: number): PredictionIndexRow[] {
    // Field by field: a rest and a spread of every row would cost several times as much.
    return this.pendingIndex.splice(0, limit).map((row) => ({
      predictionId: row.predictionId,
      requestId: row.requestId,
      model: row.model,
      version: row.version,
      digest: row.digest,
      asset: row.asset,
      at: new Date(row.atMicros / 1_000).toISOString(),
      actor: row.actor,
      t: row.t,
      role: row.role,
      segment: row.segment,
      offset: row.offset,
      value: row.value,
    }));
  }

  /** Puts rows back that could not be indexed. */
  returnIndexRows(rows: readonly PredictionIndexRow[]): void {
    if (this.pendingIndex.length + rows.length > MAX_PENDING_INDEX_ROWS) {
      for (const row of rows) this.indexFromFile.add(row.segment);
    } else {
      const back = rows.map(({ at, ...row }) => ({ ...row, atMicros: Date.parse(at) * 1_000 }));
      this.pendingIndex = [...back, ...this.pendingIndex];
    }
  }

  /** Oldest closed segment, or undefined; `shipped` takes it off the list. */
  nextClosed(): ClosedSegment | undefined {
    return this.closed[0];
  }

  /** Puts a segment behind the others: they need not wait for it. */
  postpone(segment: ClosedSegment): void {
    const at = this.closed.indexOf(segment);
    if (at >= 0) this.closed.push(...this.closed.splice(at, 1));
  }

  /** The segment is no longer the spool's: shipped, or set aside. */
  shipped(segment: ClosedSegment): void {
    const at = this.closed.indexOf(segment);
    if (at >= 0) this.closed.splice(at, 1);
    this.closedBytes = Math.max(0, this.closedBytes - segment.nBytes);
    this.indexFromFile.delete(segment.name);
  }

  /** Rows of the segment that still wait in memory are dropped: its file is indexed as a whole. */
  forgetIndexRows(segment: string): void {
    this.pendingIndex = this.pendingIndex.filter((row) => row.segment !== segment);
  }

  hasPendingIndexRows(segment: string): boolean {
    return this.indexFromFile.has(segment) || this.pendingIndex.some((row) => row.segment === segment);
  }

  /** Shipping falls behind: it should hurry. */
  get isHalfFull(): boolean {
    return this.closedBytes > this.options.maxSpoolBytes / 2;
  }

  status(): {
    readonly closedSegments: number;
    readonly closedBytes: number;
    readonly pendingIndexRows: number;
  } {
    return {
      closedSegments: this.closed.length,
      closedBytes: this.closedBytes,
      pendingIndexRows: this.pendingIndex.length,
    };
  }

  /**
   * Deletes what was set aside longer ago than its retention: renaming it was the last change of the file.
   * @returns how many files went
   */
  async dropOldAsides(now = Date.now()): Promise<number> {
    let dropped = 0;
    for (const { folder, names } of await this.folders()) {
      for (const name of names.filter((one) => one.endsWith(".arrow.aside"))) {
        const path = join(folder, name);
        if (now - (await stat(path)).ctimeMs < this.options.asideRetentionMs) continue;
        await rm(path, { force: true });
        dropped += 1;
      }
    }
    return dropped;
  }

  /** Somebody waits for rows of this segment: if it is open here, it is closed within about a second, to be shipped. */
  release(segment: string): void {
    for (const { name } of this.open.values()) if (name === segment) this.wanted.add(name);
  }

  /** Closes all open segments, so that they can be shipped. */
  async rotateAll(): Promise<void> {
    await Promise.all([...this.open.keys()].map((model) => this.rotate(model)));
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.rotateAll();
  }

  private requireRoom(): void {
    if (this.closedBytes > this.options.maxSpoolBytes)
      throw new PlatformError("trace_unavailable", "trace: the spool is full");
  }

  private segmentOf(model: string): Segment {
    let segment = this.open.get(model);
    if (segment === undefined) this.open.set(model, (segment = this.createSegment(model)));
    return segment;
  }

  private createSegment(model: string): Segment {
    const folder = join(this.options.dir, model);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const time = new Date()
      .toISOString()
      .replaceAll(/[-:]|\.\d+/g, "")
      .toLowerCase();
    const name = `${time}-${randomBytes(6).toString("hex")}`;
    return new Segment(join(folder, `${name}.arrow`), name, {
      onWritten: (rows, offset) => this.rememberForIndex(name, rows, offset),
      onSyncFailed: this.options.onSyncFailed,
    });
  }

  private rememberForIndex(segment: string, rows: readonly TraceRow[], offset: number): void {
    if (this.indexFromFile.has(segment)) return;
    if (this.pendingIndex.length + rows.length > MAX_PENDING_INDEX_ROWS) {
      this.indexFromFile.add(segment);
      return;
    }
    rows.forEach((row, i) => {
      const { predictionId, requestId, model, version, digest, asset, actor, t, role, value, atMicros } = row;
      this.pendingIndex.push({
        predictionId,
        requestId,
        model,
        version,
        digest,
        asset,
        actor,
        t,
        role,
        value,
        atMicros,
        segment,
        offset: offset + i,
      });
    });
  }

  private async look(): Promise<void> {
    if (this.isSyncing) return;
    this.isSyncing = true;
    try {
      for (const [model, segment] of this.open) {
        await segment.sync();
        const ageMs = performance.now() - segment.openedAt;
        const isWanted = this.wanted.has(segment.name) && ageMs > YOUNGEST_RELEASED_MS;
        const isOld = (isWanted || ageMs > this.options.maxSegmentAgeMs) && segment.nRows > 0;
        if (isOld || segment.nBytes > this.options.maxSegmentBytes) await this.rotate(model);
      }
    } finally {
      this.isSyncing = false;
    }
  }

  private async rotate(model: string): Promise<void> {
    const segment = this.open.get(model);
    this.open.delete(model);
    if (segment === undefined) return;
    this.wanted.delete(segment.name);
    await segment.close();
    this.closedBytes += segment.nBytes;
    this.closed.push({ model, name: segment.name, path: segment.path, nBytes: segment.nBytes });
  }

  /** The folder of each model, with the names of its files in order. */
  private async folders(): Promise<{ model: string; folder: string; names: string[] }[]> {
    const models = await readdir(this.options.dir, { withFileTypes: true });
    const folders = models
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => {
        const folder = join(this.options.dir, name);
        const files = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
        return { model: name, folder, names: files.map((entry) => entry.name).toSorted() };
      });
    return Promise.all(folders);
  }

  private async adoptLeftovers(): Promise<void> {
    for (const { model, folder, names } of await this.folders()) {
      for (const file of names) {
        if (!file.endsWith(".arrow")) continue;
        const path = join(folder, file);
        const name = file.slice(0, -".arrow".length);
        const { size: nBytes } = await stat(path);
        this.closedBytes += nBytes;
        this.indexFromFile.add(name);
        this.closed.push({ model, name, path, nBytes });
      }
    }
  }
}
