/**
 * Files as converters write them by default (imports/generate.py, versions in its requirements), adapted and run, beside
 * what their libraries answer for the same rows. Tolerance 1e-5: the graphs are float32, the libraries mostly float64.
 */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { adaptOnnx } from "../../numerics/onnx/adaptation/adapt.ts";
import type { OnnxAdaptation } from "../../numerics/onnx/adaptation/adapt.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { outlineOf } from "../../numerics/onnx/adaptation/outline.ts";
import { inspectOnnx } from "../../numerics/onnx/inspection/inspect.ts";
import { ModelRefusedError } from "../../numerics/onnx/inspection/model-refused-error.ts";

import { sizesOf } from "../../numerics/onnx/inspection/sizes/size-flow.ts";
import { WireReader } from "../../numerics/onnx/inspection/wire-reader.ts";

const TOLERANCE = 1e-5;
const table = z.array(z.array(z.number()));
const fixture = z.object({
  onnx: z.base64(),
  rows: table,
  answers: table,
  labels: z.array(z.string()),
  /** Of networks: the shape of every tensor, for some numbers of rows. */
  shapes: z.record(z.string(), z.record(z.string(), z.array(z.number()))).default({}),
});
const read = (name: string) =>
  z
    .record(z.string(), fixture)
    .parse(JSON.parse(readFileSync(new URL(`imports/${name}.json`, import.meta.url), "utf8")));

const fixtures = { ...read("classifiers"), ...read("networks"), ...read("detectors") };

/** Rows of answers of an adapted graph. */
async function answersOf(bytes: Uint8Array, output: string, rows: readonly (readonly number[])[]) {
  const session = await ort.InferenceSession.create(bytes);
  const features = new ort.Tensor("float64", Float64Array.from(rows.flat()), [
    rows.length,
    rows[0]?.length ?? 0,
  ]);
  const { [output]: answer } = await session.run({ features });
  if (answer === undefined) throw new Error(`no output ${output}`);
  const values = [...(answer.data as Float64Array)];
  const width = values.length / rows.length;
  return rows.map((_, row) => values.slice(row * width, (row + 1) * width));
}

function given(name: string) {
  const found = fixtures[name];
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return { ...found, bytes: Buffer.from(found.onnx, "base64") };
}

