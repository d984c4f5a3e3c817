import { expect, it } from "vitest";
import { incompatibilities } from "./compatibility.ts";
import { liveSourceSchema } from "./source.ts";

const SOURCE = {
  name: "pumps",
  owner: "tests",
  columns: [
    { name: "pressure", unit: "bar", range: [0, 10] },
    { name: "mode", type: "text", values: ["idle", "run"] },
  ],
};
const source = (changes: object) => liveSourceSchema.parse({ ...SOURCE, ...changes });
const [pressure, mode] = SOURCE.columns;

it.each([
  ["the same", {}, []],
  [
    "another owner and range",
    { owner: "b", columns: [{ ...pressure, range: [0, 5], nullable: false }, mode] },
    [],
  ],
  ["a column more", { columns: [pressure, mode, { name: "flow" }] }, []],
  ["a word more at the end", { columns: [pressure, { ...mode, values: ["idle", "run", "off"] }] }, []],
  ["a column less", { columns: [pressure] }, ["columns.1: expected mode in its place, got nothing"]],
  [
    "another unit",
    { columns: [{ ...pressure, unit: "kPa" }, mode] },
    ["columns.0.unit: expected bar, got kPa"],
  ],
  [
    "another type",
    { columns: [{ ...pressure, type: "integer" }, mode] },
    ["columns.0.type: expected float, got integer"],
  ],
  [
    "other words",
    { columns: [pressure, { ...mode, values: ["run", "idle"] }] },
    ["columns.1.values: expected idle, run first"],
  ],
  ["another time", { time: { kind: "cycle" } }, ["time.kind: expected timestamp, got cycle"]],
])("tells whether %s can follow", (_, changes, expected) => {
  expect(incompatibilities(source({}), source(changes))).toEqual(expected);
});

it.each([
  ["a column twice", { columns: [pressure, pressure] }],
  ["text without words", { columns: [{ name: "mode", type: "text" }] }],
  ["a masked column that is none", { pii: ["name"] }],
  ["a span that is none", { retention: "1 year" }],
])("refuses %s", (_, changes) => {
  expect(liveSourceSchema.safeParse({ ...SOURCE, ...changes }).success).toBe(false);
});
