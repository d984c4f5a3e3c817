import type { RuledNode, Shape } from "./ruled-node.ts";
import { integerOf, toldIntegers } from "./ruled-node.ts";
import type { TensorFact } from "./node-facts.ts";
import {
  asPlace,
  asStored,
  BINARY,
  ELEMENT,
  fixed,
  larger,
  plus,
  productOf,
  UNARY,
  UNKNOWN,
  wholePart,
} from "./size.ts";
import type { Size } from "./size.ts";

/** Longer ones are no sizes. */
const MAX_CONTENT = 256;

const REALS: readonly number[] = [ELEMENT.float, ELEMENT.double];
const WHOLE: readonly number[] = [ELEMENT.int32, ELEMENT.int64];

/** Operators whose answers are true or false. */
const TESTS = new Set("Equal Less LessOrEqual Greater GreaterOrEqual Not".split(" "));

/** Operators that turn, cut or keep the elements of a list or a single number. */
const KEEPING = new Set("Reshape Squeeze Unsqueeze Flatten Transpose".split(" "));

/**
 * Elements of the one output of a node, where they are sizes, numbers in the file, or made of these by arithmetic; null
 * where they are not known.
 */
export function contentOf(node: RuledNode, shape: Shape | null): TensorFact {
  const elementType = elementTypeOf(node);
  const size = shape === null ? UNKNOWN : productOf(shape);
  const isFew = !size.varies && size.value <= MAX_CONTENT && shape !== null && shape.length <= 2;
  const content = isFew ? elementsOf(node, size.value) : null;
  const isWhole = content?.length === size.value;
  const stored = isWhole ? content.map((element) => asStored(element, elementType)) : null;
  return { shape, content: stored, elementType };
}

function elementTypeOf({ operator, inputs, attributes }: RuledNode): number {
  if (operator === "Cast") return attributes.get("to")?.integer ?? 0;
  if (operator === "Shape" || operator === "Size") return ELEMENT.int64;
  if (operator === "Constant" || operator === "ConstantOfShape") {
    const isWhole = attributes.has("value_int") || attributes.has("value_ints");
    return attributes.get("value")?.tensor?.elementType ?? (isWhole ? ELEMENT.int64 : ELEMENT.float);
  }
  if (TESTS.has(operator)) return ELEMENT.bool;
  return inputs[operator === "Where" ? 1 : 0]?.elementType ?? 0;
}

function elementsOf(node: RuledNode, nElements: number): readonly Size[] | null {
  const { operator, inputs, attributes } = node;
  const [first, second, third] = inputs;
  const own = first?.content ?? null;
  if (Object.hasOwn(BINARY, operator)) return paired(node, nElements);
  if (KEEPING.has(operator)) {
    const isPlain = operator !== "Transpose" || (first?.shape?.length ?? 2) < 2;
    return isPlain ? own : null;
  }
  const unary = Object.hasOwn(UNARY, operator) ? UNARY[operator] : undefined;
  if (unary !== undefined) return own?.map(unary) ?? null;
  switch (operator) {
    case "Shape":
      return first?.shape?.slice(integerOf(node, "start", 0), attributes.get("end")?.integer) ?? null;
    case "Size":
      return first?.shape === null || first === undefined ? null : [productOf(first.shape)];
    case "Constant":
      return constant(node);
    case "Cast":
      return own === null ? null : cast(own, attributes.get("to")?.integer);
    case "Concat":
      return joined(inputs);
    case "Gather":
      return gathered(first, second);
    case "Slice":
      return cut(node);
    case "Where":
      return chosen([first, second, third], nElements);
    case "ConstantOfShape": {
      const [value = fixed(0)] = attributes.get("value")?.tensor?.content ?? [fixed(0)];
      return Array.from({ length: nElements }, () => value);
    }
    case "Expand":
      return own === null ? null : stretch(own, nElements);
    case "ReduceProd":
      return isFolded(node, nElements) ? own && [productOf(own)] : null;
    case "ReduceSum":
      return isFolded(node, nElements) ? own && [own.reduce(plus, fixed(0))] : null;
    case "ReduceMax":
      return own === null || nElements !== 1 ? null : [own.reduce(larger)];
  }
  return null;
}

