import { expect, it } from "vitest";
import { liveFleetReadings } from "./live-fleet.ts";
import type { FleetReading, LiveFleetOptions } from "./live-fleet.ts";

const OPTIONS: LiveFleetOptions = {
  assets: 4,
  seed: 7,
  intervalMs: 100,
  startMs: Date.UTC(2026, 0, 1),
  days: 1,
};

function first(count: number, options: Partial<LiveFleetOptions> = {}): FleetReading[] {
  const readings: FleetReading[] = [];
  for (const reading of liveFleetReadings({ ...OPTIONS, ...options })) {
    if (readings.push(reading) === count) break;
  }
  return readings;
}

it("lets assets take turns, in the order of time, the same each time", () => {
  const readings = first(10);
  expect(readings.map(({ ms }) => ms - OPTIONS.startMs)).toEqual([
    0, 25, 50, 75, 100, 125, 150, 175, 200, 225,
  ]);
  expect(readings.slice(0, 5).map(({ reading }) => reading.asset)).toEqual([
    "SUB-0001",
    "SUB-0002",
    "SUB-0003",
    "SUB-0004",
    "SUB-0001",
  ]);
  expect(first(10)).toEqual(readings);
  expect(readings[0]?.reading).toMatchObject({
    time: "2026-01-01T00:00:00.000Z",
    values: { mode: "normal" },
  });
});

it("has no reading of a unit that is out of service, and ends", () => {
  const all = [...liveFleetReadings({ ...OPTIONS, intervalMs: 3_600_000, days: 60 })];
  expect(all.length).toBeGreaterThan(4 * 24 * 40);
  expect(all.length).toBeLessThan(4 * 24 * 60);
  expect(new Set(all.map(({ ms, reading }) => `${ms} ${reading.asset}`)).size).toBe(all.length);
});

it.each([{ intervalMs: 0 }, { intervalMs: 0.5 }, { assets: 0 }])("refuses %o", (options) => {
  expect(() => first(1, options)).toThrow(RangeError);
});
