import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonReader } from "./json-reader.ts";
import { parseStrictJson } from "./strict-json.ts";

const parse = (text: string): unknown => parseStrictJson(Buffer.from(text, "utf8"));

describe("strict JSON", () => {
  test("agrees with JSON.parse on everything JSON.stringify writes", () => {
    const withoutReservedKeys = fc
      .jsonValue({ maxDepth: 8 })
      .filter((v) => !/"__proto__":/.test(JSON.stringify(v)));
    fc.assert(
      fc.property(withoutReservedKeys, fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        fc.pre(text.isWellFormed() && !/\\ud[89a-f]/i.test(text));
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  test("the quick way and the reader agree on texts that are nearly JSON", () => {
    const outcome = (read: () => unknown): unknown => {
      try {
        return { value: read() };
      } catch (error) {
        return (error as Error).message;
      }
    };
    const parts = [
      '{"a":1}',
      '"a"',
      '"b"',
      '"__proto__"',
      '"x\\n"',
      '"\\ud800"',
      "1",
      "-0",
      "1e5",
      "1e400",
      "01",
      "0.5",
      "5.",
      "true",
      "null",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      " ",
      "[1,2]",
      '"é"',
      "NaN",
      "e",
      "9".repeat(310),
    ];
    const fragments = fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((list) => list.join(""));
    const objects = fc
      .array(fc.tuple(fc.constantFrom('"a"', '"b"', '"c:"', '"__proto__"'), fc.constantFrom(...parts)), {
        maxLength: 5,
      })
      .map((members) => `{${members.map(([key, value]) => `${key}:${value}`).join(",")}}`);
    fc.assert(
      fc.property(
        fc.oneof(
          fragments,
          objects,
          objects.map((o) => `[${o},${o}]`),
        ),
        (json) => {
          const reader = outcome(() => new JsonReader(json).document());
          expect(outcome(() => parse(json))).toEqual(reader);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("may be told how many objects and lists there may be, by either way", () => {
    for (const text of ['[{"a":[]},{}]', String.raw`[{"\u0061":[]},{}]`]) {
      const bytes = Buffer.from(text);
      expect(parseStrictJson(bytes, 4)).toEqual([{ a: [] }, {}]);
      expect(() => parseStrictJson(bytes, 3)).toThrow("at most 3 objects and lists");
    }
  });

  test("a key may be called constructor or prototype", () => {
    for (const text of [
      '{"constructor":1,"prototype":{"a":2}}',
      String.raw`{"constructor":1,"prototype":{"\u0061":2}}`,
    ]) {
      const value = parse(text) as Record<string, unknown>;
      expect(Object.entries(value)).toEqual([
        ["constructor", 1],
        ["prototype", { a: 2 }],
      ]);
    }
  });

  test("agrees with Number on every finite number", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), (x, n) => {
        const texts = [
          JSON.stringify(x),
          String(x),
          x.toExponential(),
          String(n),
          `-${Math.abs(n)}`,
          `${n === 0 ? 1 : n}000000000000`,
        ];
        for (const text of texts) if (!text.includes("+1e")) expect(parse(text)).toBe(Number(text));
      }),
    );
  });

  test("keeps -0 and subnormal numbers", () => {
    expect(parse("[-0, 5e-324]")).toEqual([-0, 5e-324]);
  });

  const deep = (n: number): string => "[".repeat(n) + "]".repeat(n);

  test.each([
    ["NaN", '{"a": NaN}'],
    ["Infinity", '{"a": Infinity}'],
    ["1e400", '{"a": 1e400}'],
    ["-1e400", '{"a": -1e400}'],
    ["hexadecimal", '{"a": 0x10}'],
    ["leading zero", '{"a": 01}'],
    ["leading plus", '{"a": +1}'],
    ["bare dot", '{"a": .5}'],
    ["dot without digits", '{"a": 5.}'],
    ["exponent without digits", '{"a": 5e}'],
    ["only a sign", '{"a": -}'],
    ["duplicate key", '{"value": 1, "value": 2}'],
    ["duplicate key in escapes", String.raw`{"value": 1, "\u0076alue": 2}`],
    ["__proto__", '{"__proto__": {"isAdmin": true}}'],
    ["__proto__ in escapes", String.raw`{"\u005f_proto__": 1}`],
    ["lone surrogate", String.raw`["\ud800"]`],
    ["unknown escape", String.raw`["\x41"]`],
    ["raw newline in a string", '["a\nb"]'],
    ["33 levels", deep(33)],
    ["a million levels", deep(1_000_000)],
    ["a million open objects", '{"a":'.repeat(400_000)],
    ["2 MB of open strings", `["${"x".repeat(2_000_000)}`],
    ["2 MB, wrong at the end", `[${"1,".repeat(1_000_000)}]`],
    ["trailing comma", "[1,]"],
    ["two documents", "{} {}"],
    ["comment", "[1] // x"],
    ["byte order mark", "\ufeff{}"],
    ["empty", ""],
    ["only spaces", "  "],
  ])("refuses %s within 100 ms", (_name, text) => {
    const bytes = Buffer.from(text, "utf8");
    // Time of the processor, the best of ten at most: on a busy machine the first readings are of code not yet compiled.
    let quickest = Infinity;
    for (let i = 0; i < 10 && quickest >= 100; i++) {
      const began = process.cpuUsage();
      expect(() => parseStrictJson(bytes)).toThrow(expect.objectContaining({ code: "invalid_json" }));
      quickest = Math.min(quickest, process.cpuUsage(began).user / 1_000);
    }
    expect(quickest).toBeLessThan(100);
  });

  test.each([
    ["a cut sequence", [0x22, 0xc3, 0x22]],
    ["an overlong slash", [0x22, 0xc0, 0xaf, 0x22]],
    ["an encoded surrogate", [0x22, 0xed, 0xa0, 0x80, 0x22]],
  ])("refuses %s as UTF-8", (_name, bytes) => {
    expect(() => parseStrictJson(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: "invalid_json" }),
    );
  });

  test("accepts 32 levels and 2 MB in time", () => {
    expect(parse(deep(32))).toBeInstanceOf(Array);
    const large = `[${'{"temperature":21.5,"pressure":1.013},'.repeat(50_000)}{}]`;
    expect(parse(large)).toEqual(JSON.parse(large));
  });
});
