import { createHash, randomBytes } from "node:crypto";
import {
  createWriteStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import type { PlatformError } from "../../schemas/platform-error.ts";
import { ingest, readQuarantine } from "../../sources/ingest/ingest.ts";
import type { IngestResult } from "../../sources/ingest/ingest.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";

/** Ingest on the real, locked-down DuckDB: what goes in comes out, and nothing hostile gets through. */

const DATA = "../shared/data";
const root = mkdtempSync(join(tmpdir(), "aura-ingest-"));
let duckdb: DuckDb;

beforeAll(async () => {
  const data = existsSync(DATA) ? [`${DATA}/cmapss`, `${DATA}/ai4i`] : [];
  duckdb = await createDuckDb({ directories: [root, ...data], threads: 2, memoryLimit: "512MB" });
});
afterAll(() => {
  duckdb.close();
  rmSync(root, { recursive: true, force: true });
});

interface Case {
  /** Under `readings:`. */
  readonly source?: string;
  readonly quality?: string;
  readonly files: Readonly<Record<string, string | Buffer>>;
  readonly engine?: DuckDb;
}

const SOURCE = `
    files: "*.csv"
    asset: unit
    time: { column: t, kind: cycle }
    columns:
      - { name: x, range: [0, 100] }
      - { name: y, type: text, values: [a, b] }`;

let counter = 0;
async function run(given: Case): Promise<IngestResult & { readonly workDir: string }> {
  const dir = join(root, `case-${counter++}`);
  const text = `name: t\nsources:\n  readings:${given.source ?? SOURCE}\nlabel: { kind: end_of_life, ends: [{ at: last_reading }] }\ntask: { kind: rul }\nquality: { ${given.quality ?? "maxBadShare: 1, maxNullShare: 1"} }\n`;
  const pipeline = parsePipeline(text, "p.yaml").pipeline;
  const engine = given.engine ?? duckdb;
  rmSync(dir, { recursive: true, force: true });
  await engine.run("SELECT 1");
  const input = mkdtempSync(join(root, "in-"));
  const files = Object.entries(given.files).map(([name, body]) => {
    const localPath = join(input, name);
    writeFileSync(localPath, body);
    return { name, localPath, sha256: "" };
  });
  return { ...(await ingest({ pipeline, files, duckdb: engine, workDir: dir })), workDir: dir };
}

async function failure(given: Case): Promise<PlatformError> {
  const error = await run(given).then(
    () => undefined,
    (e: unknown) => e,
  );
  if (isPlatformError(error)) return error;
  throw error ?? new Error("expected ingest to fail");
}

async function rowsOf(result: IngestResult, source = "readings"): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for (const part of result.parts[source] ?? []) {
    const found = await duckdb.query(`SELECT * FROM read_parquet('${part.path}')`);
    rows.push(...found.map((r) => Object.values(r).map((v) => (typeof v === "bigint" ? Number(v) : v))));
  }
  return rows;
}

async function quarantineOf(result: IngestResult): Promise<[string, number, string][]> {
  const rows: [string, number, string][] = [];
  if (result.quarantine === undefined) return rows;
  for await (const batch of readQuarantine(duckdb, result.quarantine.path)) {
    for (const r of batch) rows.push([String(r["file"]), Number(r["line"]), String(r["code"])]);
  }
  return rows;
}

const GOOD = "unit,t,x,y\nB,1,1.5,a\nA,2,2.5,b\nA,1,3.5,\n";
const SORTED = [
  ["A", 1, 2, "", 3.5, null],
  ["A", 2, 1, "", 2.5, "b"],
  ["B", 1, 0, "", 1.5, "a"],
];

