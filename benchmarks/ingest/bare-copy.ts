import pg from "pg";
import { copyRows } from "../../stores/postgres/connection/copy-rows.ts";
import { encodeReadings, READING_COLUMNS } from "../../stores/postgres/repositories/live/reading-encoder.ts";
import type { ReadingRow } from "../../stores/postgres/port/live.ts";
import { monthOf } from "../../schemas/live/reading-month.ts";
import { ASSETS, N_VALUES, valuesOf } from "./reading-bodies.ts";

const FIRST_SERIES = 1_000_000_000;
const FIRST_MS = Date.UTC(2025, 0, 1);
/** As much as one of our own commits holds. */
const ROWS_PER_COPY = 20_000;

/**
 * What PostgreSQL itself takes: rows that nobody checks, in the binary form, into the table with its key, committed in the
 * same portions.
 *
 * @returns rows a second
 */
export async function bareCopy(databaseUrl: string, nRows: number): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("select aura.ensure_reading_month($1)", [new Date(FIRST_MS)]);
    const portions = Array.from({ length: Math.ceil(nRows / ROWS_PER_COPY) }, (_, i) => rowsOf(i));
    const began = performance.now();
    for (const rows of portions) {
      await copyRows(
        client as never,
        `copy aura.readings (${READING_COLUMNS}) from stdin with (format binary)`,
        encodeReadings([{ batchId: 0, schemaVersion: 1, rows }]),
      );
    }
    return (portions.length * ROWS_PER_COPY) / ((performance.now() - began) / 1_000);
  } finally {
    await client.query(`delete from aura.readings where series_key >= ${FIRST_SERIES}`);
    await client.end();
  }
}

function rowsOf(portion: number): ReadingRow[] {
  const value = valuesOf(portion);
  return Array.from({ length: ROWS_PER_COPY }, (_, i): ReadingRow => {
    const index = portion * ROWS_PER_COPY + i;
    return {
      seriesKey: FIRST_SERIES + (index % ASSETS),
      epoch: 0,
      ts: (FIRST_MS + Math.floor(index / ASSETS) * 1_000) * 1_000,
      seq: 0,
      month: monthOf(FIRST_MS),
      values: Array.from({ length: N_VALUES }, value),
    };
  });
}
