/**
 * Shapes of what operators make, from the shapes they read: one rule for each operator that is allowed. Where a rule
 * cannot say, it gives null, or UNKNOWN for a single size.
 *
 * Source: github.com/onnx/onnx, `docs/Operators.md` and `docs/Operators-ml.md`.
 */
import { countLabels, countSvmColumns } from "./coefficient-lists.ts";
import { convolved, convolvedBack, pooled, pooledToOne, unrolled } from "./layer-rules.ts";
import { joined, picked, reshaped, sliced, split, summed } from "./layout-rules.ts";
import { broadcast, integerOf, LEFT_OUT, placeOf, shapeOf, toldIntegers } from "./ruled-node.ts";
import type { RuledNode, Shape, ShapeRule } from "./ruled-node.ts";
import { dividedBy, fixed, larger, plus, productOf, times, UNKNOWN } from "./size.ts";
import type { Size } from "./size.ts";

/** As the first input, whatever the node does to its elements. */
const asFirst: ShapeRule = (node) => Array.from({ length: node.nOutputs }, () => shapeOf(node, 0));

const stretched: ShapeRule = ({ inputs }) => [
  broadcast(inputs.filter((input) => input !== LEFT_OUT).map(({ shape }) => shape)),
];

const multiplied: ShapeRule = (node) => {
  const a = shapeOf(node, 0);
  const b = shapeOf(node, 1);
  if (a === null || b === null || a.length === 0 || b.length === 0) return [null];
  const batches = broadcast([a.slice(0, -2), b.slice(0, -2)]);
  if (batches === null) return [null];
  const rows = a.length > 1 ? a.slice(-2, -1) : [];
  return [[...batches, ...rows, ...(b.length > 1 ? b.slice(-1) : [])]];
};

const gemm: ShapeRule = (node) => {
  const a = shapeOf(node, 0);
  const b = shapeOf(node, 1);
  if (a?.length !== 2 || b?.length !== 2) return [null];
  const rows = a[integerOf(node, "transA", 0) === 0 ? 0 : 1] ?? UNKNOWN;
  const columns = b[integerOf(node, "transB", 0) === 0 ? 1 : 0] ?? UNKNOWN;
  return [[rows, columns]];
};

/** One row of answers for each row; the second output of a classifier. */
function answered(nColumns: (node: RuledNode) => number): ShapeRule {
  return (node) => {
    const [rows] = shapeOf(node, 0) ?? [];
    if (rows === undefined || shapeOf(node, 0)?.length !== 2)
      return node.nOutputs === 2 ? [null, null] : [null];
    const answer = [rows, fixed(nColumns(node))];
    return node.nOutputs === 2 ? [[rows], answer] : [answer];
  };
}

const expanded: ShapeRule = (node) => [broadcast([shapeOf(node, 0), node.inputs[1]?.content ?? null])];

const tiled: ShapeRule = (node) => {
  const shape = shapeOf(node, 0);
  const repeats = node.inputs[1]?.content;
  if (shape === null || repeats?.length !== shape.length) return [null];
  return [shape.map((size, place) => times(size, repeats[place] ?? UNKNOWN))];
};

const ranged: ShapeRule = ({ inputs }) => {
  const [[start], [limit], [delta]] = [0, 1, 2].map((place) => inputs[place]?.content ?? []) as [
    readonly Size[],
    readonly Size[],
    readonly Size[],
  ];
  if (start === undefined || limit === undefined || delta === undefined) return [null];
  if (start.varies || delta.varies || delta.value === 0) return [null];
  // Downwards it would be the shorter the higher the limit.
  if (limit.varies && delta.value < 0) return [null];
  const steps = Math.max(0, Math.ceil((limit.value - start.value) / delta.value));
  return [[{ value: steps, varies: limit.varies }]];
};

const padded: ShapeRule = (node) => {
  const shape = shapeOf(node, 0);
  const pads = toldIntegers(node, "pads", 1);
  const told =
    node.inputs[3] === undefined || node.inputs[3] === LEFT_OUT ? undefined : node.inputs[3].content;
  if (shape === null || pads === undefined || pads === null || told === null) return [null];
  const axes = told?.map(({ value }) => placeOf(value, shape.length)) ?? shape.map((_, place) => place);
  if (pads.length !== 2 * axes.length || axes.includes(-1)) return [null];
  const sizes = [...shape];
  axes.forEach((axis, n) => {
    const added = plus(pads[n] ?? UNKNOWN, pads[n + axes.length] ?? UNKNOWN);
    sizes[axis] = plus(sizes[axis] ?? UNKNOWN, added);
  });
  return [sizes];
};

/** Blocks of channels become pictures, or the other way round. */
function blocked(isToSpace: boolean): ShapeRule {
  return (node) => {
    const shape = shapeOf(node, 0);
    const block = integerOf(node, "blocksize", 0);
    if (shape?.length !== 4 || !(block >= 1)) return [null];
    const [batch = UNKNOWN, channels = UNKNOWN, height = UNKNOWN, width = UNKNOWN] = shape;
    const side = fixed(block);
    const area = fixed(block * block);
    if (isToSpace) return [[batch, dividedBy(channels, area), times(height, side), times(width, side)]];
    return [[batch, times(channels, area), dividedBy(height, side), dividedBy(width, side)]];
  };
}

const extracted: ShapeRule = (node) => {
  const shape = shapeOf(node, 0);
  const indices = shapeOf(node, 1);
  if (shape === null || indices === null) return [null];
  return [[...(shape.length === 1 ? [fixed(1)] : shape.slice(0, -1)), productOf(indices)]];
};

