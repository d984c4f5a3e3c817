/**
 * Brings a graph from elsewhere into the form that is served: one input `features` double [N, n], one output of the
 * task's name, double.
 *
 *   features ─ Cast ─→ (its own input) … its own graph … (its own output) ─ Gather ─ Cast ─→ probability
 *
 * Nothing of the graph itself changes but names that would clash with these. Converters for scikit-learn, LightGBM or
 * PyTorch write float32 inputs under names of their own, and probabilities of both classes; without this, each of
 * their users would have to edit protobuf.
 */
import type { TaskKind } from "../task-kind.ts";
import { INPUT_NAME, OUTPUT_NAMES } from "./export.ts";
import { DATA_TYPE } from "./graph-builder.ts";
import { checkOnnx } from "./inspection/inspect.ts";
import type { OnnxSummary, OnnxTensorInfo } from "./inspection/inspect.ts";
import * as shapes from "./inspection/message-shapes.ts";
import { ModelRefusedError } from "./inspection/model-refused-error.ts";
import { WireReader } from "./inspection/wire-reader.ts";
import type { WireRange } from "./inspection/wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

export interface OnnxAdaptation {
  readonly taskKind: TaskKind;
  /** Columns of `features`. */
  readonly nFeatures: number;
  /** The graph's own input; default: its only one. */
  readonly input?: string;
  /** The graph's own output; default: its only one, or the one that has the task's name. */
  readonly output?: string;
  /** Column of the output that is the answer, from 0; default: all of them. */
  readonly column?: number;
}

const MAX_NAME_BYTES = 1024;
/** Names of the tensors that are put in; what has such a name already gets another. */
const OWN = { input: "aura.in", output: "aura.out", column: "aura.column", picked: "aura.picked" } as const;
const TENSOR_INPUT = 1;
const TENSOR_OUTPUT = 2;

/**
 * @returns the same bytes where the graph has the form already
 * @throws {ModelRefusedError} for what `checkOnnx` refuses, and for inputs or outputs that cannot be brought into the form
 */
export function adaptOnnx(bytes: Uint8Array, adaptation: OnnxAdaptation): Uint8Array {
  const summary = checkOnnx(bytes);
  const input = findInput(summary, adaptation);
  const output = findOutput(summary, adaptation);
  const answer = OUTPUT_NAMES[adaptation.taskKind];
  const isServed =
    input.name === INPUT_NAME &&
    input.elementType === DATA_TYPE.double &&
    output.name === answer &&
    output.elementType === DATA_TYPE.double &&
    adaptation.column === undefined &&
    summary.inputs.length === 1;
  if (isServed) return bytes;
  const adapted = rewrite(bytes, { input, output, answer, adaptation });
  checkOnnx(adapted);
  return adapted;
}

function findInput({ inputs }: OnnxSummary, { input: name, nFeatures }: OnnxAdaptation): OnnxTensorInfo {
  const [only, ...others] = name === undefined ? inputs : inputs.filter((one) => one.name === name);
  if (only === undefined || others.length > 0) throw refusal("input", name, inputs);
  requireReal(only, "input");
  const width = only.shape[1];
  if (only.shape.length !== 2 || (typeof width === "number" && width !== nFeatures))
    throw new ModelRefusedError(
      `its input ${only.name} must be [N, ${nFeatures}], is [${only.shape.join(", ")}]`,
    );
  return only;
}

function findOutput(
  { outputs }: OnnxSummary,
  { output: name, taskKind, column }: OnnxAdaptation,
): OnnxTensorInfo {
  const named = outputs.filter((one) => one.name === (name ?? OUTPUT_NAMES[taskKind]));
  const [only, ...others] = name === undefined && named.length === 0 ? outputs : named;
  if (only === undefined || others.length > 0) throw refusal("output", name, outputs);
  requireReal(only, "output");
  if (column !== undefined && only.shape.length !== 2)
    throw new ModelRefusedError(`its output ${only.name} has no columns`);
  const width = only.shape[1];
  if (column !== undefined && typeof width === "number" && column >= width)
    throw new ModelRefusedError(`its output ${only.name} has ${width} columns, none is number ${column}`);
  return only;
}

function refusal(what: string, name: string | undefined, all: readonly OnnxTensorInfo[]): ModelRefusedError {
  const names = all.map((one) => one.name).join(", ");
  return new ModelRefusedError(
    name === undefined
      ? `it has the ${what}s ${names}: the signature must say which one counts`
      : `it has no ${what} ${name}, but ${names}`,
  );
}

function requireReal({ name, elementType }: OnnxTensorInfo, what: string): void {
  if (elementType === DATA_TYPE.double || elementType === DATA_TYPE.float) return;
  throw new ModelRefusedError(`its ${what} ${name} must be float or double [type ${elementType}]`);
}

interface Rewriting {
  readonly input: OnnxTensorInfo;
  readonly output: OnnxTensorInfo;
  /** Name of the served output. */
  readonly answer: string;
  readonly adaptation: OnnxAdaptation;
}

