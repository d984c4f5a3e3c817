/**
 * Follows sizes through a graph before any runtime sees it, so that what a graph costs is known from the file and the
 * number of rows.
 *
 * Operators such as Expand, Tile, Range or Reshape make tensors of a size that another tensor holds. They are allowed
 * where that size is a number in the file, or is made of the sizes of tensors: never where it comes from what a row says,
 * for then a single row could ask for all memory there is. Sizes are looked at for 1, 4, 16 … rows; between these they are not
 * larger, as `Size` keeps to what rises with the rows.
 *
 * Cost: O(nodes) for each number of rows.
 */
import type { OnnxTensorInfo } from "../onnx-summary.ts";
import type { WireRange, WireReader } from "../wire-reader.ts";
import { refusalOfLists } from "./coefficient-lists.ts";
import { contentOf } from "./contents.ts";
import { productsOf } from "./layer-rules.ts";
import { NOTHING_KNOWN, readAttributes, readTensorFact } from "./node-facts.ts";
import type { AttributeFact, Attributes, TensorFact } from "./node-facts.ts";
import { LEFT_OUT } from "./ruled-node.ts";
import type { RuledNode, Shape } from "./ruled-node.ts";
import { einsumSizes, SHAPE_RULES } from "./shape-rules.ts";
import { fixed, productOf, rowsOf } from "./size.ts";
import type { Size } from "./size.ts";