describe("equal rows in other clothes", () => {
  const spaced = "B 1 1.5 a\nA  2\t2.5 b \n A 1 3.5 NA\n";
  const cases: [name: string, given: Case][] = [
    ["plain", { files: { "a.csv": GOOD } }],
    ["BOM and CRLF", { files: { "a.csv": `\uFEFF${GOOD.replaceAll("\n", "\r\n")}` } }],
    ["no newline at the end", { files: { "a.csv": GOOD.trimEnd() } }],
    ["blank lines and mixed line ends", { files: { "a.csv": GOOD.replace("\n", "\r\n\n") } }],
    ["quotes", { files: { "a.csv": 'unit,t,x,y\n"B","1",1.5,"a"\nA,2,"2.5",b\nA,1,3.5,""\n' } }],
    ["gzip", { files: { "a.csv": gzipSync(GOOD) } }],
    ["columns in another order", { files: { "a.csv": "y,x,t,unit\na,1.5,1,B\nb,2.5,2,A\n,3.5,1,A\n" } }],
    [
      "semicolons and decimal commas",
      {
        source: SOURCE.replace('"*.csv"', '"*.csv"\n    format: { delimiter: ";", decimal: "," }'),
        files: { "a.csv": GOOD.replaceAll(",", ";").replaceAll(".5", ",5") },
      },
    ],
    [
      "whitespace without header",
      {
        source: SOURCE.replace(
          '"*.csv"',
          '"*.csv"\n    format: { delimiter: whitespace, header: false }',
        ).replace(
          "columns:",
          "columns:\n      - { name: unit, type: text }\n      - { name: t, type: integer }",
        ),
        files: { "a.csv": spaced },
      },
    ],
    [
      "JSON lines",
      {
        source: SOURCE.replace('"*.csv"', '"*.csv"\n    format: { type: jsonl }'),
        files: {
          "a.csv":
            '{"unit":"B","t":1,"x":1.5,"y":"a"}\n{"t":2,"unit":"A","x":2.5,"y":"b"}\n\n{"unit":"A","t":1,"x":3.5,"y":null}',
        },
      },
    ],
    [
      "two files",
      { files: { "a.csv": "unit,t,x,y\nB,1,1.5,a\n", "b.csv": "unit,t,x,y\nA,2,2.5,b\nA,1,3.5,\n" } },
    ],
  ];
  it.each(cases)("%s", async (_name, given) => {
    const result = await run(given);
    expect(await rowsOf(result)).toEqual(SORTED);
    expect(result.sources["readings"]?.counts).toEqual({
      read: 3,
      accepted: 3,
      quarantined: 0,
      byReason: {},
    });
  });

  it("a name that lies about its compression", async () => {
    const source = SOURCE.replace('"*.csv"', "a.csv.gz");
    expect(await rowsOf(await run({ source, files: { "a.csv.gz": GOOD } }))).toEqual(SORTED);
  });

  it("Parquet, typed", async () => {
    const path = join(root, "typed.parquet");
    await duckdb.run(
      `COPY (SELECT * FROM (VALUES ('B', 1, 1.5::DOUBLE, 'a'), ('A', 2, 2.5, 'b'), ('A', 1, 3.5, NULL)) v(unit, t, x, y)) TO '${path}' (FORMAT parquet)`,
    );
    const source = SOURCE.replace('"*.csv"', '"*.csv"\n    format: { type: parquet }');
    expect(await rowsOf(await run({ source, files: { "a.csv": readFileSync(path) } }))).toEqual(SORTED);
  });
});

