import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import { checkSample } from "../../sources/ingest/check-sample.ts";
import { ingest, readQuarantine } from "../../sources/ingest/ingest.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";

/** Personal columns (`pii`) through the real ingest: no raw value in parts, quarantine or messages. */

const root = mkdtempSync(join(tmpdir(), "aura-personal-"));
let duckdb: DuckDb;
let counter = 0;

beforeAll(async () => {
  duckdb = await createDuckDb({ directories: [root], threads: 2, memoryLimit: "256MB" });
});
afterAll(() => {
  duckdb.close();
  rmSync(root, { recursive: true, force: true });
});

interface Case {
  readonly file: string;
  readonly body: string | Buffer;
  readonly format?: string;
  readonly quality?: string;
}

const pipelineOf = ({ file, format = "", quality = "maxBadShare: 1, maxNullShare: 0.5" }: Case) =>
  parsePipeline(
    `name: trucks
sources:
  readings:
    files: ${file}${format}
    asset: truck
    time: { column: t, kind: cycle }
    unknownColumns: ignore
    columns:
      - { name: driver, type: text, nullable: false }
      - { name: age, type: integer, range: [18, 70] }
      - { name: load, range: [0, 40] }
      - { name: gear, type: text, values: [low, high] }
    pii: [driver, age]
label: { kind: end_of_life, ends: [{ at: last_reading }] }
task: { kind: rul }
quality: { order: quarantine, ${quality} }
`,
    "p.yaml",
  ).pipeline;

async function run(given: Case) {
  const folder = mkdtempSync(join(root, "case-"));
  const localPath = join(folder, given.file);
  writeFileSync(localPath, given.body);
  const pipeline = pipelineOf(given);
  const files = [{ name: given.file, localPath, sha256: "" }];
  const workDir = join(root, `work-${counter++}`);
  return { pipeline, localPath, result: () => ingest({ pipeline, files, duckdb, workDir }) };
}

async function stored(given: Case) {
  const result = await (await run(given)).result();
  const rows = await Promise.all(
    (result.parts["readings"] ?? []).map(({ path }) => duckdb.query(`SELECT * FROM read_parquet('${path}')`)),
  );
  const quarantine: Readonly<Record<string, unknown>>[] = [];
  if (result.quarantine !== undefined)
    for await (const batch of readQuarantine(duckdb, result.quarantine.path)) quarantine.push(...batch);
  return { result, rows: rows.flat(), quarantine };
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? Number(one) : one));

const SECRET = /Ada|Lovelace|Byron|4711|61/;

/** One good row, and one of every kind that is refused; names in places where they do not belong, too. */
const CSV = `truck,t,driver,age,load,gear,phone
A,1,Ada Lovelace,61,12,low,4711
A,2,Ada Lovelace,61,99,low,4711
A,3,Ada Lovelace,61,Ada Lovelace,low,4711
A,Ada,Lovelace,61,12,low,4711
A,5,Ada Lovelace,61,12,Byron,4711
A,1,Ada Lovelace,61,12,low,4711
A,0,Ada Lovelace,61,12,low,4711
A,6,Ada Lovelace,61,12,low,4711,one more
,7,Ada Lovelace,61,12,low,4711
A,8,"Ada Lovelace,61,12,low,4711
`;

describe("personal columns of files", () => {
  it("are in no part, and not told apart from other texts where a row was refused", async () => {
    const { result, rows, quarantine } = await stored({ file: "a.csv", body: CSV });
    expect(text(rows)).not.toMatch(SECRET);
    expect(rows.map((row) => Object.values(row).map(String))).toEqual([["A", "1", "0", "", "12", "low"]]);
    expect(text(quarantine)).not.toMatch(SECRET);
    expect(quarantine.map(({ line, code, text: row }) => [Number(line), code, row])).toEqual([
      [3, "out_of_range", "A,2,***,***,99,low,***"],
      [4, "not_a_number", "A,3,***,***,***,low,***"],
      [5, "bad_time", "A,***,***,***,12,low,***"],
      [6, "unknown_value", "A,5,***,***,12,***,***"],
      [7, "duplicate", "A,1,12.0,low"],
      [8, "out_of_order", "A,0,12.0,low"],
      [9, "wrong_columns", "***"],
      [10, "missing_required", ",7,***,***,12,low,***"],
      [11, "wrong_columns", "***"],
    ]);
    expect(result.sources["readings"]).toMatchObject({
      columns: [
        { name: "load", physical: "v0" },
        { name: "gear", physical: "v1" },
      ],
      personal: [
        { name: "driver", type: "text" },
        { name: "age", type: "integer" },
      ],
    });
    expect(text(result)).not.toMatch(SECRET);
  });

  it("are as little in JSON lines", async () => {
    const lines = [
      { truck: "A", t: 1, driver: "Ada", age: 61, load: 12, gear: "low", phone: 4711 },
      { truck: "A", t: 2, driver: "Ada", age: 61, load: "Lovelace", gear: "low", phone: 4711 },
      { truck: "A", t: 3, driver: { name: "Ada" }, age: 61, load: 12 },
    ];
    const body = `${lines.map((line) => JSON.stringify(line)).join("\n")}\nAda Lovelace\n`;
    const { rows, quarantine } = await stored({
      file: "a.jsonl",
      body,
      format: "\n    format: { type: jsonl }",
    });
    expect(rows).toHaveLength(1);
    expect(quarantine.map(({ text: row }) => row)).toEqual(["A,2,***,***,***,low", "***", "***"]);
    expect(text([rows, quarantine])).not.toMatch(SECRET);
  });

  it("are as little in Parquet, whose cells have types", async () => {
    const path = join(root, "made.parquet");
    const rows =
      "('A', 1, 'Ada', 61, 12, 'low'), ('A', 2, 'Ada', 61, 99, 'low'), ('A', 3, 'Ada', 61, 12, 'Byron')";
    await duckdb.copyToParquet(
      `SELECT * FROM (VALUES ${rows}) AS r(truck, t, driver, age, load, gear)`,
      path,
    );
    const { rows: kept, quarantine } = await stored({
      file: "a.parquet",
      body: readFileSync(path),
      format: "\n    format: { type: parquet }",
    });
    expect(kept).toHaveLength(1);
    expect(quarantine.map(({ text: row }) => row)).toEqual(["A,2,***,***,99,low", "A,3,***,***,12,***"]);
    expect(text([kept, quarantine])).not.toMatch(SECRET);
  });

  it("stand in no message of a quality gate, nor of a first look", async () => {
    const given = { file: "a.csv", body: CSV, quality: "maxBadShare: 0" };
    const { pipeline, localPath, result } = await run(given);
    const error: unknown = await result().catch((cause: unknown) => cause);
    expect(isPlatformError(error) && error.code).toBe("quality_gate");
    if (!isPlatformError(error)) return;
    expect(error.locations.length).toBeGreaterThan(1);
    expect(text([error.message, error.locations, error.details, String(error.cause)])).not.toMatch(SECRET);
    const notes: string[] = [];
    const looked = await checkSample(
      pipeline,
      [{ name: "readings", files: [{ name: given.file, localPath }] }],
      (note) => notes.push(note),
    );
    expect(looked?.faults.length).toBeGreaterThan(1);
    expect(text([looked, notes])).not.toMatch(SECRET);
  });

  it("may be absent from a file, and are then as missing as others", async () => {
    const { result } = await stored({
      file: "a.csv",
      body: "truck,t,load,gear\nA,1,12,low\nA,2,13,low\n",
      quality: "maxSchemaDrift: 0.5",
    });
    expect(result.sources["readings"]?.counts.accepted).toBe(2);
  });
});
