import { describe, expect, it } from "vitest";
import { liveSourceSchema } from "../../schemas/live/source.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { failureRowsOf, knownUntil, liveRowsOf } from "./live-extract.ts";

const FILE = `
name: pumps
sources:
  readings:
    files: readings.csv
    live: pumps
    asset: pump
    time: { column: time, kind: timestamp }
    columns:
      - { name: temperature, unit: °C }
      - { name: mode, type: text }
      - { name: open, type: boolean }
      - { name: operator, type: text }
    pii: [operator]
  events:
    role: events
    files: events.csv
    asset: pump
    time: { column: time, kind: timestamp }
    columns:
      - { name: what, type: text, nullable: false }
      - { name: note, type: text }
label: { kind: events, source: events, where: { what: [bearing, seal] } }
task: { kind: failure_within, horizon: 7d }
`;
const pipelineOf = (...changes: readonly (readonly [string, string])[]): Pipeline =>
  parsePipeline(
    changes.reduce((text, [from, to]) => text.replace(from, to), FILE),
    "p.yaml",
  ).pipeline;

const columnLabel = pipelineOf(
  [
    "label: { kind: events, source: events, where: { what: [bearing, seal] } }",
    "label: { kind: column, column: mode }",
  ],
  ["task: { kind: failure_within, horizon: 7d }", "task: { kind: class }"],
);

const live = (over: object = {}) =>
  liveSourceSchema.parse({
    name: "pumps",
    owner: "ops",
    columns: [
      { name: "mode", type: "text", values: ["idle", "run"] },
      { name: "temperature", unit: "°C" },
      { name: "open", type: "boolean" },
      { name: "operator", type: "text", values: ["ann"] },
    ],
    ...over,
  });
const T = Date.parse("2026-11-21T00:00:00Z") * 1_000;
const rowsOf = (pipeline: Pipeline, document = live()) => {
  const source = pipeline.sources["readings"];
  if (source === undefined) throw new Error("the fixture has readings");
  return liveRowsOf(pipeline, source, document);
};

describe("liveRowsOf", () => {
  it("writes words, truth values, what is missing, and nothing that is personal", () => {
    const rows = rowsOf(pipelineOf());
    if ("why" in rows) throw new Error(rows.why);
    expect(rows.header).toEqual(["pump", "time", "temperature", "mode", "open", "operator"]);
    expect(rows.read({ asset: "=p1", ts: T + 5, values: [1, 61.5, 0, 0] })).toEqual([
      "=p1",
      "2026-11-21T00:00:00.000005Z",
      61.5,
      "run",
      "false",
      "",
    ]);
    expect(rows.read({ asset: "p1", ts: T, values: [null, Number.NaN, 1, 0] })).toEqual([
      "p1",
      "2026-11-21T00:00:00.000Z",
      "",
      "",
      "true",
      "",
    ]);
  });

  it.each<[string, Pipeline, ReturnType<typeof live> | undefined, RegExp]>([
    [
      "of assets that are called otherwise",
      pipelineOf(["files: readings.csv", "files: { path: readings.csv, assetPrefix: a- }"]),
      undefined,
      /prefix/,
    ],
    ["of cycles", pipelineOf(), live({ time: { kind: "cycle" } }), /cycles/],
    [
      "without a column that must be there",
      pipelineOf(["unit: °C }", "unit: °C, nullable: false }"]),
      live({ columns: [{ name: "open", type: "boolean" }] }),
      /no fitting temperature/,
    ],
    [
      "in another unit",
      pipelineOf(["unit: °C }", "unit: °C, nullable: false }"]),
      live({ columns: [{ name: "temperature", unit: "K" }] }),
      /no fitting temperature/,
    ],
    [
      "without the label",
      columnLabel,
      live({ columns: [{ name: "temperature", unit: "°C" }] }),
      /no fitting mode/,
    ],
    [
      "of lives that go on",
      pipelineOf(
        [
          "label: { kind: events, source: events, where: { what: [bearing, seal] } }",
          "label: { kind: end_of_life, ends: [{ at: last_reading }] }",
        ],
        ["task: { kind: failure_within, horizon: 7d }", "task: { kind: rul }"],
      ),
      undefined,
      /where a life ends/,
    ],
  ])("takes no readings %s", (_name, pipeline, document, why) => {
    expect(rowsOf(pipeline, document)).toMatchObject({ why: expect.stringMatching(why) });
  });
});

describe("failureRowsOf", () => {
  it("makes an event of a reported failure that the label finds", () => {
    const rows = failureRowsOf(pipelineOf());
    expect(rows).toMatchObject({ source: "events", header: ["pump", "time", "what", "note"] });
    expect(rows?.read({ seq: 1, asset: "p1", t: T })).toEqual([
      "p1",
      "2026-11-21T00:00:00.000Z",
      "bearing",
      "",
    ]);
  });

  it("makes none that would have to say more, and none for a label that is not made of events", () => {
    const strict = pipelineOf(["name: note, type: text", "name: note, type: text, nullable: false"]);
    expect(failureRowsOf(strict)).toBeUndefined();
    expect(failureRowsOf(columnLabel)).toBeUndefined();
  });
});

describe("knownUntil", () => {
  it.each([
    ["a week by default", pipelineOf(), "2026-11-14T00:00:00.000Z"],
    [
      "the delay of the file",
      pipelineOf(["task:", "performance: { delay: 36h }\ntask:"]),
      "2026-11-19T12:00:00.000Z",
    ],
  ])("is %s before the training where failures are reported", (_name, pipeline, expected) => {
    expect(knownUntil(pipeline, "2026-11-21T00:00:00.000Z")).toBe(Date.parse(expected) * 1_000);
  });

  it("has no bound where the truth stands in the readings", () => {
    expect(knownUntil(columnLabel, "2026-11-21T00:00:00.000Z")).toBeUndefined();
  });
});
