import { describe, expect, it } from "vitest";
import type { Boundary } from "./boundaries.ts";
import { makeSchedule, pairsOf } from "./schedule.ts";
import type { Kill } from "./schedule.ts";

const PARTS = ["worker", "api", "postgres", "temporal"] as const;

/** A life of 90 boundaries, and a retraining of as many. */
const BOUNDARIES: readonly Boundary[] = (["run", "again"] as const).flatMap((phase, p) =>
  Array.from({ length: 90 }, (_, i) => ({ name: `${phase} step#${i}`, phase, atMs: 90 * p + i })),
);

const placeOf = ({ at }: Kill) =>
  BOUNDARIES.findIndex(({ name }) => "boundary" in at && at.boundary === name);

describe("schedule of the fault tests", () => {
  it.each([1, 7, 140])("meets each pair once in 20 seeds from %i on", (from) => {
    const cases = makeSchedule(BOUNDARIES, { seeds: 20, from, parts: PARTS });
    const met = cases.flatMap(({ kills }) => kills).filter(({ at }) => "boundary" in at);
    const names = met.map(({ part, at }) => `${part} ${"boundary" in at ? at.boundary : ""}`);
    const expected = pairsOf(BOUNDARIES, PARTS).map(({ part, boundary }) => `${part} ${boundary}`);
    expect(expected).toHaveLength(90 * 4 + 90);
    expect(names.toSorted()).toEqual(expected.toSorted());
  });

  it("gives a case few kills, of every part, with others between two of one part", () => {
    for (const { kills } of makeSchedule(BOUNDARIES, { seeds: 20, from: 1, parts: PARTS })) {
      expect(kills.length).toBeLessThan(28);
      for (const part of PARTS) {
        const places = kills.filter((kill) => kill.part === part && "boundary" in kill.at).map(placeOf);
        const gaps = places.slice(1).map((place, i) => place - (places[i] ?? 0));
        expect(places.length).toBeGreaterThan(3);
        expect(Math.min(...gaps)).toBeGreaterThanOrEqual(20);
      }
    }
  });

  it("is the same for the same seeds, with one kill at a random instant in each case", () => {
    const options = { seeds: 3, from: 5, parts: PARTS };
    const [first, again] = [makeSchedule(BOUNDARIES, options), makeSchedule(BOUNDARIES, options)];
    expect(again).toEqual(first);
    const atRandom = first.flatMap(({ kills }) => kills).filter(({ at }) => "ms" in at);
    expect(atRandom).toHaveLength(3);
  });

  it("deals all boundaries to a part that is asked for alone", () => {
    expect(pairsOf(BOUNDARIES, ["api"])).toHaveLength(90 + 90);
  });
});
