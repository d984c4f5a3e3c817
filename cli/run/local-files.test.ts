import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { gzipSync } from "node:zlib";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkGzip, hashFiles, namesOf, openDataFolder } from "./local-files.ts";
import { readPipelineText } from "./pipeline-text.ts";

const PIPELINE = `name: p # kept
sources:
  readings:
    files: sub/*.csv
    columns:
      - { name: a }
      - { name: y, type: integer, use: label }
label: { kind: column, column: y, positive: 1 }
task: { kind: class }
`;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aura-cli-"));
  mkdirSync(join(folder, "sub"));
  writeFileSync(join(folder, "sub", "b.csv"), "a,y\n1,0\n");
  writeFileSync(join(folder, "p.yaml"), PIPELINE);
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("openDataFolder", () => {
  it("lists by relative name, without hidden files and circles", () => {
    mkdirSync(join(folder, ".aura"));
    writeFileSync(join(folder, ".aura", "x.csv"), "x");
    symlinkSync(folder, join(folder, "sub", "circle"));
    symlinkSync(join(folder, "sub", "b.csv"), join(folder, "link.csv"));
    expect([...openDataFolder(".", folder).names].sort()).toEqual(["link.csv", "p.yaml", "sub/b.csv"]);
  });

  it("takes one file as if it were alone", () => {
    expect(openDataFolder("sub/b.csv", folder)).toEqual({ root: join(folder, "sub"), names: ["b.csv"] });
  });

  it("names what is not there", () => {
    expect(() => openDataFolder("nowhere", folder)).toThrow("nowhere: expected a folder with the data");
  });
});

describe("files of a pipeline", () => {
  it("are those its patterns match, by hash", async () => {
    const { pipeline } = readPipelineText("p.yaml", { cwd: folder });
    const data = openDataFolder(".", folder);
    const [file] = await hashFiles(data, namesOf(pipeline, data));
    expect(file?.raw).toMatchObject({ name: "sub/b.csv", object: { bytes: 8 } });
    expect(file?.raw.object.key).toBe(`raw/sha256/${file?.raw.object.sha256}`);
  });

  it("may not be empty", async () => {
    writeFileSync(join(folder, "sub", "b.csv"), "");
    const data = openDataFolder(".", folder);
    await expect(hashFiles(data, ["sub/b.csv"])).rejects.toMatchObject({ code: "bad_file" });
  });
});

describe("readPipelineText", () => {
  it("replaces the seed and keeps the comments", () => {
    const { text, pipeline } = readPipelineText("p.yaml", { cwd: folder, seed: 99 });
    expect(pipeline.split.seed).toBe(99);
    expect(text).toContain("name: p # kept");
  });

  it.each(["none.yaml", "sub"])("refuses %s", (file) => {
    expect(() => readPipelineText(file, { cwd: folder })).toThrow(`${file}: expected a pipeline file`);
  });
});

it("names every damaged gzip file, and no other", async () => {
  const whole = gzipSync("a,y\n1,0\n".repeat(100));
  for (const [name, bytes] of Object.entries({
    "c.gz": whole,
    "d.gz": whole.subarray(0, -9),
    "e.gz": whole.subarray(0, 20),
  }))
    writeFileSync(join(folder, "sub", name), bytes);
  const names = ["sub/b.csv", "sub/c.gz", "sub/d.gz", "sub/e.gz"];
  const files = await hashFiles(openDataFolder(".", folder), names);
  await expect(checkGzip(files)).rejects.toMatchObject({
    code: "bad_file",
    locations: [{ file: "sub/d.gz" }, { file: "sub/e.gz" }],
  });
  await checkGzip(files.slice(0, 2));
});
