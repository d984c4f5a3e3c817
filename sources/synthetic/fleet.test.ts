import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { generateFleet } from "./fleet.ts";
import { fleetOptions } from "./options.ts";
import type { FleetOptions } from "./options.ts";
import { simulateSubstation } from "./substation.ts";
import type { Reading } from "./substation.ts";

const root = mkdtempSync(join(tmpdir(), "aura-fleet-"));
afterAll(() => rmSync(root, { recursive: true }));

const QUIET: Partial<FleetOptions> = { spikesPerThousand: 0, stuckPerThousand: 0, missingPerThousand: 0 };
function readings(options: Partial<FleetOptions>, n = 0): Reading[] {
  return [...simulateSubstation(fleetOptions(options), n).readings()];
}
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe("generateFleet", () => {
  it("gives equal bytes for a seed and others for another", async () => {
    const hashOf = async (seed: number, name: string): Promise<string> => {
      const { files } = await generateFleet({ assets: 3, days: 5, seed }, join(root, name));
      const hash = createHash("sha256");
      for (const path of Object.values(files)) hash.update(readFileSync(path));
      return hash.digest("hex");
    };
    expect(await hashOf(1, "a")).toBe(await hashOf(1, "b"));
    expect(await hashOf(1, "a")).not.toBe(await hashOf(2, "c"));
  });

  it("writes readings, events and attributes that agree", async () => {
    const fleet = await generateFleet({ assets: 12 }, join(root, "d"));
    const lines = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");
    expect(lines(fleet.files.readings)).toHaveLength(fleet.nReadings + 1);
    expect(lines(fleet.files.attributes)).toHaveLength(13);
    expect(lines(fleet.files.events).filter((l) => l.includes(",failure,"))).toHaveLength(fleet.nFailures);
    expect(fleet.nFailures).toBeGreaterThan(3);
  });
});

describe("a substation", () => {
  it("keeps its course when the fleet grows", () => {
    expect(readings({ assets: 2, days: 3 }, 1)).toEqual(readings({ assets: 9, days: 3 }, 1));
  });

  it("has daily load and physical balance: I = S / (√3 U)", () => {
    const course = readings({ ...QUIET, days: 14, meanDaysToFailure: 1e6 });
    for (const { values: v } of course) {
      const apparent = Math.hypot(v.active_power, v.reactive_power);
      expect(Math.abs(v.current - (1_000 * apparent) / (Math.sqrt(3) * v.voltage))).toBeLessThan(5);
    }
    const at = (hour: number): number =>
      mean(course.filter((r) => (r.ms / 3_600_000) % 24 === hour).map((r) => r.values.active_power));
    expect(at(20)).toBeGreaterThan(1.15 * at(3));
  });

  it("grows hot for its load before it fails, and is silent while it is out", () => {
    const options = { ...QUIET, days: 60, meanDaysToFailure: 5 };
    const failure = simulateSubstation(fleetOptions(options), 0).events.find((e) => e.type === "failure");
    const failMs = failure?.ms ?? 0;
    const course = readings(options);
    const rise = (from: number, to: number): number =>
      mean(
        course
          .filter((r) => r.ms >= failMs + from * 3.6e6 && r.ms < failMs + to * 3.6e6)
          .map((r) => (r.values.temperature - r.values.ambient) / r.values.current),
      );
    expect(failMs).toBeGreaterThan(0);
    expect(rise(-48, 0)).toBeGreaterThan(1.3 * rise(-48 * 8, -48 * 6));
    expect(course.some((r) => r.ms >= failMs && r.ms < failMs + 11 * 3.6e6)).toBe(false);
  });

  it.each([
    ["stuck", { ...QUIET, stuckPerThousand: 50 }, (v: number) => v === 0],
    ["missing", { ...QUIET, missingPerThousand: 50 }, Number.isNaN],
    ["spikes", { ...QUIET, spikesPerThousand: 50, spikeMagnitude: 5 }, (v: number) => v > 40],
  ] as const)("has %s sensors at the rate asked for", (_name, options, isFault) => {
    const faulty = { ...options, faultySensors: ["voltage"] as const };
    const share = mean(
      readings({ ...faulty, days: 60, longestFault: 1 }).map((r) => (isFault(r.values.voltage) ? 1 : 0)),
    );
    expect(share).toBeGreaterThan(0.015);
    expect(share).toBeLessThan(0.08);
  });

  it("shifts at the day asked for and not before", () => {
    const plain = readings({ days: 20 });
    const shifted = readings({ days: 20, shiftAtDay: 10 });
    const half = shifted.findIndex((r) => r.ms >= (shifted[0]?.ms ?? 0) + 10 * 864e5);
    expect(shifted.slice(0, half)).toEqual(plain.slice(0, half));
    const ambient = (course: Reading[]): number =>
      mean(
        course
          .slice(half)
          .map((r) => r.values.ambient)
          .filter((v) => !Number.isNaN(v)),
      );
    expect(ambient(shifted) - ambient(plain)).toBeGreaterThan(5);
  });

  it("runs in a second regime when asked to", () => {
    const modes = new Set(readings({ days: 30, secondRegimeShare: 0.5 }).map((r) => r.mode));
    expect(modes).toEqual(new Set(["normal", "backfeed"]));
  });
});

it.each([
  [{ assets: 0 }],
  [{ assets: 1.5 }],
  [{ days: Number.NaN }],
  [{ start: "soon" }],
  [{ degradationDays: [3, 2] as const }],
])("refuses %o", (options) => expect(() => fleetOptions(options)).toThrow(RangeError));
