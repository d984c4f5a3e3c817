import { afterAll, beforeAll, expect, it } from "vitest";
import { createGenerator } from "../../numerics/random/generator.ts";
import type { RunView } from "../../schemas/runs/run.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { inMs } from "../faults/patience.ts";
import { describeWithServices } from "../support/platform.ts";

/** Each leak planted in a small fleet; the whole run must end with it, and the same fleet without it must not. */

const STORY_MS = 90_000;
const RUN_MS = 30_000;

const N_MACHINES = 14;
const N_TRAIN = 10;
const N_READINGS = 40;
const CAP = 30;

const COLUMNS = ["unit", "cycle", "load", "heat", "planted"] as const;
type Reading = Record<(typeof COLUMNS)[number], string>;
/** Readings of one machine, in time order. */
type Machine = readonly Reading[];

/** Machines that run to failure: `heat` rises towards the end, `load` and `planted` are noise. */
function honestFleet(): Machine[] {
  const random = createGenerator(5);
  return Array.from({ length: N_MACHINES }, (_, machine) =>
    Array.from({ length: N_READINGS + machine }, (_row, t): Reading => {
      const left = N_READINGS + machine - 1 - t;
      return {
        unit: `m${machine}`,
        cycle: String(t + 1),
        load: random.normal().toFixed(6),
        heat: (60 + 20 * Math.exp(-left / 15) + 2 * random.normal()).toFixed(6),
        planted: random.normal().toFixed(6),
      };
    }),
  );
}

function csv(machines: readonly Machine[]): string {
  const lines = machines.flat().map((row) => COLUMNS.map((name) => row[name]).join(","));
  return `${[COLUMNS.join(","), ...lines].join("\n")}\n`;
}

/** Ten machines to learn from, four that are held out. */
const inParts = (fleet: readonly Machine[]) => ({
  "train.csv": csv(fleet.slice(0, N_TRAIN)),
  "test.csv": csv(fleet.slice(N_TRAIN)),
});

const replant = (fleet: readonly Machine[], planted: (machine: Machine, row: number) => string): Machine[] =>
  fleet.map((machine) => machine.map((reading, row) => ({ ...reading, planted: planted(machine, row) })));

/** Machines that begin one after the other, so that lives end all along the time of the fleet. */
const staggered = (fleet: readonly Machine[]): Machine[] =>
  fleet.map((readings, machine) =>
    readings.map((reading) => ({ ...reading, cycle: String(Number(reading.cycle) + 10 * machine) })),
  );

/** The gate cannot be passed, so that a run without a leak ends as well. */
const pipelineText = (name: string) => `
name: ${name}
sources:
  readings:
    files:
      - { path: train.csv, part: train }
      - { path: test.csv, part: test }
    asset: unit
    time: { column: cycle, kind: cycle }
    columns:
      - { name: load }
      - { name: heat }
      - { name: planted }
label: { kind: end_of_life, ends: [{ at: last_reading }], cap: ${CAP} }
task: { kind: rul }
split: { holdout: { by: parts, parts: [test] }, folds: 2 }
candidates: [{ kind: linear }]
gates: [{ metric: rmse, max: 0.000001 }]
`;

/** The same fleet, held out by time; the gap is the cap where none is given. */
const byTime = (name: string) =>
  pipelineText(name).replace("by: parts, parts: [test]", "by: time, share: 0.2");

/** Heat some cycles ahead of the last fifth of the time. */
const ahead = (name: string) =>
  byTime(name)
    .replace(/label: .*\ntask: .*/, "task: { kind: forecast, column: heat, horizons: [3, 8] }")
    .replace("metric: rmse", "metric: pinball");

/** Readings of one machine that nobody named, from one time to before another. */
function stateLog([from, to]: readonly [number, number]): string {
  const random = createGenerator(from);
  const rows = Array.from({ length: to - from }, (_, i) => {
    const heat = 60 + 10 * random.normal();
    return `${from + i},${heat.toFixed(3)},${heat > 65 ? "hot" : "cold"}`;
  });
  return `${["minute,heat,state", ...rows].join("\n")}\n`;
}

const oneSeries = (name: string) => `
name: ${name}
sources:
  readings:
    files:
      - { path: train.csv, part: train }
      - { path: test.csv, part: test }
    time: { column: minute, kind: cycle }
    columns:
      - { name: heat }
      - { name: state, type: text, use: label }
label: { kind: column, column: state, positive: hot }
task: { kind: class }
split: { holdout: { by: parts, parts: [test] }, folds: 2 }
candidates: [{ kind: linear }]
`;

