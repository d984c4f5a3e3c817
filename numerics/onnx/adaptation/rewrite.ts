import { INPUT_NAME } from "../export.ts";
import { DATA_TYPE } from "../graph-builder.ts";
import type { OnnxTensorInfo } from "../inspection/inspect.ts";
import * as shapes from "../inspection/message-shapes.ts";
import { ModelRefusedError } from "../inspection/model-refused-error.ts";
import type { WireRange, WireReader } from "../inspection/wire-reader.ts";
import { WireWriter } from "../wire-writer.ts";
import type { FoundAnswer } from "./answer.ts";
import { numberLabelsOf, TEXT_LABELS } from "./class-labels.ts";
import { MAX_NAME_BYTES } from "./outline.ts";
import type { Kept, OutlinedNode } from "./outline.ts";

/** Names of the tensors that are put in; what has such a name already gets another. */
const OWN = {
  input: "aura.in",
  output: "aura.out",
  columns: "aura.column",
  picked: "aura.picked",
} as const;
const TENSOR_INPUT = 1;
const TENSOR_OUTPUT = 2;
const ATTRIBUTE = 5;
const INTS = 7;

export interface Rewriting {
  readonly input: OnnxTensorInfo;
  readonly answer: FoundAnswer;
  /** Name of the served output. */
  readonly served: string;
  readonly nFeatures: number;
  readonly kept: Kept;
}

/** Writes the kept nodes between the new ones. Equal files and rewritings give equal bytes. */
export function rewriteModel(reader: WireReader, given: Rewriting): Uint8Array {
  const { bytes } = reader;
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
  const { input, answer, served, nFeatures, kept } = given;
  const { columns } = answer;
  const rename = renaming(given);
  const graph = new WireWriter();
  graph.message(1, castNode(INPUT_NAME, OWN.input, input.elementType));
  for (const node of kept.nodes) graph.bytes(1, rewriteNode(reader, node, { rename, kept }));
  if (columns !== undefined) graph.message(1, columnsNode());
  graph.message(1, castNode(columns === undefined ? OWN.output : OWN.picked, served, DATA_TYPE.double));
  graph.text(2, "adapted");
  reader.readMessage(range, shapes.GRAPH_SHAPE, "graph", (field) => {
    if (field.name !== "initializer") return;
    const { name, tensor } = rewriteTensor(reader, field, rename);
    if (kept.tensors.has(name)) graph.bytes(5, tensor);
  });
  if (columns !== undefined) graph.message(5, indexTensor(columns));
  graph.message(11, tensorInfo(INPUT_NAME, nFeatures));
  graph.message(12, tensorInfo(served, columns?.length ?? answer.shape[1]));
  return graph.finish();
}

/** Its own input and output get the names that the new nodes join them by; what would clash with new names, another. */
function renaming({ input, answer, served }: Rewriting): (name: string) => string {
  const taken = new Set<string>([INPUT_NAME, served, ...Object.values(OWN)]);
  return (name) => {
    if (name === input.name) return OWN.input;
    if (name === answer.name) return OWN.output;
    return taken.has(name) ? `aura.was.${name}` : name;
  };
}

function rewriteNode(
  reader: WireReader,
  node: OutlinedNode,
  { rename, kept }: { readonly rename: (name: string) => string; readonly kept: Kept },
): Uint8Array {
  const written = new WireWriter();
  reader.readMessage(node, shapes.NODE_SHAPE, "node", (field) => {
    if (field.number === TENSOR_INPUT || field.number === TENSOR_OUTPUT) {
      const name = reader.readText(field, "tensor name", MAX_NAME_BYTES);
      written.text(field.number, name === "" ? "" : rename(name));
      return;
    }
    const range = { begin: field.begin, end: field.end };
    const nTexts = field.number === ATTRIBUTE ? countTextLabels(reader, node, range) : 0;
    if (nTexts === 0) written.bytes(field.number, reader.bytes.subarray(field.begin, field.end));
    else written.message(ATTRIBUTE, numbersAsLabels(node, nTexts, kept));
  });
  return written.finish();
}

/** How many labels of text an attribute of a classifier holds; 0 for any other. */
function countTextLabels(reader: WireReader, node: OutlinedNode, attribute: WireRange): number {
  if (numberLabelsOf(node) === undefined) return 0;
  let isLabels = false;
  let nTexts = 0;
  reader.readMessage(attribute, shapes.ATTRIBUTE_SHAPE, "attribute", (field) => {
    if (field.name === "name") isLabels = reader.readText(field, "name", MAX_NAME_BYTES) === TEXT_LABELS;
    else if (field.name === "strings") nTexts += 1;
  });
  return isLabels ? nTexts : 0;
}

/** A classifier gives its label whether or not anybody asks, and must be given some: their places. */
function numbersAsLabels(node: OutlinedNode, count: number, { tensors }: Kept): WireWriter {
  const [label = ""] = node.outputs;
  if (tensors.has(label)) throw new ModelRefusedError(`its answer depends on the label of text ${label}`);
  const numbers = Array.from({ length: count }, (_, place) => place);
  const name = numberLabelsOf(node) ?? TEXT_LABELS;
  return new WireWriter().text(1, name).packedIntegers(8, numbers).integer(20, INTS);
}

function rewriteTensor(
  reader: WireReader,
  range: WireRange,
  rename: (name: string) => string,
): { readonly name: string; readonly tensor: Uint8Array } {
  const tensor = new WireWriter();
  let name = "";
  reader.readMessage(range, shapes.TENSOR_SHAPE, "initializer", (field) => {
    if (field.name === "name") {
      name = reader.readText(field, "tensor name", MAX_NAME_BYTES);
      tensor.text(field.number, rename(name));
    } else if (field.name === "data_type") tensor.integer(field.number, field.value);
    else if (field.name === "dims") {
      const dims: number[] = [];
      reader.readIntegers(field, "dims", (value) => dims.push(value));
      for (const dim of dims) tensor.integer(field.number, dim);
      // Numbers given one by one become a packed field of one: the same list. Its place is this file, as was checked.
    } else if (field.name !== "data_location")
      tensor.bytes(field.number, reader.bytes.subarray(field.begin, field.end));
  });
  return { name, tensor: tensor.finish() };
}

function castNode(from: string, to: string, elementType: number): WireWriter {
  const attribute = new WireWriter().text(1, "to").integer(3, elementType).integer(20, 2);
  return new WireWriter().text(1, from).text(2, to).text(4, "Cast").message(5, attribute);
}

function columnsNode(): WireWriter {
  const axis = new WireWriter().text(1, "axis").integer(3, 1).integer(20, 2);
  const node = new WireWriter().text(1, OWN.output).text(1, OWN.columns).text(2, OWN.picked);
  return node.text(4, "Gather").message(5, axis);
}

function indexTensor(columns: readonly number[]): WireWriter {
  const raw = new DataView(new ArrayBuffer(8 * columns.length));
  columns.forEach((column, place) => raw.setBigInt64(8 * place, BigInt(column), true));
  const tensor = new WireWriter().integer(1, columns.length).integer(2, DATA_TYPE.int64);
  return tensor.text(8, OWN.columns).bytes(9, new Uint8Array(raw.buffer));
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
