import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { ConstantModel } from "../../model.ts";
import { adaptOnnx } from "./adapt.ts";
import type { OnnxAdaptation } from "./adapt.ts";
import { exportOnnx } from "../export.ts";
import { DATA_TYPE } from "../graph-builder.ts";
import { inspectOnnx } from "../inspection/inspect.ts";
import { ModelRefusedError } from "../inspection/model-refused-error.ts";
import { WireWriter } from "../wire-writer.ts";

const message = () => new WireWriter();

function info(name: string, type: number, shape: readonly (number | string)[]): WireWriter {
  const dims = message();
  for (const size of shape)
    dims.message(1, typeof size === "number" ? message().integer(1, size) : message().text(2, size));
  const tensor = message().integer(1, type).message(2, dims);
  return message().text(1, name).message(2, message().message(1, tensor));
}

const node = (op: string, inputs: readonly string[], output: string) => {
  const written = message();
  for (const input of inputs) written.text(1, input);
  return written.text(2, output).text(4, op);
};

interface Foreign {
  readonly type?: number;
  readonly second?: boolean;
  readonly nOutputs?: number;
}

/** Float32, as converters write it: probabilities [N, 2] = X · w, by way of tensors called as the served ones are. */
function foreign({ type = DATA_TYPE.float, second = false, nOutputs = 2 }: Foreign = {}): Uint8Array {
  const values = nOutputs === 2 ? [1, 2, 3, 4] : [1, -2, 3, -4, 5, -6, 0, 0, 0, 0, 0, 0];
  const weights = message().integer(1, 2).integer(1, nOutputs).integer(2, DATA_TYPE.float);
  for (const value of values) {
    const raw = new Uint8Array(4);
    new DataView(raw.buffer).setFloat32(0, value, true);
    weights.bytes(4, raw);
  }
  const graph = message()
    .message(1, node("Identity", ["X"], "features"))
    .message(1, node("MatMul", ["features", "probability"], "aura.in"))
    .message(1, node("Identity", ["aura.in"], "probabilities"))
    .text(2, "g")
    .message(5, weights.text(8, "probability"))
    .message(11, info("X", type, ["N", 2]));
  if (second) graph.message(12, info("aura.in", type, ["N", nOutputs]));
  graph.message(12, info("probabilities", type, ["N", nOutputs]));
  return message().integer(1, 8).message(7, graph).message(8, message().integer(2, 17)).finish();
}

async function run(bytes: Uint8Array, output: string, rows: readonly number[]): Promise<number[]> {
  const session = await ort.InferenceSession.create(bytes);
  const features = new ort.Tensor("float64", Float64Array.from(rows), [rows.length / 2, 2]);
  const { [output]: answer } = await session.run({ features });
  if (answer === undefined) throw new Error(`no output ${output}`);
  return [...(answer.data as Float64Array)];
}

const adaptOnnxOf = (bytes: Uint8Array) => () => adaptOnnx(bytes, { taskKind: "regression", nFeatures: 2 });
const binary: OnnxAdaptation = { taskKind: "binary", nFeatures: 2, column: 1 };

