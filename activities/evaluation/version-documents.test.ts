import { expect, it } from "vitest";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { problemOf } from "../training/problem.ts";
import { labelConventionOf, mostFrequent } from "./version-documents.ts";

const EVENTS = `
name: t
sources:
  readings:
    files: r.csv
    asset: unit
    time: { column: at, kind: timestamp }
    columns: [{ name: x }]
  events:
    role: events
    files: e.csv
    asset: unit
    time: { column: at, kind: timestamp }
    columns: [{ name: what, type: text }]
label: { kind: events, source: events, where: { what: [seal, bearing] } }
task: { kind: failure_within, horizon: 2d }
`;

it("says which events count as failures", () => {
  const conventionOf = (text: string): string => {
    const { pipeline } = parsePipeline(text, "p.yaml");
    return labelConventionOf(pipeline, problemOf(pipeline, null));
  };
  expect(conventionOf(EVENTS)).toBe(
    "failure within 2d after the reading; failures are rows of events with what = seal or bearing; all holdout rows",
  );
  expect(conventionOf(EVENTS.replace(/, where: .*? \}/, ""))).toContain("failures are all rows of events; ");
});

it("finds the class that most of the given rows have, the least index of equals", () => {
  const y = Float64Array.of(0, 0, 0, 2, 2, 1);
  expect(mostFrequent(y, Int32Array.of(0, 1, 2, 3, 4, 5))).toBe(0);
  expect(mostFrequent(y, Int32Array.of(0, 3, 4, 5))).toBe(2);
  expect(mostFrequent(y, Int32Array.of(0, 3))).toBe(0);
  expect(mostFrequent(y, Int32Array.of(5))).toBe(1);
});
