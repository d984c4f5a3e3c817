import { describe, expect, it } from "vitest";
import { pipelineOf } from "../../features/support/test-dataset.ts";
import type { TestSource } from "../../features/support/test-dataset.ts";
import { problemOf } from "./problem.ts";

const readings: TestSource = {
  columns: [
    { name: "x", type: "float" },
    { name: "state", type: "text" },
  ],
  rows: [],
};
const classes = (label: object, rest: object = {}) =>
  pipelineOf(
    { readings },
    { label: { kind: "column", column: "state", ...label }, task: { kind: "class" }, ...rest },
  );

describe("problemOf", () => {
  it.each<[string, object, readonly string[], string, string, number]>([
    ["a positive class", { positive: "hot" }, ["not hot", "hot"], "binary", "averagePrecision", 2],
    ["two classes", {}, ["cold", "hot"], "multiclass", "macroF1", 2],
    ["four classes", {}, ["a", "b", "c", "d"], "multiclass", "macroF1", 4],
  ])("takes %s as declared", (_name, label, labels, kind, primaryMetric, nClasses) => {
    expect(problemOf(classes(label), labels)).toMatchObject({
      kind,
      metricTask: kind,
      primaryMetric,
      nClasses,
      cap: null,
    });
  });

  it.each([[[]], [["hot"]]])("refuses a label with the classes %j", (labels) => {
    expect(() => problemOf(classes({}), labels)).toThrow(
      expect.objectContaining({ code: "not_enough_data" }),
    );
  });

  it("refuses a factor of a class that the label does not have, by name", () => {
    const candidates = [{ kind: "linear" }, { kind: "gbdt", classWeight: { cold: 2, hott: 5 } }];
    const pipeline = classes({}, { candidates });
    const field = "candidates.1.classWeight.hott";
    expect(() => problemOf(pipeline, ["cold", "hot"])).toThrow(
      expect.objectContaining({
        code: "invalid_pipeline",
        message: `${field}: expected one of cold, hot; did you mean hot?, found unknown class hott`,
        locations: [expect.objectContaining({ field })],
      }),
    );
    expect(problemOf(pipeline, ["cold", "hott"])).toMatchObject({ nClasses: 2 });
  });

  it("refuses a metric of another task", () => {
    const pipeline = classes({}, { metrics: { primary: "rocAuc" } });
    expect(() => problemOf(pipeline, ["a", "b"])).toThrow(/metrics\.primary: expected one of accuracy/);
  });

  it.each<[string | number, "cycle" | "timestamp", number]>([
    [125, "cycle", 125],
    [240, "timestamp", 240],
    ["30d", "timestamp", 720],
    ["90m", "timestamp", 1.5],
  ])("caps lives of %s with time as %s at %d", (cap, timeKind, expected) => {
    const label = { kind: "end_of_life", ends: [{ at: "last_reading" }], cap };
    const pipeline = pipelineOf({ readings: { ...readings, timeKind } }, { label });
    expect(problemOf(pipeline, null)).toMatchObject({
      kind: "regression",
      cap: expected,
      bounds: { min: 0, max: expected },
    });
  });
});
