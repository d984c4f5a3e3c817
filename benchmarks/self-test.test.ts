import { describe, expect, test } from "vitest";
import { readOptions } from "./options.ts";
import { withSection } from "./report.ts";
import { rowOf } from "./row.ts";
import type { RowSpec } from "./row.ts";
import { selfTestCases } from "./self-test.ts";
import { SUITES } from "./suites.ts";

describe.each(selfTestCases(SUITES))("$name", ({ asMeasured, tenfoldSlower, withoutPeer }) => {
  test("meets its aim as it should be", () => expect(asMeasured.met).toBe(true));
  test("misses it ten times slower", () => expect(tenfoldSlower.met).toBe(false));
  test("says nothing about a ratio to an absent peer", () => {
    expect(withoutPeer.met).toBe(withoutPeer.aim.startsWith("ratio") ? null : true);
    expect(withoutPeer.ratio).toBeNull();
  });
});

const spec: RowSpec = { work: "w", unit: "s", kind: "aim", better: "lower", of: "ratio", min: 0.5 };

test("a ratio above 1 is better, whichever way the unit goes", () => {
  expect(rowOf(spec, { ours: 2, peer: 4, seed: 1 }).ratio).toBe(2);
  expect(rowOf({ ...spec, better: "higher" }, { ours: 2, peer: 4, seed: 1 }).ratio).toBe(0.5);
});

test("too good to be true is a miss where there is a lower bound", () => {
  const leaky: RowSpec = { ...spec, of: "ours", min: 9, max: 12 };
  expect(rowOf(leaky, { ours: 8.9, seed: 1 }).met).toBe(false);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("a figure of %s is refused, not judged", (ours) => {
  expect(() => rowOf(spec, { ours, seed: 1 })).toThrow(RangeError);
});

test.each([
  [["serve"], undefined, { suites: ["serve"], quick: false, json: false, slowdown: 1 }],
  [["serve", "--quick", "--json"], "10", { suites: ["serve"], quick: true, json: true, slowdown: 10 }],
  [
    ["all", "--slowdown", "3"],
    undefined,
    { suites: ["serve", "pipeline"], quick: false, json: false, slowdown: 3 },
  ],
])("arguments %j with AURA_BENCH_SLOWDOWN=%s", (args, variable, expected) => {
  expect(readOptions(args, ["serve", "pipeline"], variable)).toEqual(expected);
});

test.each([[[]], [["nonsense"]], [["serve", "--slowdown", "0"]], [["serve", "--slowdown"]]])(
  "arguments %j are refused",
  (args) => expect(() => readOptions(args, ["serve"], undefined)).toThrow(RangeError),
);

test("a section replaces itself and leaves the rest of the page", () => {
  const suite = { name: "w", about: "About.", specs: {}, run: async () => undefined };
  const from = {
    machine: { cores: 2, model: "CPU", memoryGiB: 8, node: "v20", system: "Linux" },
    date: "2026-01-02",
  };
  const page = "# Benchmarks\n\nWords.\n";
  const once = withSection(
    page,
    suite,
    { rows: [rowOf(spec, { ours: 1, peer: 4, seed: 1 })], notes: ["n"] },
    from,
  );
  const twice = withSection(`${once}\nAfter.\n`, suite, { rows: [], notes: [] }, from);
  expect(once).toContain("| w | 1 | 4 | s | 4 | ratio ≥ 0.5 | aim | yes |");
  expect(twice.startsWith(page.trimEnd())).toBe(true);
  expect(twice).toContain("\nAfter.");
  expect(twice).not.toContain("| w | 1 | 4");
  expect(twice.match(/bench:w:begin/g)).toHaveLength(1);
});
