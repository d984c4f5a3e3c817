/**
 * Looks into an ONNX file before any runtime sees it. One pass over the bytes, bounded in time, depth
 * and memory, by a reader that refuses what it does not know.
 *
 * `inspectOnnx` tells what is in a well-formed file and lists what would be refused; `checkOnnx` throws
 * on the first of these. Subgraphs and functions are refused where they are met and never descended
 * into, so external data or operators inside them cannot be overlooked.
 *
 * Why not trust the runtime: reading files named in external data, out-of-bounds reads, hangs in Loop,
 * all had fixes and all came back (CVE-2024-27318, CVE-2024-27319, CVE-2026-34446).
 */
import * as shapes from "./message-shapes.ts";
import { ModelRefusedError } from "./model-refused-error.ts";
import { DEFAULT_ONNX_LIMITS } from "./onnx-summary.ts";
import type { OnnxLimits, OnnxSummary, OnnxTensorInfo } from "./onnx-summary.ts";
import { ALLOWED_OPERATORS, NEWEST_OPSETS } from "./operator-allowlist.ts";
import { readAttributes } from "./sizes/node-facts.ts";
import { refusalBySize } from "./sizes/size-flow.ts";
import type { NodeFlow } from "./tensor-width.ts";
import { knownTensors, leastWidths } from "./tensor-width.ts";
import { checkTreeLists, TREE_OPERATORS } from "./tree-lists.ts";
import type { FieldKind, WireField, WireRange } from "./wire-reader.ts";
import { WireReader } from "./wire-reader.ts";

export { DEFAULT_ONNX_LIMITS } from "./onnx-summary.ts";
export type { OnnxLimits, OnnxSummary, OnnxTensorInfo } from "./onnx-summary.ts";

/**
 * Summarises a file without judging it.
 *
 * @throws {ModelRefusedError} when it is not a well-formed ONNX model, or exceeds `limits`
 *
 * Cost: O(bytes), no allocation per field.
 */
export function inspectOnnx(bytes: Uint8Array, limits: OnnxLimits = DEFAULT_ONNX_LIMITS): OnnxSummary {
  if (bytes.length === 0) throw new ModelRefusedError("the file is empty");
  if (bytes.length > limits.maxBytes) {
    throw new ModelRefusedError(`the file is larger than ${limits.maxBytes} bytes [${bytes.length}]`);
  }
  return new Inspection(bytes, limits).run();
}

/**
 * Accepts a file for serving.
 *
 * @returns its summary, with no refusals
 * @throws {ModelRefusedError} for what `inspectOnnx` refuses, and for external data, functions,
 *   subgraphs, sparse or string tensors, tree lists that are no trees or read columns there are not, operators or domains outside the allowlist, and newer opsets
 */
export function checkOnnx(bytes: Uint8Array, limits: OnnxLimits = DEFAULT_ONNX_LIMITS): OnnxSummary {
  const summary = inspectOnnx(bytes, limits);
  if (summary.refusals.length > 0) throw new ModelRefusedError(summary.refusals.join("; "));
  return summary;
}

const MAX_NAME_BYTES = 1024;
const MAX_METADATA_BYTES = 1024 * 1024;
const MAX_METADATA_ENTRIES = 1000;
const MAX_TENSOR_INFOS = 1000;
const MAX_DIMENSIONS = 8;
const MAX_REFUSALS = 20;
const EXTERNAL_LOCATION = 1;

/** Bytes per element of the tensor types that are accepted. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = { 1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 11: 8 };
/** Fields of a tensor that hold its elements, and how they are stored. */
const ELEMENT_FIELDS: Readonly<Record<string, FieldKind>> = {
  float_data: "reals32",
  int32_data: "integers",
  int64_data: "integers",
  double_data: "reals64",
};

class Inspection {
  readonly #reader: WireReader;
  readonly #limits: OnnxLimits;
  readonly #opsets: { domain: string; version: number }[] = [];
  readonly #inputs: OnnxTensorInfo[] = [];
  readonly #outputs: OnnxTensorInfo[] = [];
  readonly #operators = new Map<string, number>();
  readonly #domains = new Set<string>();
  readonly #metadata = new Map<string, string>();
  readonly #refusals: string[] = [];
  readonly #flow: (NodeFlow & WireRange)[] = [];
  readonly #initializerDims = new Map<string, readonly number[]>();
  readonly #initializers = new Map<string, WireRange>();
  /** Trees, and how many columns they read of which tensor. */
  readonly #trees: { readonly input: string; readonly nColumns: number }[] = [];
  #irVersion = 0;
  #producer = "";
  #nNodes = 0;
  #nInitializers = 0;

