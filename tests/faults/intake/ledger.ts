import pg from "pg";

/** One reading as a device remembers it. */
export interface SentReading {
  readonly asset: string;
  readonly time: string;
  readonly value: number;
}

/** What the devices were told is stored: they believe it, and forget it. */
export class Ledger {
  readonly #acknowledged = new Map<string, number>();
  #nSent = 0;

  get nSent(): number {
    return this.#nSent;
  }

  get nAcknowledged(): number {
    return this.#acknowledged.size;
  }

  sent(readings: readonly SentReading[]): void {
    this.#nSent += readings.length;
  }

  acknowledged(readings: readonly SentReading[]): void {
    for (const reading of readings) this.#acknowledged.set(keyOf(reading), reading.value);
  }

  /**
   * Holds what was acknowledged against what is stored.
   *
   * @returns what is lost, doubled, changed or miscounted; empty when all is well
   */
  async judge(databaseUrl: string): Promise<string[]> {
    const client = new pg.Client({ connectionString: databaseUrl });
    client.on("error", () => undefined);
    await client.connect();
    try {
      const { rows } = await client.query<{ asset: string; time: string; value: number; n: number }>(
        `select a.asset_id as asset, r.ts::text as time, min(r.row_values[1]) as value, count(*)::int as n
           from aura.readings r join aura.reading_series s using (series_key) join aura.assets a using (asset_key)
          group by a.asset_id, r.ts`,
      );
      const stored = new Map(
        rows.map(({ asset, time, value, n }) => [`${asset} ${Number(time) / 1_000}`, { value, n }]),
      );
      const counts = await client.query<{ received: number; kept: number; rows: number; ledger: number }>(
        `select (select coalesce(sum(n_received), 0) from aura.intake_counts)::int as received,
                (select coalesce(sum(n_stored), 0) from aura.intake_counts)::int as kept,
                (select coalesce(sum(n_stored), 0) from aura.reading_batches)::int as ledger,
                (select count(*) from aura.readings)::int as rows`,
      );
      return [...this.#faults(stored), ...countFaults(counts.rows[0])];
    } finally {
      await client.end();
    }
  }

  #faults(stored: ReadonlyMap<string, { readonly value: number; readonly n: number }>): string[] {
    let nLost = 0;
    let nChanged = 0;
    for (const [key, value] of this.#acknowledged) {
      const found = stored.get(key);
      if (found === undefined) nLost++;
      else if (found.value !== value) nChanged++;
    }
    const nDoubled = [...stored.values()].filter(({ n }) => n > 1).length;
    return [
      ...(nLost === 0 ? [] : [`${LOST}: ${nLost} of ${this.#acknowledged.size} acknowledged readings`]),
      ...(nChanged === 0 ? [] : [`changed: ${nChanged} readings`]),
      ...(nDoubled === 0 ? [] : [`doubled: ${nDoubled} readings`]),
    ];
  }
}

/** How a violation begins that a harness without this promise must find. */
export const LOST = "lost";

const keyOf = ({ asset, time }: SentReading): string => `${asset} ${Date.parse(time)}`;

function countFaults(
  counts: { received: number; kept: number; rows: number; ledger: number } | undefined,
): string[] {
  if (counts === undefined) return ["no counts"];
  const { kept, rows, ledger } = counts;
  return kept === rows && ledger === rows
    ? []
    : [`miscounted: ${rows} readings stored, ${kept} counted, ${ledger} in the ledger of batches`];
}
