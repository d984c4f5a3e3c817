import { describe, expect, it } from "vitest";
import { DATA_TYPE } from "../graph-builder.ts";
import { checkOnnx } from "./inspect.ts";
import { ModelRefusedError } from "./model-refused-error.ts";
import { WireWriter } from "../wire-writer.ts";

const message = () => new WireWriter();

type Value = readonly number[] | readonly string[] | string | number | WireWriter;

/** Two trees: a stump on column 1, and a leaf. */
const TREES: Readonly<Record<string, Value>> = {
  nodes_treeids: [0, 0, 0, 7],
  nodes_nodeids: [0, 1, 2, 0],
  nodes_featureids: [1, 0, 0, 0],
  nodes_modes: ["BRANCH_LEQ", "LEAF", "LEAF", "LEAF"],
  nodes_truenodeids: [1, 0, 0, 0],
  nodes_falsenodeids: [2, 0, 0, 0],
  nodes_missing_value_tracks_true: [1, 0, 0, 0],
  nodes_values_as_tensor: doubles(4),
  target_treeids: [0, 0, 7],
  target_nodeids: [1, 2, 0],
  target_ids: [0, 0, 0],
  target_weights_as_tensor: doubles(3),
  n_targets: 1,
  aggregate_function: "SUM",
  post_transform: "NONE",
};

function doubles(count: number): WireWriter {
  return message()
    .packedIntegers(1, [count])
    .integer(2, DATA_TYPE.double)
    .bytes(9, new Uint8Array(8 * count));
}

function attribute(name: string, value: Value): WireWriter {
  const written = message().text(1, name);
  if (value instanceof WireWriter) return written.message(5, value);
  if (typeof value === "number") return written.integer(3, value);
  if (typeof value === "string") return written.text(4, value);
  const numbers = value.filter((item) => typeof item === "number");
  if (numbers.length === value.length) return written.packedIntegers(8, numbers);
  for (const item of value) written.text(9, String(item));
  return written;
}

/** The same trees as a classifier's. */
const CLASSES: Readonly<Record<string, Value | undefined>> = {
  ...Object.fromEntries(
    Object.entries(TREES)
      .filter(([name]) => name !== "n_targets" && name !== "aggregate_function")
      .map(([name, value]) => [name.replace("target_", "class_"), value]),
  ),
  classlabels_int64s: [-1, 1],
};

const craft = (change: Readonly<Record<string, Value | undefined>>, width: number | null = 2): Uint8Array =>
  craftNode("TreeEnsembleRegressor", { ...TREES, ...change }, width);
const craftClasses = (change: Readonly<Record<string, Value | undefined>>): Uint8Array =>
  craftNode("TreeEnsembleClassifier", { ...CLASSES, ...change }, 2);

/** A model of one tree operator; an attribute that is undefined is left out. */
function craftNode(
  operator: string,
  attributes: Readonly<Record<string, Value | undefined>>,
  width: number | null,
): Uint8Array {
  const node = message().text(1, "x").text(2, "y").text(4, operator).text(7, "ai.onnx.ml");
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) node.message(5, attribute(name, value));
  }
  const shape = message().message(1, message().text(2, "N"));
  shape.message(1, width === null ? message().text(2, "M") : message().integer(1, width));
  const type = message().message(1, message().integer(1, DATA_TYPE.double).message(2, shape));
  const graph = message().message(1, node).text(2, "g");
  graph.message(11, message().text(1, "x").message(2, type)).message(12, message().text(1, "y"));
  const model = message().integer(1, 8).message(7, graph).message(8, message().integer(2, 17));
  return model.message(8, message().text(1, "ai.onnx.ml").integer(2, 3)).finish();
}

const chain = Array.from({ length: 12_001 }, (_, node) => node);
/** Branches at even places, each with a leaf and the next branch. */
const DEEP: Readonly<Record<string, Value>> = {
  nodes_treeids: chain.map(() => 0),
  nodes_nodeids: chain,
  nodes_featureids: chain.map(() => 0),
  nodes_modes: chain.map((node) => (node % 2 === 0 && node < 12_000 ? "BRANCH_LEQ" : "LEAF")),
  nodes_truenodeids: chain.map((node) => node + 1),
  nodes_falsenodeids: chain.map((node) => node + 2),
  nodes_missing_value_tracks_true: chain.map(() => 0),
  nodes_values_as_tensor: doubles(12_001),
  target_treeids: [0],
  target_nodeids: [1],
  target_ids: [0],
  target_weights_as_tensor: doubles(1),
};

