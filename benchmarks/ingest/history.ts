import pg from "pg";
import { createGenerator } from "../../numerics/random/generator.ts";
import { copyRows } from "../../stores/postgres/connection/copy-rows.ts";
import type { ReadingRow } from "../../stores/postgres/port/live.ts";
import { encodeReadings, READING_COLUMNS } from "../../stores/postgres/repositories/live/reading-encoder.ts";
import { monthOf } from "../../schemas/live/reading-month.ts";
import type { IngestPlatform } from "./ingest-platform.ts";
import { N_VALUES, SOURCE, valuesOf } from "./reading-bodies.ts";

export const HISTORY_ASSETS = 100;
const MINUTE_MS = 60_000;
const FIRST_MS = Date.UTC(2025, 0, 1);
const ROWS_PER_COPY = 50_000;
const PREFIX = "year-";

/** A year of readings, a minute apart, put where the API would have put them. @returns bytes on the disk with indexes */
export async function fillHistory(
  { apiUrl, databaseUrl }: IngestPlatform,
  minutesPerAsset: number,
): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const series = await openSeries(client, apiUrl);
    for (let month = 0; month < 13; month++)
      await client.query("select aura.ensure_reading_month($1)", [new Date(Date.UTC(2025, month, 1))]);
    let rows: ReadingRow[] = [];
    const flush = async (): Promise<void> => {
      const batches = [{ batchId: 0, schemaVersion: 1, rows }];
      const command = `copy aura.readings (${READING_COLUMNS}) from stdin with (format binary)`;
      await copyRows(client as never, command, encodeReadings(batches));
      rows = [];
    };
    const value = valuesOf(1);
    for (let minute = 0; minute < minutesPerAsset; minute++) {
      const ms = FIRST_MS + minute * MINUTE_MS;
      const month = monthOf(ms);
      for (const seriesKey of series) {
        const values = Array.from({ length: N_VALUES }, value);
        rows.push({ seriesKey, epoch: 0, ts: ms * 1_000, seq: 0, month, values });
      }
      if (rows.length >= ROWS_PER_COPY) await flush();
    }
    if (rows.length > 0) await flush();
    await client.query("analyze aura.readings");
    const { rows: sizes } = await client.query<{ bytes: string }>(
      "select sum(pg_total_relation_size(inhrelid))::text as bytes from pg_inherits where inhparent = 'aura.readings'::regclass",
    );
    return Number(sizes[0]?.bytes ?? 0);
  } finally {
    await client.end();
  }
}

/** One reading of each through the API, so that assets and series are there. */
async function openSeries(client: pg.Client, apiUrl: string): Promise<number[]> {
  const readings = Array.from({ length: HISTORY_ASSETS }, (_, i) => ({
    asset: `${PREFIX}${i}`,
    time: new Date(Date.UTC(2024, 11, 31)).toISOString(),
    values: { s0: 1 },
  }));
  const response = await fetch(`${apiUrl}/readings`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ source: SOURCE, readings }),
  });
  if (!response.ok) throw new Error(`history: ${response.status} ${await response.text()}`);
  const { rows } = await client.query<{ key: number }>(
    "select series_key as key from aura.reading_series join aura.assets using (asset_key) where asset_id like $1 order by 1",
    [`${PREFIX}%`],
  );
  return rows.map(({ key }) => key);
}

export interface ReadTimes {
  /** Of pages of 100 readings and of trends of 24 hours in steps of five minutes, ms, ascending. */
  readonly pages: Float64Array;
  readonly trends: Float64Array;
}

/** Reads of random assets at random times, one at a time. */
export async function readHistory(
  { apiUrl }: IngestPlatform,
  {
    reads,
    minutesPerAsset,
    seed,
  }: { readonly reads: number; readonly minutesPerAsset: number; readonly seed: number },
): Promise<ReadTimes> {
  const generator = createGenerator(seed);
  const day = 24 * 60;
  const one = async (kind: "page" | "trend"): Promise<number> => {
    const asset = `${PREFIX}${Math.floor(generator.next() * HISTORY_ASSETS)}`;
    // On a step of the trend, of which there are then as many as fit into a day.
    const minute = Math.floor((generator.next() * Math.max(1, minutesPerAsset - day)) / 5) * 5;
    const since = new Date(FIRST_MS + minute * MINUTE_MS).toISOString();
    const until = new Date(FIRST_MS + (minute + day) * MINUTE_MS).toISOString();
    const query =
      kind === "page"
        ? `/readings?source=${SOURCE}&asset=${asset}&since=${since}&limit=100`
        : `/v1/readings/trend?source=${SOURCE}&asset=${asset}&column=s0&step=5m&since=${since}&until=${until}`;
    const began = performance.now();
    const response = await fetch(`${apiUrl}${query}`);
    const { items } = (await response.json()) as { items?: unknown[] };
    const expected = kind === "page" ? 100 : 288;
    if (items?.length !== expected)
      throw new Error(`${query}: expected ${expected} items, got ${items?.length}`);
    return performance.now() - began;
  };
  const times = async (kind: "page" | "trend"): Promise<Float64Array> => {
    for (let i = 0; i < 5; i++) await one(kind);
    const all: number[] = [];
    for (let i = 0; i < reads; i++) all.push(await one(kind));
    return Float64Array.from(all).sort();
  };
  return { pages: await times("page"), trends: await times("trend") };
}