/** All elements become one; reals would be rounded on the way, in an order that the runtime chooses. */
function isFolded({ inputs }: RuledNode, nElements: number): boolean {
  return nElements === 1 && WHOLE.includes(inputs[0]?.elementType ?? 0);
}

function constant({ attributes }: RuledNode): readonly Size[] | null {
  const { integer } = attributes.get("value_int") ?? {};
  if (integer !== undefined) return [fixed(integer)];
  const { real } = attributes.get("value_float") ?? {};
  if (real !== undefined) return [fixed(real)];
  const list = attributes.get("value_ints");
  if (list !== undefined) return list.integers.map(fixed);
  return attributes.get("value")?.tensor?.content ?? null;
}

function cast(own: readonly Size[], to: number | undefined): readonly Size[] | null {
  if (to === undefined) return null;
  if (REALS.includes(to)) return own;
  if (WHOLE.includes(to)) return own.map(wholePart);
  const isTruth = own.every(({ value, varies }) => !varies && (value === 0 || value === 1));
  return isTruth ? own : null;
}

function joined(inputs: readonly TensorFact[]): readonly Size[] | null {
  const all: Size[] = [];
  for (const { shape, content } of inputs) {
    if (content === null || shape?.length !== 1) return null;
    all.push(...content);
  }
  return all;
}

function gathered(data: TensorFact | undefined, indices: TensorFact | undefined): readonly Size[] | null {
  if (data?.shape?.length !== 1 || data.content === null || indices?.content == null) return null;
  const { content } = data;
  return indices.content.map(({ value, varies }) =>
    varies ? UNKNOWN : (content[value < 0 ? value + content.length : value] ?? UNKNOWN),
  );
}

function cut(node: RuledNode): readonly Size[] | null {
  const [data] = node.inputs;
  const starts = toldIntegers(node, "starts", 1);
  const ends = toldIntegers(node, "ends", 2);
  const steps = toldIntegers(node, "steps", 4);
  if (data?.shape?.length !== 1 || data.content === null || steps === null) return null;
  const [start] = starts ?? [];
  const [end] = ends ?? [];
  if (start === undefined || end === undefined || start.varies || end.varies) return null;
  if ((steps?.[0] ?? fixed(1)).value !== 1) return null;
  return data.content.slice(asPlace(start), asPlace(end));
}

function paired(node: RuledNode, nElements: number): readonly Size[] | null {
  const { operator, inputs } = node;
  // Then the sign is that of the dividend.
  if (operator === "Mod" && integerOf(node, "fmod", 0) !== 0) return null;
  const rule = BINARY[operator];
  const [first, ...others] = inputs.map(({ content }) => content);
  if (rule === undefined || first === undefined || first === null) return null;
  const areWhole = operator === "Div" && inputs.every(({ elementType }) => WHOLE.includes(elementType));
  let made = stretch(first, nElements);
  for (const other of others) {
    const second = other === null ? null : stretch(other, nElements);
    if (made === null || second === null) return null;
    made = made.map((size, at) => rule(size, second[at] ?? UNKNOWN));
  }
  return areWhole ? (made?.map(wholePart) ?? null) : made;
}

function chosen(inputs: readonly (TensorFact | undefined)[], nElements: number): readonly Size[] | null {
  const [which, yes, no] = inputs.map((input) => (input?.content ? stretch(input.content, nElements) : null));
  if (!which || !yes || !no) return null;
  return which.map((condition, at) => {
    if (condition.varies || Number.isNaN(condition.value)) return UNKNOWN;
    return (condition.value === 1 ? yes : no)[at] ?? UNKNOWN;
  });
}

/** A single number stands for all. */
function stretch(content: readonly Size[], nElements: number): readonly Size[] | null {
  if (content.length === nElements) return content;
  const [only] = content;
  if (content.length !== 1 || only === undefined) return null;
  return Array.from({ length: nElements }, () => only);
}
