/** Shapes of what is cut, joined, turned or summed: the same elements, or fewer. */
import { asPlace, dividedBy, fixed, plus, productOf, UNKNOWN } from "./size.ts";
import type { Size } from "./size.ts";
import { integerOf, placeOf, shapeOf, toldIntegers } from "./ruled-node.ts";
import type { RuledNode, Shape, ShapeRule } from "./ruled-node.ts";

export const joined: ShapeRule = (node) => {
  const shapes = node.inputs.map(({ shape }) => shape);
  const [first] = shapes;
  if (first === undefined || first === null) return [null];
  const axis = placeOf(integerOf(node, "axis", 0), first.length);
  let sum = fixed(0);
  for (const shape of shapes) {
    if (shape?.length !== first.length || axis < 0) return [null];
    sum = plus(sum, shape[axis] ?? UNKNOWN);
  }
  return [first.with(axis, sum)];
};

export const reshaped: ShapeRule = (node) => {
  const shape = shapeOf(node, 0);
  if (node.operator === "Reshape") return [reshapeTo(node)];
  if (shape === null) return [null];
  if (node.operator === "Flatten") {
    const axis = integerOf(node, "axis", 1);
    const place = axis < 0 ? axis + shape.length : axis;
    return [[productOf(shape.slice(0, place)), productOf(shape.slice(place))]];
  }
  if (node.operator === "Transpose") {
    const perm = node.attributes.get("perm")?.integers ?? shape.map((_, place) => shape.length - 1 - place);
    return [perm.map((place) => shape[place] ?? UNKNOWN)];
  }
  const axes = toldIntegers(node, "axes", 1);
  if (axes === null || axes?.some(({ value, varies }) => varies || Number.isNaN(value)) === true)
    return [null];
  const values = axes?.map(({ value }) => value);
  return [node.operator === "Squeeze" ? squeezed(shape, values) : unsqueezed(shape, values ?? [])];
};

function squeezed(shape: Shape, axes: readonly number[] | undefined): Shape {
  if (axes !== undefined) {
    const places = new Set(axes.map((axis) => placeOf(axis, shape.length)));
    return shape.filter((_, place) => !places.has(place));
  }
  return shape.filter(({ value, varies }) => varies || value !== 1);
}

function unsqueezed(shape: Shape, axes: readonly number[]): Shape {
  const rank = shape.length + axes.length;
  const places = new Set(axes.map((axis) => placeOf(axis, rank)));
  const rest = [...shape];
  return Array.from({ length: rank }, (_, place) =>
    places.has(place) ? fixed(1) : (rest.shift() ?? UNKNOWN),
  );
}

function reshapeTo(node: RuledNode): Shape | null {
  const shape = shapeOf(node, 0);
  const wanted = toldIntegers(node, "shape", 1);
  if (wanted === null || wanted === undefined) return null;
  const keepsZero = integerOf(node, "allowzero", 0) === 1;
  const sizes = wanted.map((size, place) =>
    size.value === 0 && !keepsZero ? (shape?.[place] ?? UNKNOWN) : size,
  );
  const open = sizes.findIndex(({ value }) => value === -1);
  if (open < 0) return sizes;
  return sizes.with(open, shape === null ? UNKNOWN : remaining(shape, sizes.toSpliced(open, 1)));
}

/** What is left of a number of elements for one more size. Rows that stand on both sides cancel out. */
function remaining(shape: Shape, others: Shape): Size {
  const isRows = (size: Size | undefined) => size?.isRows === true;
  const mayCancel = shape.some(isRows) && others.some(isRows);
  const without = (sizes: Shape) => (mayCancel ? sizes.toSpliced(sizes.findIndex(isRows), 1) : sizes);
  const whole = productOf(without(shape));
  const divisor = productOf(without(others));
  if (divisor.varies || !(divisor.value > 0)) return UNKNOWN;
  return isRows(whole) && divisor.value === 1 ? whole : dividedBy(whole, divisor);
}