describe("adaptOnnx", () => {
  it("leaves a graph of the served form as it is", () => {
    const constant: ConstantModel = {
      kind: "constant",
      taskKind: "regression",
      nFeatures: 2,
      nOutputs: 1,
      postTransform: "identity",
      base: [3],
    };
    const bytes = exportOnnx(constant, { featureNames: ["a", "b"], taskKind: "regression" });
    expect(adaptOnnx(bytes, { taskKind: "regression", nFeatures: 2 })).toBe(bytes);
  });

  it("refuses one of the served form whose answer is of all rows together", () => {
    const list = message().integer(1, 1).integer(2, DATA_TYPE.int64).packedIntegers(7, [0]);
    const graph = message()
      .message(1, node("ReduceSum", ["features", "list"], "value"))
      .text(2, "g")
      .message(5, list.text(8, "list"))
      .message(11, info("features", DATA_TYPE.double, ["N", 2]))
      .message(12, info("value", DATA_TYPE.double, ["N", 2]));
    const bytes = message().integer(1, 8).message(7, graph).message(8, message().integer(2, 17)).finish();
    expect(adaptOnnxOf(bytes)).toThrow(/of 5 rows it answers 1/);
  });

  it("casts, takes one column, and moves names that clash out of the way", async () => {
    const adapted = adaptOnnx(foreign(), binary);
    expect(inspectOnnx(adapted)).toMatchObject({
      inputs: [{ name: "features", elementType: DATA_TYPE.double, shape: ["N", 2] }],
      outputs: [{ name: "probability", elementType: DATA_TYPE.double, shape: ["N", 1] }],
      refusals: [],
    });
    expect(await run(adapted, "probability", [1, 1, 0.5, 0])).toEqual([6, 1]);
  });

  it("keeps all columns for several classes, and gives equal bytes twice", async () => {
    const classes = { taskKind: "multiclass", nFeatures: 2 } as const;
    const adapted = adaptOnnx(foreign(), classes);
    expect(await run(adapted, "probabilities", [1, 1])).toEqual([4, 6]);
    expect(Buffer.compare(adapted, adaptOnnx(foreign(), classes))).toBe(0);
  });

  it.each<[string, Uint8Array, OnnxAdaptation, RegExp]>([
    ["another number of features", foreign(), { ...binary, nFeatures: 3 }, /must be \[N, 3\]/],
    ["an input that is not there", foreign(), { ...binary, input: "Y" }, /no input Y, but X/],
    ["an output that is not there", foreign(), { ...binary, output: "label" }, /no output label/],
    ["two outputs without a word on which", foreign({ second: true }), binary, /must say which one counts/],
    ["a column that is not there", foreign(), { ...binary, column: 2 }, /has 2 columns/],
    ["whole numbers", foreign({ type: DATA_TYPE.int64 }), binary, /must be float or double/],
    ["no model at all", new TextEncoder().encode("#!/bin/sh"), binary, /./],
  ])("refuses %s", (_name, bytes, adaptation, reason) => {
    expect(() => adaptOnnx(bytes, adaptation)).toThrow(ModelRefusedError);
    expect(() => adaptOnnx(bytes, adaptation)).toThrow(reason);
  });

  it("serves quantiles of each horizon in ascending order", async () => {
    const quantiles = foreign({ nOutputs: 6 });
    const forecast = { nHorizons: 2, nQuantiles: 3 };
    const adapted = adaptOnnx(quantiles, { taskKind: "forecast", nFeatures: 2, forecast });
    // Row 1 of the weights alone, as they are written: 1 −2 3 −4 5 −6.
    expect(await run(adapted, "quantiles", [1, 0, 2, 0])).toEqual([
      -2, 1, 3, -6, -4, 5, -4, 2, 6, -12, -8, 10,
    ]);
    const single = { nHorizons: 6, nQuantiles: 1 };
    const plain = adaptOnnx(quantiles, { taskKind: "forecast", nFeatures: 2, forecast: single });
    expect(await run(plain, "quantiles", [1, 0])).toEqual([1, -2, 3, -4, 5, -6]);
    const other = { nHorizons: 4, nQuantiles: 3 };
    expect(() => adaptOnnx(quantiles, { taskKind: "forecast", nFeatures: 2, forecast: other })).toThrow(
      /has 6 columns, the forecast 4 horizons of 3 quantiles/,
    );
  });

  it("frees the number of rows that a framework has fixed, where nothing depends on it", async () => {
    const fixed = (
      middle: readonly (readonly [string, readonly string[]])[],
      list: readonly number[] = [1, 2],
    ) => {
      const shape = message().integer(1, list.length).integer(2, DATA_TYPE.int64).packedIntegers(7, list);
      const graph = message().text(2, "g").message(5, shape.text(8, "list"));
      middle.forEach(([op, inputs], n) =>
        graph.message(1, node(op, inputs, n === middle.length - 1 ? "Y" : `t${n}`)),
      );
      graph.message(11, info("X", DATA_TYPE.float, [1, 2])).message(12, info("Y", DATA_TYPE.float, [1, 2]));
      return message().integer(1, 8).message(7, graph).message(8, message().integer(2, 17)).finish();
    };
    const regression = { taskKind: "regression", nFeatures: 2, column: 0 } as const;
    const plain = adaptOnnx(fixed([["Neg", ["X"]]]), regression);
    expect(await run(plain, "value", [1, 2, 3, 4])).toEqual([-1, -3]);
    const free = adaptOnnx(fixed([["Reshape", ["X", "list"]]], [-1, 2]), regression);
    expect(await run(free, "value", [1, 2, 3, 4])).toEqual([1, 3]);
    for (const [op, inputs] of [
      ["Reshape", ["X", "list"]],
      ["Expand", ["list", "list"]],
    ] as const)
      expect(() => adaptOnnx(fixed([[op, inputs]]), regression)).toThrow(
        /exported for 1 rows: export it with a free/,
      );
    const sum = adaptOnnxOf(
      fixed(
        [
          ["Neg", ["X"]],
          ["ReduceSum", ["t0", "list"]],
        ],
        [0],
      ),
    );
    expect(sum).toThrow(/of 5 rows it answers 1; it was exported for 1 rows/);
  });

  it("finds the output that has the task's name among several", () => {
    const classes = { taskKind: "multiclass", nFeatures: 2 } as const;
    expect(inspectOnnx(adaptOnnx(foreign({ second: true }), classes)).outputs).toHaveLength(1);
  });
});
