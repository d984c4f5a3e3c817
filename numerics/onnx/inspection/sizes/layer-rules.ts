/** Shapes of what convolutional and recurrent layers make, and how many products layers take. */
import { dividedBy, fixed, plus, productOf, times, UNKNOWN, wholePart } from "./size.ts";
import type { Size } from "./size.ts";
import { integerOf, shapeOf } from "./ruled-node.ts";
import type { RuledNode, Shape, ShapeRule } from "./ruled-node.ts";

interface Window {
  readonly kernel: readonly Size[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Before and after, of each direction together. */
  readonly pads: readonly number[];
  readonly auto: string;
}

/** @param kernel of the weights, where the node itself does not say */
function windowOf({ attributes }: RuledNode, nDirections: number, kernel: Shape | null): Window | null {
  const list = (name: string, usual: number, length: number) => {
    const told = attributes.get(name)?.integers ?? [];
    return told.length === length ? told : Array.from({ length }, () => usual);
  };
  const own = attributes.get("kernel_shape")?.integers.map(fixed) ?? kernel;
  if (own?.length !== nDirections) return null;
  const pads = list("pads", 0, 2 * nDirections);
  return {
    kernel: own,
    strides: list("strides", 1, nDirections),
    dilations: list("dilations", 1, nDirections),
    pads: Array.from({ length: nDirections }, (_, at) => (pads[at] ?? 0) + (pads[at + nDirections] ?? 0)),
    auto: attributes.get("auto_pad")?.text ?? "NOTSET",
  };
}

/** How many places a window has in a direction. */
function placesOf(size: Size, window: Window, at: number, isCeil: boolean): Size {
  const { kernel, strides, dilations, pads, auto } = window;
  const stride = strides[at] ?? 1;
  const parts = (whole: Size) => {
    const { value, varies } = dividedBy(whole, fixed(stride));
    return { value: isCeil || auto.startsWith("SAME") ? Math.ceil(value) : Math.floor(value), varies };
  };
  if (auto.startsWith("SAME")) return parts(size);
  const reach = ((kernel[at]?.value ?? Number.NaN) - 1) * (dilations[at] ?? 1) + 1;
  const room = plus(size, fixed((auto === "VALID" ? 0 : (pads[at] ?? 0)) - reach));
  // A window that does not fit is an error of the runtime; a size is never negative.
  return plus(parts({ value: Math.max(0, room.value), varies: room.varies }), fixed(1));
}

export const convolved: ShapeRule = (node) => {
  const shape = shapeOf(node, 0);
  const weights = shapeOf(node, 1);
  if (shape === null || weights === null || shape.length < 3 || weights.length !== shape.length)
    return [null];
  const window = windowOf(node, shape.length - 2, weights.slice(2));
  if (window === null) return [null];
  const [batch = UNKNOWN, , ...directions] = shape;
  return [[batch, weights[0] ?? UNKNOWN, ...directions.map((size, at) => placesOf(size, window, at, false))]];
};

export const convolvedBack: ShapeRule = (node) => {
  const shape = shapeOf(node, 0);
  const weights = shapeOf(node, 1);
  if (shape === null || weights === null || shape.length < 3 || weights.length !== shape.length)
    return [null];
  const window = windowOf(node, shape.length - 2, weights.slice(2));
  if (window === null) return [null];
  const [batch = UNKNOWN, , ...directions] = shape;
  const told = node.attributes.get("output_shape")?.integers;
  const more = node.attributes.get("output_padding")?.integers;
  const { kernel, strides, dilations, pads, auto } = window;
  const sizes = directions.map((size, at) => {
    const own = told?.[told.length - directions.length + at];
    if (own !== undefined) return fixed(own);
    const reach = ((kernel[at]?.value ?? Number.NaN) - 1) * (dilations[at] ?? 1) + 1;
    const stride = strides[at] ?? 1;
    const taken = auto === "NOTSET" ? (pads[at] ?? 0) : 0;
    return plus(times(size, fixed(stride)), fixed(reach - stride + (more?.[at] ?? 0) - taken));
  });
  const channels = times(weights[1] ?? UNKNOWN, fixed(integerOf(node, "group", 1)));
  return [[batch, channels, ...sizes]];
};

export const pooled: ShapeRule = (node) => {
  const shape = shapeOf(node, 0);
  const window = shape === null || shape.length < 3 ? null : windowOf(node, shape.length - 2, null);
  if (shape === null || window === null) return Array.from({ length: node.nOutputs }, () => null);
  const isCeil = integerOf(node, "ceil_mode", 0) === 1;
  const [batch = UNKNOWN, channels = UNKNOWN, ...directions] = shape;
  const sizes = directions.map((size, at) => placesOf(size, window, at, isCeil));
  return Array.from({ length: node.nOutputs }, () => [batch, channels, ...sizes]);
};

export const pooledToOne: ShapeRule = (node) => [
  shapeOf(node, 0)?.map((size, place) => (place < 2 ? size : fixed(1))) ?? null,
];

/** Sequence, batch and columns of a recurrent layer's input, and what it gives per step. */
function recurrence(node: RuledNode) {
  const shape = shapeOf(node, 0);
  if (shape?.length !== 3) return null;
  const [first = UNKNOWN, second = UNKNOWN, columns = UNKNOWN] = shape;
  const isBatchFirst = integerOf(node, "layout", 0) === 1;
  const isBoth = node.attributes.get("direction")?.text === "bidirectional";
  return {
    steps: isBatchFirst ? second : first,
    batch: isBatchFirst ? first : second,
    columns,
    isBatchFirst,
    nDirections: fixed(isBoth ? 2 : 1),
    hidden: fixed(integerOf(node, "hidden_size", Number.NaN)),
  };
}

/** A first state that is a constant of the file is of one number of rows. */
function startsAllRows(
  node: RuledNode,
  { batch, isBatchFirst }: { readonly batch: Size; readonly isBatchFirst: boolean },
): boolean {
  return [5, 6].every((place) => {
    const state = shapeOf(node, place);
    return state === null || state[isBatchFirst ? 0 : 1]?.value === batch.value;
  });
}

export const unrolled: ShapeRule = (node) => {
  const layer = recurrence(node);
  if (layer === null || !startsAllRows(node, layer)) return Array.from({ length: node.nOutputs }, () => null);
  const { steps, batch, isBatchFirst, nDirections, hidden } = layer;
  const all = isBatchFirst ? [batch, steps, nDirections, hidden] : [steps, nDirections, batch, hidden];
  const last = isBatchFirst ? [batch, nDirections, hidden] : [nDirections, batch, hidden];
  return [all, last, last].slice(0, node.nOutputs);
};

const GATES: Readonly<Record<string, number>> = { LSTM: 4, GRU: 3, RNN: 1 };

/** Products of numbers that a layer takes; 0 where it is as cheap as its answer is large. */
export function productsOf(node: RuledNode, outputs: readonly (Shape | null)[]): Size {
  const { operator } = node;
  const made = productOf(outputs[0] ?? [UNKNOWN]);
  const kernel = node.attributes.get("kernel_shape")?.integers.map(fixed);
  switch (operator) {
    case "MatMul":
      return times(made, shapeOf(node, 0)?.at(-1) ?? UNKNOWN);
    case "Gemm":
      return times(made, shapeOf(node, 0)?.[integerOf(node, "transA", 0) === 0 ? 1 : 0] ?? UNKNOWN);
    case "Conv":
      return times(made, productOf(shapeOf(node, 1)?.slice(1) ?? [UNKNOWN]));
    case "ConvTranspose":
      return times(
        productOf(shapeOf(node, 0) ?? [UNKNOWN]),
        productOf(shapeOf(node, 1)?.slice(1) ?? [UNKNOWN]),
      );
    case "MaxPool":
    case "AveragePool":
      return times(made, productOf(kernel ?? [UNKNOWN]));
    case "LSTM":
    case "GRU":
    case "RNN": {
      const layer = recurrence(node);
      if (layer === null) return UNKNOWN;
      const { steps, batch, columns, nDirections, hidden } = layer;
      const perStep = times(times(hidden, fixed(GATES[operator] ?? 1)), plus(columns, hidden));
      return wholePart(productOf([steps, batch, nDirections, perStep]));
    }
  }
  return fixed(0);
}
