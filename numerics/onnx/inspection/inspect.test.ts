import { describe, expect, it } from "vitest";
import type { ConstantModel } from "../../model.ts";
import { createGenerator } from "../../random/generator.ts";
import { exportOnnx } from "../export.ts";
import { DATA_TYPE } from "../graph-builder.ts";
import { checkOnnx, DEFAULT_ONNX_LIMITS, inspectOnnx } from "./inspect.ts";
import { ModelRefusedError } from "./model-refused-error.ts";
import { WireWriter } from "../wire-writer.ts";

const constant: ConstantModel = {
  kind: "constant",
  taskKind: "regression",
  nFeatures: 2,
  nOutputs: 1,
  postTransform: "identity",
  base: [3],
};
const exported = exportOnnx(constant, {
  featureNames: ["a", "b"],
  taskKind: "regression",
  metadata: { "aura.note": "π" },
});

const message = () => new WireWriter();
const valueInfo = (name: string) => {
  const shape = message().message(1, message().text(2, "N"));
  const tensor = message().integer(1, DATA_TYPE.double).message(2, shape);
  return message().text(1, name).message(2, message().message(1, tensor));
};

interface Parts {
  readonly node?: WireWriter;
  readonly graph?: (graph: WireWriter) => WireWriter;
  readonly model?: (model: WireWriter) => WireWriter;
}

/** A well-formed one-node model, changed in one place. */
function craft({ node, graph, model }: Parts): Uint8Array {
  const plainNode = message().text(1, "x").text(2, "y").text(4, "Identity");
  const built = message()
    .message(1, node ?? plainNode)
    .text(2, "g");
  built.message(11, valueInfo("x")).message(12, valueInfo("y"));
  const whole = message()
    .integer(1, 8)
    .message(7, graph?.(built) ?? built);
  whole.message(8, message().integer(2, 17));
  return (model?.(whole) ?? whole).finish();
}

const operator = (name: string, domain = "") =>
  message().text(1, "x").text(2, "y").text(4, name).text(7, domain);
const withAttribute = (attribute: WireWriter) => operator("Constant").message(5, attribute.text(1, "value"));
const tensor = (nDims: number, nBytes: number) =>
  message().packedIntegers(1, [nDims]).integer(2, DATA_TYPE.double).bytes(9, new Uint8Array(nBytes));
const external = () => tensor(1, 8).message(13, message().text(1, "location").text(2, "../../etc/passwd"));

describe("inspectOnnx", () => {
  it("summarises a file of ours", () => {
    const summary = checkOnnx(exported);
    expect(summary).toMatchObject({
      irVersion: 8,
      producer: "aura",
      opsets: [
        { domain: "", version: 17 },
        { domain: "ai.onnx.ml", version: 3 },
      ],
      inputs: [{ name: "features", elementType: DATA_TYPE.double, shape: ["N", 2] }],
      outputs: [{ name: "value", elementType: DATA_TYPE.double, shape: ["N", 1] }],
      metadata: { "aura.features": '["a","b"]', "aura.note": "π", "aura.task": "regression" },
      refusals: [],
    });
    expect(summary.operators).toMatchObject({ Add: 1, Identity: 1 });
  });

  it("accepts the plain model that the cases below change", () => {
    expect(checkOnnx(craft({})).nNodes).toBe(1);
  });
});