export const picked: ShapeRule = (node) => {
  const shape = shapeOf(node, 0);
  const indices = shapeOf(node, 1);
  if (node.operator === "GatherElements") return [indices];
  const axis = placeOf(integerOf(node, "axis", node.operator === "TopK" ? -1 : 0), shape?.length ?? 0);
  if (shape === null || axis < 0) return node.operator === "TopK" ? [null, null] : [null];
  if (node.operator === "TopK") {
    const { integer } = node.attributes.get("k") ?? {};
    const k = integer === undefined ? (node.inputs[1]?.content?.[0] ?? UNKNOWN) : fixed(integer);
    return [shape.with(axis, k), shape.with(axis, k)];
  }
  return [indices === null ? null : [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)]];
};

export const sliced: ShapeRule = (node) => {
  const shape = shapeOf(node, 0);
  if (shape === null) return [null];
  const starts = toldIntegers(node, "starts", 1);
  const ends = toldIntegers(node, "ends", 2);
  const axes = toldIntegers(node, "axes", 3);
  const steps = toldIntegers(node, "steps", 4);
  if (axes === null) return [null];
  const places = axes?.map(({ value }) => placeOf(value, shape.length)) ?? starts?.map((_, place) => place);
  if (places === undefined) return [shape.map(() => UNKNOWN)];
  const sizes = [...shape];
  places.forEach((axis, n) => {
    if (sizes[axis] === undefined) return;
    const step = steps === undefined ? fixed(1) : (steps?.[n] ?? UNKNOWN);
    sizes[axis] = sliceLength(sizes[axis], starts?.[n] ?? UNKNOWN, ends?.[n] ?? UNKNOWN, step);
  });
  return [sizes];
};

function sliceLength(size: Size, from: Size, to: Size, by: Size): Size {
  if (from.varies || to.varies || by.varies) return UNKNOWN;
  const [start, end, step] = [asPlace(from), asPlace(to), by.value];
  if (Number.isNaN(start + end + step) || step === 0) return UNKNOWN;
  // From the end to a place counted from the beginning, or the other way round: the longer the tensor, the shorter.
  const isFalling = step > 0 ? start < 0 && end >= 0 : start >= 0 && end < 0;
  if (size.varies && isFalling && Math.abs(end) < FAR && Math.abs(start) < FAR) return UNKNOWN;
  const { value } = size;
  const clamp = (place: number, low: number, high: number) =>
    Math.min(high, Math.max(low, place < 0 ? place + value : place));
  const length =
    step > 0
      ? clamp(end, 0, value) - clamp(start, 0, value)
      : clamp(start, -1, value - 1) - (end <= -value - 1 ? -1 : clamp(end, -1, value - 1));
  const kept = Math.max(0, Math.ceil(length / Math.abs(step)));
  return kept === value && start === 0 && end >= FAR ? size : { value: kept, varies: size.varies };
}

/** What frameworks write for "to the end" is beyond it. */
const FAR = 2 ** 31 - 1;

export const split: ShapeRule = (node) => {
  const shape = shapeOf(node, 0);
  const { nOutputs } = node;
  const axis = placeOf(integerOf(node, "axis", 0), shape?.length ?? 0);
  const none = Array.from({ length: nOutputs }, () => null);
  if (shape === null || axis < 0) return none;
  const told = toldIntegers(node, "split", 1);
  if (told === null) return none;
  const whole = shape[axis] ?? UNKNOWN;
  const equal = { value: Math.ceil(whole.value / nOutputs), varies: whole.varies };
  return none.map((_, output) => shape.with(axis, told === undefined ? equal : (told[output] ?? UNKNOWN)));
};

export const summed: ShapeRule = (node) => {
  const shape = shapeOf(node, 0);
  if (shape === null) return [null];
  const isArg = node.operator.startsWith("Arg");
  const axes = isArg ? [fixed(integerOf(node, "axis", 0))] : toldIntegers(node, "axes", 1);
  if (axes === null || axes?.some(({ value, varies }) => varies || Number.isNaN(value)) === true)
    return [null];
  const isNone = axes === undefined || axes.length === 0;
  if (isNone && integerOf(node, "noop_with_empty_axes", 0) === 1) return [shape];
  const places = new Set(
    isNone ? shape.map((_, place) => place) : axes.map(({ value }) => placeOf(value, shape.length)),
  );
  if (integerOf(node, "keepdims", 1) === 0) return [shape.filter((_, place) => !places.has(place))];
  return [shape.map((size, place) => (places.has(place) ? fixed(1) : size))];
};