function expectNear(found: readonly (readonly number[])[], expected: readonly (readonly number[])[]) {
  expect(found.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  const worst = found.flatMap((row, r) =>
    row.map((value, c) => Math.abs(value - (expected[r]?.[c] ?? Number.NaN))),
  );
  expect(Math.max(...worst)).toBeLessThan(TOLERANCE);
}

const binary = { taskKind: "binary", nFeatures: 3 } as const;
const multiclass = { taskKind: "multiclass", nFeatures: 3 } as const;
const called = (...names: string[]) => ({ classes: { names, areCodes: false } });

describe("a default export of two classes answers for the positive one", () => {
  it.each<[string, string, OnnxAdaptation]>([
    ["logistic, texts", "fail", { ...binary, ...called("fail") }],
    ["logistic, texts", "ok", { ...binary, ...called("ok") }],
    ["logistic, texts", "ok", { ...binary, column: 1, output: "output_probability" }],
    ["forest, texts", "fail", { ...binary, ...called("fail") }],
    ["LightGBM, texts", "fail", { ...binary, ...called("fail") }],
    ["scaled boosting, numbers", "0", { ...binary, ...called("false", "0") }],
    ["scaled boosting, numbers", "1", { ...binary, ...called("broken") }],
    ["forest, minus and plus one", "1", { ...binary, ...called("broken") }],
    ["forest, minus and plus one", "1", { ...binary, classes: { names: ["-1"], areCodes: true } }],
  ])("%s: %s", async (name, positive, adaptation) => {
    const { bytes, rows, answers, labels } = given(name);
    const adapted = adaptOnnx(bytes, adaptation);
    const column = labels.indexOf(positive);
    expectNear(
      await answersOf(adapted, "probability", rows),
      answers.map((row) => [row[column] ?? Number.NaN]),
    );
  });
});

describe("a file with an input for each column", () => {
  const { bytes, rows, answers } = given("forest of columns, texts");
  const adaptation = { ...binary, ...called("fail") };

  it("is given each feature by its name", async () => {
    // The file calls the columns b, c and a; the features come in another order.
    const byName = rows.map(([b = 0, c = 0, a = 0]) => [a, b, c]);
    const adapted = adaptOnnx(bytes, { ...adaptation, featureNames: ["a", "b", "c"] });
    expectNear(
      await answersOf(adapted, "probability", byName),
      answers.map(([fail = Number.NaN]) => [fail]),
    );
  });

  it("is refused where one is none of the features", () => {
    const features = { ...adaptation, featureNames: ["a", "b", "x"] };
    expect(() => adaptOnnx(bytes, features)).toThrow(
      /an input for each column, and c is none of the features/,
    );
  });
});

describe("a default export of several classes answers in the pipeline's order", () => {
  it.each<[string, readonly string[], boolean]>([
    ["logistic, three texts", ["low", "mid", "top"], false],
    ["logistic, three texts", ["top", "low", "mid"], true],
    ["forest, three texts", ["mid", "top", "low"], false],
    ["perceptron, three texts", ["mid", "top", "low"], false],
    ["LightGBM, three numbers", ["20", "0", "10"], false],
  ])("%s: %j", async (name, names, areCodes) => {
    const { bytes, rows, answers, labels } = given(name);
    const adapted = adaptOnnx(bytes, { ...multiclass, classes: { names, areCodes } });
    const places = names.map((label) => labels.indexOf(label));
    expectNear(
      await answersOf(adapted, "probabilities", rows),
      answers.map((row) => places.map((place) => row[place] ?? Number.NaN)),
    );
  });
});

describe("a detector of scikit-learn scores usual rows higher", () => {
  const { bytes, rows, answers } = given("isolation forest");
  const anomaly = { taskKind: "anomaly", nFeatures: 3 } as const;

  it("and is served the other way round, if the signature says so", async () => {
    const lower = adaptOnnx(bytes, { ...anomaly, isLowerUnusual: true });
    expectNear(
      await answersOf(lower, "score", rows),
      answers.map((row) => row.map((score) => -score)),
    );
    expectNear(await answersOf(adaptOnnx(bytes, anomaly), "score", rows), answers);
  });
});

describe("nets as PyTorch's exporter writes them", () => {
  const names = Object.keys(read("networks"));

  it.each(names)("%s: a row of features is the window that it was trained on", async (name) => {
    const { bytes, rows, answers } = given(name);
    const adapted = adaptOnnx(bytes, { taskKind: "regression", nFeatures: rows[0]?.length ?? 0 });
    expectNear(await answersOf(adapted, "value", rows), answers);
  });

  it.each(names)("%s: the size of every tensor is known before it runs", (name) => {
    const { bytes, shapes } = given(name);
    const reader = new WireReader(bytes);
    const { inputs } = inspectOnnx(bytes);
    for (const [nRows, expected] of Object.entries(shapes)) {
      const facts = sizesOf({ reader, inputs, ...outlineOf(reader) }, Number(nRows));
      const found = Object.keys(expected).map((tensor) => [
        tensor,
        facts.get(tensor)?.shape?.map(({ value }) => value),
      ]);
      expect(Object.fromEntries(found)).toEqual(expected);
    }
  });
});

describe("refused", () => {
  it.each<[string, OnnxAdaptation, RegExp]>([
    ["logistic, texts", { ...binary, ...called("true") }, /classes are fail, ok, .* is true: the signature/],
    [
      "logistic, three texts",
      { ...binary, ...called("top") },
      /3 classes low, mid, top, and the pipeline two/,
    ],
    [
      "forest, three texts",
      { ...multiclass, ...called("low", "mid", "high") },
      /its classes are low, mid, top, those of the pipeline low, mid, high/,
    ],
    [
      "LightGBM, three numbers",
      { ...multiclass, classes: { names: ["20", "0", "10"], areCodes: true } },
      /its classes are 0, 10, 20/,
    ],
    ["logistic, texts", { ...binary, output: "output_label" }, /must be float or double \[type 8\]/],
    ["logistic, texts", { ...binary, output: "output_probability", column: 2 }, /has 2 columns/],
  ])("%s, asked as %j", (name, adaptation, reason) => {
    const { bytes } = given(name);
    expect(() => adaptOnnx(bytes, adaptation)).toThrow(ModelRefusedError);
    expect(() => adaptOnnx(bytes, adaptation)).toThrow(reason);
  });

  it("any damage with a ModelRefusedError, or not at all", () => {
    const generator = createGenerator("damaged imports");
    const { bytes } = given("perceptron, three texts");
    for (let trial = 0; trial < 1000; trial++) {
      const damaged = bytes.subarray(0, bytes.length - (trial % 2) * generator.integer(40)).slice();
      for (let change = 0; change < 3; change++)
        damaged[generator.integer(damaged.length)] = generator.integer(256);
      try {
        adaptOnnx(damaged, { ...multiclass, ...called("low", "mid", "top") });
      } catch (error) {
        expect(error).toBeInstanceOf(ModelRefusedError);
      }
    }
  });
});
