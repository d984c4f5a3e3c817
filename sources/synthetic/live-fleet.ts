import { fleetOptions, SENSORS } from "./options.ts";
import { simulateSubstation } from "./substation.ts";
import type { Reading } from "./substation.ts";

export interface LiveFleetOptions {
  readonly assets: number;
  readonly seed: number | string;
  /** ms between two readings of an asset, at least 1. */
  readonly intervalMs: number;
  /** Time of the first reading, in ms since 1970. */
  readonly startMs: number;
  /** Days that are made. */
  readonly days: number;
}

/** A reading as POST /readings takes it, with its time in ms as well. */
export interface FleetReading {
  readonly ms: number;
  readonly reading: {
    readonly asset: string;
    readonly time: string;
    readonly values: Readonly<Record<string, number | string | null>>;
  };
}

/** Columns of a live source that takes them. */
export const FLEET_COLUMNS = [
  ...SENSORS.map((name) => ({ name })),
  { name: "mode", type: "text" as const, values: ["normal", "backfeed"] },
];

/**
 * Readings of a fleet in the order of their times. Assets take turns within an interval, so that they come evenly. Equal
 * options give equal readings; a unit that is out of service gives none.
 *
 * @throws {RangeError} an option is out of range
 */
export function* liveFleetReadings(given: LiveFleetOptions): Iterable<FleetReading> {
  const { intervalMs, startMs } = given;
  if (!Number.isInteger(intervalMs) || intervalMs < 1)
    throw new RangeError(`fleet intervalMs must be a whole number from 1, got ${intervalMs}`);
  const { assets, seed, days } = given;
  const options = {
    ...fleetOptions({ assets, seed, days, start: new Date(startMs).toISOString() }),
    intervalMinutes: intervalMs / 60_000,
  };
  const stations = Array.from({ length: assets }, (_, n) => {
    const station = simulateSubstation(options, n);
    const iterator = station.readings()[Symbol.iterator]();
    return {
      asset: station.asset,
      iterator,
      next: iterator.next(),
      phaseMs: Math.floor((n * intervalMs) / assets),
    };
  });
  const endMs = startMs + days * 86_400_000;
  for (let stepMs = startMs; stepMs < endMs; stepMs += intervalMs) {
    for (const station of stations) {
      const { next, asset, phaseMs } = station;
      if (next.done === true || next.value.ms > stepMs) continue;
      station.next = station.iterator.next();
      yield readingOf(asset, stepMs + phaseMs, next.value);
    }
  }
}

function readingOf(asset: string, ms: number, { values, mode }: Reading): FleetReading {
  const shown: Record<string, number | string | null> = { mode };
  for (const name of SENSORS) {
    const value = values[name];
    shown[name] = Number.isNaN(value) ? null : Math.round(value * 10_000) / 10_000;
  }
  return { ms, reading: { asset, time: new Date(ms).toISOString(), values: shown } };
}
