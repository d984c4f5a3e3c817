import { monthsOf } from "../schemas/live/reading-month.ts";
import type { LiveSourceRow, ReadingStore } from "../stores/postgres/port/live.ts";
import { BatchedLookup } from "./batched-lookup.ts";
import type { CheckedReading } from "./check-reading.ts";

/** Where a reading goes. */
export interface ReadingPlace {
  readonly seriesKey: number;
  /** Days since 2000 of the first day of its month. */
  readonly month: number;
}

/** Assets and devices that nobody knows are asked for again after this time, and devices that were moved. */
const ASK_AGAIN_MS = 5_000;

/** Series of assets, assets of devices and months of lives, as the store has them: asked for once, all of a batch together. */
export class SeriesDirectory {
  readonly #store: () => ReadingStore;
  readonly #devices: BatchedLookup<string>;
  readonly #series = new Map<string, BatchedLookup<number>>();
  readonly #lives: BatchedLookup<number>;

  constructor(store: () => ReadingStore) {
    this.#store = store;
    this.#devices = new BatchedLookup({
      ask: (devices) => store().assetsOf(devices),
      foundMs: ASK_AGAIN_MS,
      missingMs: ASK_AGAIN_MS,
    });
    this.#lives = new BatchedLookup({
      missingMs: 0,
      async ask(ids) {
        const lives = ids.map((id) => id.split(" ").map(Number));
        const months = await store().openEpochs(
          lives.map(([seriesKey = 0, epoch = 0]) => ({ seriesKey, epoch })),
        );
        return new Map(ids.map((id, i) => [id, months[i] as number]));
      },
    });
  }

  /** @returns by reading; null: of an asset that is unknown and may not be registered */
  async resolve(
    { sourceKey, document }: LiveSourceRow,
    readings: readonly CheckedReading[],
  ): Promise<readonly (ReadingPlace | null)[]> {
    const mayRegister = document.unknownAssets === "register";
    const assets = await this.#assetsOf(readings, mayRegister);
    const series = await this.#seriesIn(sourceKey, mayRegister).get(assets.filter((asset) => asset !== null));
    const keys = assets.map((asset) => (asset === null ? null : (series.get(asset) ?? null)));
    const months =
      document.time.kind === "cycle"
        ? await this.#monthsOfLives(keys, readings)
        : monthsOf(readings.map(({ ts }) => ts / 1_000));
    return keys.map((seriesKey, i) =>
      seriesKey === null ? null : { seriesKey, month: months[i] as number },
    );
  }

  /** A device that is not listed is an asset of its own name, where assets may be registered. */
  async #assetsOf(readings: readonly CheckedReading[], mayRegister: boolean): Promise<(string | null)[]> {
    const devices = readings.flatMap(({ device }) => device ?? []);
    const assets = devices.length === 0 ? undefined : await this.#devices.get(devices);
    return readings.map(({ asset, device }) => {
      if (device === undefined) return asset ?? null;
      return assets?.get(device) ?? (mayRegister ? device : null);
    });
  }

  #seriesIn(sourceKey: number, mayRegister: boolean): BatchedLookup<number> {
    const id = `${sourceKey} ${mayRegister}`;
    let lookup = this.#series.get(id);
    if (lookup === undefined) {
      const ask = (assets: readonly string[]) => this.#store().openSeries(sourceKey, assets, mayRegister);
      this.#series.set(id, (lookup = new BatchedLookup({ ask, missingMs: ASK_AGAIN_MS })));
    }
    return lookup;
  }

  async #monthsOfLives(
    keys: readonly (number | null)[],
    readings: readonly CheckedReading[],
  ): Promise<(number | null)[]> {
    const ids = keys.map((key, i) => (key === null ? null : `${key} ${readings[i]?.epoch}`));
    const months = await this.#lives.get(ids.filter((id) => id !== null));
    return ids.map((id) => (id === null ? null : (months.get(id) ?? null)));
  }
}