  constructor(bytes: Uint8Array, limits: OnnxLimits) {
    this.#reader = new WireReader(bytes);
    this.#limits = limits;
  }

  run(): OnnxSummary {
    let hasGraph = false;
    const whole = { begin: 0, end: this.#reader.bytes.length };
    this.#reader.readMessage(whole, shapes.MODEL_SHAPE, "model", (field) => {
      if (field.name === "graph") hasGraph = true;
      this.#visitModel(field);
    });
    if (!hasGraph) throw new ModelRefusedError("the file has no graph");
    if (this.#inputs.length === 0 || this.#outputs.length === 0) {
      throw new ModelRefusedError("the graph has no input or no output");
    }
    for (const domain of this.#domains) {
      if (!this.#opsets.some((opset) => opset.domain === domain)) {
        this.#refuse(`domain ${JSON.stringify(domain)} is used but not imported`);
      }
    }
    const widths = leastWidths(knownTensors(this.#inputs, this.#initializerDims), this.#flow);
    for (const { input, nColumns } of this.#trees) {
      const width = widths.get(input) ?? 0;
      if (width < nColumns)
        this.#refuse(`trees read ${nColumns} columns, but their input has ${width} for certain`);
    }
    this.#followSizes();
    return {
      irVersion: this.#irVersion,
      producer: this.#producer,
      opsets: this.#opsets,
      inputs: this.#inputs,
      outputs: this.#outputs,
      operators: Object.fromEntries(this.#operators),
      nNodes: this.#nNodes,
      nInitializers: this.#nInitializers,
      metadata: Object.fromEntries(this.#metadata),
      refusals: this.#refusals,
    };
  }

  /** Only of a graph that is accepted so far: what is refused already has no sizes to speak of. */
  #followSizes(): void {
    if (this.#refusals.length > 0) return;
    const graph = { inputs: this.#inputs, initializers: this.#initializers, nodes: this.#flow };
    const reason = refusalBySize({ reader: this.#reader, ...graph });
    if (reason !== null) this.#refuse(reason);
  }

  #refuse(reason: string): void {
    if (this.#refusals.length < MAX_REFUSALS) this.#refusals.push(reason);
  }

  #text(field: WireRange, what: string): string {
    return this.#reader.readText(field, what, MAX_NAME_BYTES);
  }

  #visitModel(field: WireField): void {
    switch (field.name) {
      case "ir_version":
        this.#irVersion = field.value;
        break;
      case "producer_name":
        this.#producer = this.#text(field, "producer_name");
        break;
      case "graph":
        this.#readGraph(field);
        break;
      case "opset_import":
        this.#readOpset(field);
        break;
      case "metadata_props":
        this.#readProperty(field);
        break;
      case "functions":
      case "training_info":
        this.#refuse(`the model has ${field.name}`);
        break;
    }
  }

  #readOpset(range: WireRange): void {
    let domain = "";
    let version = 0;
    this.#reader.readMessage(range, shapes.OPSET_SHAPE, "opset_import", (field) => {
      if (field.name === "domain") domain = normaliseDomain(this.#text(field, "opset domain"));
      else version = field.value;
    });
    const known = this.#opsets.find((opset) => opset.domain === domain);
    // skl2onnx writes the same import twice.
    if (known?.version === version) return;
    if (known !== undefined) {
      throw new ModelRefusedError(`opset domain ${JSON.stringify(domain)} is imported in two versions`);
    }
    this.#opsets.push({ domain, version });
    const newest = Object.hasOwn(NEWEST_OPSETS, domain) ? NEWEST_OPSETS[domain] : undefined;
    if (newest === undefined) this.#refuse(`domain ${JSON.stringify(domain)} is not allowed`);
    else if (version < 1 || version > newest) {
      this.#refuse(`opset ${version} of ${JSON.stringify(domain)} is not in 1 … ${newest}`);
    }
    if (this.#opsets.length > 10) throw new ModelRefusedError("more than 10 opsets are imported");
  }

  #readProperty(range: WireRange): void {
    let key = "";
    let value = "";
    this.#reader.readMessage(range, shapes.PROPERTY_SHAPE, "metadata_props", (field) => {
      if (field.name === "key") key = this.#text(field, "metadata key");
      else value = this.#reader.readText(field, "metadata value", MAX_METADATA_BYTES);
    });
    if (this.#metadata.has(key))
      throw new ModelRefusedError(`metadata ${JSON.stringify(key)} is given twice`);
    this.#metadata.set(key, value);
    if (this.#metadata.size > MAX_METADATA_ENTRIES) {
      throw new ModelRefusedError(`more than ${MAX_METADATA_ENTRIES} metadata entries`);
    }
  }

  #readGraph(range: WireRange): void {
    this.#reader.readMessage(range, shapes.GRAPH_SHAPE, "graph", (field) => {
      switch (field.name) {
        case "node":
          this.#nNodes += 1;
          this.#within(this.#nNodes, this.#limits.maxNodes, "nodes");
          this.#readNode(field);
          break;
        case "initializer":
          this.#nInitializers += 1;
          this.#within(this.#nInitializers, this.#limits.maxInitializers, "initializers");
          this.#readTensor(field, "initializer");
          break;
        case "sparse_initializer":
          this.#refuse("the graph has a sparse initializer");
          break;
        case "input":
          this.#addTensorInfo(this.#inputs, field);
          break;
        case "output":
          this.#addTensorInfo(this.#outputs, field);
          break;
      }
    });
  }

  #within(count: number, max: number, what: string): void {
    if (count > max) throw new ModelRefusedError(`the graph has more than ${max} ${what}`);
  }

  #readNode(range: WireRange): void {
    let operator = "";
    let domain = "";
    const inputs: string[] = [];
    const outputs: string[] = [];
    this.#reader.readMessage(range, shapes.NODE_SHAPE, "node", (field) => {
      if (field.name === "op_type") operator = this.#text(field, "op_type");
      else if (field.name === "domain") domain = normaliseDomain(this.#text(field, "node domain"));
      else if (field.name === "attribute") this.#readAttribute(field);
      else if (field.name === "input" || field.name === "output") {
        const names = field.name === "input" ? inputs : outputs;
        this.#within(names.length + 1, MAX_TENSOR_INFOS, "inputs or outputs of a node");
        names.push(this.#text(field, "tensor name"));
      }
    });
    const axis = operator === "Gather" || operator === "Concat" ? this.#axisOf(range) : {};
    this.#flow.push({ operator, inputs, outputs, ...axis, begin: range.begin, end: range.end });
    if (TREE_OPERATORS.has(operator) && domain === "ai.onnx.ml") {
      const { nColumns, hasTextLabels } = checkTreeLists(this.#reader, range, operator);
      if (hasTextLabels) this.#refuse("a tree ensemble has labels of text");
      this.#trees.push({ input: inputs[0] ?? "", nColumns });
    }
    const name = domain === "" ? operator : `${domain}:${operator}`;
    this.#operators.set(name, (this.#operators.get(name) ?? 0) + 1);
    this.#domains.add(domain);
    const allowed = Object.hasOwn(ALLOWED_OPERATORS, domain) ? ALLOWED_OPERATORS[domain] : undefined;
    if (allowed?.has(operator) !== true) this.#refuse(`operator ${JSON.stringify(name)} is not allowed`);
  }

  #axisOf(node: WireRange): { readonly axis: number } {
    return { axis: readAttributes(this.#reader, node).get("axis")?.integer ?? 0 };
  }

  #readAttribute(range: WireRange): void {
    this.#reader.readMessage(range, shapes.ATTRIBUTE_SHAPE, "attribute", (field) => {
      switch (field.name) {
        case "t":
        case "tensors":
          this.#readTensor(field, "attribute tensor");
          break;
        case "g":
        case "graphs":
          this.#refuse("an attribute holds a subgraph");
          break;
        case "sparse_tensor":
        case "sparse_tensors":
          this.#refuse("an attribute holds a sparse tensor");
          break;
        case "ref_attr_name":
          this.#refuse("an attribute refers to a function's attribute");
          break;
      }
    });
  }

  /** Element count by dims must be what the data holds: a runtime allocates by the one and copies the other. */
  #readTensor(range: WireRange, what: string): void {
    const dims: number[] = [];
    let name = "";
    let dataType = 0;
    let rawBytes = -1;
    let nElements = 0;
    this.#reader.readMessage(range, shapes.TENSOR_SHAPE, what, (field) => {
      const kind = Object.hasOwn(ELEMENT_FIELDS, field.name) ? ELEMENT_FIELDS[field.name] : undefined;
      if (kind !== undefined) nElements += this.#reader.countNumbers(field, kind);
      else if (field.name === "dims") this.#readDims(field, what, dims);
      else if (field.name === "name") name = this.#text(field, "tensor name");
      else if (field.name === "data_type") dataType = field.value;
      else if (field.name === "raw_data") rawBytes = field.end - field.begin;
      else if (field.name === "external_data") this.#refuse(`${what} has external data`);
      else if (field.name === "data_location" && field.value === EXTERNAL_LOCATION) {
        this.#refuse(`${what} is located outside the file`);
      } else if (field.name === "string_data") this.#refuse(`${what} holds strings`);
    });
    const elementBytes = ELEMENT_BYTES[dataType];
    if (elementBytes === undefined) {
      this.#refuse(`${what} has data type ${dataType}, which is not allowed`);
      return;
    }
    const expected = dims.reduce((product, size) => product * size, 1);
    if (expected > this.#limits.maxElements) {
      throw new ModelRefusedError(`${what} has more than ${this.#limits.maxElements} elements [${expected}]`);
    }
    if (what === "initializer") this.#initializers.set(name, { begin: range.begin, end: range.end });
    if (what === "initializer" && expected > 0) this.#initializerDims.set(name, dims);
    const found = rawBytes >= 0 ? nElements + rawBytes / elementBytes : nElements;
    if (found !== expected) this.#refuse(`${what} must hold ${expected} elements, got ${found}`);
  }

  #readDims(field: WireField, what: string, dims: number[]): void {
    this.#reader.readIntegers(field, what, (size) => {
      if (!Number.isSafeInteger(size) || size < 0) {
        throw new ModelRefusedError(`${what} has a dimension of ${size}`);
      }
      dims.push(size);
      if (dims.length > MAX_DIMENSIONS) {
        throw new ModelRefusedError(`${what} has more than ${MAX_DIMENSIONS} dimensions`);
      }
    });
  }

  #addTensorInfo(infos: OnnxTensorInfo[], range: WireRange): void {
    this.#within(infos.length + 1, MAX_TENSOR_INFOS, "inputs or outputs");
    let name = "";
    let elementType = 0;
    const shape: (number | string | null)[] = [];
    this.#reader.readMessage(range, shapes.VALUE_INFO_SHAPE, "value_info", (field) => {
      if (field.name === "name") name = this.#text(field, "tensor name");
      else if (field.name === "type") {
        this.#reader.readMessage(field, shapes.TYPE_SHAPE, "type", (type) => {
          if (type.name === "tensor_type") elementType = this.#readTensorType(type, shape);
          else if (type.name !== "denotation")
            this.#refuse("an input or output is a map or sequence and no tensor");
        });
      }
    });
    infos.push({ name, elementType, shape });
  }

  #readTensorType(range: WireRange, shape: (number | string | null)[]): number {
    let elementType = 0;
    this.#reader.readMessage(range, shapes.TENSOR_TYPE_SHAPE, "tensor_type", (field) => {
      if (field.name === "elem_type") elementType = field.value;
      else {
        this.#reader.readMessage(field, shapes.DIMENSIONS_SHAPE, "shape", (dim) => {
          this.#within(shape.length + 1, MAX_DIMENSIONS, "dimensions");
          shape.push(this.#readDimension(dim));
        });
      }
    });
    return elementType;
  }

  #readDimension(range: WireRange): number | string | null {
    let size: number | string | null = null;
    this.#reader.readMessage(range, shapes.DIMENSION_SHAPE, "dim", (field) => {
      if (field.name === "dim_value") size = field.value;
      else if (field.name === "dim_param") size = this.#text(field, "dim_param");
    });
    return size;
  }
}

/** `ai.onnx` is the long name of the standard domain. */
function normaliseDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}
