/**
 * How many columns a tensor has for certain: a tree that reads a column beyond its row reads foreign
 * memory in a runtime that trusts it.
 */
import type { OnnxTensorInfo } from "./onnx-summary.ts";

/** One node of the graph: what it reads and makes. */
export interface NodeFlow {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Of Gather and Concat. */
  readonly axis?: number;
}

/** Element by element with broadcasting: the output is as wide as the widest input, where none is empty. */
const WIDENING = new Set(
  "Identity Cast IsNaN Where Add Sub Mul Div Abs Neg Clip Scaler Imputer Normalizer".split(" "),
);

/** Of these the output is a table of rows and columns where the first input is one. */
const KEEPS_TABLE = new Set("Identity Cast Scaler Imputer Normalizer".split(" "));

/** What is known of the tensors that nodes start from. */
export interface KnownTensors {
  /** Columns: of inputs of a fixed width, and of initializers. */
  readonly widths: ReadonlyMap<string, number>;
  /** How many elements, of lists in the file. */
  readonly lengths: ReadonlyMap<string, number>;
  /** Inputs that have rows and columns, and no more dimensions. */
  readonly tables: ReadonlySet<string>;
}

/** @param initializers their dimensions; those without elements are left out */
export function knownTensors(
  inputs: readonly OnnxTensorInfo[],
  initializers: ReadonlyMap<string, readonly number[]>,
): KnownTensors {
  const widths = new Map([...initializers].map(([name, dims]) => [name, dims.at(-1) ?? 1]));
  const lengths = new Map<string, number>();
  for (const [name, [length, ...more]] of initializers)
    if (length !== undefined && more.length === 0) lengths.set(name, length);
  const tables = new Set<string>();
  for (const { name, shape } of inputs) {
    const width = shape.length === 2 ? shape[1] : null;
    // An initializer of the same name is a default that a caller may replace: the declared shape holds.
    lengths.delete(name);
    if (typeof width === "number" && width >= 1) {
      widths.set(name, width);
      tables.add(name);
    } else widths.delete(name);
  }
  return { widths, lengths, tables };
}

/**
 * @returns lower bounds of the tensors' columns; nothing of those of which nothing is known
 *
 * Cost: O(nodes). Nodes must be in the order in which they run, as ONNX requires.
 */
export function leastWidths(known: KnownTensors, nodes: readonly NodeFlow[]): ReadonlyMap<string, number> {
  const widths = new Map(known.widths);
  const tables = new Set(known.tables);
  for (const { operator, inputs, outputs, axis } of nodes) {
    const [first = "", second = ""] = inputs;
    const [output = ""] = outputs;
    const isTable = tables.has(first);
    if (operator === "Gather" && axis === 1 && isTable) {
      const width = known.lengths.get(second) ?? 0;
      if (width === 0 || widths.has(output)) continue;
      widths.set(output, width);
      tables.add(output);
      continue;
    }
    const isJoined = (operator === "Concat" && axis === 1) || operator === "FeatureVectorizer";
    if (isJoined && inputs.every((name) => tables.has(name))) {
      const width = inputs.reduce((sum, name) => sum + (widths.get(name) ?? 0), 0);
      if (widths.has(output)) continue;
      widths.set(output, width);
      tables.add(output);
      continue;
    }
    if (!WIDENING.has(operator)) continue;
    const read = inputs.filter((name) => name !== "").map((name) => widths.get(name) ?? 0);
    // One input that may be empty can make the output empty.
    const width = read.includes(0) ? 0 : Math.max(0, ...read);
    for (const name of outputs) if (width > 0 && !widths.has(name)) widths.set(name, width);
    if (isTable && KEEPS_TABLE.has(operator)) tables.add(output);
  }
  return widths;
}