function rewrite(bytes: Uint8Array, given: Rewriting): Uint8Array {
  const reader = new WireReader(bytes);
  const model = new WireWriter();
  let hasStandardOpset = false;
  reader.readMessage({ begin: 0, end: bytes.length }, shapes.MODEL_SHAPE, "model", (field) => {
    const body = bytes.subarray(field.begin, field.end);
    if (field.name === "ir_version") model.integer(field.number, field.value);
    else if (field.name === "graph") model.bytes(field.number, rewriteGraph(reader, field, given));
    else if (field.name === "opset_import") {
      hasStandardOpset ||= isStandardOpset(reader, field);
      model.bytes(field.number, body);
    } else if (field.name === "producer_name" || field.name === "metadata_props")
      model.bytes(field.number, body);
  });
  // Cast and Gather are of the standard domain, which a graph of trees alone need not import.
  if (!hasStandardOpset) model.message(8, new WireWriter().integer(2, 17));
  return model.finish();
}

function isStandardOpset(reader: WireReader, range: WireRange): boolean {
  let domain = "";
  reader.readMessage(range, shapes.OPSET_SHAPE, "opset_import", (field) => {
    if (field.name === "domain") domain = reader.readText(field, "domain", MAX_NAME_BYTES);
  });
  return domain === "" || domain === "ai.onnx";
}

function rewriteGraph(reader: WireReader, range: WireRange, given: Rewriting): Uint8Array {
  const { input, output, answer, adaptation } = given;
  const rename = renaming(given);
  const graph = new WireWriter();
  graph.message(1, castNode(INPUT_NAME, OWN.input, input.elementType));
  reader.readMessage(range, shapes.GRAPH_SHAPE, "graph", (field) => {
    if (field.name === "node") graph.bytes(1, rewriteNode(reader, field, rename));
  });
  const { column } = adaptation;
  if (column !== undefined) graph.message(1, columnNode());
  graph.message(1, castNode(column === undefined ? OWN.output : OWN.picked, answer, DATA_TYPE.double));
  graph.text(2, "adapted");
  reader.readMessage(range, shapes.GRAPH_SHAPE, "graph", (field) => {
    if (field.name === "initializer") graph.bytes(5, rewriteTensor(reader, field, rename));
  });
  if (column !== undefined) graph.message(5, indexTensor(column));
  const width = output.shape[1];
  graph.message(11, tensorInfo(INPUT_NAME, adaptation.nFeatures));
  graph.message(12, tensorInfo(answer, column === undefined ? width : 1));
  return graph.finish();
}

/** Its own input and output get the names that the new nodes join them by; what would clash with new names, another. */
function renaming({ input, output, answer }: Rewriting): (name: string) => string {
  const taken = new Set<string>([INPUT_NAME, answer, ...Object.values(OWN)]);
  return (name) => {
    if (name === input.name) return OWN.input;
    if (name === output.name) return OWN.output;
    return taken.has(name) ? `aura.was.${name}` : name;
  };
}

function rewriteNode(reader: WireReader, range: WireRange, rename: (name: string) => string): Uint8Array {
  const node = new WireWriter();
  reader.readMessage(range, shapes.NODE_SHAPE, "node", (field) => {
    const isTensor = field.number === TENSOR_INPUT || field.number === TENSOR_OUTPUT;
    if (!isTensor) node.bytes(field.number, reader.bytes.subarray(field.begin, field.end));
    else {
      const name = reader.readText(field, "tensor name", MAX_NAME_BYTES);
      node.text(field.number, name === "" ? "" : rename(name));
    }
  });
  return node.finish();
}

function rewriteTensor(reader: WireReader, range: WireRange, rename: (name: string) => string): Uint8Array {
  const tensor = new WireWriter();
  reader.readMessage(range, shapes.TENSOR_SHAPE, "initializer", (field) => {
    if (field.name === "name")
      tensor.text(field.number, rename(reader.readText(field, "tensor name", MAX_NAME_BYTES)));
    else if (field.name === "data_type") tensor.integer(field.number, field.value);
    else if (field.name === "dims") {
      const dims: number[] = [];
      reader.readIntegers(field, "dims", (value) => dims.push(value));
      for (const dim of dims) tensor.integer(field.number, dim);
      // Numbers given one by one become a packed field of one: the same list. Its place is this file, as was checked.
    } else if (field.name !== "data_location")
      tensor.bytes(field.number, reader.bytes.subarray(field.begin, field.end));
  });
  return tensor.finish();
}

function castNode(from: string, to: string, elementType: number): WireWriter {
  const attribute = new WireWriter().text(1, "to").integer(3, elementType).integer(20, 2);
  return new WireWriter().text(1, from).text(2, to).text(4, "Cast").message(5, attribute);
}

function columnNode(): WireWriter {
  const axis = new WireWriter().text(1, "axis").integer(3, 1).integer(20, 2);
  const node = new WireWriter().text(1, OWN.output).text(1, OWN.column).text(2, OWN.picked);
  return node.text(4, "Gather").message(5, axis);
}

function indexTensor(column: number): WireWriter {
  const raw = new Uint8Array(8);
  new DataView(raw.buffer).setBigInt64(0, BigInt(column), true);
  const tensor = new WireWriter().integer(1, 1).integer(2, DATA_TYPE.int64);
  return tensor.text(8, OWN.column).bytes(9, raw);
}

function tensorInfo(name: string, width: number | string | null | undefined): WireWriter {
  const shape = new WireWriter().message(1, new WireWriter().text(2, "N"));
  if (width !== undefined) {
    const dim = new WireWriter();
    shape.message(1, typeof width === "number" ? dim.integer(1, width) : dim.text(2, width ?? "M"));
  }
  const type = new WireWriter().message(1, new WireWriter().integer(1, DATA_TYPE.double).message(2, shape));
  return new WireWriter().text(1, name).message(2, type);
}
