import { describe, expect, it } from "vitest";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { missingClassOf, requireBothClasses } from "./both-classes.ts";

const { pipeline } = parsePipeline(
  `
name: pumps
sources:
  readings:
    role: readings
    files: [{ path: readings.csv }]
    asset: asset
    time: { column: cycle, kind: cycle }
    columns: [{ name: x, type: float }]
label: { kind: end_of_life, ends: [{ at: last_reading }] }
task: { kind: failure_within, horizon: 500 }
`,
  "pumps.yaml",
);

const N_ASSETS = 4;
const ROWS_EACH = 5;
/** The last asset is held out. */
const split: SplitDocument = {
  kind: "aura.split/1",
  unit: "asset",
  ids: Array.from({ length: N_ASSETS }, (_, asset) => `m${asset}`),
  folds: [[0, 1, 0, HOLDOUT_FOLD]],
};

function tableOf(labels: (row: number) => number): FeatureTable {
  const nRows = N_ASSETS * ROWS_EACH;
  const rows = Array.from({ length: nRows }, (_, row) => row);
  const y = Float64Array.from(rows, labels);
  return {
    matrix: { data: new Float64Array(nRows), nRows, nColumns: 1 },
    features: [{ name: "x", physical: "f0", kind: "number" }],
    classLabels: null,
    y,
    yRaw: y,
    yLeast: new Float64Array(nRows).fill(Number.NaN),
    t: Float64Array.from(rows, (row) => row % ROWS_EACH),
    seq: Float64Array.from(rows),
    last: Uint8Array.from(rows, (row) => Number(row % ROWS_EACH === ROWS_EACH - 1)),
    assetCodes: Int32Array.from(rows, (row) => Math.floor(row / ROWS_EACH)),
    assets: Array.from({ length: N_ASSETS }, (_, asset) => `m${asset}`),
    ofRows: nRows,
    ofAssets: N_ASSETS,
    areAssetsWhole: true,
  };
}

describe("requireBothClasses", () => {
  it.each<[string, (row: number) => number, RegExp]>([
    [
      "all positive",
      () => 1,
      /15 positive and 0 negative rows \(task\.horizon 500\): .*choose a shorter one/,
    ],
    ["none positive", () => 0, /0 positive and 15 negative rows .*choose a longer one/],
    ["of two classes in the holdout alone", (row) => Number(row < 17), /15 positive and 0 negative/],
  ])("refuses a training side that is %s", (_name, labels, message) => {
    expect(() => requireBothClasses(tableOf(labels), { pipeline, split })).toThrow(
      expect.objectContaining({ code: "not_enough_data", message: expect.stringMatching(message) }),
    );
  });

  it("takes a training side with both, also where the first fold lacks one", () => {
    const table = tableOf((row) => (row === 7 ? 1 : 0));
    expect(() => requireBothClasses(table, { pipeline, split })).not.toThrow();
  });
});

describe("missingClassOf", () => {
  it("tells of a holdout with one class, and of none with both", () => {
    const test = Int32Array.of(15, 16, 17);
    expect(missingClassOf(tableOf(() => 1).y, { test })).toMatch(/3 positive and 0 negative rows/);
    expect(missingClassOf(tableOf((row) => row % 2).y, { test })).toBeNull();
  });
});
