/**
 * How many columns a tensor has for certain: a tree that reads a column beyond its row reads foreign
 * memory in a runtime that trusts it.
 */
import type { OnnxTensorInfo } from "./inspect.ts";

/** One node of the graph: what it reads and makes. */
export interface NodeFlow {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Element by element with broadcasting: the output is as wide as the widest input, where none is empty. */
const WIDENING = new Set(
  "Identity Cast IsNaN Where Add Sub Mul Div Abs Neg Clip Scaler Imputer Normalizer".split(" "),
);

/** Columns of the tensors that nodes start from: inputs of a fixed width, and initializers. */
export function widthsOf(
  inputs: readonly OnnxTensorInfo[],
  initializers: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const widths = new Map(initializers);
  for (const { name, shape } of inputs) {
    const width = shape.length === 2 ? shape[1] : null;
    // An initializer of the same name is a default that a caller may replace: the declared shape holds.
    if (typeof width === "number" && width >= 1) widths.set(name, width);
    else widths.delete(name);
  }
  return widths;
}

/**
 * @param known columns of inputs and initializers
 * @returns a lower bound of the tensor's columns; 0 where nothing is known
 *
 * Cost: O(nodes). Nodes must be in the order in which they run, as ONNX requires.
 */
export function leastWidth(
  tensor: string,
  known: ReadonlyMap<string, number>,
  nodes: readonly NodeFlow[],
): number {
  const widths = new Map(known);
  for (const { operator, inputs, outputs } of nodes) {
    if (!WIDENING.has(operator)) continue;
    const read = inputs.filter((name) => name !== "").map((name) => widths.get(name) ?? 0);
    // One input that may be empty can make the output empty.
    const width = read.includes(0) ? 0 : Math.max(0, ...read);
    for (const output of outputs) if (width > 0 && !widths.has(output)) widths.set(output, width);
  }
  return widths.get(tensor) ?? 0;
}
