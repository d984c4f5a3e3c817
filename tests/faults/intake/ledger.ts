import pg from "pg";

/** One reading as a device remembers it. */
export interface SentReading {
  readonly asset: string;
  readonly time: string;
  /** One below zero is not as declared: it must be set aside, once. */
  readonly value: number;
}

/** What became of what was sent while one part was killed. */
export interface LedgerRow {
  readonly acknowledged: number;
  /** Of these not as declared. */
  readonly bad: number;
  readonly lost: number;
  readonly changed: number;
  readonly doubled: number;
}

/** Something that was found: how often, and for readings the value. */
interface Found {
  readonly n: number;
  readonly value?: number;
}

const NONE: LedgerRow = { acknowledged: 0, bad: 0, lost: 0, changed: 0, doubled: 0 };

/** What devices were told is stored: they believe it, and forget it. Names of assets begin with the part that was killed meanwhile. */
export class Ledger {
  /** By asset and time the value; by text NaN, for lines that are no readings. */
  readonly #acknowledged = new Map<string, Map<number | string, number>>();
  readonly #nByPath = new Map<string, number>();
  #nSent = 0;
  #nAcknowledged = 0;

  get nSent(): number {
    return this.#nSent;
  }

  get nAcknowledged(): number {
    return this.#nAcknowledged;
  }

  /** Acknowledged by one way into the store. */
  nBy(path: string): number {
    return this.#nByPath.get(path) ?? 0;
  }

  sent(count: number): void {
    this.#nSent += count;
  }

  acknowledged(path: string, readings: readonly (SentReading | string)[]): void {
    for (const reading of readings) {
      if (typeof reading === "string") this.#ofAsset(partOfLine(reading)).set(reading, NaN);
      else this.#ofAsset(reading.asset).set(Date.parse(reading.time), reading.value);
    }
    this.#nAcknowledged += readings.length;
    this.#nByPath.set(path, this.nBy(path) + readings.length);
  }

  /**
   * Holds what was acknowledged against what is stored and set aside.
   *
   * @returns by part, and what is miscounted
   */
  async judge(databaseUrl: string): Promise<{ rows: Map<string, LedgerRow>; faults: string[] }> {
    const client = new pg.Client({ connectionString: databaseUrl });
    client.on("error", () => undefined);
    await client.connect();
    try {
      const letters = await lettersIn(client);
      const { rows: stored } = await client.query<{ asset: string }>(
        "select asset_id as asset from aura.assets order by asset_id",
      );
      const assets = new Set([
        ...this.#acknowledged.keys(),
        ...stored.map(({ asset }) => asset),
        ...letters.keys(),
      ]);
      const rows = new Map<string, LedgerRow>();
      for (const asset of assets) {
        const part = asset.split(".")[0] as string;
        const found = new Map([...(letters.get(asset) ?? []), ...(await readingsOf(client, asset))]);
        rows.set(
          part,
          sum(rows.get(part) ?? NONE, compare(this.#acknowledged.get(asset) ?? new Map(), found)),
        );
      }
      return { rows, faults: await countFaults(client) };
    } finally {
      await client.end();
    }
  }

  #ofAsset(asset: string): Map<number | string, number> {
    let readings = this.#acknowledged.get(asset);
    if (readings === undefined) this.#acknowledged.set(asset, (readings = new Map()));
    return readings;
  }
}

/** @returns what one asset's acknowledged readings came to; what was never acknowledged may be there, but once */
export function compare(
  acknowledged: ReadonlyMap<number | string, number>,
  found: ReadonlyMap<number | string, Found>,
): LedgerRow {
  let [bad, lost, changed, doubled] = [0, 0, 0, 0];
  for (const [key, value] of acknowledged) {
    const one = found.get(key);
    const isBad = !(value >= 0);
    if (isBad) bad++;
    if (one === undefined) lost++;
    else if (isBad ? one.value !== undefined : one.value !== value) changed++;
  }
  for (const { n } of found.values()) if (n > 1) doubled++;
  return { acknowledged: acknowledged.size, bad, lost, changed, doubled };
}

/** A line that is no reading, of the part that is being killed. */
export const brokenLine = (part: string, name: string): string => `{broken ${part}. ${name}`;

const partOfLine = (line: string): string => line.split(" ")[1] ?? "";

function sum(a: LedgerRow, b: LedgerRow): LedgerRow {
  return {
    acknowledged: a.acknowledged + b.acknowledged,
    bad: a.bad + b.bad,
    lost: a.lost + b.lost,
    changed: a.changed + b.changed,
    doubled: a.doubled + b.doubled,
  };
}

async function readingsOf(client: pg.Client, asset: string): Promise<[number, Found][]> {
  const { rows } = await client.query<{ time: string; value: number; n: number }>(
    `select r.ts::text as time, min(r.row_values[1]) as value, count(*)::int as n
       from aura.readings r join aura.reading_series s using (series_key) join aura.assets a using (asset_key)
      where a.asset_id = $1 group by r.ts`,
    [asset],
  );
  return rows.map(({ time, value, n }) => [Number(time) / 1_000, { value, n }]);
}

/** What was set aside, by asset (of lines the part) and time (of lines the text). */
async function lettersIn(client: pg.Client): Promise<Map<string, Map<number | string, Found>>> {
  const { rows } = await client.query<{ body: string; n: number }>(
    "select body, count(*)::int as n from aura.dead_letters group by body",
  );
  const letters = new Map<string, Map<number | string, Found>>();
  for (const { body, n } of rows) {
    const reading = JSON.parse(body) as { asset: string; time: string } | string;
    const isLine = typeof reading === "string";
    const asset = isLine ? partOfLine(reading) : reading.asset;
    const ofAsset = letters.get(asset) ?? new Map<number | string, Found>();
    letters.set(asset, ofAsset.set(isLine ? reading : Date.parse(reading.time), { n }));
  }
  return letters;
}

async function countFaults(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{
    kept: number;
    rows: number;
    ledger: number;
    aside: number;
    letters: number;
  }>(
    `select (select coalesce(sum(n_stored), 0) from aura.intake_counts)::int as kept,
            (select coalesce(sum(n_quarantined), 0) from aura.intake_counts)::int as aside,
            (select coalesce(sum(n_stored), 0) from aura.reading_batches)::int as ledger,
            (select count(*) from aura.dead_letters)::int as letters,
            (select count(*) from aura.readings)::int as rows`,
  );
  const [counts] = rows;
  if (counts === undefined) return ["no counts"];
  const { kept, ledger, aside, letters } = counts;
  const isRight = kept === counts.rows && ledger === counts.rows && aside === letters;
  if (isRight) return [];
  return [
    `miscounted: ${counts.rows} readings stored, ${kept} counted, ${ledger} in the ledger of batches; ${letters} set aside, ${aside} counted`,
  ];
}
