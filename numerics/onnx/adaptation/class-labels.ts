/**
 * What a graph from elsewhere calls its classes, and which of its columns answer for the pipeline's.
 *
 * Converters keep the labels of the training data: in ZipMap, which turns probabilities into a map for Python, and in the
 * classifiers themselves. By them the columns are found that a signature would otherwise have to name.
 */
import { ATTRIBUTE_SHAPE, NODE_SHAPE } from "../inspection/message-shapes.ts";
import { ModelRefusedError } from "../inspection/model-refused-error.ts";
import type { WireReader } from "../inspection/wire-reader.ts";
import { MAX_NAME_BYTES } from "./outline.ts";
import type { Outline, OutlinedNode } from "./outline.ts";

/** Labels in the order of the columns, as text; numbers as they are printed. */
export interface ClassLabels {
  readonly labels: readonly string[];
  readonly areTexts: boolean;
}

/** What the pipeline calls the classes. */
export interface PipelineClasses {
  /** Several classes: in code order. Two: texts that may name the positive one, the likeliest first. */
  readonly names: readonly string[];
  /** Whole numbers are places in the code order and no names: what a trainer was given learns from codes. */
  readonly areCodes: boolean;
}

const MAX_LABELS = 10_000;

/** Classifiers, and the attribute that whole numbers as labels are written in. */
const NUMBER_LABELS: Readonly<Record<string, string>> = {
  TreeEnsembleClassifier: "classlabels_int64s",
  LinearClassifier: "classlabels_ints",
  SVMClassifier: "classlabels_ints",
  ZipMap: "classlabels_int64s",
};
export const TEXT_LABELS = "classlabels_strings";

/** Operators after a classifier that leave its columns where they are. */
const COLUMNWISE = new Set("Identity Cast Normalizer Softmax Clip".split(" "));

/** @returns the attribute for numbers as labels; undefined: no classifier */
export function numberLabelsOf({ operator, domain }: OutlinedNode): string | undefined {
  if (domain !== "ai.onnx.ml" || !Object.hasOwn(NUMBER_LABELS, operator)) return undefined;
  return NUMBER_LABELS[operator];
}

export function isZipMap({ operator, domain }: OutlinedNode): boolean {
  return domain === "ai.onnx.ml" && operator === "ZipMap";
}

/**
 * Labels of the columns of a tensor: those of the map that is made of it, else of the classifier that it comes from.
 *
 * @returns null where the graph does not tell
 *
 * Cost: O(nodes and their tensors).
 */
export function labelsOf(tensor: string, outline: Outline, reader: WireReader): ClassLabels | null {
  const map = outline.nodes.find((node) => isZipMap(node) && node.inputs[0] === tensor);
  if (map !== undefined) return readLabels(map, reader);
  const makers = new Map(outline.nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
  let name = tensor;
  for (let steps = 0; steps <= outline.nodes.length; steps++) {
    const maker = makers.get(name);
    if (maker === undefined) return null;
    // The first output of a classifier is the label, the second its scores.
    if (numberLabelsOf(maker) !== undefined)
      return maker.outputs[1] === name ? readLabels(maker, reader) : null;
    if (!COLUMNWISE.has(maker.operator)) return null;
    [name = ""] = maker.inputs;
  }
  return null;
}

function readLabels(node: OutlinedNode, reader: WireReader): ClassLabels | null {
  const numbers: string[] = [];
  const texts: string[] = [];
  reader.readMessage(node, NODE_SHAPE, "node", (part) => {
    if (part.name !== "attribute") return;
    const attribute = { begin: part.begin, end: part.end };
    let name = "";
    reader.readMessage(attribute, ATTRIBUTE_SHAPE, "attribute", (field) => {
      if (field.name === "name") name = reader.readText(field, "attribute name", MAX_NAME_BYTES);
    });
    if (name !== TEXT_LABELS && name !== numberLabelsOf(node)) return;
    reader.readMessage(attribute, ATTRIBUTE_SHAPE, "attribute", (field) => {
      if (numbers.length + texts.length > MAX_LABELS)
        throw new ModelRefusedError(`it has more than ${MAX_LABELS} labels`);
      if (field.name === "ints") reader.readIntegers(field, name, (value) => numbers.push(String(value)));
      else if (field.name === "strings") texts.push(reader.readText(field, name, MAX_NAME_BYTES));
    });
  });
  if (texts.length > 0) return { labels: texts, areTexts: true };
  return numbers.length > 0 ? { labels: numbers, areTexts: false } : null;
}

/**
 * The column that answers for the positive class: the one of its name, else of two numbers the second.
 *
 * @throws {ModelRefusedError} for texts of which none is the positive class
 */
export function positiveColumn(
  { labels, areTexts }: ClassLabels,
  { names, areCodes }: PipelineClasses,
): number {
  if (labels.length !== 2)
    throw new ModelRefusedError(
      `it has the ${labels.length} classes ${listed(labels)}, and the pipeline two: the signature must say which column counts`,
    );
  const wanted = areCodes && !areTexts ? ["1"] : names;
  for (const name of wanted) {
    const column = labels.indexOf(name);
    if (column >= 0) return column;
  }
  if (!areTexts) return 1;
  const [name = "not named"] = names;
  throw new ModelRefusedError(
    `its classes are ${listed(labels)}, the positive one of the pipeline is ${name}: the signature must say which column counts`,
  );
}

/**
 * For each class of the pipeline the column that answers for it.
 *
 * @returns undefined: the columns are in the pipeline's order already
 * @throws {ModelRefusedError} when the classes are not the same
 */
export function columnsInOrder(
  { labels, areTexts }: ClassLabels,
  { names, areCodes }: PipelineClasses,
): readonly number[] | undefined {
  const codes = names.map((_, code) => String(code));
  const orders = areTexts ? [names] : areCodes ? [codes] : [names, codes];
  for (const order of orders) {
    const columns = order.map((name) => labels.indexOf(name));
    if (labels.length !== order.length || columns.includes(-1)) continue;
    return columns.every((column, place) => column === place) ? undefined : columns;
  }
  throw new ModelRefusedError(`its classes are ${listed(labels)}, those of the pipeline ${listed(names)}`);
}

const MAX_LISTED = 20;

function listed(labels: readonly string[]): string {
  const shown = labels.slice(0, MAX_LISTED).join(", ");
  return labels.length > MAX_LISTED ? `${shown}, … [${labels.length}]` : shown;
}