describe("quarantine", () => {
  it("keeps every bad row with its line and code; accepted + quarantined = read", async () => {
    const body = [
      "unit,t,x,y", // 1
      "A,1,1,a",
      "A,2,abc,a", // 3 not_a_number
      "A,3,101,a", // 4 out_of_range
      "A,4,1,c", // 5 unknown_value
      ",5,1,a", // 6 missing_required
      "A,six,1,a", // 7 bad_time
      "A,1,9,a", // 8 duplicate
      "A,8,1e400,a", // 9 not_finite
      "A,9,1", // 10 wrong_columns
      'A,9,1,"a"x', // 11 wrong_columns
      `${"é".repeat(65)},10,1,a`, // 12 id_too_long
      "A,11,1_0,a", // 13 not_a_number
      "A,12,1,", // good
      'A,13,1,"a', // 15 wrong_columns: never closed
      "A,14,2,b", // good
    ].join("\n");
    const result = await run({ files: { "a.csv": body } });
    expect(await quarantineOf(result)).toEqual([
      ["a.csv", 3, "not_a_number"],
      ["a.csv", 4, "out_of_range"],
      ["a.csv", 5, "unknown_value"],
      ["a.csv", 6, "missing_required"],
      ["a.csv", 7, "bad_time"],
      ["a.csv", 8, "duplicate"],
      ["a.csv", 9, "not_finite"],
      ["a.csv", 10, "wrong_columns"],
      ["a.csv", 11, "wrong_columns"],
      ["a.csv", 12, "id_too_long"],
      ["a.csv", 13, "not_a_number"],
      ["a.csv", 15, "wrong_columns"],
    ]);
    const counts = result.sources["readings"]?.counts;
    expect(counts).toMatchObject({ read: 15, accepted: 3, quarantined: 12 });
    expect((await rowsOf(result)).map((r) => r.slice(0, 3))).toEqual([
      ["A", 1, 0],
      ["A", 12, 1],
      ["A", 14, 2],
    ]);
    expect(result.perFile).toEqual([expect.objectContaining({ read: 15, accepted: 3, quarantined: 12 })]);
  });

  it("names lines in files that are read as they stand", async () => {
    const result = await run({
      files: { "a.csv": "unit,t,x,y\nA,1,1,a\nA,2,x,a\n", "b.csv": "unit,t,x,y\nB,1,x,a\nA,1,1,a\n" },
    });
    expect(await quarantineOf(result)).toEqual([
      ["a.csv", 3, "not_a_number"],
      ["b.csv", 2, "not_a_number"],
      ["b.csv", 3, "duplicate"],
    ]);
  });

  it("keeps the text of a duplicate as it stands in its file", async () => {
    const source = `
    files: "*.csv"
    format: { delimiter: ";", decimal: "," }
    asset: unit
    time: { column: t, kind: timestamp, format: '%d.%m.%Y' }
    columns: [{ name: x }, { name: y, type: text }]`;
    const result = await run({
      source,
      files: {
        "a.csv": "y;x;t;unit\na;1,50;01.03.2025;A\nNA;2,50;01.03.2025;A\n",
        "b.csv": gzipSync('y;x;t;unit\n\n"b;";3,50;01.03.2025;A\nb;x;01.03.2025;A\n'),
      },
    });
    const rows = [];
    for await (const batch of readQuarantine(duckdb, result.quarantine?.path ?? "")) rows.push(...batch);
    expect(rows.map((r) => [r["code"], r["text"]])).toEqual([
      ["duplicate", "NA;2,50;01.03.2025;A"],
      ["duplicate", '"b;";3,50;01.03.2025;A'],
      ["not_a_number", "b;x;01.03.2025;A"],
    ]);
  });

  it("takes rows that go back in time when asked to", async () => {
    const body = "unit,t,x,y\nA,1,1,a\nA,3,1,a\nA,2,1,a\nB,1,1,a\n";
    const result = await run({ quality: "order: quarantine, maxBadShare: 1", files: { "a.csv": body } });
    expect(await quarantineOf(result)).toEqual([["a.csv", 4, "out_of_order"]]);
  });

  it("reads timestamps with offsets, zones, formats and epochs as one instant", async () => {
    const source = (time: string): string => `
    files: a.csv
    asset: unit
    time: { column: t, kind: timestamp${time} }
    columns: [{ name: x }]`;
    const forms: [time: string, text: string][] = [
      ["", "2024-06-01T12:00:00Z"],
      ["", "2024-06-01T14:00:00+02:00"],
      ["", "2024-06-01 12:00"],
      [", timezone: Europe/Berlin", "2024-06-01 14:00:00"],
      [", format: '%d.%m.%Y %H:%M'", "01.06.2024 12:00"],
      [", epochUnit: ms", "1717243200000"],
    ];
    for (const [time, text] of forms) {
      const result = await run({ source: source(time), files: { "a.csv": `unit,t,x\nA,${text},1\n` } });
      expect((await rowsOf(result))[0]?.[1], `${time} ${text}`).toBe(1_717_243_200_000_000);
    }
    const bad = await run({
      source: source(""),
      files: { "a.csv": "unit,t,x\nA,epoch,1\nA,2024-13-01,1\nA,now,1\nA,2024-01-01,1\n" },
    });
    expect(bad.sources["readings"]?.counts.byReason).toEqual({ bad_time: 3 });
  });

  it.each([
    ["ISO 8601", "", "2025-03-30 02:30", "2025-03-30 03:30", "2025-03-30T01:30:00Z"],
    ["a format", ", format: '%d.%m.%Y %H:%M'", "30.03.2025 02:30", "30.03.2025 03:30", "30.03.2025 04:30"],
  ])("refuses a local time that the clocks skip: %s", async (_name, format, skipped, real, other) => {
    const source = `
    files: a.csv
    asset: unit
    time: { column: t, kind: timestamp, timezone: Europe/Berlin${format} }
    columns: [{ name: x }]`;
    const body = `unit,t,x\nA,${skipped},1\nA,${real},1\nB,${other},1\n`;
    const result = await run({ source, files: { "a.csv": body } });
    expect(await quarantineOf(result)).toEqual([["a.csv", 2, "bad_time"]]);
  });

  it("refuses readings of which no row can be used, whatever share of bad rows is allowed", async () => {
    const files = { "a.csv": "unit,t,x,y\nA,1,999,a\nA,x,1,a\n" };
    const error = await failure({ files });
    expect(error.code).toBe("quality_gate");
    expect(error.message).toContain(
      "sources.readings: expected at least one row that can be used, found all 2 rows refused",
    );
    expect(error.message).not.toContain("a.csv:");
    expect(error.locations).toMatchObject([
      { field: "sources.readings" },
      { file: "a.csv", line: 2, field: "x", expected: "0 to 100", found: "'999'" },
      { file: "a.csv", line: 3, field: "t" },
    ]);
  });

  it("says whose the refused rows are, where they name an asset", async () => {
    const body = `unit,t,x,y\nA,1,1,a\nA,1,2,a\nB,1,999,a\n,1,1,a\n${"L".repeat(129)},1,1,a\nC,1\n`;
    const { quarantine } = await run({ files: { "a.csv": body } });
    const rows = await duckdb.query(
      `SELECT line, asset FROM read_parquet('${quarantine?.path}') ORDER BY line`,
    );
    expect(rows.map((row) => [Number(row["line"]), row["asset"]])).toEqual([
      [3, "A"],
      [4, "B"],
      [5, null],
      [6, null],
      [7, null],
    ]);
  });

  it("says how a time should be written", async () => {
    const source = `
    files: a.csv
    asset: unit
    time: { column: t, kind: timestamp, format: '%d.%m.%Y' }
    columns: [{ name: x }]`;
    const files = { "a.csv": "unit,t,x\nA,01.03.2025 00:00,1\nA,01.03.2025,1\n" };
    const error = await failure({ source, quality: "maxBadShare: 0", files });
    expect(error.locations).toContainEqual({
      file: "a.csv",
      line: 2,
      field: "t",
      expected: "a point in time in the format '%d.%m.%Y'",
      found: "'01.03.2025 00:00'",
    });
  });
});

