/**
 * Builds an ONNX model message by message: nodes, double and integer constants, inputs, outputs. Only
 * the part of onnx.proto3 that AURA's graphs need; field numbers are those of that file.
 *
 * Source: github.com/onnx/onnx, `onnx/onnx.proto3`, IR version 8.
 */
import { WireWriter } from "./wire-writer.ts";

export const IR_VERSION = 8;
/** Operator sets that the graphs are written for. */
export const OPSETS: readonly { readonly domain: string; readonly version: number }[] = [
  { domain: "", version: 17 },
  { domain: "ai.onnx.ml", version: 3 },
];

/** TensorProto.DataType */
export const DATA_TYPE = { float: 1, uint8: 2, int32: 6, int64: 7, string: 8, bool: 9, double: 11 } as const;

/** AttributeProto.AttributeType */
const ATTRIBUTE_TYPE = { int: 2, string: 3, tensor: 4, ints: 7, strings: 8 } as const;

/** One attribute value; the kind says how it is stored. */
export type AttributeValue =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  /** A double tensor of one dimension. */
  | { readonly kind: "doubles"; readonly value: readonly number[] };

export interface NodeSpec {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

/** Collects a graph with one input and one output, then serialises it. */
export class GraphBuilder {
  readonly #nodes: WireWriter[] = [];
  readonly #initializers: WireWriter[] = [];
  #nConstants = 0;
  #scope = "";

  /** Nodes that `build` appends have outputs of their own: their names begin with `name/`. */
  within(name: string, build: () => string): string {
    const before = this.#scope;
    this.#scope = `${before}${name}/`;
    try {
      return build();
    } finally {
      this.#scope = before;
    }
  }

  /** Appends a node; returns the name of its output. */
  node({ op, domain, inputs, output: ownName, attributes }: NodeSpec): string {
    const output = `${this.#scope}${ownName}`;
    const message = new WireWriter();
    for (const input of inputs) message.text(1, input);
    message.text(2, output).text(3, output).text(4, op);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      message.message(5, attributeMessage(name, value));
    }
    if (domain !== undefined) message.text(7, domain);
    this.#nodes.push(message);
    return output;
  }

  /** Adds a double constant; returns its name. */
  doubles(values: readonly number[], dims: readonly number[]): string {
    return this.#initializer(doubleTensor(values, dims));
  }

  /** Adds a 64-bit integer constant of one dimension; returns its name. */
  integers(values: readonly number[]): string {
    const raw = new DataView(new ArrayBuffer(values.length * 8));
    values.forEach((value, index) => raw.setBigInt64(index * 8, BigInt(value), true));
    const tensor = new WireWriter().packedIntegers(1, [values.length]).integer(2, DATA_TYPE.int64);
    return this.#initializer(tensor.bytes(9, new Uint8Array(raw.buffer)));
  }

  /**
   * Serialises the model.
   *
   * @param input  name and columns of the one input, double [N, nColumns]
   * @param output the same of the one output
   * @param metadata written in key order
   */
  build(
    input: { readonly name: string; readonly nColumns: number },
    output: { readonly name: string; readonly nColumns: number },
    metadata: Readonly<Record<string, string>>,
  ): Uint8Array {
    const graph = new WireWriter();
    for (const node of this.#nodes) graph.message(1, node);
    graph.text(2, "aura");
    for (const initializer of this.#initializers) graph.message(5, initializer);
    graph
      .message(11, valueInfo(input.name, input.nColumns))
      .message(12, valueInfo(output.name, output.nColumns));
    // No producer version: the same model must give the same bytes under every release.
    const model = new WireWriter().integer(1, IR_VERSION).text(2, "aura").message(7, graph);
    for (const { domain, version } of OPSETS) {
      const opset = new WireWriter();
      if (domain !== "") opset.text(1, domain);
      model.message(8, opset.integer(2, version));
    }
    for (const key of Object.keys(metadata).sort()) {
      model.message(14, new WireWriter().text(1, key).text(2, metadata[key]));
    }
    return model.finish();
  }

  #initializer(tensor: WireWriter): string {
    const name = `c${this.#nConstants++}`;
    this.#initializers.push(tensor.text(8, name));
    return name;
  }
}

function attributeMessage(name: string, attribute: AttributeValue): WireWriter {
  const message = new WireWriter().text(1, name);
  switch (attribute.kind) {
    case "int":
      return message.integer(3, attribute.value).integer(20, ATTRIBUTE_TYPE.int);
    case "string":
      return message.text(4, attribute.value).integer(20, ATTRIBUTE_TYPE.string);
    case "ints":
      return message.packedIntegers(8, attribute.value).integer(20, ATTRIBUTE_TYPE.ints);
    case "strings":
      for (const value of attribute.value) message.text(9, value);
      return message.integer(20, ATTRIBUTE_TYPE.strings);
    case "doubles": {
      const tensor = doubleTensor(attribute.value, [attribute.value.length]).text(8, name);
      return message.message(5, tensor).integer(20, ATTRIBUTE_TYPE.tensor);
    }
  }
}

function doubleTensor(values: readonly number[], dims: readonly number[]): WireWriter {
  const raw = new DataView(new ArrayBuffer(values.length * 8));
  // JSON stores −0 as 0, so a model read back must not write other bytes: −0 + 0 is 0.
  values.forEach((value, index) => raw.setFloat64(index * 8, value + 0, true));
  const tensor = new WireWriter().packedIntegers(1, dims).integer(2, DATA_TYPE.double);
  return tensor.bytes(9, new Uint8Array(raw.buffer));
}

function valueInfo(name: string, nColumns: number): WireWriter {
  const shape = new WireWriter()
    .message(1, new WireWriter().text(2, "N"))
    .message(1, new WireWriter().integer(1, nColumns));
  const tensorType = new WireWriter().integer(1, DATA_TYPE.double).message(2, shape);
  return new WireWriter().text(1, name).message(2, new WireWriter().message(1, tensorType));
}
