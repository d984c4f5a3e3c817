import fc from "fast-check";
import { expect, test } from "vitest";
import type { Signature } from "../../schemas/models/model-version.ts";
import { parseStrictJson } from "../../schemas/json/strict-json.ts";
import { createRowEncoder } from "./row-encoder.ts";
import { openRowsBody, RowTemplate } from "./row-template.ts";

const NAMES = ["voltage", 'a "quoted" é', "x"];
const signature: Signature = {
  kind: "aura.signature/1",
  problem: "regression",
  task: "rul",
  inputs: NAMES.map((name, i) => ({ name, kind: "number", nullable: i === 1 })),
  output: { name: "output" },
};
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function readPlain(text: string, template = new RowTemplate(signature)) {
  const bytes = bytesOf(text);
  const body = openRowsBody(bytes);
  const input = body === undefined ? undefined : template.read(bytes, body.rowsAt, 10_000);
  return input === undefined ? undefined : { model: body?.model, rows: [...input.rows] };
}

/** What the strict reader and the encoder make of the same body. */
function readStrictly(text: string) {
  const body = parseStrictJson(bytesOf(text)) as { model?: string; rows: Record<string, unknown>[] };
  const encoder = createRowEncoder(signature);
  const rows = new Float64Array(body.rows.length * NAMES.length);
  body.rows.forEach((row, i) => encoder.encode(row, i, rows, i * NAMES.length));
  return { model: body.model, rows: [...rows] };
}

const space = fc.constantFrom("", " ", "\n\t ");
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => JSON.stringify(x)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x.toExponential()),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => x.toFixed(4)),
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
  fc.constantFrom("-0", "0", "5e-324", "1.7976931348623157e308", "0.1", "123456789012345.6", "1E2", "-0.0"),
);

test("reads every plain body as the strict reader and the encoder do", () => {
  const row = fc
    .tuple(number, fc.oneof(number, fc.constant("null")), number, space)
    .map(
      ([a, b, c, s]) => `{${s}"voltage":${s}${a}${s},${s}${JSON.stringify(NAMES[1])}${s}:${b},"x":${c}${s}}`,
    );
  const head = fc.constantFrom("", '"model":"pump.v_1-2",', ' "model" : "p" , ');
  fc.assert(
    fc.property(head, fc.array(row, { minLength: 1, maxLength: 5 }), space, (model, rows, s) => {
      const text = `${s}{${model}"rows"${s}:[${rows.join(`${s},`)}${s}]${s}}${s}`;
      const plain = readPlain(text);
      expect(plain).toBeDefined();
      expect(plain).toEqual(readStrictly(text));
    }),
    { numRuns: 500 },
  );
});

test("what it accepts of a damaged body, the strict reader accepts with the same meaning", () => {
  const whole = `{"model":"pump","rows":[{"voltage":1.25,${JSON.stringify(NAMES[1])}:null,"x":-30e-1}]}`;
  const bytes = fc.constantFrom(...'{}[]",:.-+eE0159 \\nu\tNtf'.split(""));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(3), fc.array(bytes, { maxLength: 3 }), (at, nCut, put) => {
      const text = whole.slice(0, at) + put.join("") + whole.slice(at + nCut);
      const plain = readPlain(text);
      if (plain !== undefined) expect(plain).toEqual(readStrictly(text));
    }),
    { numRuns: 5_000 },
  );
});

const full = { voltage: 1, [NAMES[1] ?? ""]: 2, x: 3 };
test.each([
  ["a doubled field", '{"rows":[{"voltage":1,"voltage":1,"x":1}]}'],
  ["a missing field", '{"rows":[{"voltage":1}]}'],
  ["rows twice", `{"rows":[${JSON.stringify(full)}],"rows":[]}`],
  ["assets", `{"rows":[${JSON.stringify(full)}],"assets":["a"]}`],
  ["text after the end", `{"rows":[${JSON.stringify(full)}]} x`],
  ["a cut body", `{"rows":[${JSON.stringify(full)}`],
  ["a number beyond the range", `{"rows":[${JSON.stringify(full).replace("3", "1e400")}]}`],
  ["null where it may not be", `{"rows":[${JSON.stringify({ ...full, x: null })}]}`],
  ["a path as model", `{"model":"../x","rows":[${JSON.stringify(full)}]}`],
  ["no rows", '{"rows":[]}'],
])("leaves %s to the strict reader", (_name, text) => {
  expect(readPlain(text)).toBeUndefined();
});

test("learns another order of the fields, strangers included", () => {
  const template = new RowTemplate(signature);
  const row = { extra: 7, x: 3, voltage: 1, [NAMES[1] ?? ""]: 2 };
  const text = JSON.stringify({ rows: [row, { ...row, x: 4 }] });
  expect(readPlain(text, template)).toBeUndefined();
  template.learn(row);
  expect(readPlain(text, template)).toEqual({ model: undefined, rows: [1, 2, 3, 1, 2, 4] });
});

test("categories are never plain", () => {
  const inputs: Signature["inputs"] = [{ name: "x", kind: "category", nullable: false, values: ["a"] }];
  expect(readPlain('{"rows":[{"x":1}]}', new RowTemplate({ ...signature, inputs }))).toBeUndefined();
});
