import { describe, expect, it } from "vitest";
import { createGenerator } from "../../../random/generator.ts";
import { DATA_TYPE } from "../../graph-builder.ts";
import { WireWriter } from "../../wire-writer.ts";
import { checkOnnx } from "../inspect.ts";
import { ModelRefusedError } from "../model-refused-error.ts";

const message = () => new WireWriter();

/** `null`: a whole number that is left out. */
type Attribute = number | readonly number[] | string | Float32Array | null;

/** A node as [operator, inputs, output, attributes]. */
type Written = readonly [string, readonly string[], string, Readonly<Record<string, Attribute>>?];

interface Given {
  readonly nodes: readonly Written[];
  /** 64-bit whole numbers by name: a list, or a single one. */
  readonly integers?: Readonly<Record<string, readonly number[] | number>>;
  /** Single numbers of other types. */
  readonly others?: Readonly<Record<string, Int32Array | BigInt64Array | Float32Array | Uint8Array>>;
  /** Float tensors of zeros. */
  readonly zeros?: Readonly<Record<string, readonly number[]>>;
  readonly domain?: string;
}

function attribute(name: string, value: Attribute): WireWriter {
  const written = message().text(1, name);
  if (value === null) return written.integer(20, 2);
  if (typeof value === "number") return written.integer(3, value).integer(20, 2);
  if (typeof value === "string") return written.text(4, value).integer(20, 3);
  if (value instanceof Float32Array) return written.bytes(7, new Uint8Array(value.buffer)).integer(20, 6);
  return written.packedIntegers(8, value).integer(20, 7);
}

function valueInfo(name: string): WireWriter {
  const dims = message().message(1, message().text(2, "N")).message(1, message().integer(1, 4));
  const type = message().integer(1, DATA_TYPE.double).message(2, dims);
  return message().text(1, name).message(2, message().message(1, type));
}

function typeOf(value: NonNullable<Given["others"]>[string]): number {
  if (value instanceof Int32Array) return 6;
  if (value instanceof Float32Array) return DATA_TYPE.float;
  return value instanceof Uint8Array ? 9 : DATA_TYPE.int64;
}

/** `x` [N, 4] to `y`. */
function craft({ nodes, integers = {}, others = {}, zeros = {}, domain = "" }: Given): Uint8Array {
  const graph = message();
  for (const [operator, inputs, output, attributes = {}] of nodes) {
    const node = message();
    for (const input of inputs) node.text(1, input);
    node.text(2, output).text(4, operator);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    graph.message(1, node.text(7, domain));
  }
  graph.text(2, "g");
  for (const [name, value] of Object.entries(integers)) {
    const list = typeof value === "number" ? [value] : value;
    const tensor = message();
    if (typeof value !== "number") tensor.packedIntegers(1, [list.length]);
    graph.message(5, tensor.integer(2, DATA_TYPE.int64).packedIntegers(7, list).text(8, name));
  }
  for (const [name, value] of Object.entries(others)) {
    const tensor = message().packedIntegers(1, [1]).integer(2, typeOf(value)).text(8, name);
    graph.message(5, tensor.bytes(9, new Uint8Array(value.buffer)));
  }
  for (const [name, dims] of Object.entries(zeros)) {
    const bytes = new Uint8Array(4 * dims.reduce((product, size) => product * size, 1));
    graph.message(
      5,
      message().packedIntegers(1, dims).integer(2, DATA_TYPE.float).text(8, name).bytes(9, bytes),
    );
  }
  graph.message(11, valueInfo("x")).message(12, valueInfo("y"));
  const model = message().integer(1, 8).message(7, graph).message(8, message().integer(2, 20));
  return model.message(8, message().text(1, "ai.onnx.ml").integer(2, 3)).finish();
}

