import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { jsonSchema } from "./json-schema.ts";

// `format: uri` is for editors; the schema proper says http and https.
const accepts = new Ajv2020({ strictTypes: false, validateFormats: false }).compile(jsonSchema());

const SMALL = {
  name: "mill",
  sources: { readings: { files: "mill.csv", columns: [{ name: "y" }] } },
  label: { kind: "column", column: "y" },
  task: { kind: "class" },
};
const { readings } = SMALL.sources;

describe("the JSON Schema for editors", () => {
  it.each(["milling", "substation", "turbofan"])("accepts the example %s", (name) => {
    const text = readFileSync(new URL(`../../../examples/${name}/pipeline.yaml`, import.meta.url), "utf8");
    expect(accepts(parse(text)), JSON.stringify(accepts.errors)).toBe(true);
  });

  it("accepts what needs no default, one file group or a list of them", () => {
    expect(accepts(SMALL)).toBe(true);
    for (const files of [{ path: "a.csv" }, ["a.csv", { path: "b.csv", part: "late" }]])
      expect(accepts({ ...SMALL, sources: { readings: { ...readings, files } } })).toBe(true);
  });

  it.each([
    ["a misspelt key", { ...SMALL, gatess: [] }],
    ["an unknown operator", { ...SMALL, features: [{ rollin: {} }] }],
    ["files and a url", { ...SMALL, sources: { readings: { ...readings, url: "https://example.com/a" } } }],
    ["neither files nor a url", { ...SMALL, sources: { readings: { columns: readings.columns } } }],
    ["a gate without a bound", { ...SMALL, gates: [{ metric: "f1" }] }],
    ["a gate with two", { ...SMALL, gates: [{ metric: "f1", min: 0, max: 1 }] }],
  ])("refuses %s", (_name, pipeline) => {
    expect(accepts(pipeline)).toBe(false);
  });
});
