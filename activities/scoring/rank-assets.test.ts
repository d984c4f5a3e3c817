import { describe, expect, it } from "vitest";
import { createMatrix } from "../../numerics/matrix.ts";
import type { Signature } from "../../schemas/models/model-version.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { classRisks, rankAssets } from "./rank-assets.ts";

const { NaN: missing } = Number;

/** The last readings of three assets; two features. */
const table: FeatureTable = {
  matrix: createMatrix(Float64Array.of(1, missing, missing, missing, 3, 4), 3, 2),
  features: [],
  classLabels: null,
  y: new Float64Array(3),
  yRaw: new Float64Array(3),
  yLeast: new Float64Array(3).fill(Number.NaN),
  t: Float64Array.of(2, 1, 1),
  seq: Float64Array.of(1, 2, 3),
  ofRows: 4,
  ofAssets: 3,
  areAssetsWhole: false,
  last: Uint8Array.of(1, 1, 1),
  assetCodes: Int32Array.of(0, 1, 2),
  assets: ["a", "b", "c"],
};
const histories = new Map([["a", { readings: 2, first: 1, last: 2 }]]);
const signature = (problem: Signature["problem"], unit?: string): Signature => ({
  kind: "aura.signature/1",
  problem,
  task: problem === "regression" ? "rul" : "failure_within",
  inputs: [],
  output: { name: "y", ...(unit === undefined ? {} : { unit }) },
});
const rows = Int32Array.of(0, 1, 2);
const needed = { readings: 2, micros: 0, isLifelong: false };
const risks = null;

describe("rankAssets", () => {
  it("puts the highest risk first, counts readings and missing features, and leaves out what has none", () => {
    const values = Float64Array.of(0.2, 0.9, 0.4);
    expect(
      rankAssets({ table, rows, values, risks, signature: signature("binary"), histories, needed }),
    ).toEqual({
      ranked: [
        { asset: "c", rank: 1, value: 0.4, risk: null, at: "1", readings: 1, short: true, missing: 0 },
        { asset: "a", rank: 2, value: 0.2, risk: null, at: "2", readings: 2, short: false, missing: 1 },
      ],
      blank: [{ asset: "b", reason: "no_features", rows: 1, codes: [] }],
    });
  });

  it("puts the least remaining life first, and ties in the order of their ids", () => {
    const ranked = (values: number[]) =>
      rankAssets({
        table,
        rows,
        values: Float64Array.from(values),
        risks,
        signature: signature("regression", "cycles"),
        histories,
        needed,
      }).ranked.map(({ asset }) => asset);
    expect(ranked([90, 0, 10])).toEqual(["c", "a"]);
    expect(ranked([10, 0, 10])).toEqual(["a", "c"]);
  });

  it("puts the asset first that is least likely of the common class, whatever the class's index", () => {
    const whole = { ...table, matrix: createMatrix(new Float64Array(6), 3, 2) };
    const given = { table: whole, rows, histories, needed, signature: signature("multiclass") };
    // Classes: leak, ok, worn; ok is the common one.
    const outputs = Float64Array.of(0.1, 0.6, 0.3, 0.7, 0.2, 0.1, 0, 1, 0);
    const values = Float64Array.of(1, 0, 1);
    const order = (commonClass: number | undefined) =>
      rankAssets({ ...given, values, risks: classRisks(outputs, 3, commonClass) }).ranked;
    expect(order(1).map(({ asset, value, risk }) => [asset, value, risk])).toEqual([
      ["b", 0, 0.7 + 0.1],
      ["a", 1, 0.1 + 0.3],
      ["c", 1, 0],
    ]);
    // A model that does not say: by the index of the class.
    expect(order(undefined).map(({ asset, risk }) => [asset, risk])).toEqual([
      ["a", null],
      ["c", null],
      ["b", null],
    ]);
  });

  it("gives the time of a reading as such, and a cycle as its number", () => {
    const at = Date.parse("2026-01-02T03:04:05Z") * 1_000;
    const timed = { ...table, t: Float64Array.of(at, at, at) };
    const values = Float64Array.of(1, 2, 3);
    const hours = rankAssets({
      table: timed,
      rows,
      values,
      risks,
      signature: signature("regression", "h"),
      histories,
      needed,
    });
    expect(hours.ranked[0]?.at).toBe("2026-01-02T03:04:05.000Z");
  });
});
