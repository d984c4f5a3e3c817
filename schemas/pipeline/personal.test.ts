import { describe, expect, it } from "vitest";
import { isPlatformError } from "../platform-error.ts";
import type { ErrorLocation } from "../platform-error.ts";
import { parsePipeline } from "./parse.ts";

/** A pipeline of trucks; `pii` stands in the readings, the events, or the attributes. */
function fileOf(pii: { readings?: string; events?: string; attributes?: string }, more = ""): string {
  const of = (names?: string) => (names === undefined ? "" : `\n    pii: [${names}]`);
  return `name: trucks
sources:
  readings:
    files: r.csv
    asset: truck
    time: { column: t, kind: timestamp }
    columns: [{ name: load }, { name: age }, { name: driver, type: text }]${of(pii.readings)}
  events:
    role: events
    files: e.csv
    asset: truck
    time: { column: t, kind: timestamp }
    columns: [{ name: type, type: text }, { name: by, type: text }]${of(pii.events)}
  papers:
    role: attributes
    files: a.csv
    asset: truck
    site: depot
    columns: [{ name: depot, type: text }, { name: owner, type: text }]${of(pii.attributes)}
label: { kind: events, source: events, where: { type: failure } }
task: { kind: failure_within, horizon: 72h }
${more}`;
}

function problemsOf(text: string): readonly ErrorLocation[] {
  try {
    parsePipeline(text, "p.yaml");
    return [];
  } catch (error) {
    if (isPlatformError(error)) return error.locations;
    throw error;
  }
}

describe("personal columns", () => {
  it("may be declared where nothing is made of them", () => {
    const { pipeline } = parsePipeline(fileOf({ readings: "driver, age", events: "by" }), "p.yaml");
    expect(pipeline.sources["readings"]?.pii).toEqual(["driver", "age"]);
    expect(pipeline.sources["papers"]).not.toHaveProperty("pii");
  });

  it.each<[string, string, string, string]>([
    ["the asset", fileOf({ readings: "truck" }), "sources.readings.pii.0", "'truck'"],
    ["the time", fileOf({ events: "by, t" }), "sources.events.pii.1", "'t'"],
    ["the site", fileOf({ attributes: "depot" }), "sources.papers.pii.0", "'depot'"],
    ["a column that is none", fileOf({ readings: "drivr" }), "sources.readings.pii.0", "'drivr'"],
    [
      "a feature",
      fileOf({ readings: "age" }, "features: [{ lag: { columns: [age], steps: [1] } }]"),
      "features.0.lag.columns.0",
      "'age', which is personal (pii)",
    ],
    [
      "a category",
      fileOf({ readings: "driver" }, "features: [{ category: { columns: [driver] } }]"),
      "features.0.category.columns.0",
      "'driver', which is personal (pii)",
    ],
    [
      "an attribute",
      fileOf({ attributes: "owner" }, "features: [{ attribute: { source: papers, columns: [owner] } }]"),
      "features.0.attribute.columns.0",
      "'owner', which is personal (pii)",
    ],
    [
      "a part of a formula",
      fileOf({ readings: "age" }, "features: [{ expression: { name: z, formula: load * age } }]"),
      "features.0.expression.formula",
      "'age', which is personal (pii)",
    ],
    ["a filter", fileOf({ events: "type" }), "label.where.type", "'type', which is personal (pii)"],
    [
      "a slice",
      fileOf({ readings: "driver" }, "evaluate: { slices: [driver] }"),
      "evaluate.slices.0",
      "'driver', which is personal (pii)",
    ],
    [
      "a weight",
      fileOf({ readings: "age" }, "training: { weight: { column: age } }"),
      "training.weight.column",
      "'age', which is personal (pii)",
    ],
  ])("cannot be %s", (_, text, field, found) => {
    expect(problemsOf(text)).toContainEqual(expect.objectContaining({ field, found }));
  });
});