/** A node, and where its bytes are. */
export interface SizedNode extends WireRange {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface SizedGraph {
  readonly reader: WireReader;
  readonly inputs: readonly OnnxTensorInfo[];
  readonly initializers: ReadonlyMap<string, WireRange>;
  /** In the order in which they run. */
  readonly nodes: readonly SizedNode[];
}

/** Elements of a tensor, for each row. */
const MAX_ELEMENTS_PER_ROW = 2 ** 24;
/** A tensor of up to so many elements per row may grow in any way. */
const FEW_ELEMENTS_PER_ROW = 2 ** 16;
/** Products of numbers that one layer takes, for each row: some seconds, and of the most rows what a double counts. */
const MAX_PRODUCTS_PER_ROW = 2 ** 33;
/** What cuts windows into patches has six or seven. More would take time here, and an equation counts ten at most. */
const MAX_DIMENSIONS = 10;
const ROW_COUNTS = Array.from({ length: 11 }, (_, power) => 4 ** power);

/** Attributes that are sizes: the least they may be, and the most. */
const MAX_ATTRIBUTE = 65_536;
const LEAST_OF_ATTRIBUTE: Readonly<Record<string, number>> = {
  kernel_shape: 1,
  strides: 1,
  dilations: 1,
  group: 1,
  hidden_size: 1,
  blocksize: 1,
  output_shape: 1,
  output_padding: 0,
  num_outputs: 1,
  num_groups: 1,
};

/** @returns why a graph is refused: the first reason; null where nothing is wrong */
export function refusalBySize(graph: SizedGraph): string | null {
  const { reader, nodes, initializers } = graph;
  const constants = new Map([...initializers].map(([name, range]) => [name, readTensorFact(reader, range)]));
  const read = nodes.map((node) => ({ node, attributes: readAttributes(reader, node) }));
  for (const { node, attributes } of read) {
    const reason =
      refusalOfAttributes(attributes, node.operator) ?? refusalOfLabels(attributes, node.operator);
    if (reason !== null) return `${node.operator}: ${reason}`;
  }
  const single = new Map<string, number>();
  for (const nRows of ROW_COUNTS) {
    const facts = new Map(constants);
    for (const input of graph.inputs) facts.set(input.name, inputFact(input, nRows));
    for (const { node, attributes } of read) {
      const reason = followNode({ node, attributes, facts, single, nRows });
      if (reason !== null) return `${node.operator}: ${reason}`;
    }
  }
  return null;
}

/** What is known of every tensor for one number of rows. */
export function sizesOf(
  { reader, inputs, initializers, nodes }: SizedGraph,
  nRows: number,
): ReadonlyMap<string, TensorFact> {
  const facts = new Map([...initializers].map(([name, range]) => [name, readTensorFact(reader, range)]));
  for (const input of inputs) facts.set(input.name, inputFact(input, nRows));
  const single = new Map<string, number>();
  for (const node of nodes)
    followNode({ node, attributes: readAttributes(reader, node), facts, single, nRows });
  return facts;
}

/** What a caller may give: rows of a size that the file says. */
function inputFact({ shape, elementType }: OnnxTensorInfo, nRows: number): TensorFact {
  const sizes = shape.map((size, place) =>
    typeof size === "number" ? fixed(size) : place === 0 ? rowsOf(nRows) : null,
  );
  const known = sizes.filter((size): size is Size => size !== null);
  const isKnown = sizes.length > 0 && known.length === sizes.length;
  return { shape: isKnown ? known : null, content: null, elementType };
}

function refusalOfAttributes(attributes: Attributes, operator: string): string | null {
  for (const [name, { integer, integers }] of attributes) {
    const isPads = name === "pads";
    const least = Object.hasOwn(LEAST_OF_ATTRIBUTE, name) ? LEAST_OF_ATTRIBUTE[name] : undefined;
    if (least === undefined && !isPads) continue;
    // Only Pad itself may take away.
    const low = least ?? (operator === "Pad" ? -MAX_ATTRIBUTE : 0);
    const wrong = [...integers, ...(integer === undefined ? [] : [integer])].find(
      (value) => !(value >= low && value <= MAX_ATTRIBUTE),
    );
    if (wrong !== undefined) return `${name} must be in ${low} … ${MAX_ATTRIBUTE}, got ${wrong}`;
  }
  return null;
}

/** As it was trained, a layer draws random numbers, or answers a row by those beside it. */
function refusalOfTraining({ operator, inputs, attributes }: RuledNode): string | null {
  const [, , isTraining = LEFT_OUT] = inputs;
  const isDrawing = operator === "Dropout" && isTraining !== LEFT_OUT && isTraining.content?.[0]?.value !== 0;
  const isBatched =
    operator === "BatchNormalization" && (attributes.get("training_mode")?.integer ?? 0) !== 0;
  return isDrawing || isBatched ? "it must be exported for answering, not in training mode" : null;
}

/** Codes are turned into numbers, one by one; texts are no tensors that are served. */
function refusalOfLabels(attributes: Attributes, operator: string): string | null {
  if (operator !== "LabelEncoder") return null;
  const lengths: number[] = [];
  for (const [name, { length, tensor }] of attributes) {
    if (!name.startsWith("keys_") && !name.startsWith("values_")) continue;
    if (name.endsWith("_strings")) return "it has labels of text";
    lengths.push(tensor === undefined ? length : productOf(tensor.shape ?? []).value);
  }
  const [keys, values] = lengths;
  return lengths.length === 2 && keys === values ? null : "it must have as many values as keys";
}

interface Step {
  readonly node: SizedNode;
  readonly attributes: ReadonlyMap<string, AttributeFact>;
  /** By tensor; the outputs of the node are added. */
  readonly facts: Map<string, TensorFact>;
  /** Elements of each tensor for a single row; added to when there is one. */
  readonly single: Map<string, number>;
  readonly nRows: number;
}

function followNode({ node, attributes, facts, single, nRows }: Step): string | null {
  const { operator, inputs, outputs } = node;
  const ruled: RuledNode = {
    operator,
    inputs: inputs.map((name) => (name === "" ? LEFT_OUT : (facts.get(name) ?? NOTHING_KNOWN))),
    attributes,
    nOutputs: outputs.length,
  };
  // The columns of a table are the same for any number of rows.
  const wrongList = nRows === 1 ? refusalOfLists(ruled) : null;
  if (wrongList !== null) return wrongList;
  const training = refusalOfTraining(ruled);
  if (training !== null) return training;
  const shapes = SHAPE_RULES.get(operator)?.(ruled) ?? [];
  for (const [place, name] of outputs.entries()) {
    const shape = shapes[place] ?? null;
    const reason = refusalOfShape(shape, { name, single, nRows });
    if (reason !== null) return reason;
    facts.set(name, place === 0 ? contentOf(ruled, shape) : { ...NOTHING_KNOWN, shape });
  }
  return refusalOfWork(ruled, shapes, nRows);
}

function refusalOfShape(
  shape: Shape | null,
  { name, single, nRows }: Pick<Step, "single" | "nRows"> & { readonly name: string },
): string | null {
  // Optional outputs that are not asked for have no name.
  if (name === "") return null;
  if (shape !== null && shape.length > MAX_DIMENSIONS)
    return `it makes ${shape.length} dimensions, at most ${MAX_DIMENSIONS} are allowed`;
  const count = shape?.reduce((product, { value }) => product * value, 1) ?? Number.NaN;
  if (Number.isNaN(count))
    return "the size of what it makes is not known from the file and the number of rows";
  if (shape?.some(({ value }) => value < 0) === true) return "it makes fewer than no elements";
  if (nRows === 1) single.set(name, count);
  const first = single.get(name) ?? 0;
  if (count > nRows * MAX_ELEMENTS_PER_ROW)
    return `it makes ${count} elements of ${nRows} rows, at most ${MAX_ELEMENTS_PER_ROW} each are allowed`;
  if (count > nRows * Math.max(first, FEW_ELEMENTS_PER_ROW))
    return `what it makes grows faster than the rows: ${first} elements of one, ${count} of ${nRows}`;
  return null;
}

function refusalOfWork(node: RuledNode, shapes: readonly (Shape | null)[], nRows: number): string | null {
  const letters = node.operator === "Einsum" ? einsumSizes(node)?.letters : undefined;
  const { value: products } =
    letters === undefined ? productsOf(node, shapes) : productOf([...letters.values()]);
  if (products <= nRows * MAX_PRODUCTS_PER_ROW) return null;
  return `it takes ${products} products for ${nRows} rows, at most ${MAX_PRODUCTS_PER_ROW} each are allowed`;
}
