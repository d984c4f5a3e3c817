import { afterAll, beforeAll, expect, it } from "vitest";
import { createGenerator } from "../../numerics/random/generator.ts";
import type { RunView } from "../../schemas/runs/run.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { inMs } from "../faults/patience.ts";
import { describeWithServices } from "../support/platform.ts";

/**
 * What no trainer should be given, through the whole way: a run ends with a model whose metrics are numbers, or with an
 * error that says what is wrong. What trainers themselves make of it: tests/contract/trainer-input.test.ts.
 */

const STORY_MS = 300_000;
const RUN_MS = 120_000;
const N_ROWS = 120;

const COLUMNS = ["heat", "odd", "state", "failed"] as const;
type Row = Record<(typeof COLUMNS)[number], string>;

/** Failures where it is hot; `change` makes the rest of a row bad. */
function table(change: (row: number) => Partial<Row>, nRows = N_ROWS): string {
  const random = createGenerator("bad table");
  const rows = Array.from({ length: nRows }, (_, row): Row => {
    const heat = 50 + 20 * random.normal();
    const healthy = { heat: heat.toFixed(4), odd: "1", state: "a", failed: heat > 60 ? "1" : "0" };
    return { ...healthy, ...change(row) };
  });
  return `${[COLUMNS.join(","), ...rows.map((row) => COLUMNS.map((name) => row[name]).join(","))].join("\n")}\n`;
}

/** The gate cannot be passed, so that a run that learns ends as well. */
const pipelineText = (name: string, label: string) => `
name: ${name}
sources:
  readings:
    files: rows.csv
    columns:
      - { name: heat }
      - { name: odd }
      - { name: state, type: text }
      - { name: failed, type: integer, use: label }
label: ${label}
task: { kind: class }
features:
  - current: { columns: '*' }
  - category: { columns: [state] }
quality: { maxNullShare: 1 }
split: { holdout: { by: row, share: 0.25 }, folds: 2 }
candidates:
  - { kind: gbdt, params: { numIterations: 5, minDataInLeaf: 5 } }
  - { kind: forest, params: { numTrees: 5 } }
  - { kind: linear }
gates: [{ metric: logLoss, max: 0 }]
`;
const TWO = "{ kind: column, column: failed, positive: 1 }";
const MANY = "{ kind: column, column: failed }";

await describeWithServices("bad input", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;

  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
  }, RUN_MS);
  afterAll(() => platform.dispose());

  const run = async (pipeline: string, rows: string): Promise<RunView> => {
    const { runId } = await person.startRun({ pipeline, files: { "rows.csv": rows } });
    return person.untilOver(runId);
  };

  it.each([
    { name: "all-missing", change: () => ({ odd: "" }) },
    { name: "huge", change: (row: number) => ({ odd: row % 2 === 0 ? "1e38" : "-1e38" }) },
    { name: "every-row-a-category", change: (row: number) => ({ state: `s${row}` }) },
    { name: "unlabelled-rows", change: (row: number) => (row % 3 === 0 ? { failed: "" } : {}) },
  ])(
    "learns with numbers for metrics: $name",
    async ({ name, change }) => {
      const view = await run(pipelineText(name, TWO), table(change));
      expect(view).toMatchObject({ status: "finished", outcome: "refused" });
      const { test, cv } = view.metrics ?? { test: {}, cv: {} };
      for (const value of [...Object.values(test), ...Object.values(cv)])
        expect(Number.isFinite(value)).toBe(true);
      expect(test["rocAuc"]).toBeGreaterThan(0.9);
    },
    RUN_MS,
  );

  it.each([
    {
      name: "infinite",
      rows: table((row) => (row % 2 === 0 ? { odd: "inf" } : {})),
      label: TWO,
      code: "quality_gate",
      told: /not_finite/,
    },
    { name: "one-row", rows: table(() => ({}), 1), label: TWO, code: "not_enough_data", told: /\b1\b/ },
    {
      name: "one-class",
      rows: table(() => ({ failed: "0" })),
      label: TWO,
      code: "not_enough_data",
      told: /failed|positive|class/,
    },
    {
      name: "one-class-of-many",
      rows: table(() => ({ failed: "3" })),
      label: MANY,
      code: "not_enough_data",
      told: /two classes or more.*only '3'/,
    },
    {
      name: "no-label-at-all",
      rows: table(() => ({ failed: "" })),
      label: TWO,
      code: "not_enough_data",
      told: /label/,
    },
    {
      name: "too-many-categories",
      rows: table((row) => ({ state: `s${row}` }), 20_000),
      label: TWO,
      code: "not_enough_data",
      told: /category \[state\]: expected at most 10000 values/,
    },
  ])(
    "says what is wrong: $name",
    async ({ name, rows, label, code, told }) => {
      const view = await run(pipelineText(name, label), rows);
      expect(view).toMatchObject({ status: "failed", error: { code } });
      expect(view.error?.message).toMatch(told);
      expect(view.version).toBeUndefined();
    },
    RUN_MS,
  );
});
