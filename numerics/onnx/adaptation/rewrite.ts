import { INPUT_NAME } from "../export.ts";
import { DATA_TYPE } from "../graph-builder.ts";
import * as shapes from "../inspection/message-shapes.ts";
import { ModelRefusedError } from "../inspection/model-refused-error.ts";
import type { WireRange, WireReader } from "../inspection/wire-reader.ts";
import { WireWriter } from "../wire-writer.ts";
import type { FoundAnswer, FoundInput } from "./answer.ts";
import { numberLabelsOf, TEXT_LABELS } from "./class-labels.ts";
import { MAX_NAME_BYTES } from "./outline.ts";
import type { Kept, OutlinedNode } from "./outline.ts";

/** Names of the tensors that are put in; what has such a name already gets another. */
const OWN = {
  input: "aura.in",
  output: "aura.out",
  cast: "aura.cast",
  feature: "aura.feature",
  shape: "aura.shape",
  flat: "aura.flat",
  columns: "aura.column",
  picked: "aura.picked",
  negated: "aura.negated",
  byHorizon: "aura.by_horizon",
  horizonShape: "aura.horizon_shape",
  nLevels: "aura.n_levels",
  sorted: "aura.sorted",
  places: "aura.places",
  ascending: "aura.ascending",
  ascendingShape: "aura.ascending_shape",
} as const;
const OWN_PREFIX = "aura.";
const TENSOR_INPUT = 1;
const TENSOR_OUTPUT = 2;
const ATTRIBUTE = 5;
const INTS = 7;

export interface Rewriting {
  readonly input: FoundInput;
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
  const { answer, served, nFeatures, kept } = given;
  const rename = renaming(given);
  const { before, after, constants } = ownParts(given);
  const graph = new WireWriter();
  for (const one of before) graph.message(1, one);
  for (const one of kept.nodes) graph.bytes(1, rewriteNode(reader, one, { rename, kept }));
  for (const one of after) graph.message(1, one);
  graph.text(2, "adapted");
  reader.readMessage(range, shapes.GRAPH_SHAPE, "graph", (field) => {
    if (field.name !== "initializer") return;
    const { name, tensor } = rewriteTensor(reader, field, rename);
    if (kept.tensors.has(name)) graph.bytes(5, tensor);
  });
  for (const tensor of constants) graph.message(5, tensor);
  graph.message(11, tensorInfo(INPUT_NAME, nFeatures));
  graph.message(12, tensorInfo(served, servedWidth(answer)));
  return graph.finish();
}

/** Nodes around the kept ones, in the order in which they run, and the constants that they read. */
function ownParts({ input, answer, served }: Rewriting) {
  const { nodes: before, constants } = inputParts(input);
  const after: WireWriter[] = [];
  let last: string = OWN.output;
  if (answer.shape.length > 2) {
    after.push(node("Flatten", [last], OWN.flat).message(ATTRIBUTE, axisOne()));
    last = OWN.flat;
  }
  if (answer.columns !== undefined) {
    after.push(node("Gather", [last, OWN.columns], OWN.picked).message(ATTRIBUTE, axisOne()));
    constants.push(integerTensor(OWN.columns, answer.columns));
    last = OWN.picked;
  }
  if (answer.isNegated) {
    after.push(node("Neg", [last], OWN.negated));
    last = OWN.negated;
  }
  if (answer.ordered !== undefined) {
    const sorting = sortNodes(last, answer.ordered);
    after.push(...sorting.nodes);
    constants.push(...sorting.constants);
    last = OWN.ascending;
  }
  after.push(castNode(last, served, DATA_TYPE.double));
  return { before, after, constants };
}

/** From `features` to the tensors that the graph begins with. */
function inputParts({ tensors, columns }: FoundInput): {
  readonly nodes: WireWriter[];
  readonly constants: WireWriter[];
} {
  const [{ elementType, shape }] = tensors;
  if (columns === null && shape.length === 2)
    return { nodes: [castNode(INPUT_NAME, OWN.input, elementType)], constants: [] };
  const cast = castNode(INPUT_NAME, OWN.cast, elementType);
  if (columns === null)
    // Features are the readings of a window in the order of its tensor; 0 keeps the rows.
    return {
      nodes: [cast, node("Reshape", [OWN.cast, OWN.shape], OWN.input)],
      constants: [integerTensor(OWN.shape, [0, ...shape.slice(1).map(Number)])],
    };
  const places = columns.map((column, place) => integerTensor(`${OWN.feature}${place}`, [column]));
  const picked = columns.map((_, place) =>
    node("Gather", [OWN.cast, `${OWN.feature}${place}`], `${OWN.input}${place}`).message(
      ATTRIBUTE,
      axisOne(),
    ),
  );
  return { nodes: [cast, ...picked], constants: places };
}