/** Sizes by the letters of an equation; null: none that can be followed. */
export function einsumSizes(
  node: RuledNode,
): { readonly letters: ReadonlyMap<string, Size>; readonly output: string } | null {
  const equation = node.attributes.get("equation")?.text?.replaceAll(" ", "") ?? "";
  const [left = "", right] = equation.split("->");
  const terms = left.split(",");
  if (right === undefined || terms.length !== node.inputs.length || !/^[A-Za-z,.]*$/.test(left + right))
    return null;
  const letters = new Map<string, Size>();
  let nDots = 0;
  for (const [place, written] of terms.entries()) {
    const shape = shapeOf(node, place);
    const nMore = (shape?.length ?? 0) - written.replace("...", "").length;
    if (shape === null || nMore < 0 || (nMore > 0 && !written.includes("..."))) return null;
    nDots = Math.max(nDots, nMore);
    for (const [at, letter] of withDigits(written, nMore).split("").entries()) {
      const size = shape[at] ?? UNKNOWN;
      const known = letters.get(letter);
      letters.set(letter, known === undefined ? size : larger(known, size));
    }
  }
  return { letters, output: withDigits(right, nDots) };
}

/** Dots stand for the leading sizes, which are named by digits here, the last one by 0. */
function withDigits(term: string, count: number): string {
  return term.replace("...", count === 0 ? "" : "9876543210".slice(-count));
}

const einsum: ShapeRule = (node) => {
  const sizes = einsumSizes(node);
  return [
    sizes === null ? null : sizes.output.split("").map((letter) => sizes.letters.get(letter) ?? UNKNOWN),
  ];
};

/** Tables side by side. */
const vectorized: ShapeRule = ({ inputs }) => {
  const [rows] = inputs[0]?.shape ?? [];
  const sum = inputs.reduce((total, { shape }) => plus(total, shape?.[1] ?? UNKNOWN), fixed(0));
  return [rows === undefined ? null : [rows, sum]];
};

function rules(rule: ShapeRule, ...lines: readonly string[]): readonly (readonly [string, ShapeRule])[] {
  return lines.flatMap((line) => line.split(" ")).map((name) => [name, rule] as const);
}

/** By operator; those of ai.onnx.ml have names of their own. */
export const SHAPE_RULES: ReadonlyMap<string, ShapeRule> = new Map([
  ...rules(
    asFirst,
    "Neg Abs Sqrt Exp Log Floor Ceil Round Sigmoid Tanh Relu Softmax LogSoftmax Clip Cast Identity IsNaN IsInf Not",
    "Sign Reciprocal Sin Cos Erf Gelu LeakyRelu Elu Selu Celu HardSigmoid HardSwish Mish Softplus Softsign PRelu",
    "ThresholdedRelu Dropout CumSum BatchNormalization LayerNormalization InstanceNormalization GroupNormalization",
    "Scaler Imputer Normalizer LabelEncoder Binarizer",
  ),
  ...rules(
    stretched,
    "Add Sub Mul Div Pow Min Max Sum Mean Mod Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor Where",
  ),
  ...rules(multiplied, "MatMul"),
  ...rules(gemm, "Gemm"),
  ...rules(joined, "Concat"),
  ...rules(reshaped, "Reshape Flatten Squeeze Unsqueeze Transpose"),
  ...rules(picked, "Gather GatherElements TopK"),
  ...rules(sliced, "Slice"),
  ...rules(split, "Split"),
  ...rules(
    summed,
    "ReduceSum ReduceMean ReduceMin ReduceMax ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp",
    "ArgMax ArgMin",
  ),
  ...rules((node) => [[fixed(shapeOf(node, 0)?.length ?? Number.NaN)]], "Shape"),
  ...rules(() => [[]], "Size"),
  ...rules((node) => [node.attributes.get("value")?.tensor?.shape ?? constantShape(node)], "Constant"),
  ...rules((node) => [node.inputs[0]?.content ?? null], "ConstantOfShape"),
  ...rules(expanded, "Expand"),
  ...rules(tiled, "Tile"),
  ...rules(ranged, "Range"),
  ...rules(padded, "Pad"),
  ...rules(blocked(true), "DepthToSpace"),
  ...rules(blocked(false), "SpaceToDepth"),
  ...rules(einsum, "Einsum"),
  ...rules(convolved, "Conv"),
  ...rules(convolvedBack, "ConvTranspose"),
  ...rules(pooled, "MaxPool AveragePool"),
  ...rules(pooledToOne, "GlobalMaxPool GlobalAveragePool"),
  ...rules(unrolled, "LSTM GRU RNN"),
  ...rules(extracted, "ArrayFeatureExtractor"),
  ...rules(vectorized, "FeatureVectorizer"),
  ...rules(answered(countLabels), "TreeEnsembleClassifier LinearClassifier"),
  ...rules(answered(countSvmColumns), "SVMClassifier"),
  ...rules(
    answered(() => 1),
    "SVMRegressor",
  ),
  ...rules(
    answered((node) => integerOf(node, "n_targets", 1)),
    "TreeEnsembleRegressor",
  ),
  ...rules(
    answered((node) => integerOf(node, "targets", 1)),
    "LinearRegressor",
  ),
]);

/** Of a constant that is written as a list or a single number. */
function constantShape({ attributes }: RuledNode): Shape | null {
  if (attributes.has("value_int") || attributes.has("value_float")) return [];
  const list = attributes.get("value_ints") ?? attributes.get("value_floats");
  return list === undefined ? null : [fixed(list.length)];
}