/** `s` = [N, 4]; `n` = N, a single number. */
const SHAPE: readonly Written[] = [
  ["Shape", ["x"], "s"],
  ["Gather", ["s", "zero"], "n", { axis: 0 }],
  ["Unsqueeze", ["n", "first"], "rows"],
];
const CONSTANTS = { zero: 0, first: [0] };
const made = (nodes: readonly Written[], integers: Given["integers"] = {}): Given => ({
  nodes: [...SHAPE, ...nodes],
  integers: { ...CONSTANTS, ...integers },
});
const window: Written = ["Unsqueeze", ["x", "one"], "w"];
const layered = (layer: Written, zeros: Given["zeros"] = {}): Given => ({
  nodes: [window, layer],
  integers: { one: [1] },
  zeros,
});

describe("accepts", () => {
  it.each<[string, Given]>([
    ["a size in the file", made([["Expand", ["x", "to"], "y"]], { to: [1, 4] })],
    ["the size of another tensor", made([["Expand", ["x", "s"], "y"]])],
    [
      "sizes times a number of the file",
      made(
        [
          ["Mul", ["s", "by"], "to"],
          ["ConstantOfShape", ["to"], "y"],
        ],
        { by: 3 },
      ),
    ],
    [
      "half of them",
      made(
        [
          ["Div", ["s", "by"], "to"],
          ["ConstantOfShape", ["to"], "y"],
        ],
        { by: 2 },
      ),
    ],
    [
      "all but one row",
      made(
        [
          ["Sub", ["rows", "by"], "to"],
          ["ConstantOfShape", ["to"], "y"],
        ],
        { by: 1 },
      ),
    ],
    ["as many numbers as rows", made([["Range", ["zero", "n", "by"], "y"]], { by: 1 })],
    [
      "columns to the end, as they are written by a framework",
      {
        ...made([["Slice", ["x", "one", "end", "one"], "y"]], { one: [1] }),
        others: { end: BigInt64Array.of(2n ** 63n - 1n) },
      },
    ],
    [
      "rows as they are written by a framework",
      made(
        [
          ["Equal", ["rows", "minus"], "free"],
          ["Where", ["free", "one", "rows"], "to"],
          ["Expand", ["x0", "to"], "y"],
          ["Squeeze", ["to"], "other"],
        ],
        { minus: [-1], one: [1], x0: [7] },
      ),
    ],
    [
      "a layer that is not being trained",
      { nodes: [["Dropout", ["x", "", "no"], "y"]], others: { no: Uint8Array.of(0) } },
    ],
    ["a layer", layered(["Conv", ["w", "k"], "y", { kernel_shape: [3], pads: [1, 1] }], { k: [2, 1, 3] })],
  ])("%s", (_name, given) => {
    expect(checkOnnx(craft(given)).refusals).toEqual([]);
  });
});

const NOT_KNOWN = /not known from the file and the number of rows/;
const TOO_MANY = /elements of \d+ rows, at most 16777216 each/;
const FASTER = /grows faster than the rows/;
const ATTRIBUTE = /must be in .* … 65536, got/;