describe("checkOnnx refuses", () => {
  it.each<[string, Uint8Array, RegExp]>([
    ["no bytes", new Uint8Array(0), /empty/],
    ["text", new TextEncoder().encode("not a model at all"), /unknown field|wire type|cut short/],
    ["a file cut short", exported.subarray(0, exported.length - 5), /cut short/],
    ["a file without graph", message().integer(1, 8).finish(), /no graph/],
    [
      "two versions of one opset",
      craft({ model: (model) => model.message(8, message().integer(2, 16)) }),
      /imported in two versions/,
    ],
    [
      "an output that is a map",
      craft({
        graph: (graph) =>
          graph.message(12, message().text(1, "z").message(2, message().message(5, message()))),
      }),
      /a map or sequence/,
    ],
    ["two graphs", craft({ model: (model) => model.message(7, message()) }), /graph is given twice/],
    ["an unknown field", craft({ graph: (graph) => graph.integer(99, 1) }), /unknown field 99/],
    ["a graph of another wire type", message().integer(7, 1).finish(), /wire type/],
    ["functions", craft({ model: (model) => model.message(25, message()) }), /functions/],
    ["training info", craft({ model: (model) => model.message(20, message()) }), /training_info/],
    ["Loop", craft({ node: operator("Loop") }), /"Loop" is not allowed/],
    [
      "an unknown domain",
      craft({ node: operator("Add", "com.microsoft") }),
      /"com.microsoft:Add" is not allowed/,
    ],
    ["a domain named as a property", craft({ node: operator("Add", "__proto__") }), /is not allowed/],
    ["a regular expression", craft({ node: operator("RegexFullMatch") }), /is not allowed/],
    ["a domain not imported", craft({ node: operator("Scaler", "ai.onnx.ml") }), /used but not imported/],
    [
      "a newer opset",
      craft({ model: (model) => model.message(8, message().text(1, "ai.onnx.ml").integer(2, 99)) }),
      /opset 99/,
    ],
    ["a subgraph", craft({ node: withAttribute(message().message(6, message())) }), /subgraph/],
    ["several subgraphs", craft({ node: withAttribute(message().message(11, message())) }), /subgraph/],
    [
      "external data in a Constant",
      craft({ node: withAttribute(message().message(5, external())) }),
      /external data/,
    ],
    [
      "external data in a tensor list",
      craft({ node: withAttribute(message().message(10, external())) }),
      /external data/,
    ],
    [
      "external data in an initializer",
      craft({ graph: (graph) => graph.message(5, external()) }),
      /external data/,
    ],
    [
      "an external location",
      craft({ graph: (graph) => graph.message(5, tensor(1, 8).integer(14, 1)) }),
      /outside the file/,
    ],
    [
      "a sparse initializer",
      craft({ graph: (graph) => graph.message(15, message().message(1, external())) }),
      /sparse/,
    ],
    ["a sparse attribute", craft({ node: withAttribute(message().message(22, message())) }), /sparse/],
    [
      "strings in a tensor",
      craft({ graph: (graph) => graph.message(5, message().integer(2, DATA_TYPE.string).text(6, "a")) }),
      /strings/,
    ],
    [
      "more data than dims",
      craft({ graph: (graph) => graph.message(5, tensor(1, 16)) }),
      /must hold 1 elements, got 2/,
    ],
    [
      "less data than dims",
      craft({ graph: (graph) => graph.message(5, tensor(1000, 8)) }),
      /must hold 1000 elements/,
    ],
    ["a huge tensor", craft({ graph: (graph) => graph.message(5, tensor(2 ** 40, 8)) }), /elements/],
    ["a negative dimension", craft({ graph: (graph) => graph.message(5, tensor(-1, 8)) }), /dimension of -1/],
    ["a long name", craft({ node: operator("A".repeat(5000)) }), /longer than 1024/],
    ["a name that is not UTF-8", craft({ node: message().bytes(4, Uint8Array.of(0xff)) }), /UTF-8/],
  ])("%s", (_name, bytes, reason) => {
    expect(() => checkOnnx(bytes)).toThrow(ModelRefusedError);
    expect(() => checkOnnx(bytes)).toThrow(reason);
  });

  it("but not the same import twice, as converters write it", () => {
    const twice = craft({ model: (model) => model.message(8, message().integer(2, 17)) });
    expect(checkOnnx(twice).refusals).toEqual([]);
  });

  it("too many nodes and too many bytes", () => {
    expect(() => checkOnnx(exported, { ...DEFAULT_ONNX_LIMITS, maxNodes: 2 })).toThrow(/more than 2 nodes/);
    expect(() => checkOnnx(exported, { ...DEFAULT_ONNX_LIMITS, maxBytes: 10 })).toThrow(
      /larger than 10 bytes/,
    );
  });

  it("any damage with a ModelRefusedError, or not at all", () => {
    const generator = createGenerator("damage");
    for (let trial = 0; trial < 3000; trial++) {
      const damaged = exported.slice(0, 1 + generator.integer(exported.length));
      const nChanges = generator.integer(4);
      for (let change = 0; change < nChanges; change++) {
        damaged[generator.integer(damaged.length)] = generator.integer(256);
      }
      try {
        inspectOnnx(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(ModelRefusedError);
      }
    }
  });
});