describe("checkOnnx", () => {
  it("accepts trees, with node ids in any order and optional lists left out", () => {
    expect(checkOnnx(craft({})).operators).toEqual({ "ai.onnx.ml:TreeEnsembleRegressor": 1 });
    const shuffled = {
      nodes_nodeids: [1, 0, 2, 0],
      nodes_truenodeids: [0, 0, 0, 0],
      target_nodeids: [0, 2, 0],
    };
    expect(checkOnnx(craft({ ...shuffled, nodes_missing_value_tracks_true: undefined })).refusals).toEqual(
      [],
    );
  });

  it.each<[string, Readonly<Record<string, Value | undefined>>, RegExp]>([
    ["a list too short", { nodes_featureids: [1, 0, 0] }, /nodes_featureids must have 4 entries, got 3/],
    ["a list left out", { nodes_truenodeids: undefined }, /nodes_truenodeids must have 4 entries, got 0/],
    ["too few thresholds", { nodes_values_as_tensor: doubles(3) }, /nodes_values must have 4 entries, got 3/],
    ["no thresholds", { nodes_values_as_tensor: undefined }, /nodes_values must have 4/],
    ["too few weights", { target_weights_as_tensor: doubles(2) }, /target_weights must have 3/],
    ["too many base values", { base_values_as_tensor: doubles(2) }, /base_values must have 1/],
    ["no nodes", { nodes_modes: undefined }, /no nodes/],
    ["a child beyond the tree", { nodes_falsenodeids: [3, 0, 0, 0] }, /child 3 in a tree of 3/],
    ["a negative child", { nodes_falsenodeids: [-1, 0, 0, 0] }, /holds -1/],
    ["a huge child", { nodes_falsenodeids: [2 ** 40, 0, 0, 0] }, /holds 1099511627776/],
    ["a cycle", { nodes_falsenodeids: [0, 0, 0, 0] }, /a cycle/],
    ["a shared child", { nodes_falsenodeids: [1, 0, 0, 0] }, /reached twice/],
    ["a stray node", { nodes_modes: ["LEAF", "LEAF", "LEAF", "LEAF"] }, /never reached/],
    ["a node id twice", { nodes_nodeids: [0, 1, 1, 0] }, /node id 1 twice/],
    ["a node id beyond the tree", { nodes_nodeids: [0, 1, 3, 0] }, /node id 3/],
    ["a tree in two places", { nodes_treeids: [0, 0, 7, 0] }, /child 2|two places/],
    ["an unknown mode", { nodes_modes: ["BRANCH_IN", "LEAF", "LEAF", "LEAF"] }, /unknown mode/],
    ["a direction of 2", { nodes_missing_value_tracks_true: [2, 0, 0, 0] }, /not 0 or 1/],
    ["an output of a branch", { target_nodeids: [0, 2, 0] }, /no leaf/],
    ["an output of no node", { target_nodeids: [1, 2, 1] }, /not there/],
    ["an output of no tree", { target_treeids: [0, 0, 6] }, /not there/],
    ["a target beyond n_targets", { target_ids: [0, 1, 0] }, /exceed 1 targets/],
    ["no targets", { n_targets: 0 }, /n_targets/],
    ["an unknown attribute", { nodes_extra: [1] }, /unknown attribute "nodes_extra"/],
    ["an unknown aggregate", { aggregate_function: "PRODUCT" }, /aggregate_function must be/],
    ["integers as text", { nodes_nodeids: "0120" }, /kind s where ints/],
    ["a column beyond the input", { nodes_featureids: [2, 0, 0, 0] }, /read 3 columns/],
    ["a tree deeper than a loader can recurse", DEEP, /deeper than 5000/],
  ])("refuses %s", (_name, change, reason) => {
    expect(() => checkOnnx(craft(change))).toThrow(ModelRefusedError);
    expect(() => checkOnnx(craft(change))).toThrow(reason);
  });

  it("accepts a classifier's trees, whatever whole numbers its labels are", () => {
    for (const change of [{}, { base_values_as_tensor: doubles(1) }, { base_values_as_tensor: doubles(2) }])
      expect(checkOnnx(craftClasses(change)).refusals).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, Value | undefined>>, RegExp]>([
    ["no labels", { classlabels_int64s: undefined }, /no labels, or one/],
    ["one label", { classlabels_int64s: [1] }, /no labels, or one/],
    ["labels of text", { classlabels_int64s: undefined, classlabels_strings: ["a", "b"] }, /labels of text/],
    ["an output beyond the labels", { class_ids: [0, 2, 0] }, /target_ids exceed 2 targets/],
    ["an output of no tree", { class_treeids: [0, 0, 6] }, /not there/],
    ["a base value too many", { base_values_as_tensor: doubles(3) }, /base_values must have 2/],
    ["a regressor's lists", { target_ids: [0, 0, 0] }, /unknown attribute "target_ids"/],
    ["a regressor's count", { n_targets: 2 }, /unknown attribute "n_targets"/],
    ["a cycle", { nodes_falsenodeids: [0, 0, 0, 0] }, /a cycle/],
    ["a column beyond the input", { nodes_featureids: [2, 0, 0, 0] }, /read 3 columns/],
  ])("refuses a classifier with %s", (_name, change, reason) => {
    expect(() => checkOnnx(craftClasses(change))).toThrow(ModelRefusedError);
    expect(() => checkOnnx(craftClasses(change))).toThrow(reason);
  });

  it("refuses an input whose width the caller chooses", () => {
    expect(() => checkOnnx(craft({}, null))).toThrow(/read 2 columns, but their input has 0 for certain/);
  });
});