describe("refuses, before a runtime sees it,", () => {
  it.each<[string, Given, RegExp]>([
    ["2^60 elements", made([["Expand", ["x", "to"], "y"]], { to: [2 ** 30, 2 ** 30, 4] }), TOO_MANY],
    [
      "2^60 elements of a size that overflows",
      made([["ConstantOfShape", ["to"], "y"]], { to: [2 ** 53 - 1, 4] }),
      TOO_MANY,
    ],
    ["2^53 repeats", made([["Tile", ["x", "by"], "y"]], { by: [1, 2 ** 53 - 1] }), NOT_KNOWN],
    ["2^40 repeats", made([["Tile", ["x", "by"], "y"]], { by: [1, 2 ** 40] }), TOO_MANY],
    ["2^50 numbers", made([["Range", ["zero", "to", "by"], "y"]], { to: 2 ** 50, by: 1 }), TOO_MANY],
    ["pads of 2^40", made([["Pad", ["x", "by"], "y"]], { by: [0, 0, 0, 2 ** 40] }), TOO_MANY],
    ["pads of 2^40 by an attribute", made([["Pad", ["x"], "y", { pads: [0, 0, 0, 2 ** 40] }]]), ATTRIBUTE],
    [
      "rows times 2^40",
      made(
        [
          ["Mul", ["rows", "by"], "to"],
          ["ConstantOfShape", ["to"], "y"],
        ],
        { by: 2 ** 40 },
      ),
      TOO_MANY,
    ],
    [
      "a size from a value",
      made(
        [
          ["Cast", ["x"], "v", { to: 7 }],
          ["ReduceMax", ["v"], "m"],
          ["Range", ["zero", "m", "by"], "y"],
        ],
        { by: 1 },
      ),
      NOT_KNOWN,
    ],
    [
      "repeats from a value",
      made([
        ["Cast", ["x"], "v", { to: 7 }],
        ["Tile", ["x", "v"], "y"],
      ]),
      NOT_KNOWN,
    ],
    [
      "a shape from a value",
      made(
        [
          ["Cast", ["x"], "v", { to: 7 }],
          ["Reshape", ["v", "flat"], "to"],
          ["Expand", ["x", "to"], "y"],
        ],
        { flat: [-1] },
      ),
      NOT_KNOWN,
    ],
    [
      "as many of the largest as a value says",
      made([
        ["Cast", ["x"], "v", { to: 7 }],
        ["TopK", ["x", "v"], "y"],
      ]),
      NOT_KNOWN,
    ],
    [
      "a million where the rows are 777",
      made(
        [
          ["Equal", ["rows", "odd"], "is"],
          ["Where", ["is", "many", "few"], "to"],
          ["ConstantOfShape", ["to"], "y"],
        ],
        { odd: [777], many: [2 ** 50], few: [1] },
      ),
      NOT_KNOWN,
    ],
    [
      "the more the fewer rows",
      made(
        [
          ["Sub", ["many", "rows"], "to"],
          ["ConstantOfShape", ["to"], "y"],
        ],
        { many: [1000] },
      ),
      NOT_KNOWN,
    ],
    [
      "a remainder of the rows",
      made(
        [
          ["Mod", ["rows", "by"], "to"],
          ["ConstantOfShape", ["to"], "y"],
        ],
        { by: [3] },
      ),
      NOT_KNOWN,
    ],
    ["every row with every other", made([["Einsum", ["x", "x"], "y", { equation: "ai,bi->ab" }]]), FASTER],
    [
      "every row with every other, by a product",
      made([
        ["Transpose", ["x"], "t"],
        ["MatMul", ["x", "t"], "y"],
      ]),
      FASTER,
    ],
    [
      "rows times rows",
      made([
        ["Mul", ["rows", "rows"], "to"],
        ["ConstantOfShape", ["to"], "y"],
      ]),
      FASTER,
    ],
    ["an equation that is none", made([["Einsum", ["x"], "y", { equation: "..i->i" }]]), NOT_KNOWN],
    [
      "a kernel of 2^31",
      layered(["Conv", ["w", "k"], "y", { kernel_shape: [2 ** 31] }], { k: [1, 1, 1] }),
      ATTRIBUTE,
    ],
    ["pads of 2^31", layered(["Conv", ["w", "k"], "y", { pads: [2 ** 31, 0] }], { k: [1, 1, 1] }), ATTRIBUTE],
    ["negative pads", layered(["Conv", ["w", "k"], "y", { pads: [-9, 0] }], { k: [1, 1, 1] }), ATTRIBUTE],
    ["strides of 0", layered(["MaxPool", ["w"], "y", { kernel_shape: [2], strides: [0] }]), ATTRIBUTE],
    [
      "negative dilations",
      layered(["MaxPool", ["w"], "y", { kernel_shape: [2], dilations: [-1] }]),
      ATTRIBUTE,
    ],
    ["groups of 2^40", layered(["Conv", ["w", "k"], "y", { group: 2 ** 40 }], { k: [1, 1, 1] }), ATTRIBUTE],
    [
      "2^40 hidden units",
      layered(["LSTM", ["w", "k", "k"], "y", { hidden_size: 2 ** 40 }], { k: [1, 4, 1] }),
      ATTRIBUTE,
    ],
    ["no hidden units", layered(["GRU", ["w", "k", "k"], "y", {}], { k: [1, 3, 1] }), NOT_KNOWN],
    [
      "strides that blow a window up",
      layered(["ConvTranspose", ["w", "k"], "b", { strides: [65_536] }], { k: [1, 4096, 1] }),
      TOO_MANY,
    ],
    [
      "a layer of unknown input",
      made([
        ["Cast", ["x"], "v", { to: 7 }],
        ["Reshape", ["x", "v"], "w"],
        ["MaxPool", ["w"], "y", { kernel_shape: [2] }],
      ]),
      NOT_KNOWN,
    ],
    [
      "blocks of 2^20",
      made(
        [
          ["Unsqueeze", ["x", "axes"], "w"],
          ["DepthToSpace", ["w"], "y", { blocksize: 2 ** 20 }],
        ],
        { axes: [2, 3] },
      ),
      ATTRIBUTE,
    ],
    [
      "labels of text",
      {
        nodes: [["LabelEncoder", ["x"], "y", { keys_int64s: [1], values_strings: [1] }]],
        domain: "ai.onnx.ml",
      },
      /labels of text/,
    ],
    [
      "more keys than values",
      {
        nodes: [["LabelEncoder", ["x"], "y", { keys_int64s: [1, 2], values_int64s: [1] }]],
        domain: "ai.onnx.ml",
      },
      /as many values as keys/,
    ],
    [
      "layer after layer, each with the work of seconds",
      layered(["AveragePool", ["big"], "y", { kernel_shape: [60_000] }]),
      NOT_KNOWN,
    ],
  ])("%s", (_name, given, reason) => {
    const bytes = craft(given);
    expect(() => checkOnnx(bytes)).toThrow(ModelRefusedError);
    expect(() => checkOnnx(bytes)).toThrow(reason);
  });

  // Where a number were taken for another than the runtime computes, a graph could ask for 2⁵⁰ elements by it.
  it.each<[string, readonly Written[], Given["integers"], RegExp]>([
    [
      "a float that is rounded",
      [
        ["Add", ["large", "single"], "rounded"],
        ["Sub", ["rounded", "large"], "none"],
        ["Sub", ["single", "none"], "is"],
        ["Mul", ["is", "huge"], "real"],
        ["Cast", ["real"], "to", { to: 7 }],
      ],
      {},
      TOO_MANY,
    ],
    [
      "a whole number that wraps around",
      [
        ["Mul", ["half", "half"], "nothing"],
        ["Equal", ["nothing", "none"], "is"],
        ["Where", ["is", "many", "few"], "to"],
      ],
      {},
      NOT_KNOWN,
    ],
    ["a truth of 2", [["Where", ["two", "many", "few"], "to"]], {}, NOT_KNOWN],
    [
      "the remainder of a negative number",
      [
        ["Mod", ["odd", "three"], "rest", { fmod: 1 }],
        ["Equal", ["rest", "minus"], "is"],
        ["Where", ["is", "many", "few"], "to"],
      ],
      { odd: [-5], three: [3], minus: [-2] },
      NOT_KNOWN,
    ],
    [
      "rows less a thousand",
      [
        ["Sub", ["rows", "thousand"], "rest"],
        ["Equal", ["rest", "minus"], "is"],
        ["Where", ["is", "many", "few"], "to"],
      ],
      { thousand: [1000], minus: [-223] },
      NOT_KNOWN,
    ],
  ])("2^50 elements by %s", (_name, nodes, integers, reason) => {
    const given = made([...nodes, ["ConstantOfShape", ["to"], "y"]], {
      many: [2 ** 50],
      few: [1],
      ...integers,
    });
    const others = {
      large: Float32Array.of(2 ** 24),
      single: Float32Array.of(1),
      huge: Float32Array.of(2 ** 50),
      half: Int32Array.of(2 ** 16),
      none: Int32Array.of(0),
      two: Uint8Array.of(2),
    };
    expect(() => checkOnnx(craft({ ...given, others }))).toThrow(reason);
  });

  it("every row with every other, by an axis that is left out and therefore 0", () => {
    const nodes: Written[] = [
      ["Flatten", ["x"], "all", { axis: null }],
      ["Transpose", ["all"], "turned"],
      ["MatMul", ["turned", "all"], "y"],
    ];
    expect(() => checkOnnx(craft({ nodes }))).toThrow(FASTER);
  });

  it.each<[string, Written]>([
    ["drawing", ["Dropout", ["x", "", "one"], "y"]],
    ["drawing where a value says so", ["Dropout", ["x", "", "x"], "y"]],
    [
      "a row by those beside it",
      ["BatchNormalization", ["x", "k", "k", "k", "k"], "y", { training_mode: 1 }],
    ],
  ])("a layer as it was trained, %s", (_name, layer) => {
    const given = { nodes: [layer], others: { one: Uint8Array.of(1) }, zeros: { k: [4] } };
    expect(() => checkOnnx(craft(given))).toThrow(/not in training mode/);
  });

  it("dimension upon dimension, soon", () => {
    const nodes = Array.from({ length: 1000 }, (_, place): Written => {
      return ["Unsqueeze", [place === 0 ? "x" : `t${place - 1}`, "axes"], `t${place}`];
    });
    const integers = { axes: Array.from({ length: 256 }, (_, axis) => axis) };
    expect(() => checkOnnx(craft({ nodes, integers }))).toThrow(/258 dimensions, at most 10/);
  });

  it("more dimensions than an equation has names for", () => {
    const nodes: Written[] = [
      ["Reshape", ["x", "to"], "w"],
      ["Einsum", ["w", "w"], "y", { equation: "...a,...b->...ab" }],
    ];
    const integers = { to: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1] };
    expect(() => checkOnnx(craft({ nodes, integers }))).toThrow(/12 dimensions, at most 10/);
  });

  it("two sizes below zero, whose product is not", () => {
    const nodes: Written[] = [["ConstantOfShape", ["to"], "y"]];
    expect(() => checkOnnx(craft({ nodes, integers: { to: [-2, -2] } }))).toThrow(/fewer than no elements/);
  });

  it("more products than a layer may take", () => {
    const nodes: Written[] = [
      ["Expand", ["x", "to"], "wide"],
      ["Unsqueeze", ["wide", "one"], "w"],
      ["AveragePool", ["w"], "y", { kernel_shape: [8192, 1], pads: [4096, 0, 4096, 0] }],
    ];
    const bytes = craft({ nodes, integers: { to: [2 ** 20, 1, 1], one: [1] } });
    expect(() => checkOnnx(bytes)).toThrow(/AveragePool: it takes \d+ products/);
  });

  it("more products than matrices may take", () => {
    const nodes: Written[] = [
      ["Expand", ["one", "to"], "square"],
      ["Unsqueeze", ["x", "one"], "w"],
      ["Expand", ["w", "wide"], "tall"],
      ["MatMul", ["tall", "many"], "all"],
      ["MatMul", ["all", "square"], "y"],
    ];
    const integers = { to: [4096, 4096], one: [1], wide: [1, 4096, 4] };
    const bytes = craft({ nodes, integers, zeros: { many: [4, 4096] } });
    expect(() => checkOnnx(bytes)).toThrow(/MatMul: it takes \d+ products/);
  });

  it("any numbers in the place of sizes, or finds what they make bounded", () => {
    const generator = createGenerator("sizes");
    const odd = [0, 1, 2, 3, -1, -2, 7, 2 ** 31, -(2 ** 31), 2 ** 52, 2 ** 53 - 1];
    const any = () => odd[generator.integer(odd.length)] ?? 0;
    const operators = [
      "Expand",
      "Tile",
      "ConstantOfShape",
      "Reshape",
      "Pad",
      "Slice",
      "Split",
      "Squeeze",
      "TopK",
    ];
    for (let trial = 0; trial < 500; trial++) {
      const operator = operators[generator.integer(operators.length)] ?? "";
      const arithmetic = ["Add", "Mul", "Sub", "Div", "Min", "Max", "Mod"][generator.integer(7)] ?? "";
      const given = made(
        [
          [arithmetic, ["s", "by"], "to"],
          [operator, operator === "ConstantOfShape" ? ["to"] : ["x", "to", "more", "more"], "y"],
          ["Conv", ["y", "k"], "z", { kernel_shape: [any(), any()], pads: [any(), any()], group: any() }],
        ],
        { by: [any(), any()], more: [any()] },
      );
      try {
        checkOnnx(craft({ ...given, zeros: { k: [1, 1, 2, 2] } }));
      } catch (error) {
        expect(error).toBeInstanceOf(ModelRefusedError);
      }
    }
  });
});

