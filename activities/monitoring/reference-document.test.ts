import { describe, expect, it } from "vitest";
import { createGenerator } from "../../numerics/random/generator.ts";
import { freezeModelReference, SCORE_COLUMN } from "../evaluation/model-reference.ts";
import { monitoringSchema } from "../../schemas/pipeline/monitoring.ts";
import { compareWindow } from "./compare-window.ts";
import { driftOptions } from "./drift-options.ts";
import { seenOf } from "./recorded-report.ts";
import { referenceDocumentSchema } from "./reference-document.ts";

const generator = createGenerator(3);

describe("the reference of a version", () => {
  const matrix = {
    data: Float64Array.from({ length: 1200 }, (_, i) => (i % 2 === 0 ? generator.normal() : i % 3)),
    nRows: 600,
    nColumns: 2,
  };
  const rows = Int32Array.from({ length: 600 }, (_, i) => i);
  const job = {
    matrix,
    featureNames: ["x", "type"],
    categories: { type: ["H", "L", "M"] },
    rows,
    scores: Float64Array.from(rows, (row) => row % 2),
    scoreTexts: ["fine", "worn"],
    assetCodes: rows,
    times: Float64Array.from(rows),
  };
  const window = {
    nRows: 600,
    features: matrix.data,
    nFeatures: 2,
    outputs: job.scores,
    nOutputs: 1,
    assets: Array.from(rows, String),
  };
  const given = {
    window,
    scores: job.scores,
    categories: job.categories,
    scoreTexts: job.scoreTexts,
    options: driftOptions(monitoringSchema.parse({}), 200_000),
  };

  it("knows categories and classes by their texts, and finds nothing in its own rows", () => {
    const reference = referenceDocumentSchema.parse(
      JSON.parse(JSON.stringify(freezeModelReference(job, {}))),
    );
    expect(reference.features.map(({ kind, role }) => [kind, role])).toEqual([
      ["numeric", "feature"],
      ["categorical", "feature"],
      ["categorical", "score"],
    ]);
    expect(compareWindow({ reference, ...given }, {}).state).toBe("ok");
    const unseen = matrix.data.map((value, i) => (i % 2 === 1 && i % 5 === 0 ? Number.NaN : value));
    const report = compareWindow({ reference, ...given, window: { ...window, features: unseen } }, {});
    expect(report.features[1]).toMatchObject({ state: "drift", check: "categories" });
  });
  it("is read in its first form as well, and refused in one to come", () => {
    const [numeric] = freezeModelReference(job, {}).features;
    const { role: _, ...feature } = numeric as { role: string };
    const { min: _min, max: _max, plot: _plot, ...first } = feature as Record<string, unknown>;
    const old = { nRows: 600, features: [first, { ...first, name: SCORE_COLUMN }] };
    const reference = referenceDocumentSchema.parse(old);
    expect(reference.features.map(({ role }) => role)).toEqual(["feature", "score"]);
    const report = compareWindow({ reference, ...given }, {});
    expect(report.features[0]).toMatchObject({ state: "ok", checks: [{}, {}, { state: "not_available" }] });
    expect(() => referenceDocumentSchema.parse({ ...old, kind: "aura.reference/9" })).toThrow("upgrade");
  });
  it("takes answers for the same that differ as trainer and graph may, and no others", () => {
    // Four answers in five of a tree ensemble are one number: machines that are well.
    const healthy = 0.00232785;
    const answered = (of: number) => Float64Array.from(rows, (row) => (row % 5 === 0 ? row / 600 : of));
    const frozen = freezeModelReference({ ...job, scores: answered(healthy), scoreTexts: null }, {});
    const ask = (of: number) =>
      compareWindow({ reference: frozen, ...given, scores: answered(of), scoreTexts: [] }, {}).features[2];
    for (const of of [healthy - 2 ** -61, healthy + 3e-8, healthy - 3e-8])
      expect(ask(of)).toMatchObject({ role: "score", state: "ok", effect: 0 });
    expect(ask(0.0025)).toMatchObject({ role: "score", state: "drift" });
  });
  it("takes reports on record of any form", () => {
    const windowEnd = "2026-11-21T08:00:00.000Z";
    const report = { features: [{ name: "x", state: "drift" }] };
    expect(seenOf({ state: "drift", windowEnd, report })).toEqual({ end: windowEnd, windows: [["x"]] });
    expect(seenOf({ state: "drift", windowEnd, report: null })).toBeUndefined();
  });
});
