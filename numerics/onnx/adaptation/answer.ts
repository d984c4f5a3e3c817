import type { AnswerKind } from "../../task-kind.ts";
import { INPUT_NAME, OUTPUT_NAMES } from "../export.ts";
import { DATA_TYPE } from "../graph-builder.ts";
import type { OnnxSummary, OnnxTensorInfo } from "../inspection/inspect.ts";
import { ModelRefusedError } from "../inspection/model-refused-error.ts";
import type { WireReader } from "../inspection/wire-reader.ts";
import { columnsInOrder, isZipMap, labelsOf, positiveColumn } from "./class-labels.ts";
import type { PipelineClasses } from "./class-labels.ts";
import type { Outline } from "./outline.ts";

export interface OnnxAdaptation {
  readonly taskKind: AnswerKind;
  /** Columns of `features`. */
  readonly nFeatures: number;
  /** Their names, by which a graph with an input for each column is read. */
  readonly featureNames?: readonly string[];
  /** The graph's own input; default: its only one. */
  readonly input?: string;
  /** The graph's own output; default: its only one, the one that has the task's name, or the only one of real numbers. */
  readonly output?: string;
  /** Column of the output that is the answer, from 0; default: of two classes the positive one, else all of them. */
  readonly column?: number;
  /** Of classes. Absent: columns are taken as they are. */
  readonly classes?: PipelineClasses;
  /** Of anomalies: lower scores are the unusual ones. */
  readonly isLowerUnusual?: boolean;
  /** Of forecasts. */
  readonly forecast?: { readonly nHorizons: number; readonly nQuantiles: number };
}

/** A graph and its bytes. */
export interface ForeignGraph {
  readonly summary: OnnxSummary;
  readonly outline: Outline;
  readonly reader: WireReader;
}

/** A tensor of the graph that holds the answer. */
export interface FoundAnswer extends OnnxTensorInfo {
  /** Columns that are served, in their order; undefined: all as they are. */
  readonly columns?: readonly number[] | undefined;
  /** Scores are given with the other sign. */
  readonly isNegated: boolean;
  /** Quantiles of each horizon, which are brought into ascending order. */
  readonly ordered?: { readonly nHorizons: number; readonly nQuantiles: number } | undefined;
}

/** The tensors that the features go to: one with all of them, or one for each column of a data frame. */
export interface FoundInput {
  readonly tensors: readonly OnnxTensorInfo[];
  /** Which feature each tensor is; null: the one has all. */
  readonly columns: readonly number[] | null;
}

export function findInput(graph: ForeignGraph, adaptation: OnnxAdaptation): FoundInput {
  const { summary, outline } = graph;
  // Older files list their constants among the inputs.
  const given = summary.inputs.filter((one) => !outline.initializers.has(one.name));
  const isFrame = given.length > 1 && given.every(({ shape }) => shape.length === 2 && shape[1] === 1);
  if (isFrame && adaptation.input === undefined) return frameColumns(given, adaptation);
  return { tensors: [wholeInput(given, adaptation)], columns: null };
}

/** Converters give every column of a data frame an input of its own, called as the column. */
function frameColumns(tensors: readonly OnnxTensorInfo[], { featureNames = [] }: OnnxAdaptation): FoundInput {
  const columns = tensors.map((tensor) => {
    requireReal(tensor, "input");
    const column = featureNames.indexOf(tensor.name);
    if (column >= 0) return column;
    throw new ModelRefusedError(
      `it has an input for each column, and ${tensor.name} is none of the features`,
    );
  });
  const [first] = tensors;
  const other = tensors.find(({ elementType }) => elementType !== first?.elementType);
  if (other !== undefined)
    throw new ModelRefusedError(`its inputs must be all float or all double, ${other.name} is another`);
  return { tensors, columns };
}

function wholeInput(
  given: readonly OnnxTensorInfo[],
  { input: name, nFeatures }: OnnxAdaptation,
): OnnxTensorInfo {
  const [only, ...others] = name === undefined ? given : given.filter((one) => one.name === name);
  if (only === undefined || others.length > 0) throw refusal("input", name, given);
  requireReal(only, "input");
  const { shape } = only;
  const [, ...sizes] = shape;
  // Of windows of readings the sizes must be known, for a row of features is cut into them.
  const width = sizes.reduce<number>(
    (product, size) => product * (typeof size === "number" ? size : Number.NaN),
    1,
  );
  const isFree = sizes.length === 1 && typeof sizes[0] !== "number";
  if (sizes.length === 0 || (width !== nFeatures && !isFree))
    throw new ModelRefusedError(
      `its input ${only.name} must be [N, ${nFeatures}] or cut these into more dimensions, is [${shape.map(String).join(", ")}]`,
    );
  return only;
}

