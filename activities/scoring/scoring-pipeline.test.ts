import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { scoringPipeline } from "./scoring-pipeline.ts";

const { pipeline } = parsePipeline(readFileSync("examples/substation/pipeline.yaml", "utf8"), "p.yaml");

test("a fleet to score needs neither failures nor the quality of training data", () => {
  const scoring = scoringPipeline(pipeline, ["readings.csv", "events.csv", "attributes.csv"]);
  expect(pipeline.label).toMatchObject({ kind: "events", where: { type: "failure" } });
  expect(scoring.label).not.toHaveProperty("where");
  expect(scoring.quality).toMatchObject({ maxBadShare: 1, maxNullShare: 1 });
  expect(Object.keys(scoring.sources)).toEqual(["readings", "events", "attributes"]);
});

test("newer readings alone are enough, no readings are too few", () => {
  expect(Object.keys(scoringPipeline(pipeline, ["readings.csv"]).sources)).toEqual(["readings"]);
  expect(() => scoringPipeline(pipeline, ["events.csv"])).toThrow("expected readings in readings.csv");
});
