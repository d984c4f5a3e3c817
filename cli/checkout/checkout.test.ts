import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { z } from "zod";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiClient } from "../client.ts";
import { idFrom } from "./data-version.ts";
import type { DataTable, DataVersion } from "./data-version.ts";
import { writeCsv } from "./write-csv.ts";
import { writeParts } from "./write-parts.ts";

const folder = mkdtempSync(join(tmpdir(), "aura-checkout-"));
const source = join(folder, "source.parquet");
let bytes: Buffer;
let table: DataTable;
let version: DataVersion;

beforeAll(async () => {
  const open = await (await DuckDBInstance.create(":memory:")).connect();
  await open.run(`COPY (SELECT 'a,1' AS __asset, 1::BIGINT AS __t, 0::BIGINT AS __seq, '' AS __part,
    1.5 AS v0, 'x "y"' AS v1 UNION ALL SELECT 'b', 2, 1, '', NULL, NULL) TO '${source}' (FORMAT parquet)`);
  open.closeSync();
  bytes = readFileSync(source);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const object = { key: "processed/parquet/x", sha256, bytes: bytes.length };
  table = {
    name: "readings",
    columns: [
      ["v0", "temp; DROP"],
      ["v1", 'the "mode"'],
    ],
    isTimestamped: true,
    parts: [{ object, rows: 2, shard: 0 }],
  };
  version = { kind: "dataset", id: "d".repeat(64), manifest: {} as DataVersion["manifest"], tables: [table] };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An API that gives these bytes for every part. */
const giving = (body: Uint8Array, asked: string[] = []): ApiClient =>
  ({
    async getStream(path: string) {
      asked.push(path);
      return new Blob([Buffer.from(body)]).stream();
    },
  }) as unknown as ApiClient;

describe("writeParts", () => {
  it("writes what has the right hash, and keeps it", async () => {
    const asked: string[] = [];
    const [first] = await writeParts(giving(bytes, asked), version, { table, folder });
    expect(first?.isKept).toBe(false);
    expect(readFileSync(join(folder, "readings/part-00000.parquet")).equals(bytes)).toBe(true);
    const [again] = await writeParts(giving(bytes, asked), version, { table, folder });
    expect(again?.isKept).toBe(true);
    expect(asked).toHaveLength(1);
  });

  it("leaves nothing of other bytes", async () => {
    const elsewhere = join(folder, "elsewhere");
    const damaged = Buffer.from(bytes);
    damaged[10] = (damaged[10] ?? 0) ^ 1;
    await expect(writeParts(giving(damaged), version, { table, folder: elsewhere })).rejects.toMatchObject({
      code: "integrity",
    });
    expect(readdirSync(join(elsewhere, "readings"))).toEqual([]);
  });
});

describe("writeCsv", () => {
  it("has the columns' own names and quotes what needs it", async () => {
    const path = join(folder, "readings.csv");
    const parts = [join(folder, "readings/part-00000.parquet")];
    expect(await writeCsv(table, { parts, folder, path })).toBe(2);
    expect(readFileSync(path, "utf8").trim().split("\n")).toEqual([
      '__asset,__t,__seq,__part,temp; DROP,"the ""mode"""',
      '"a,1",1970-01-01 00:00:00.000001,0,"",1.5,"x ""y"""',
      'b,1970-01-01 00:00:00.000002,1,"",,',
    ]);
  });

  it("reads nothing outside the folder", async () => {
    const inside = mkdtempSync(join(folder, "inside-"));
    const path = join(inside, "out.csv");
    await expect(writeCsv(table, { parts: [source], folder: inside, path })).rejects.toThrow();
    expect(existsSync(path)).toBe(false);
  });
});

describe("idFrom", () => {
  const pointer = {
    kind: "aura.pointer/1",
    of: "dataset",
    id: "e".repeat(64),
    pipeline: "pumps",
    rows: 1,
    bytes: 1,
  };
  const written = (text: string) => {
    const path = join(folder, "p.aura.json");
    writeFileSync(path, text);
    return idFrom(knowing() as unknown as ApiClient, { given: "p.aura.json", path });
  };
  const knowing = (...ids: readonly string[]) => ({
    get: async (_path: string, reply: z.ZodType) =>
      reply.parse({ items: ids.map((id) => ({ kind: "dataset", id, pipeline: "pumps" })) }),
  });
  const find = (given: string, ...ids: readonly string[]) =>
    idFrom(knowing(...ids) as unknown as ApiClient, { given, path: "nowhere" });

  it("takes an id as it is, reads a pointer, and completes the first digits", async () => {
    expect(await find("f".repeat(64))).toBe("f".repeat(64));
    expect(await written(JSON.stringify(pointer))).toBe(pointer.id);
    expect(await find("eeeeeeee", pointer.id)).toBe(pointer.id);
  });

  it("refuses digits that begin no id, or several", async () => {
    await expect(find("eeeeeeee")).rejects.toMatchObject({ code: "not_found" });
    await expect(find("eeeeee", pointer.id, "eeeeee".padEnd(64, "0"))).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("eeeeee0000000000 (dataset of pumps)"),
    });
    await expect(find("eeeee")).rejects.toMatchObject({ code: "bad_file" });
  });

  it.each<[string, string]>([
    ["no JSON", "aura"],
    ["another document", "{}"],
    ["a pointer with more in it", JSON.stringify({ ...pointer, url: "http://evil" })],
    [
      "a pointer to a model",
      JSON.stringify({
        kind: "aura.pointer/1",
        of: "model",
        id: pointer.id,
        model: "m",
        version: 1,
        bytes: 1,
      }),
    ],
  ])("refuses %s", async (_name, text) => {
    await expect(written(text)).rejects.toThrow(/p\.aura\.json/);
  });
});
