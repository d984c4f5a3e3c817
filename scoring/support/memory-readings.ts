import type {
  FollowedReading,
  OnlineStore,
  Replayed,
  ReplayedReading,
  ReplayRequest,
} from "../../stores/postgres/port/online.ts";
import { compareReadings } from "../asset-series.ts";

/** Committed readings in memory, replayed as the store does; first wins. */
export class MemoryReadings implements Pick<OnlineStore, "replay"> {
  readonly #byAsset = new Map<string, FollowedReading[]>();
  #nextTx = 100;
  nReplays = 0;
  /** Of those that did not begin with the asset's life. */
  nCut = 0;

  /** @returns what was new, as followers get it */
  commit(readings: readonly Omit<FollowedReading, "tx" | "committedAt">[]): FollowedReading[] {
    const tx = String(this.#nextTx++);
    return readings.flatMap((reading) => {
      const known = this.#byAsset.get(reading.asset) ?? [];
      if (known.some((one) => compareReadings(one, reading) === 0)) return [];
      const stored = { ...reading, tx, committedAt: this.#nextTx };
      this.#byAsset.set(reading.asset, [...known, stored].sort(compareReadings));
      return [stored];
    });
  }

  of(asset: string): readonly FollowedReading[] {
    return this.#byAsset.get(asset) ?? [];
  }

  async replay(
    { asset, isWhole, readings, micros }: ReplayRequest,
    take: (readings: readonly ReplayedReading[], isFirst: boolean) => void,
  ): Promise<Replayed> {
    this.nReplays++;
    const xmax = BigInt(this.#nextTx);
    const all = this.of(asset);
    const last = all.at(-1);
    const life = all.filter(({ epoch }) => epoch === last?.epoch);
    const nth = life.at(-1 - readings)?.ts ?? -Infinity;
    const start = isWhole ? -Infinity : Math.min(nth, (last?.ts ?? 0) - micros);
    if (life.some(({ ts }) => ts < start)) this.nCut++;
    // As the database: what is asked for comes later, and of the moment of the question.
    await new Promise((resolve) => setImmediate(resolve));
    take([], true);
    take(
      life.filter(({ ts }) => ts >= start),
      false,
    );
    return {
      snapshot: { xmin: xmax, xmax, running: new Set() },
      isWhole: start === -Infinity,
      committedAt: last?.committedAt ?? NaN,
    };
  }
}
