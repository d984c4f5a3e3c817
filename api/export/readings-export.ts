import { createWriteStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { csvText } from "../../schemas/text/csv.ts";
import type { LiveSource } from "../../schemas/live/source.ts";
import type { ReadingStore, StoredReading } from "../../stores/postgres/port/live.ts";
import { shownReading } from "../readings/shown-reading.ts";
import type { ShownValue } from "../readings/shown-reading.ts";

export interface ReadingsExport {
  readonly sourceKey: number;
  readonly document: LiveSource;
  readonly assets: readonly string[];
  readonly since?: number;
  readonly until?: number;
}

const PAGE_ROWS = 2_000;
const KEY_COLUMNS = ["asset", "time", "epoch", "seq"] as const;

/** Readings asset by asset, oldest first, a page at a time: memory is bounded, and no transaction stays open. */
async function* pagesOf(
  store: ReadingStore,
  { sourceKey, document, assets, since, until }: ReadingsExport,
): AsyncGenerator<readonly StoredReading[]> {
  for (const asset of assets) {
    let after: StoredReading | undefined;
    do {
      const rows = await store.page({
        sourceKey,
        asset,
        limit: PAGE_ROWS,
        order: "oldest",
        isTimestamp: document.time.kind === "timestamp",
        ...(since === undefined ? {} : { since }),
        ...(until === undefined ? {} : { until }),
        ...(after === undefined ? {} : { after }),
      });
      if (rows.length > 0) yield rows;
      after = rows.length < PAGE_ROWS ? undefined : rows.at(-1);
    } while (after !== undefined);
  }
}

/** CSV with a header line; what is masked or missing is empty. */
export function readingsAsCsv(store: ReadingStore, wanted: ReadingsExport): ReadableStream<Uint8Array> {
  const names = wanted.document.columns.map(({ name }) => name);
  async function* text() {
    yield Buffer.from(csvText([[...KEY_COLUMNS, ...names]]));
    for await (const rows of pagesOf(store, wanted)) {
      const cells = rows.map((row) => {
        const { asset, time, epoch, seq, values } = shownReading(row, wanted.document);
        return [asset, time, epoch, seq, ...names.map((name) => cellOf(values[name]))];
      });
      yield Buffer.from(csvText(cells));
    }
  }
  return Readable.toWeb(Readable.from(text(), { objectMode: false })) as ReadableStream<Uint8Array>;
}

const cellOf = (value: ShownValue | undefined): string | number =>
  value === null || value === undefined ? "" : typeof value === "boolean" ? String(value) : value;

const PARQUET_TYPES = {
  float: "DOUBLE",
  integer: "BIGINT",
  boolean: "BOOLEAN",
  text: "VARCHAR",
  timestamp: "TIMESTAMP",
} as const;

/**
 * The same as Parquet, typed as declared; made in a file that is removed once it is sent.
 *
 * DuckDB is loaded when this is called for the first time: hardly any route of the API needs it.
 */
export async function readingsAsParquet(
  store: ReadingStore,
  wanted: ReadingsExport,
  scratchDir: string,
): Promise<ReadableStream<Uint8Array>> {
  const { createDuckDb, quoteIdentifier, quoteLiteral } = await import("../../stores/duckdb/duckdb.ts");
  const folder = await mkdtemp(join(scratchDir, "export-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  const duckdb = await createDuckDb({ directories: [folder], memoryLimit: "256MB", threads: 1 });
  try {
    const { columns, time } = wanted.document;
    const [lines, target] = [join(folder, "readings.jsonl"), join(folder, "readings.parquet")];
    await pipeline(linesOf(store, wanted), createWriteStream(lines));
    const typed: [string, string][] = [
      ["asset", "VARCHAR"],
      ["time", time.kind === "cycle" ? "BIGINT" : "TIMESTAMP"],
      ["epoch", "INTEGER"],
      ["seq", "INTEGER"],
      ...columns.map(({ name, type }): [string, string] => [name, PARQUET_TYPES[type]]),
    ];
    const values = typed.map(([name, type], i) => `(json->>${i})::${type} AS ${quoteIdentifier(name)}`);
    await duckdb.copyToParquet(
      `SELECT ${values.join(", ")} FROM read_ndjson_objects(${quoteLiteral(lines)})`,
      target,
    );
    const file = await open(target, "r");
    // What is open outlives its name, so nothing is left behind should the reader go away.
    await remove();
    return Readable.toWeb(file.createReadStream()) as ReadableStream<Uint8Array>;
  } catch (error) {
    await remove();
    throw error;
  } finally {
    duckdb.close();
  }
}

async function* linesOf(store: ReadingStore, wanted: ReadingsExport) {
  const names = wanted.document.columns.map(({ name }) => name);
  for await (const rows of pagesOf(store, wanted))
    yield rows
      .map((row) => {
        const { asset, time, epoch, seq, values } = shownReading(row, wanted.document);
        return `${JSON.stringify([asset, time, epoch, seq, ...names.map((name) => values[name] ?? null)])}\n`;
      })
      .join("");
}
