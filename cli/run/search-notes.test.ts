import { expect, it } from "vitest";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { searchNotes } from "./search-notes.ts";

const SPACE = "search: { numLeaves: { kind: integer, low: 7, high: 63 } }";

function notesOf(search: string, space = SPACE): readonly string[] {
  const text = `
name: t
sources:
  readings:
    files: r.csv
    asset: unit
    time: { column: t, kind: cycle }
    columns: [{ name: x }]
label: { kind: end_of_life, ends: [{ at: last_reading }] }
task: { kind: rul }
candidates: [{ kind: gbdt${space === "" ? "" : `, ${space}`} }]
${search}
`;
  return searchNotes(parsePipeline(text, "p.yaml").pipeline);
}

it.each([
  "search: { budget: { trials: 13 } }",
  "search: { generation: 1, budget: { trials: 10 } }",
  "search: { tpe: { startupTrials: 100 } }",
])("says that all trials of %s are random", (search) => {
  expect(notesOf(search)).toEqual([expect.stringContaining("trials are drawn at random")]);
});

it.each([
  "",
  "search: { budget: { trials: 14 } }",
  "search: { generation: 1, budget: { trials: 11 } }",
  "search: { sampler: random, budget: { trials: 5 } }",
  "search: { tpe: { startupTrials: 4 }, budget: { trials: 8 } }",
  "search: { budget: { time: 1h } }",
])("says nothing of '%s'", (search) => {
  expect(notesOf(search)).toEqual([]);
});

it("says nothing where no candidate is searched", () => {
  expect(notesOf("", "")).toEqual([]);
});
