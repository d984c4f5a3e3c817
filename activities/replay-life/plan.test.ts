import { describe, expect, it } from "vitest";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import { replayOptionsSchema } from "../../schemas/runs/replay-life.ts";
import { planReplay } from "./plan.ts";
import { momentText, spanText } from "./replay-time.ts";

const DAY = 86_400_000_000;
const FIRST = Date.parse("2024-01-01T00:00:00Z") * 1_000;
const LAST = FIRST + 140 * DAY - DAY / 24;

const EVENTS = `
  events:
    role: events
    files: events.csv
    asset: asset
    time: TIME
    columns: [{ name: type, type: text }]
label: { kind: events, source: events, where: { type: failure } }
task: { kind: failure_within, horizon: HORIZON }`;

function planOf(given: {
  readonly options?: object;
  readonly time?: "timestamp" | "cycle" | "none";
  readonly rest?: string;
  readonly retraining?: string;
  readonly span?: readonly [first: number, last: number];
}) {
  const { options = {}, time = "timestamp", rest = EVENTS, span = [FIRST, LAST], retraining = "" } = given;
  const timeText = `{ column: t, kind: ${time} }`;
  const text = `
name: fleet
sources:
  readings:
    files: readings.csv
    asset: asset
    ${time === "none" ? "" : `time: ${timeText}`}
    columns: [{ name: temperature }, { name: state, type: text }]${rest
      .replace("TIME", timeText)
      .replace("HORIZON", time === "cycle" ? "30" : "72h")}
retraining: { coolDown: 14d${retraining} }
monitoring: { window: 7d, confirmations: 3 }
`;
  const { pipeline } = parsePipeline(text, "p.yaml");
  const dataset = {
    sources: { readings: { role: "readings", timeKind: time, hasAsset: true } },
  } as unknown as DatasetManifest;
  const parsed = replayOptionsSchema.parse(options);
  return planReplay({ runId: "r", pipeline, dataset, options: parsed, first: span[0], last: span[1] });
}

const refusalOf = (given: Parameters<typeof planOf>[0]): string => {
  try {
    planOf(given);
  } catch (error) {
    if (isPlatformError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
};

describe("the plan of a replay", () => {
  it("learns of failures as late as the file says, unless it is told otherwise", () => {
    expect(planOf({}).labelDelay).toBe(7 * DAY);
    expect(planOf({ options: { labelDelay: "0" } }).labelDelay).toBe(0);
    const cycles = { sharedCycles: true, every: "50" };
    expect(planOf({ time: "cycle", options: cycles, span: [1, 1_000] }).labelDelay).toBe(0);
  });

  it("begins its windows with those of the data, after two fifths of it", () => {
    const plan = planOf({ options: { labelDelay: "1d" } });
    expect(plan).toMatchObject({
      start: FIRST + 56 * DAY,
      end: LAST + 1,
      labelDelay: DAY,
      coolDown: 14 * DAY,
      confirmations: 3,
      retrains: true,
      run: { searches: [] },
    });
    expect(plan.windows).toHaveLength(12);
    expect(plan.windows[2]).toEqual({ from: FIRST + 70 * DAY, to: FIRST + 77 * DAY });
    expect(plan.windows.at(-1)?.to).toBe(plan.end);
  });

  it("takes moments, shares and ends", () => {
    const start = new Date((FIRST + 30 * DAY) / 1_000).toISOString();
    const until = new Date((FIRST + 50 * DAY) / 1_000).toISOString();
    const plan = planOf({ options: { start, until, every: "10d", loop: false } });
    expect(plan.windows.map(({ from }) => (from - FIRST) / DAY)).toEqual([30, 40, 50]);
    expect(plan.retrains).toBe(false);
    expect(momentText(plan.start, "timestamp")).toBe(start);
    expect(spanText(plan.every, "timestamp")).toBe("10d");
  });

  it("goes by cycles where all assets count the same ones", () => {
    const options = { sharedCycles: true, every: "50", labelDelay: "10" };
    const plan = planOf({ time: "cycle", options, span: [1, 1_000] });
    expect(plan).toMatchObject({ start: 401, every: 50, labelDelay: 10, timeKind: "cycle" });
    expect(plan.windows).toHaveLength(12);
  });

  it("marks the windows that the schedule retrains in, and says what else does", () => {
    const retraining = ", schedule: { cron: 0 3 1 * * }, newLabels: 50";
    const plan = planOf({ retraining });
    const marked = plan.windows.flatMap(({ isScheduled }, i) => (isScheduled === true ? [i] : []));
    expect(marked.map((i) => momentText(plan.windows[i]?.from ?? 0, "timestamp").slice(0, 10))).toEqual([
      "2024-02-26",
      "2024-04-01",
      "2024-04-29",
    ]);
    expect(plan).toMatchObject({ newLabels: 50, onDegradation: true });
    const alone = planOf({ retraining, options: { loop: false } });
    expect(alone.windows.some(({ isScheduled }) => isScheduled)).toBe(false);
    expect(alone).not.toHaveProperty("newLabels");
    expect(alone).not.toHaveProperty("onDegradation");
  });

  const ends = "\nlabel: { kind: end_of_life, ends: [{ at: last_reading }] }\ntask: { kind: rul }";
  const refusals: [name: string, given: Parameters<typeof planOf>[0], text: string][] = [
    ["cycles of each asset's own", { time: "cycle", rest: ends }, "a time that all assets share"],
    [
      "rows without time",
      { time: "none", rest: "\nlabel: { kind: column, column: state }\ntask: { kind: class }" },
      "a time column",
    ],
    ["no label", { rest: "\ntask: { kind: anomaly }" }, "expected a label"],
    [
      "cycles without a length",
      { time: "cycle", options: { sharedCycles: true } },
      "[every]: expected the length",
    ],
    [
      "a duration for cycles",
      { time: "cycle", options: { sharedCycles: true, every: "7d" } },
      "a whole number of cycles",
    ],
    ["a number for timestamps", { options: { every: "50" } }, "a duration such as 7d"],
    ["windows of nothing", { options: { every: "0d" } }, "a window longer than 0"],
    ["too many windows", { options: { every: "1h" } }, "at most 400"],
    ["a start after the end", { options: { start: "2030-01-01T00:00:00Z" } }, "[start]: expected a moment"],
    [
      "a delay before the first reading",
      { options: { start: "10%", labelDelay: "52w" } },
      "[start]: expected a moment",
    ],
    ["words", { options: { start: "soon" } }, "a share such as 40%"],
  ];
  it.each(refusals)("refuses %s", (_, given, text) => {
    expect(refusalOf(given)).toContain(text);
  });
});