/** The output that a signature names, or that is plainly meant, as the tensor behind it. */
export function findAnswer(graph: ForeignGraph, adaptation: OnnxAdaptation): FoundAnswer {
  const { output: name, taskKind, column } = adaptation;
  const outputs = graph.summary.outputs.map((one) => withoutMap(one, graph));
  const named = outputs.filter((one) => one.called === (name ?? OUTPUT_NAMES[taskKind]));
  const reals = outputs.filter(({ elementType }) => isReal(elementType));
  // A classifier gives the label beside the probabilities.
  const meant = name !== undefined || named.length > 0 ? named : reals.length === 1 ? reals : outputs;
  const [only, ...others] = meant;
  if (only === undefined || others.length > 0) throw refusal("output", name, graph.summary.outputs);
  requireReal(only, "output");
  if (column !== undefined && only.shape.length !== 2)
    throw new ModelRefusedError(`its output ${only.called} has no columns`);
  const width = only.shape[1];
  if (column !== undefined && typeof width === "number" && column >= width)
    throw new ModelRefusedError(`its output ${only.called} has ${width} columns, none is number ${column}`);
  return {
    ...only,
    columns: column === undefined ? columnsOf(only, graph, adaptation) : [column],
    isNegated: adaptation.isLowerUnusual === true,
    ordered: orderedOf(only, graph, adaptation),
  };
}

/** Sorting by TopK with the smallest first came with this operator set. */
const OPSET_OF_SORTING = 11;

/**
 * Quantiles that are learnt one by one cross; answers are served ascending.
 *
 * @throws {ModelRefusedError} where the output has another number of columns, or the operator set cannot sort
 */
function orderedOf(
  { called, shape }: OnnxTensorInfo & { readonly called: string },
  { summary }: ForeignGraph,
  { forecast }: OnnxAdaptation,
): FoundAnswer["ordered"] {
  if (forecast === undefined) return undefined;
  const { nHorizons, nQuantiles } = forecast;
  const sizes = shape.slice(1).map((size) => (typeof size === "number" ? size : Number.NaN));
  const width = sizes.reduce((product, size) => product * size, 1);
  if (!Number.isNaN(width) && width !== nHorizons * nQuantiles)
    throw new ModelRefusedError(
      `its output ${called} has ${width} columns, the forecast ${nHorizons} horizons of ${nQuantiles} quantiles`,
    );
  if (nQuantiles === 1) return undefined;
  const version = summary.opsets.find(({ domain }) => domain === "")?.version ?? OPSET_OF_SORTING;
  if (version >= OPSET_OF_SORTING) return forecast;
  throw new ModelRefusedError(
    `its operator set ${version} cannot sort quantiles: export it with ${OPSET_OF_SORTING} or newer`,
  );
}

/** An output of probabilities as a map for each row stands for the tensor that the map is made of. */
function withoutMap(
  output: OnnxTensorInfo,
  { outline, reader }: ForeignGraph,
): OnnxTensorInfo & { readonly called: string } {
  const called = output.name;
  const map = outline.nodes.find((node) => isZipMap(node) && node.outputs.includes(called));
  const [name] = map?.inputs ?? [];
  if (name === undefined) return { ...output, called };
  const labels = labelsOf(name, outline, reader);
  // What ZipMap reads is float32 by its definition.
  return { name, called, elementType: DATA_TYPE.float, shape: ["N", labels?.labels.length ?? null] };
}

function columnsOf(
  { name, shape }: OnnxTensorInfo,
  { outline, reader }: ForeignGraph,
  { taskKind, classes }: OnnxAdaptation,
): readonly number[] | undefined {
  if (classes === undefined) return undefined;
  const labels = labelsOf(name, outline, reader);
  if (labels === null) return undefined;
  const [, width] = shape;
  if (typeof width === "number" && width !== labels.labels.length) return undefined;
  return taskKind === "binary" ? [positiveColumn(labels, classes)] : columnsInOrder(labels, classes);
}

function refusal(what: string, name: string | undefined, all: readonly OnnxTensorInfo[]): ModelRefusedError {
  const names = all.map((one) => one.name).join(", ");
  return new ModelRefusedError(
    name === undefined
      ? `it has the ${what}s ${names}: the signature must say which one counts`
      : `it has no ${what} ${name}, but ${names}`,
  );
}

function isReal(elementType: number): boolean {
  return elementType === DATA_TYPE.double || elementType === DATA_TYPE.float;
}

function requireReal({ name, elementType }: OnnxTensorInfo, what: string): void {
  if (isReal(elementType)) return;
  throw new ModelRefusedError(`its ${what} ${name} must be float or double [type ${elementType}]`);
}

/** Whether a graph is in the served form as it is. */
export function isServedForm(
  { summary }: ForeignGraph,
  given: { readonly input: FoundInput; readonly answer: FoundAnswer; readonly taskKind: AnswerKind },
): boolean {
  const { answer, taskKind } = given;
  const [input] = given.input.tensors;
  return (
    input !== undefined &&
    given.input.columns === null &&
    input.name === INPUT_NAME &&
    input.elementType === DATA_TYPE.double &&
    input.shape.length === 2 &&
    typeof input.shape[0] !== "number" &&
    typeof input.shape[1] === "number" &&
    answer.shape.length <= 2 &&
    answer.name === OUTPUT_NAMES[taskKind] &&
    answer.elementType === DATA_TYPE.double &&
    answer.columns === undefined &&
    !answer.isNegated &&
    answer.ordered === undefined &&
    summary.inputs.length === 1
  );
}
