import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { createGenerator } from "../../../random/generator.ts";
import { outlineOf } from "../../adaptation/outline.ts";
import { WireWriter } from "../../wire-writer.ts";
import { WireReader } from "../wire-reader.ts";
import { ELEMENT } from "./size.ts";
import { sizesOf } from "./size-flow.ts";

/** Numbers that a size may be made of, held beside what the runtime computes: a wrong one would hide a size. */

const message = () => new WireWriter();
const { float, int32, int64, double } = ELEMENT;
const N_NODES = 25;

/** By name: type and value. Where a runtime rounds or wraps around is within reach of two operations. */
const CONSTANTS: Readonly<Record<string, readonly [number, number]>> = {
  three: [int64, 3],
  minusTwo: [int64, -2],
  odd: [int64, 2 ** 24 + 1],
  share: [float, 0.3],
  large: [float, 2 ** 24],
  seven: [float, 7],
  wide: [int32, 2 ** 16],
  five: [int32, 5],
  minusThree: [int32, -3],
};

/** Whole numbers are divided by nothing that may be 0: the runtime would end with a signal. */
const DIVISORS = new Map<number, readonly string[]>([
  [int64, ["three", "odd", "minusTwo"]],
  [int32, ["five", "minusThree"]],
]);

function constant(name: string, [type, value]: readonly [number, number]): WireWriter {
  const lists = new Map<number, ArrayBuffer>([
    [float, Float32Array.of(value).buffer],
    [int32, Int32Array.of(value).buffer],
  ]);
  const buffer = lists.get(type) ?? BigInt64Array.of(BigInt(value)).buffer;
  const tensor = message().packedIntegers(1, [1]).integer(2, type);
  return tensor.text(8, name).bytes(9, new Uint8Array(buffer));
}

const info = (name: string, type: number, columns: readonly number[]) => {
  const dims = message().message(1, message().text(2, "N"));
  for (const column of columns) dims.message(1, message().integer(1, column));
  const tensor = message().integer(1, type).message(2, dims);
  return message().text(1, name).message(2, message().message(1, tensor));
};

/** `x` [N, 4], of whose rows and some constants numbers are made at random; each is an output, as a double. */
function drawGraph(seed: number) {
  const generator = createGenerator(`contents ${seed}`);
  const pick = <T>(list: readonly T[]): T => list[generator.integer(list.length)];
  const types = new Map<string, number>(Object.entries(CONSTANTS).map(([name, [type]]) => [name, type]));
  const graph = message();
  const add = (operator: string, inputs: readonly string[], output: string, whole?: [string, number]) => {
    const node = message();
    for (const input of inputs) node.text(1, input);
    node.text(2, output).text(4, operator);
    if (whole !== undefined) node.message(5, message().text(1, whole[0]).integer(3, whole[1]).integer(20, 2));
    graph.message(1, node);
  };
  add("Shape", ["x"], "shape");
  add("Gather", ["shape", "first"], "rows");
  types.set("rows", int64);
  const made: string[] = [];
  for (let place = 0; place < N_NODES; place++) {
    const name = `v${place}`;
    const type = pick([int64, int64, float, int32]);
    const any = () => pick([...types.keys()].filter((one) => types.get(one) === type));
    const operator = pick("Add Sub Mul Div Min Max Mod Neg Abs Floor Sqrt Cast Where".split(" "));
    const divisor = DIVISORS.get(type);
    if (operator === "Cast") add("Cast", [pick([...types.keys()])], name, ["to", type]);
    else if (operator === "Where") {
      add("Less", [any(), any()], `is${place}`);
      add("Where", [`is${place}`, any(), any()], name);
    } else if (operator === "Neg" || operator === "Abs") add(operator, [any()], name);
    else if (operator === "Floor" || operator === "Sqrt") {
      if (type !== float) continue;
      add(operator, [any()], name);
    } else if (operator === "Mod" && divisor === undefined) continue;
    else {
      const isDivided = operator === "Div" || operator === "Mod";
      add(operator, [any(), isDivided && divisor !== undefined ? pick(divisor) : any()], name);
    }
    types.set(name, type);
    made.push(name);
    add("Cast", [name], `y${place}`, ["to", double]);
  }
  graph.text(2, "g").message(5, constant("first", [int64, 0]));
  for (const [name, value] of Object.entries(CONSTANTS)) graph.message(5, constant(name, value));
  graph.message(11, info("x", float, [4]));
  for (const name of made) graph.message(12, info(name.replace("v", "y"), double, []));
  const bytes = message().integer(1, 8).message(7, graph).message(8, message().integer(2, 20)).finish();
  return { bytes, made };
}

it("knows numbers as the runtime computes them, or not at all", async () => {
  let nKnown = 0;
  for (let seed = 0; seed < 40; seed++) {
    const { bytes, made } = drawGraph(seed);
    const nRows = [1, 4, 16][seed % 3] ?? 1;
    const reader = new WireReader(bytes);
    const inputs = [{ name: "x", elementType: float, shape: ["N", 4] }];
    const facts = sizesOf({ reader, inputs, ...outlineOf(reader) }, nRows);
    const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const answers = await session.run({
      x: new ort.Tensor("float32", new Float32Array(4 * nRows), [nRows, 4]),
    });
    for (const name of made) {
      const value = facts.get(name)?.content?.[0]?.value ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      nKnown += 1;
      // A zero of either sign is the same size.
      const answer = Number(answers[name.replace("v", "y")]?.data[0]) + 0;
      expect(answer, `${name} of graph ${seed}`).toBe(value + 0);
    }
  }
  expect(nKnown).toBeGreaterThan(200);
});