/** The levels of each horizon, the smallest first. */
function sortNodes(
  from: string,
  { nHorizons, nQuantiles }: NonNullable<FoundAnswer["ordered"]>,
): { readonly nodes: readonly WireWriter[]; readonly constants: readonly WireWriter[] } {
  const flag = (name: string, value: number) =>
    new WireWriter().text(1, name).integer(3, value).integer(20, 2);
  const smallest = node("TopK", [OWN.byHorizon, OWN.nLevels], OWN.sorted).text(TENSOR_OUTPUT, OWN.places);
  smallest.message(ATTRIBUTE, flag("axis", 2)).message(ATTRIBUTE, flag("largest", 0));
  return {
    nodes: [
      node("Reshape", [from, OWN.horizonShape], OWN.byHorizon),
      smallest.message(ATTRIBUTE, flag("sorted", 1)),
      node("Reshape", [OWN.sorted, OWN.ascendingShape], OWN.ascending),
    ],
    constants: [
      integerTensor(OWN.horizonShape, [0, nHorizons, nQuantiles]),
      integerTensor(OWN.nLevels, [nQuantiles]),
      integerTensor(OWN.ascendingShape, [0, nHorizons * nQuantiles]),
    ],
  };
}

function servedWidth({ shape, columns, ordered }: FoundAnswer): number | string | null | undefined {
  if (ordered !== undefined) return ordered.nHorizons * ordered.nQuantiles;
  if (columns !== undefined) return columns.length;
  if (shape.length <= 2) return shape[1];
  const sizes = shape.slice(1).map((size) => (typeof size === "number" ? size : Number.NaN));
  const width = sizes.reduce((product, size) => product * size, 1);
  return Number.isNaN(width) ? null : width;
}

/** Its own input and output get the names that the new nodes join them by; what would clash with new names, another. */
function renaming({ input, answer, served }: Rewriting): (name: string) => string {
  const own = new Map(
    input.tensors.map(({ name }, place) => [
      name,
      input.columns === null ? OWN.input : `${OWN.input}${place}`,
    ]),
  );
  return (name) => {
    const joined = own.get(name);
    if (joined !== undefined) return joined;
    if (name === answer.name) return OWN.output;
    const isTaken = name === INPUT_NAME || name === served || name.startsWith(OWN_PREFIX);
    return isTaken ? `aura.was.${name}` : name;
  };
}

function rewriteNode(
  reader: WireReader,
  outlined: OutlinedNode,
  { rename, kept }: { readonly rename: (name: string) => string; readonly kept: Kept },
): Uint8Array {
  const written = new WireWriter();
  reader.readMessage(outlined, shapes.NODE_SHAPE, "node", (field) => {
    if (field.number === TENSOR_INPUT || field.number === TENSOR_OUTPUT) {
      const name = reader.readText(field, "tensor name", MAX_NAME_BYTES);
      written.text(field.number, name === "" ? "" : rename(name));
      return;
    }
    const range = { begin: field.begin, end: field.end };
    const nTexts = field.number === ATTRIBUTE ? countTextLabels(reader, outlined, range) : 0;
    if (nTexts === 0) written.bytes(field.number, reader.bytes.subarray(field.begin, field.end));
    else written.message(ATTRIBUTE, numbersAsLabels(outlined, nTexts, kept));
  });
  return written.finish();
}

/** How many labels of text an attribute of a classifier holds; 0 for any other. */
function countTextLabels(reader: WireReader, outlined: OutlinedNode, attribute: WireRange): number {
  if (numberLabelsOf(outlined) === undefined) return 0;
  let isLabels = false;
  let nTexts = 0;
  reader.readMessage(attribute, shapes.ATTRIBUTE_SHAPE, "attribute", (field) => {
    if (field.name === "name") isLabels = reader.readText(field, "name", MAX_NAME_BYTES) === TEXT_LABELS;
    else if (field.name === "strings") nTexts += 1;
  });
  return isLabels ? nTexts : 0;
}

/** A classifier gives its label whether or not anybody asks, and must be given some: their places. */
function numbersAsLabels(outlined: OutlinedNode, count: number, { tensors }: Kept): WireWriter {
  const [label = ""] = outlined.outputs;
  if (tensors.has(label)) throw new ModelRefusedError(`its answer depends on the label of text ${label}`);
  const numbers = Array.from({ length: count }, (_, place) => place);
  const name = numberLabelsOf(outlined) ?? TEXT_LABELS;
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
  return node("Cast", [from], to).message(ATTRIBUTE, attribute);
}

function node(operator: string, inputs: readonly string[], output: string): WireWriter {
  const written = new WireWriter();
  for (const input of inputs) written.text(1, input);
  return written.text(2, output).text(4, operator);
}

function axisOne(): WireWriter {
  return new WireWriter().text(1, "axis").integer(3, 1).integer(20, 2);
}

function integerTensor(name: string, values: readonly number[]): WireWriter {
  const raw = new DataView(new ArrayBuffer(8 * values.length));
  values.forEach((value, place) => raw.setBigInt64(8 * place, BigInt(value), true));
  const tensor = new WireWriter().integer(1, values.length).integer(2, DATA_TYPE.int64);
  return tensor.text(8, name).bytes(9, new Uint8Array(raw.buffer));
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
