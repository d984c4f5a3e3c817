import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { checkSample } from "./check-sample.ts";
import type { SampleFaults } from "./check-sample.ts";

const root = mkdtempSync(join(tmpdir(), "aura-sample-"));
afterAll(() => rmSync(root, { recursive: true }));

const PIPELINE = `
name: t
sources:
  readings:
    files: r.csv
    format: { delimiter: ";", decimal: "," }
    asset: unit
    time: { column: at, kind: timestamp, format: '%d.%m.%Y %H:%M' }
    columns: [{ name: x, range: [0, 100] }, { name: state, type: text, values: [on, off] }]
  events:
    role: events
    files: e.csv
    asset: unit
    time: { column: at, kind: timestamp }
    columns: [{ name: what, type: text }, { name: level, type: integer }]
label: { kind: events, source: events, where: { what: [seal, bearing] } }
task: { kind: failure_within, horizon: 2d }
`;
const HEADER = "unit;at;x;state\n";
const ROWS = Array.from(
  { length: 300 },
  (_, i) => `A;${(i % 28) + 1}.03.2025 0${i % 10}:00;${i % 90},5;on\n`,
);
const READINGS = HEADER + ROWS.join("");
const EVENTS =
  "unit,at,what,level\nA,2025-03-02,seal,1\nA,2025-03-03T10:00:00Z,noise,2\nA,2025-03-04,bearing,1\n";

interface Given {
  readonly readings?: string | Buffer;
  readonly events?: string;
  readonly pipeline?: string;
}

async function look(given: Given): Promise<SampleFaults | undefined> {
  writeFileSync(join(root, "r.csv"), given.readings ?? READINGS);
  writeFileSync(join(root, "e.csv"), given.events ?? EVENTS);
  const { pipeline } = parsePipeline(given.pipeline ?? PIPELINE, "p.yaml");
  const file = (name: string): { name: string; localPath: string } => ({
    name,
    localPath: join(root, name),
  });
  return checkSample(pipeline, [
    { name: "readings", files: [file("r.csv")] },
    { name: "events", files: [file("e.csv")] },
  ]);
}

describe("files that fit", () => {
  const cases: [name: string, given: Given][] = [
    ["plain", {}],
    ["gzip", { readings: gzipSync(READINGS) }],
    ["missing values and few bad rows", { readings: `${READINGS}A;01.03.2025 00:30;;\nA;x;1;on\n` }],
    ["CRLF and quotes", { readings: READINGS.replaceAll("\n", "\r\n").replaceAll("on", '"on"') }],
    [
      "numbers in where are left to ingest",
      { pipeline: PIPELINE.replace("what: [seal, bearing]", "level: 7") },
    ],
  ];
  it.each(cases)("%s", async (_name, given) => {
    expect(await look(given)).toBeUndefined();
  });
});

describe("files that do not fit", () => {
  const cases: [name: string, given: Given, code: string, first: object][] = [
    [
      "gzip that ends in the middle, behind the sample",
      { readings: gzipSync(READINGS.repeat(100)).subarray(0, -20) },
      "bad_file",
      { file: "r.csv", found: "it ends in the middle" },
    ],
    ["a header only", { readings: HEADER }, "bad_file", { file: "r.csv", found: "none" }],
    ["an extra column", { readings: READINGS.replace("state", "state;oil") }, "bad_file", { found: "'oil'" }],
    [
      "the other decimal sign",
      { readings: READINGS.replaceAll(",5", ".5") },
      "quality_gate",
      { found: "300 of 300 (300 not_a_number)" },
    ],
    [
      "times in another format",
      { pipeline: PIPELINE.replace(" %H:%M", "") },
      "quality_gate",
      { found: "300 of 300 (300 bad_time)" },
    ],
    [
      "times that are not ISO 8601, which is the default",
      { events: EVENTS.replace("2025-03-02", "02.03.2025 00:00") },
      "quality_gate",
      { found: "1 of 3 (1 bad_time)" },
    ],
    [
      "out of range, unknown and absent values, and broken rows",
      {
        readings: `${HEADER}A;01.03.2025 00:00;101;on\nA;01.03.2025 01:00;1;no\n;01.03.2025 02:00;1;on\nA;1\n`,
      },
      "quality_gate",
      { found: "4 of 4 (1 out_of_range, 1 unknown_value, 1 missing_required, 1 wrong_columns)" },
    ],
    [
      "a label that no event fulfils",
      { pipeline: PIPELINE.replace("[seal, bearing]", "[berings]") },
      "invalid_pipeline",
      { field: "label.where", found: "none; there is what = bearing, noise, seal" },
    ],
  ];
  it.each(cases)("%s", async (_name, given, code, first) => {
    const found = await look(given);
    expect(found).toMatchObject({ code });
    expect(found?.faults[0]).toMatchObject(first);
  });

  it("names a value of a filter that no event has, with the nearest that are there", async () => {
    const misspelt = PIPELINE.replace("[seal, bearing]", "[seal, berings]");
    const counted = `${misspelt}features: [{ current: {} }, { event_count: { source: events, where: { what: Noise }, windows: [7d] } }]\n`;
    expect(await look({ pipeline: counted })).toEqual({
      code: "invalid_pipeline",
      faults: [
        {
          field: "label.where.what",
          expected: "a value of what that some row of events has",
          found: "'berings'; nearest there: bearing, noise, seal",
        },
        {
          field: "features.1.event_count.where.what",
          expected: "a value of what that some row of events has",
          found: "'Noise'; nearest there: noise, seal, bearing",
        },
      ],
    });
  });

  it("shows at most three rows, with line, column, what was expected and found", async () => {
    const found = await look({ readings: READINGS.replaceAll(",5", ".5") });
    expect(found?.faults).toHaveLength(4);
    expect(found?.faults[1]).toEqual({
      file: "r.csv",
      line: 2,
      field: "x",
      expected: "a number with a decimal comma",
      found: "'0.5'",
    });
  });
});