/** Lists of as many zeros, of a model of four columns. */
const floats = (length: number) => new Float32Array(length);
const learnt = (operator: string, attributes: Readonly<Record<string, Attribute>>): Uint8Array =>
  craft({ nodes: [[operator, ["x"], "y", attributes]], domain: "ai.onnx.ml" });

describe("coefficients of linear and support vector models", () => {
  const labels = { classlabels_ints: [0, 1] };
  const machine = {
    coefficients: floats(5),
    support_vectors: floats(20),
    rho: floats(1),
    kernel_params: floats(3),
  };

  it.each<[string, Readonly<Record<string, Attribute>>]>([
    ["LinearRegressor", { coefficients: floats(8), targets: 2 }],
    ["LinearClassifier", { ...labels, coefficients: floats(8), intercepts: floats(2) }],
    ["LinearClassifier", { ...labels, coefficients: floats(4), intercepts: floats(1) }],
    ["SVMRegressor", { ...machine, n_supports: 5 }],
    ["SVMRegressor", { coefficients: floats(4), rho: floats(1) }],
    ["SVMClassifier", { ...machine, ...labels, vectors_per_class: [3, 2] }],
    ["SVMClassifier", { ...labels, coefficients: floats(8), rho: floats(1) }],
    ["Scaler", { offset: floats(4), scale: floats(1) }],
  ])("%s, taken: %o", (operator, attributes) => {
    expect(checkOnnx(learnt(operator, attributes)).refusals).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, Attribute>>, RegExp]>([
    ["LinearRegressor", { coefficients: floats(7), targets: 2 }, /coefficients must have 8 entries, got 7/],
    [
      "LinearRegressor",
      { coefficients: floats(4), targets: 2 ** 40 },
      /coefficients must have another number/,
    ],
    [
      "LinearClassifier",
      { ...labels, coefficients: floats(4), intercepts: floats(2) },
      /coefficients must have 8 entries, got 4/,
    ],
    [
      "LinearClassifier",
      { ...labels, coefficients: floats(12), intercepts: floats(3) },
      /intercepts must have 2 entries, got 3/,
    ],
    ["SVMRegressor", { ...machine, n_supports: 6 }, /coefficients must have 6/],
    [
      "SVMRegressor",
      { ...machine, n_supports: 5, support_vectors: floats(4) },
      /support_vectors must have 20/,
    ],
    ["SVMRegressor", { ...machine, n_supports: 5, kernel_params: floats(1) }, /kernel_params must have 3/],
    ["SVMClassifier", { ...machine, ...labels, vectors_per_class: [3, 3] }, /coefficients must have 6/],
    ["SVMClassifier", { ...machine, ...labels, vectors_per_class: [-1, 6] }, /must have another number/],
    ["SVMClassifier", { ...machine, ...labels, vectors_per_class: [5] }, /vectors_per_class must have 2/],
    [
      "SVMClassifier",
      { ...machine, ...labels, vectors_per_class: [3, 2], prob_a: floats(1) },
      /prob_b must have 1 entries, got 0/,
    ],
    ["Scaler", { offset: floats(3), scale: floats(1) }, /offset must have 4 entries, got 3/],
    ["Imputer", { imputed_value_floats: floats(2) }, /imputed_value_floats must have 4/],
    ["FeatureVectorizer", { inputdimensions: [5] }, /inputdimensions must be 4, is 5/],
    ["FeatureVectorizer", { inputdimensions: [4, 4] }, /inputdimensions must be 4, is 4, 4/],
  ])("%s, refused: %o", (operator, attributes, reason) => {
    expect(() => checkOnnx(learnt(operator, attributes))).toThrow(ModelRefusedError);
    expect(() => checkOnnx(learnt(operator, attributes))).toThrow(reason);
  });
});
