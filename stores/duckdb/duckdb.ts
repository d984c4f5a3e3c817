/**
 * DuckDB, locked down: it reads and writes Parquet inside the given folders and nothing else.
 *
 * Every statement goes through `prepare()` alone, which refuses several statements in one text, on a connection of
 * its own, so that calls may overlap and each has its own deadline. The settings are locked before the first query,
 * and the escape probes run once per process: an instance that lets one through is never handed out.
 */
import { mkdir, realpath } from "node:fs/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import type { DuckDBConnection, DuckDBDataChunk, DuckDBResult, DuckDBValue } from "@duckdb/node-api";
import { PlatformError } from "../../schemas/platform-error.ts";
import { quoteIdentifier, quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import { columnTable } from "./column-reader.ts";
import type { ColumnTable } from "./column-reader.ts";
import { escapeProbes, successfulEscapes } from "./escape-probes.ts";
import { requireReadableFiles } from "./readable-files.ts";

export { quoteIdentifier, quoteLiteral } from "../../schemas/text/sql-quoting.ts";
export type { ColumnData, ColumnTable } from "./column-reader.ts";

export interface DuckDbOptions {
  /** Folders that may be read and written; they are created when absent. At least one. */
  readonly directories: readonly string[];
  /** For spilling; default: `duckdb-tmp` in the first folder. */
  readonly tempDirectory?: string;
  /** e.g. `1GB`; default 1GB. */
  readonly memoryLimit?: string;
  /** ≥ 1; default 2. */
  readonly threads?: number;
  /** Per statement; default 10 minutes. */
  readonly deadlineMs?: number;
}

export type SqlParameter = string | number | bigint | boolean | null;
export type SqlRow = Readonly<Record<string, DuckDBValue>>;

export interface StatementOptions {
  readonly params?: readonly SqlParameter[];
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export interface CopyOptions {
  /** Default zstd. */
  readonly compression?: "zstd" | "snappy";
  /** Rows per group; default 122,880. */
  readonly rowGroupSize?: number;
  /** Column names; the file is written in this order. */
  readonly orderBy?: readonly string[];
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** An open, locked-down DuckDB. Safe to use from several places at once. */
export interface DuckDb {
  /** One statement without a result. */
  run(sql: string, options?: StatementOptions): Promise<void>;
  /** All rows as objects; for small results. */
  query(sql: string, options?: StatementOptions): Promise<SqlRow[]>;
  /** All rows as typed arrays. */
  columns(sql: string, options?: StatementOptions): Promise<ColumnTable>;
  /** Rows in batches of about `batchRows` (default 65,536); memory holds one batch. */
  batches(
    sql: string,
    options?: StatementOptions & { readonly batchRows?: number },
  ): AsyncIterable<ColumnTable>;
  /** Table expression over Parquet files, after checking that each is a plain file in the allowed folders. */
  parquet(paths: readonly string[]): Promise<string>;
  /**
   * Writes a SELECT to a Parquet file.
   * @returns number of rows written
   */
  copyToParquet(selectSql: string, path: string, options?: CopyOptions): Promise<number>;
  close(): void;
}

let isSelfTested = false;

/**
 * Opens a locked-down in-memory DuckDB.
 *
 * @throws {PlatformError} internal: an escape probe was not refused
 */
export async function createDuckDb(options: DuckDbOptions): Promise<DuckDb> {
  const [first] = options.directories;
  if (first === undefined) throw new RangeError("DuckDB: expected at least one allowed folder");
  const temp = options.tempDirectory ?? `${first}/duckdb-tmp`;
  for (const directory of [...options.directories, temp]) await mkdir(directory, { recursive: true });
  const directories = await Promise.all(options.directories.map((d) => realpath(d)));
  const instance = await DuckDBInstance.create(":memory:", {
    threads: String(options.threads ?? 2),
    memory_limit: options.memoryLimit ?? "1GB",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    allow_unsigned_extensions: "false",
  });
  const connection = await instance.connect();
  const allowed = [...new Set([...directories, ...options.directories])];
  // Through `run` for these only: the settings are ours, and the lock must be the last of them.
  await connection.run(`SET temp_directory = ${quoteLiteral(await realpath(temp))}`);
  await connection.run(`SET allowed_directories = [${allowed.map(quoteLiteral).join(", ")}]`);
  await connection.run("SET enable_external_access = false");
  await connection.run("SET lock_configuration = true");
  if (!isSelfTested) await selfTest(connection, directories[0] ?? first);
  isSelfTested = true;
  connection.closeSync();
  return new LockedDuckDb(instance, directories, options.deadlineMs ?? 600_000);
}

async function selfTest(connection: DuckDBConnection, inside: string): Promise<void> {
  const escapes = await successfulEscapes(connection, escapeProbes(process.execPath, inside));
  if (escapes.length > 0)
    throw new PlatformError("internal", `DuckDB is not locked down [${escapes.join(", ")}]`);
}

interface Work<T> {
  readonly sql: string;
  readonly options: StatementOptions;
  use(result: DuckDBResult): Promise<T>;
}

class LockedDuckDb implements DuckDb {
  readonly #instance: DuckDBInstance;
  readonly #directories: readonly string[];
  readonly #deadlineMs: number;

  constructor(instance: DuckDBInstance, directories: readonly string[], deadlineMs: number) {
    this.#instance = instance;
    this.#directories = directories;
    this.#deadlineMs = deadlineMs;
  }

  async run(sql: string, options: StatementOptions = {}): Promise<void> {
    await this.#execute({ sql, options, use: () => Promise.resolve() });
  }

  async query(sql: string, options: StatementOptions = {}): Promise<SqlRow[]> {
    return this.#execute({ sql, options, use: (result) => result.getRowObjects() });
  }

  async columns(sql: string, options: StatementOptions = {}): Promise<ColumnTable> {
    return this.#execute({
      sql,
      options,
      use: async (result) => columnTable(result, await result.fetchAllChunks()),
    });
  }

  async *batches(
    sql: string,
    options: StatementOptions & { readonly batchRows?: number } = {},
  ): AsyncIterable<ColumnTable> {
    requireNotAborted(options.signal);
    const connection = await this.#instance.connect();
    const guard = guardStatement(connection, options, this.#deadlineMs);
    try {
      const statement = await connection.prepare(sql);
      if (options.params !== undefined) statement.bind([...options.params]);
      const result = await statement.stream();
      yield* groupChunks(result, options.batchRows ?? 65_536);
    } catch (error) {
      throw guard.explain(error);
    } finally {
      guard.release();
      connection.closeSync();
    }
  }

  async parquet(paths: readonly string[]): Promise<string> {
    if (paths.length === 0) throw new RangeError("Parquet source: expected at least one file");
    await requireReadableFiles(paths, this.#directories);
    return `read_parquet([${paths.map(quoteLiteral).join(", ")}])`;
  }

  async copyToParquet(selectSql: string, path: string, options: CopyOptions = {}): Promise<number> {
    const { compression = "zstd", rowGroupSize = 122_880, orderBy = [] } = options;
    const order = orderBy.length === 0 ? "" : ` ORDER BY ${orderBy.map(quoteIdentifier).join(", ")}`;
    const settings = `FORMAT parquet, COMPRESSION ${compression}, ROW_GROUP_SIZE ${Math.trunc(rowGroupSize)}`;
    return this.#execute({
      sql: `COPY (SELECT * FROM (${selectSql})${order}) TO ${quoteLiteral(path)} (${settings})`,
      options,
      use: async (result) => Number((await result.getRows())[0]?.[0] ?? 0),
    });
  }

  close(): void {
    this.#instance.closeSync();
  }

  async #execute<T>(work: Work<T>): Promise<T> {
    requireNotAborted(work.options.signal);
    const connection = await this.#instance.connect();
    const guard = guardStatement(connection, work.options, this.#deadlineMs);
    try {
      const statement = await connection.prepare(work.sql);
      if (work.options.params !== undefined) statement.bind([...work.options.params]);
      return await work.use(await statement.run());
    } catch (error) {
      throw guard.explain(error);
    } finally {
      guard.release();
      connection.closeSync();
    }
  }
}

async function* groupChunks(result: DuckDBResult, batchRows: number): AsyncIterable<ColumnTable> {
  let chunks: DuckDBDataChunk[] = [];
  let nRows = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    chunks.push(chunk);
    nRows += chunk.rowCount;
    if (nRows < batchRows) continue;
    yield columnTable(result, chunks);
    chunks = [];
    nRows = 0;
  }
  if (nRows > 0) yield columnTable(result, chunks);
}

function requireNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new PlatformError("cancelled", "DuckDB statement was cancelled before it began");
}

const INTERRUPT_EVERY_MS = 50;

/** Interrupts the connection at the deadline or on abort, and says which of the two it was. */
function guardStatement(connection: DuckDBConnection, options: StatementOptions, defaultMs: number) {
  const deadlineMs = options.deadlineMs ?? defaultMs;
  let reason: "deadline" | "abort" | undefined;
  let again: NodeJS.Timeout | undefined;
  const stop = (why: "deadline" | "abort") => {
    reason ??= why;
    connection.interrupt();
    // An interrupt that comes before the statement runs is lost: it is said until the statement ends.
    again ??= setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS);
  };
  const timer = setTimeout(() => stop("deadline"), deadlineMs);
  const onAbort = () => stop("abort");
  options.signal?.addEventListener("abort", onAbort, { once: true });
  return {
    release() {
      clearTimeout(timer);
      clearInterval(again);
      options.signal?.removeEventListener("abort", onAbort);
    },
    explain(error: unknown): unknown {
      if (reason === "abort")
        return new PlatformError("cancelled", "DuckDB statement was cancelled", { cause: error });
      if (reason === "deadline")
        return new PlatformError("overloaded", `DuckDB statement ran over its deadline [${deadlineMs} ms]`, {
          cause: error,
        });
      return error;
    },
  };
}
