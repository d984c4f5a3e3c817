/**
 * The smallest ONNX files that tests need, written as protobuf by hand: independent of the exporter under
 * test elsewhere, and able to say what the exporter never would (a Loop, external data).
 *
 * Field numbers are those of onnx.proto (IR version 8).
 */

const DOUBLE = 11;
const INT64 = 7;
const BOOL = 9;

function varint(value: number | bigint): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...out, Number(rest)];
}

const int = (field: number, value: number | bigint): Uint8Array =>
  Uint8Array.from([...varint(field << 3), ...varint(value)]);

function block(field: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([...varint((field << 3) | 2), ...varint(body.length)]), body]);
}

const text = (field: number, value: string): Uint8Array => block(field, Buffer.from(value, "utf8"));
const message = (field: number, ...parts: Uint8Array[]): Uint8Array => block(field, Buffer.concat(parts));

function tensor(field: number, name: string, dims: readonly number[], values: readonly number[]): Uint8Array {
  const data = new Uint8Array(Float64Array.from(values).buffer);
  return message(field, ...dims.map((d) => int(1, d)), int(2, DOUBLE), text(8, name), block(9, data));
}

function int64Tensor(field: number, name: string, value: bigint): Uint8Array {
  const data = new Uint8Array(BigInt64Array.of(value).buffer);
  return message(field, int(2, INT64), text(8, name), block(9, data));
}

function boolTensor(field: number, name: string): Uint8Array {
  return message(field, int(2, BOOL), text(8, name), block(9, Uint8Array.of(1)));
}

/** A value's name, element type and shape; a text dimension is symbolic, `undefined` leaves the rank open. */
function valueInfo(
  field: number,
  name: string,
  type: number,
  shape: readonly (number | string)[] | undefined,
): Uint8Array {
  const dims = shape?.map((d) => message(1, typeof d === "number" ? int(1, d) : text(2, d)));
  const shapePart = dims === undefined ? [] : [message(2, ...dims)];
  return message(field, text(1, name), message(2, message(1, int(1, type), ...shapePart)));
}

function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  ...attributes: Uint8Array[]
) {
  return message(
    1,
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...attributes,
  );
}

function model(...graph: Uint8Array[]): Uint8Array {
  return Buffer.concat([
    int(1, 8),
    text(2, "test"),
    message(7, text(2, "g"), ...graph),
    message(8, int(2, 15)),
  ]);
}

/**
 * `output = features · weights + bias`, doubles, [N, weights.length] → one column for each bias; its output is called
 * `output` unless said.
 */
export function linearOnnx(
  weights: readonly number[],
  bias: number | readonly number[],
  output = "output",
): Uint8Array {
  const biases = typeof bias === "number" ? [bias] : bias;
  return model(
    node("MatMul", ["features", "w"], ["xw"]),
    node("Add", ["xw", "b"], [output]),
    tensor(5, "w", [weights.length, 1], weights),
    tensor(5, "b", [biases.length], biases),
    valueInfo(11, "features", DOUBLE, ["N", weights.length]),
    valueInfo(12, output, DOUBLE, ["N", biases.length]),
  );
}

/** `p = 1 / (1 + exp(−(x · weights + bias)))`, doubles, [N, weights.length] → [N, 1]; its input is called `x`. */
export function logisticOnnx(weights: readonly number[], bias: number): Uint8Array {
  return model(
    node("MatMul", ["x", "w"], ["xw"]),
    node("Add", ["xw", "b"], ["score"]),
    node("Sigmoid", ["score"], ["p"]),
    tensor(5, "w", [weights.length, 1], weights),
    tensor(5, "b", [1], [bias]),
    valueInfo(11, "x", DOUBLE, ["N", weights.length]),
    valueInfo(12, "p", DOUBLE, ["N", 1]),
  );
}

/** `output = log(features)`: NaN for a negative input, −Infinity for 0. One feature. */
export function logOnnx(): Uint8Array {
  return model(
    node("Log", ["features"], ["output"]),
    valueInfo(11, "features", DOUBLE, ["N", 1]),
    valueInfo(12, "output", DOUBLE, ["N", 1]),
  );
}

/**
 * As `linearOnnx` with one bias, and NaN where the second of two features is nearly 1: `output = x · w + b + (r − r)` with
 * `r = √((x₂ − 1)² − 0.1)`.
 */
export function nanAtOneOnnx(weights: readonly [number, number], bias: number): Uint8Array {
  return model(
    node("MatMul", ["features", "w"], ["xw"]),
    node("Add", ["xw", "b"], ["line"]),
    node("MatMul", ["features", "second"], ["x2"]),
    node("Sub", ["x2", "one"], ["away"]),
    node("Mul", ["away", "away"], ["square"]),
    node("Sub", ["square", "tenth"], ["rest"]),
    node("Sqrt", ["rest"], ["root"]),
    node("Sub", ["root", "root"], ["nothing"]),
    node("Add", ["line", "nothing"], ["output"]),
    tensor(5, "w", [2, 1], weights),
    tensor(5, "b", [1], [bias]),
    tensor(5, "second", [2, 1], [0, 1]),
    tensor(5, "one", [1], [1]),
    tensor(5, "tenth", [1], [0.1]),
    valueInfo(11, "features", DOUBLE, ["N", 2]),
    valueInfo(12, "output", DOUBLE, ["N", 1]),
  );
}

/** As `linearOnnx` with one bias, after `layers` products with a 512 × 512 matrix whose sum counts for nothing. */
export function slowOnnx(weights: readonly [number, number], bias: number, layers: number): Uint8Array {
  const width = 512;
  const wide = Array.from({ length: layers }, (_, i) =>
    node("MatMul", [i === 0 ? "h" : `h${i - 1}`, "square"], [`h${i}`]),
  );
  return model(
    node("MatMul", ["features", "w"], ["xw"]),
    node("Add", ["xw", "b"], ["line"]),
    node("MatMul", ["features", "widen"], ["h"]),
    ...wide,
    node("MatMul", [`h${layers - 1}`, "zero"], ["nothing"]),
    node("Add", ["line", "nothing"], ["output"]),
    tensor(5, "w", [2, 1], weights),
    tensor(5, "b", [1], [bias]),
    tensor(5, "widen", [2, width], Array<number>(2 * width).fill(0.001)),
    tensor(5, "square", [width, width], Array<number>(width * width).fill(0.001)),
    tensor(5, "zero", [width, 1], Array<number>(width).fill(0)),
    valueInfo(11, "features", DOUBLE, ["N", 2]),
    valueInfo(12, "output", DOUBLE, ["N", 1]),
  );
}

/** Adds 1 to its one feature 2^62 times: never returns, and no timer of its process fires. */
export function endlessOnnx(): Uint8Array {
  const body = message(
    6,
    node("Identity", ["cond_in"], ["cond_out"]),
    node("Add", ["carried", "one"], ["carried_out"]),
    text(2, "body"),
    tensor(5, "one", [1], [1]),
    valueInfo(11, "i", INT64, []),
    valueInfo(11, "cond_in", BOOL, []),
    valueInfo(11, "carried", DOUBLE, undefined),
    valueInfo(12, "cond_out", BOOL, []),
    valueInfo(12, "carried_out", DOUBLE, undefined),
  );
  return model(
    node("Loop", ["trips", "cond", "features"], ["output"], message(5, text(1, "body"), body, int(20, 5))),
    int64Tensor(5, "trips", 2n ** 62n),
    boolTensor(5, "cond"),
    valueInfo(11, "features", DOUBLE, ["N", 1]),
    valueInfo(12, "output", DOUBLE, ["N", 1]),
  );
}
