import { MODEL_SHAPE, GRAPH_SHAPE, NODE_SHAPE, TENSOR_SHAPE } from "../inspection/message-shapes.ts";
import type { WireRange, WireReader } from "../inspection/wire-reader.ts";

export const MAX_NAME_BYTES = 1024;

/** A node as far as the way of its tensors goes, and where its bytes are. */
export interface OutlinedNode extends WireRange {
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** What depends on what in a graph. */
export interface Outline {
  readonly nodes: readonly OutlinedNode[];
  /** Bytes of the initializers, by name. */
  readonly initializers: ReadonlyMap<string, WireRange>;
}

/** Reads a file that `inspectOnnx` has found well-formed. Cost: O(bytes). */
export function outlineOf(reader: WireReader): Outline {
  const nodes: OutlinedNode[] = [];
  const initializers = new Map<string, WireRange>();
  const whole = { begin: 0, end: reader.bytes.length };
  reader.readMessage(whole, MODEL_SHAPE, "model", (part) => {
    if (part.name !== "graph") return;
    reader.readMessage(part, GRAPH_SHAPE, "graph", (field) => {
      const range = { begin: field.begin, end: field.end };
      if (field.name === "node") nodes.push(outlinedNode(reader, range));
      else if (field.name === "initializer") initializers.set(tensorName(reader, range), range);
    });
  });
  return { nodes, initializers };
}

function outlinedNode(reader: WireReader, range: WireRange): OutlinedNode {
  let operator = "";
  let domain = "";
  const inputs: string[] = [];
  const outputs: string[] = [];
  reader.readMessage(range, NODE_SHAPE, "node", (field) => {
    const { name } = field;
    if (name !== "op_type" && name !== "domain" && name !== "input" && name !== "output") return;
    const text = reader.readText(field, name, MAX_NAME_BYTES);
    if (name === "op_type") operator = text;
    else if (name === "domain") domain = text === "ai.onnx" ? "" : text;
    else (name === "input" ? inputs : outputs).push(text);
  });
  return { ...range, operator, domain, inputs, outputs };
}

function tensorName(reader: WireReader, range: WireRange): string {
  let found = "";
  reader.readMessage(range, TENSOR_SHAPE, "initializer", (field) => {
    if (field.name === "name") found = reader.readText(field, "tensor name", MAX_NAME_BYTES);
  });
  return found;
}

/** Nodes that an answer depends on, in their order, and all the tensors that these read. */
export interface Kept {
  readonly nodes: readonly OutlinedNode[];
  readonly tensors: ReadonlySet<string>;
}

/**
 * What is left of a graph when only one tensor is asked for. Converters write a branch for the label beside the one for
 * the probabilities, with texts and maps that have no place in a served graph.
 *
 * Cost: O(nodes and their tensors).
 */
export function neededFor(tensor: string, { nodes }: Outline): Kept {
  const makers = new Map<string, OutlinedNode[]>();
  for (const node of nodes)
    for (const output of node.outputs) {
      const known = makers.get(output);
      if (known === undefined) makers.set(output, [node]);
      else known.push(node);
    }
  const tensors = new Set([tensor]);
  const needed = new Set<OutlinedNode>();
  const open = [tensor];
  for (let name = open.pop(); name !== undefined; name = open.pop())
    for (const node of makers.get(name) ?? []) {
      if (needed.has(node)) continue;
      needed.add(node);
      for (const input of node.inputs)
        if (input !== "" && !tensors.has(input)) {
          tensors.add(input);
          open.push(input);
        }
    }
  return { nodes: nodes.filter((node) => needed.has(node)), tensors };
}
