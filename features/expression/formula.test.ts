import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestEngine } from "../support/test-engine.ts";
import type { TestEngine } from "../support/test-engine.ts";
import { evaluateFormula } from "./evaluate.ts";
import { formulaSql } from "./formula-sql.ts";
import { formulaNames, parseFormula } from "./parser.ts";

const value = (text: string, columns: Record<string, number> = {}) =>
  evaluateFormula(parseFormula(text), (name) => columns[name] ?? Number.NaN);

let engine: TestEngine;
beforeAll(async () => {
  engine = await createTestEngine();
});
afterAll(() => engine.close());

describe("parsing", () => {
  it.each([
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["8 - 3 - 2", 3],
    ["8 / 4 / 2", 1],
    ["-2 * -3", 6],
    ["2 - -3", 5],
    ["1e3 + .5", 1000.5],
    ["min(3, 1, 2) + max(4, 5)", 6],
    ["abs(-2) + sqrt(9) + log(1)", 5],
    ["[oil temp] * 2 + [Torque [Nm]]", 9],
  ])("%s = %d", (text, expected) => {
    expect(value(text, { "oil temp": 4, "Torque [Nm]": 1 })).toBe(expected);
  });

  it.each([
    ["", "found the end"],
    ["1 +", "found the end"],
    ["1 2", "found '2' at position 3"],
    ["a b", "found 'b' at position 3"],
    ["(1", "expected ')', found the end"],
    ["sin(1)", "expected one of abs, log, sqrt, min, max, found 'sin' at position 1"],
    ["min(1)", "expected 2 to 16 argument(s) of min, found 1 at position 1"],
    ["sqrt(1, 2)", "expected 1 argument(s) of sqrt"],
    ["a; DROP TABLE x", "found ';' at position 2"],
    ["constructor(1)", "expected one of abs"],
    ["1e999", "expected a number within double range"],
    ["[]", "'[' at position 1"],
    ["💥", "'💥' at position 1"],
    ["(".repeat(100), "at most 64 levels"],
    ["-".repeat(400) + "1", "at most 64 levels"],
    ["1+".repeat(300) + "1", "at most 500 tokens"],
  ])("refuses %s", (text, message) => {
    expect(() => parseFormula(text)).toThrow(message);
  });

  it("lists the names, each once", () => {
    expect(formulaNames(parseFormula("b + a * b - [c d]"))).toEqual(["b", "a", "c d"]);
  });
});

describe("missing values", () => {
  it.each([
    "1 / 0",
    "log(0)",
    "log(-1)",
    "sqrt(-1)",
    "gone + 1",
    "min(gone, 1)",
    "max(1, gone)",
    "1 / (1 / 0)",
  ])("%s is missing", (text) => expect(value(text)).toBeNaN());
});

describe("SQL", () => {
  const leaf = fc.oneof(
    fc.constantFrom("a", "b", "c"),
    fc.integer({ min: -5, max: 5 }).map((n) => `(${n})`),
    fc.constantFrom("0.5", "1e-3"),
  );
  const { formula } = fc.letrec<{ formula: string }>((tie) => ({
    formula: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      leaf,
      fc
        .tuple(tie("formula"), fc.constantFrom("+", "-", "*", "/"), tie("formula"))
        .map(([l, op, r]) => `(${l} ${op} ${r})`),
      fc.tuple(fc.constantFrom("abs", "log", "sqrt", "-"), tie("formula")).map(([f, x]) => `${f}(${x})`),
      fc
        .tuple(fc.constantFrom("min", "max"), tie("formula"), tie("formula"))
        .map(([f, x, y]) => `${f}(${x}, ${y})`),
    ),
  }));

  it("equals the evaluator on random formulas and values", async () => {
    const cell = fc.option(fc.constantFrom(-3, -0.5, 0, 0.25, 1, 7), { freq: 5 });
    const samples = fc.sample(fc.tuple(formula, cell, cell, cell), { numRuns: 300, seed: 3 });
    const selected = samples.map(([text, a, b, c], i) => {
      const cells: Record<string, string> = {
        a: `${a ?? "NULL"}::DOUBLE`,
        b: `${b ?? "NULL"}::DOUBLE`,
        c: `${c ?? "NULL"}::DOUBLE`,
      };
      const sql = formulaSql(parseFormula(text), (name) => `(${cells[name]})`);
      return `CASE WHEN isfinite(${sql}) THEN ${sql} END AS r${i}`;
    });
    const table = await engine.columns(`SELECT ${selected.join(", ")}`);
    samples.forEach(([text, a, b, c], i) => {
      const cells = { a: a ?? Number.NaN, b: b ?? Number.NaN, c: c ?? Number.NaN };
      const expected = value(text, cells);
      const got = Number(table.columns[`r${i}`]?.[0]);
      if (Number.isNaN(expected)) expect(got, text).toBeNaN();
      else
        expect(Math.abs(got - expected), `${text} of ${JSON.stringify(cells)}`).toBeLessThanOrEqual(
          1e-12 * Math.max(1, Math.abs(expected)),
        );
    });
  });

  it("grows no faster than the formula", () => {
    const deep = "max(1, ".repeat(40) + "a" + ")".repeat(40);
    expect(formulaSql(parseFormula(deep), () => "c0").length).toBeLessThan(5_000);
  });
});
