import { describe, expect, it } from "vitest";
import type { DriftReport } from "../../numerics/drift/verdict.ts";
import { confirmWindow } from "./confirm-window.ts";
import { seenOf } from "./recorded-report.ts";
import type { SeenDrift } from "./recorded-report.ts";

/** Hour of a day. */
const at = (hour: number): string => `2026-11-21T${String(hour).padStart(2, "0")}:00:00.000Z`;
const WINDOW_HOURS = 8;

/** Reports hold much that a confirmation does not look at. */
const reportOf = (state: DriftReport["state"], drifted: readonly string[] = [], nRows = 600): DriftReport =>
  ({
    state,
    nRows,
    features: ["a", "b", "c"].map((name) => ({ name, state: drifted.includes(name) ? "drift" : "ok" })),
    reconstruction: { state: "ok" },
  }) as unknown as DriftReport;
const drift = (...names: string[]) => reportOf("drift", names);
const ok = reportOf("ok");
const few = reportOf("insufficient_data", [], 40);

interface Look {
  readonly hour: number;
  /** What the whole window says, and what the rows since those that were seen say. */
  readonly whole: DriftReport;
  readonly fresh?: DriftReport;
}

/** Stages of checks that follow each other, each with the time from which its rows were new; undefined: the whole window. */
async function stagesOf(looks: readonly Look[], confirmations = 2) {
  let seen: SeenDrift | undefined;
  const stages: [string, string | undefined][] = [];
  for (const { hour, whole, fresh } of looks) {
    let since: string | undefined;
    const compareSince = async (from: string): Promise<DriftReport> => {
      since = from;
      if (fresh === undefined) throw new Error(`nobody said what the rows from ${from} on say`);
      return fresh;
    };
    const start = at(hour - WINDOW_HOURS);
    const given = { report: whole, start, end: at(hour), seen, confirmations, compareSince };
    const confirmation = await confirmWindow(given);
    stages.push([confirmation.stage, since]);
    seen = seenOf({ state: whole.state, windowEnd: at(hour), report: { ...whole, confirmation } });
  }
  return stages;
}

describe("confirmWindow", () => {
  it.each<[string, readonly Look[], readonly [string, string | undefined][]]>([
    [
      "windows that do not overlap",
      [
        { hour: 8, whole: drift("a") },
        { hour: 16, whole: drift("a", "b") },
      ],
      [
        ["suspected", undefined],
        ["confirmed", undefined],
      ],
    ],
    [
      "overlapping windows, by the rows since the one before",
      [
        { hour: 8, whole: drift("a") },
        { hour: 9, whole: drift("a"), fresh: drift("a") },
      ],
      [
        ["suspected", undefined],
        ["confirmed", at(8)],
      ],
    ],
    [
      "not the same rows again, until enough new ones have come",
      [
        { hour: 8, whole: drift("a") },
        { hour: 9, whole: drift("a"), fresh: few },
        { hour: 10, whole: drift("a"), fresh: few },
        { hour: 11, whole: drift("a"), fresh: drift("a") },
      ],
      [
        ["suspected", undefined],
        ["suspected", at(8)],
        ["suspected", at(8)],
        ["confirmed", at(8)],
      ],
    ],
    [
      "not an alarm by chance that stays in the window",
      [
        { hour: 8, whole: drift("a") },
        { hour: 9, whole: drift("a"), fresh: ok },
        { hour: 10, whole: drift("a") },
        { hour: 11, whole: drift("a"), fresh: ok },
      ],
      [
        ["suspected", undefined],
        ["suspected", at(8)],
        ["suspected", undefined],
        ["suspected", at(10)],
      ],
    ],
    [
      "not drift of another column",
      [
        { hour: 8, whole: drift("a") },
        { hour: 9, whole: drift("a", "b"), fresh: drift("b") },
        { hour: 10, whole: drift("a", "b"), fresh: drift("b") },
      ],
      [
        ["suspected", undefined],
        ["suspected", at(8)],
        ["confirmed", at(9)],
      ],
    ],
    [
      "not over a window without drift",
      [
        { hour: 8, whole: drift("a") },
        { hour: 9, whole: ok },
        { hour: 10, whole: drift("a") },
      ],
      [
        ["suspected", undefined],
        ["none", undefined],
        ["suspected", undefined],
      ],
    ],
    [
      "drift for as long as nothing says otherwise, and anew of new rows alone",
      [
        { hour: 8, whole: drift("a") },
        { hour: 9, whole: drift("a"), fresh: drift("a") },
        { hour: 10, whole: drift("a"), fresh: few },
        { hour: 11, whole: drift("a"), fresh: drift("a") },
      ],
      [
        ["suspected", undefined],
        ["confirmed", at(8)],
        ["confirmed", at(9)],
        ["confirmed", at(9)],
      ],
    ],
  ])("confirms %s", async (_name, looks, expected) => {
    expect(await stagesOf(looks)).toEqual(expected);
  });

  it("needs as many windows as are asked for, each of its own rows", async () => {
    const looks = [8, 9, 10, 11].map((hour) => ({ hour, whole: drift("a"), fresh: drift("a") }));
    expect((await stagesOf(looks, 3)).map(([stage]) => stage)).toEqual([
      "suspected",
      "suspected",
      "confirmed",
      "confirmed",
    ]);
    expect((await stagesOf(looks, 1)).map(([stage]) => stage)).toEqual(Array(4).fill("confirmed"));
  });

  it("goes on from a report of a release that counted otherwise", () => {
    const report = { ...drift("b"), confirmation: { stage: "suspected", drifted: ["b"] } };
    expect(seenOf({ state: "drift", windowEnd: at(8), report })).toEqual({ end: at(8), windows: [["b"]] });
    expect(seenOf({ state: "drift", windowEnd: at(8), report: "text" })).toBeUndefined();
    expect(seenOf({ state: "ok", windowEnd: at(8), report })).toBeUndefined();
  });
});
