import { expect, it } from "vitest";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { FlatColumns } from "./flat-columns.ts";

const { pipeline } = parsePipeline(
  `
name: t
sources:
  readings:
    files: r.csv
    format: { nullValues: ['?'] }
    asset: unit
    time: { column: t, kind: cycle }
    columns: [{ name: x }, { name: spare }, { name: fixed }, { name: holes }, { name: off, use: ignore }]
label: { kind: end_of_life, ends: [{ at: last_reading }] }
task: { kind: rul }
`,
  "p.yaml",
);
const COLUMNS = ["unit", "t", "x", "spare", "fixed", "holes", "off"];

function notesOf(...rows: readonly string[]): readonly string[] {
  const source = pipeline.sources["readings"];
  if (source === undefined) throw new Error("no readings");
  const flat = new FlatColumns("readings", source);
  for (const row of rows) flat.take(COLUMNS, row.split(","));
  return flat.notes();
}

it("tells features without a value and with one value only", () => {
  expect(notesOf("a,1,3,,7,5,1", "a,2,3,?,7,?,1", "a,3,4, ,7,5,1")).toEqual([
    expect.stringMatching(/^sources\.readings\.columns\.spare: all 3 rows looked at have no value: /),
    expect.stringMatching(/^sources\.readings\.columns\.fixed: all 3 rows looked at say '7': /),
  ]);
});

it("says nothing of a single row", () => {
  expect(notesOf("a,1,3,,7,5,1")).toEqual([]);
});