await describeWithServices("planted leaks", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;

  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
  }, RUN_MS);
  afterAll(() => platform.dispose());

  const run = async (
    name: string,
    files: Readonly<Record<string, string>>,
    pipeline = pipelineText(name),
  ): Promise<RunView> => {
    const { runId } = await person.startRun({ pipeline, files });
    return person.untilOver(runId);
  };

  it(
    "lets the honest fleet pass every check",
    async () => {
      const view = await run("honest", inParts(honestFleet()));
      expect(view).toMatchObject({ status: "finished", outcome: "refused" });
      const checks = view.gates?.filter(({ name }) => name.startsWith("leakage:")) ?? [];
      expect(checks.map(({ name, passed }) => [name, passed])).toEqual([
        ["leakage: copy of the target", true],
        ["leakage: future values", true],
        ["leakage: one asset under two ids", true],
        ["leakage: overlapping assets", true],
      ]);
    },
    RUN_MS,
  );

  it(
    "lets a holdout by time pass whose gap is as long as a label looks ahead",
    async () => {
      const view = await run("honest-in-time", inParts(staggered(honestFleet())), byTime("honest-in-time"));
      expect(view).toMatchObject({ status: "finished", outcome: "refused" });
      expect(view.gates?.find(({ name }) => name === "leakage: overlapping times")?.passed).toBe(true);
    },
    RUN_MS,
  );

  it(
    "lets an honest forecast pass, whose truths stop before what judges it",
    async () => {
      const view = await run("honest-ahead", inParts(staggered(honestFleet())), ahead("honest-ahead"));
      expect(view).toMatchObject({ status: "finished", outcome: "refused" });
      const checks = view.gates?.filter(({ name }) => name.startsWith("leakage:")) ?? [];
      expect(checks.map(({ passed }) => passed)).toEqual([true, true, true, true]);
    },
    RUN_MS,
  );

  it.each([
    {
      leak: "a later value of what is forecast, in another unit",
      name: "later-value",
      files: () =>
        inParts(
          staggered(
            replant(honestFleet(), (machine, row) => {
              const later = machine[row + 8]?.heat;
              return later === undefined ? "" : String(1.8 * Number(later) + 32);
            }),
          ),
        ),
      pipeline: ahead("later-value"),
      told: /feature planted gives the value 2\. ahead away/,
    },
    {
      leak: "a copy of the target as a sensor",
      name: "target-copy",
      files: () =>
        inParts(
          replant(honestFleet(), (machine, row) =>
            String(Math.min(CAP, machine.length - 1 - row) * 1.8 + 32),
          ),
        ),
      told: /feature planted gives the label away/,
    },
    {
      leak: "a sensor that is ahead of its time",
      name: "future-shift",
      files: () => inParts(replant(honestFleet(), (machine, row) => machine[row + 2]?.load ?? "")),
      told: /feature planted equals load 2 readings later/,
    },
    {
      leak: "one machine under two ids in training and holdout",
      name: "two-ids",
      files: () => {
        const fleet = honestFleet();
        const twin = (fleet[3] as Machine).map((reading) => ({ ...reading, unit: "renamed" }));
        return inParts([...fleet, twin]);
      },
      told: /assets m3 and renamed have the same readings/,
    },
    {
      leak: "one machine under two ids inside the training side",
      name: "two-ids-in-training",
      files: () => {
        const fleet = honestFleet();
        const twin = (fleet[3] as Machine).map((reading) => ({ ...reading, unit: "renamed" }));
        return inParts([...fleet.slice(0, N_TRAIN - 1), twin, ...fleet.slice(N_TRAIN)]);
      },
      told: /assets m3 and renamed have the same readings/,
    },
    {
      leak: "a machine in the held-out part and in another",
      name: "overlapping-parts",
      files: () => {
        const fleet = honestFleet();
        const [early, late] = [(fleet[4] as Machine).slice(0, 20), (fleet[4] as Machine).slice(20)];
        return inParts([...fleet.slice(0, 4), early, ...fleet.slice(5), late]);
      },
      told: /overlapping assets: m4 \(test, train\)/,
    },
    {
      leak: "lives that are labelled by what happens in the held-out time",
      name: "overlapping-lives",
      files: () => inParts(staggered(honestFleet())),
      pipeline: byTime("overlapping-lives").replace("share: 0.2", "share: 0.2, gap: 5"),
      told: /overlapping times: \d+ of \d+ training rows, or what their labels look ahead to, lie in the held-out time/,
    },
    {
      leak: "one series in files that overlap in time",
      name: "overlapping-files",
      files: () => ({ "train.csv": stateLog([0, 60]), "test.csv": stateLog([50, 80]) }),
      pipeline: oneSeries("overlapping-files"),
      told: /overlapping times: 10 readings of train in the time of test/,
    },
  ])(
    "ends the run with $leak",
    async ({ name, files, told, pipeline }) => {
      const view = await run(name, files(), pipeline);
      expect(view).toMatchObject({ status: "failed", error: { code: "leakage" } });
      expect(view.error?.message).toMatch(told);
      expect(view.version).toBeUndefined();
    },
    RUN_MS,
  );
});