describe("hostile files", () => {
  const cases: [name: string, body: string | Buffer, found: RegExp][] = [
    ["empty", "", /empty file/],
    ["header only", "unit,t,x,y\n", /rows of data/],
    ["NUL", "unit,t,x,y\nA,1,1,a\nA,2\0,1,a\n", /a\.csv:3: .*NUL/],
    ["binary noise", randomBytes(300_000), /a\.csv/],
    ["a gzip cut short", gzipSync(randomBytes(100_000).toString("hex")).subarray(0, 5_000), /complete gzip/],
    ["a damaged gzip", Buffer.concat([gzipSync(GOOD).subarray(0, 15), randomBytes(60)]), /gzip|UTF-8/],
    ["UTF-16", Buffer.from(`\uFEFF${GOOD}`, "utf16le"), /UTF-16/],
    ["Latin-1", Buffer.from("unit,t,x,y\nA,1,1,a\nM\u00FCller,1,1,a\n", "latin1"), /a\.csv:3: .*UTF-8/],
    ["Parquet named csv", Buffer.from("PAR1xxxxPAR1"), /found Parquet/],
    ["a column twice", "unit,t,x,x\nA,1,1,1\n", /'x' twice/],
    ["no asset column", "id,t,x,y\nA,1,1,a\n", /a column 'unit'/],
  ];
  it.each(cases)("%s", async (_name, body, found) => {
    const error = await failure({ files: { "a.csv": body } });
    expect(error.code).toBe("bad_file");
    expect(error.message).toMatch(found);
    expect(error.message).toMatch(/^a\.csv/);
    expect(error.message).not.toContain("\n");
  });

  it("a truncated Parquet", async () => {
    const path = join(root, "cut.parquet");
    await duckdb.run(
      `COPY (SELECT 'A' AS unit, range AS t, 1.0 AS x, 'a' AS y FROM range(10000)) TO '${path}' (FORMAT parquet)`,
    );
    const source = SOURCE.replace('"*.csv"', '"*.csv"\n    format: { type: parquet }');
    const error = await failure({ source, files: { "a.csv": readFileSync(path).subarray(0, 5_000) } });
    expect([error.code, error.message.includes(root)]).toEqual(["bad_file", false]);
  });

  it("a missing file, with the nearest name", async () => {
    const error = await failure({
      source: SOURCE.replace('"*.csv"', "train.csv"),
      files: { "trian.csv": GOOD },
    });
    expect(error.message).toMatch(/^train\.csv: .*did you mean trian\.csv/);
  });

  it("a line of 100 MB, in bounded memory", async () => {
    const path = join(root, "long.csv");
    const stream = createWriteStream(path);
    stream.write("unit,t,x,y\nA,1,1,");
    for (let i = 0; i < 100; i++) stream.write("a".repeat(1 << 20));
    stream.end();
    await finished(stream);
    const before = process.memoryUsage().rss;
    const pipeline = parsePipeline(
      `name: t\nsources:\n  readings:${SOURCE.replace('"*.csv"', "long.csv")}\nlabel: { kind: end_of_life, ends: [{ at: last_reading }] }\ntask: { kind: rul }\n`,
      "p.yaml",
    ).pipeline;
    const attempt = ingest({
      pipeline,
      files: [{ name: "long.csv", localPath: path, sha256: "" }],
      duckdb,
      workDir: join(root, "long"),
    });
    await expect(attempt).rejects.toThrow(/long\.csv:2: expected lines of at most 1048576 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(80e6);
  });

  it("column names and ids that look like code are data", async () => {
    const evil = `x"; DROP TABLE r;--`;
    const quoted = `"${evil.replaceAll('"', '""')}"`;
    const source = `
    files: a.csv
    asset: "it's"
    time: { column: "t'", kind: cycle }
    columns: [{ name: ${JSON.stringify(evil)}, range: [0, 1] }]`;
    const result = await run({
      source,
      files: { "a.csv": `it's,t',${quoted}\n' OR 1=1 --,1,0.5\n../../etc,1,2\n` },
    });
    expect((await rowsOf(result)).map((r) => [r[0], r[4]])).toEqual([["' OR 1=1 --", 0.5]]);
    expect(result.sources["readings"]?.columns[0]?.name).toBe(evil);
    expect(await quarantineOf(result)).toEqual([["a.csv", 3, "out_of_range"]]);
  });
});

describe("quality gates", () => {
  const cases: [name: string, given: Case, found: RegExp][] = [
    [
      "bad share",
      { quality: "maxBadShare: 0.1", files: { "a.csv": "unit,t,x,y\nA,1,x,a\nA,2,1,a\n" } },
      /1 of 2 \(1 not_a_number\)$/,
    ],
    [
      "missing values",
      { quality: "maxNullShare: 0.4", files: { "a.csv": "unit,t,x,y\nA,1,,a\nA,2,1,a\n" } },
      /50 %/,
    ],
    [
      "duplicates that must not be",
      { quality: "duplicates: fail, maxBadShare: 1", files: { "a.csv": "unit,t,x,y\nA,1,1,a\nA,1,1,a\n" } },
      /1 duplicates/,
    ],
  ];
  it.each(cases)("%s", async (_name, given, found) => {
    const error = await failure(given);
    expect(error.code).toBe("quality_gate");
    expect(error.message).toMatch(found);
  });

  it.each([
    ["an absent column", "unit,t,xx\nA,1,1\n", /without 'x'; did you mean xx\?, 'y'/],
    ["an unknown column", "unit,t,x,y,z\nA,1,1,a,1\n", /'z'/],
  ])("other columns are a fault of the file: %s", async (_name, body, found) => {
    const error = await failure({ files: { "a.csv": body } });
    expect(error.code).toBe("bad_file");
    expect(error.message).toMatch(found);
  });

  it("a label that no event fulfils, with what the events hold", async () => {
    const text = (what: string): string => `
name: t
sources:
  readings:
    files: r.csv
    asset: unit
    time: { column: t, kind: cycle }
    columns: [{ name: x }]
  events:
    role: events
    files: e.csv
    asset: unit
    time: { column: t, kind: cycle }
    columns: [{ name: what, type: text }, { name: severe, type: boolean }]
label: { kind: events, source: events, where: { what: [${what}], severe: true } }
task: { kind: rul }
`;
    const bodies = { "r.csv": "unit,t,x\nA,1,1\nA,2,1\n", "e.csv": "unit,t,what,severe\nA,2,seal,yes\n" };
    const input = mkdtempSync(join(root, "in-"));
    const files = Object.entries(bodies).map(([name, body]) => {
      writeFileSync(join(input, name), body);
      return { name, localPath: join(input, name), sha256: "" };
    });
    const attempt = (what: string): Promise<IngestResult> =>
      ingest({
        pipeline: parsePipeline(text(what), "p.yaml").pipeline,
        files,
        duckdb,
        workDir: join(root, "label"),
      });
    await expect(attempt("sael")).rejects.toMatchObject({
      code: "invalid_pipeline",
      message: expect.stringMatching(/what = sael and severe = true, found none; there is what = seal/),
    });
    await expect(attempt("sael, seal")).resolves.toMatchObject({ files: expect.any(Array) });
  });

  it("an absent column within the allowed drift is missing", async () => {
    const result = await run({
      quality: "maxSchemaDrift: 0.5, maxNullShare: 1",
      files: { "a.csv": "unit,t,x\nA,1,1\n" },
    });
    expect(await rowsOf(result)).toEqual([["A", 1, 0, "", 1, null]]);
  });
});

describe("sites", () => {
  const source = `
    files: "*.csv"
    asset: unit
    site: place
    customer: owner
    time: { column: t, kind: cycle }
    columns:
      - { name: x }
      - { name: place, type: text, use: ignore }
      - { name: owner, type: text, use: ignore }`;
  const header = "unit,t,x,place,owner";

  it("are those of an asset's last row that says one", async () => {
    const rows = ["u1,1,1,Nord,Ada", "u1,2,1,O'Hara,Ada", "u1,3,1,,", "u2,1,1,,", "u3,1,1,Süd,"];
    const { assets } = await run({ source, files: { "a.csv": [header, ...rows, ""].join("\n") } });
    expect(assets.map(({ id, site, customer }) => [id, site, customer])).toEqual([
      ["u1", "O'Hara", "Ada"],
      ["u2", undefined, undefined],
      ["u3", "Süd", undefined],
    ]);
  });

  it("are refused where they are no ids", async () => {
    const files = { "a.csv": `${header}\nu1,1,1,${"x".repeat(129)},\n` };
    await expect(run({ source, files })).rejects.toMatchObject({ code: "bad_file" });
  });

  it.each([
    ["site: nowhere", "a text column"],
    ["site: x", "a text column"],
    ["customer: owner", "`site` beside it"],
  ])("are declared as columns: %s", async (declared, expected) => {
    const wrong = source.replace("site: place\n    customer: owner", declared);
    await expect(run({ source: wrong, files: {} })).rejects.toMatchObject({
      code: "invalid_pipeline",
      locations: [{ expected: expect.stringContaining(expected) as string }],
    });
  });
});

it("takes tables of 300 columns within its memory", async () => {
  const names = Array.from({ length: 300 }, (_, column) => `x${column}`);
  const columns = names.map((name) => `      - { name: ${name} }`).join("\n");
  const rows = Array.from({ length: 500 }, (_, row) =>
    ["a", row, ...names.map((_n, c) => row + c / 8)].join(","),
  );
  const found = await run({
    source: `\n    files: "*.csv"\n    asset: unit\n    time: { column: t, kind: cycle }\n    columns:\n${columns}`,
    files: { "wide.csv": `${["unit", "t", ...names].join(",")}\n${rows.join("\n")}\n` },
  });
  expect(found.perFile).toEqual([expect.objectContaining({ read: 500, accepted: 500, quarantined: 0 })]);
});

describe("determinism", () => {
  it("equal bytes at 1, 2 and 4 threads, with bad rows and several shapes of file", async () => {
    const rows = Array.from(
      { length: 60_000 },
      (_, i) => `u${i % 37},${Math.floor(i / 37) % 1500},${i % 997 === 0 ? "x" : (i * 7919) % 101},a`,
    );
    const files = {
      "a.csv": `unit,t,x,y\n${rows.slice(0, 30_000).join("\n")}\n`,
      "b.csv": gzipSync(`unit,t,x,y\n${rows.slice(30_000).join("\n")}\n`),
    };
    const hashes = new Set<string>();
    for (const threads of [1, 2, 4]) {
      const engine = await createDuckDb({ directories: [root], threads, memoryLimit: "512MB" });
      const result = await run({ files, engine });
      const paths = [...(result.parts["readings"] ?? []).map((p) => p.path), result.quarantine?.path ?? ""];
      hashes.add(paths.map((p) => createHash("sha256").update(readFileSync(p)).digest("hex")).join(" "));
      const counts = result.sources["readings"]?.counts;
      expect((counts?.accepted ?? 0) + (counts?.quarantined ?? 0)).toBe(60_000);
      engine.close();
    }
    expect(hashes.size).toBe(1);
  });

  it("leaves only parts, quarantine and bad rows in the work folder", async () => {
    const { workDir } = await run({ files: { "a.csv": `${GOOD}A,x,1,a\n` } });
    const left = readdirSync(workDir, { recursive: true })
      .map(String)
      .filter((n) => n.includes("stage") || n.endsWith(".csv"));
    expect(left).toEqual([]);
  });
});

describe.skipIf(!existsSync(DATA))("real data (../shared/data)", () => {
  const cases: [example: string, folder: string, names: string[], rows: number, assets: number][] = [
    ["turbofan", "cmapss", ["train_FD001.txt", "test_FD001.txt", "RUL_FD001.txt"], 33_727, 200],
    ["milling", "ai4i", ["ai4i2020.csv"], 10_000, 10_000],
  ];
  it.each(cases)("%s is accepted whole", async (example, folder, names, rows, assets) => {
    const text = readFileSync(`examples/${example}/pipeline.yaml`, "utf8");
    const { pipeline } = parsePipeline(text, "pipeline.yaml");
    const files = names.map((name) => ({ name, localPath: join(DATA, folder, name), sha256: "" }));
    const result = await ingest({ pipeline, files, duckdb, workDir: join(root, example) });
    expect(result.sources["readings"]).toMatchObject({
      nAssets: assets,
      counts: { accepted: rows, quarantined: 0 },
    });
    expect(result.quarantine).toBeUndefined();
  });
});
