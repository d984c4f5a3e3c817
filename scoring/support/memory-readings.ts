import type {
  FollowedReading,
  OnlineStore,
  Replayed,
  ReplayRequest,
  StoredCheckpoint,
  TakeReplayed,
} from "../../stores/postgres/port/online.ts";
import { compareReadings } from "../asset-series.ts";

/** Committed readings in memory, replayed as the store does; first wins. */
export class MemoryReadings implements Pick<OnlineStore, "replay" | "checkpoint" | "putCheckpoints"> {
  readonly #byAsset = new Map<string, FollowedReading[]>();
  #nextTx = 100;
  nReplays = 0;
  /** Of those that did not begin with the asset's life. */
  nCut = 0;
  nResumed = 0;
  readonly #checkpoints = new Map<string, StoredCheckpoint>();

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

  async checkpoint({ model, asset, digest }: Omit<StoredCheckpoint, "checkpoint">): Promise<unknown> {
    // As the database has it.
    const found = this.#checkpoints.get(`${model} ${asset}`);
    return found?.digest === digest ? (JSON.parse(JSON.stringify(found.checkpoint)) as unknown) : undefined;
  }

  async putCheckpoints(checkpoints: readonly StoredCheckpoint[]): Promise<void> {
    for (const one of checkpoints) this.#checkpoints.set(`${one.model} ${one.asset}`, one);
  }

  async replay(
    { asset, isWhole, readings, micros, resume, until: end = Infinity }: ReplayRequest,
    take: TakeReplayed,
  ): Promise<Replayed> {
    this.nReplays++;
    const xmax = BigInt(this.#nextTx);
    const all = this.of(asset).filter(({ ts }) => ts <= end);
    const last = all.at(-1);
    const life = all.filter(({ epoch }) => epoch === last?.epoch);
    const upTo = resume === undefined ? [] : life.filter((one) => compareReadings(one, resume) <= 0);
    const isResumed =
      resume !== undefined &&
      upTo.length === resume.nRead &&
      upTo[0]?.ts === resume.beganAt &&
      compareReadings(upTo.at(-1) as FollowedReading, resume) === 0;
    this.nResumed += Number(isResumed);
    const until = isResumed ? upTo : life;
    const nth = until.at(-1 - readings)?.ts ?? -Infinity;
    const start = isWhole && !isResumed ? -Infinity : Math.min(nth, (until.at(-1)?.ts ?? 0) - micros);
    if (life.some(({ ts }) => ts < start)) this.nCut++;
    // As the database: what is asked for comes later, and of the moment of the question.
    await new Promise((resolve) => setImmediate(resolve));
    take([], isResumed ? "resumed" : "plain");
    take(life.filter(({ ts }) => ts >= start));
    return {
      snapshot: { xmin: xmax, xmax, running: new Set() },
      isWhole: start === -Infinity || isResumed,
      committedAt: last?.committedAt ?? NaN,
    };
  }
}
