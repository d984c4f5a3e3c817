import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deleteState } from "./reset.ts";
import { EMPTY_RECORD, ensureStateDir, readRecord, statePaths, writeRecord } from "./state-dir.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aura-state-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("ensureStateDir", () => {
  it("makes a folder that others cannot read, and takes it again", () => {
    const paths = ensureStateDir(join(folder, "deep", "state"));
    expect(statSync(paths.root).mode & 0o066).toBe(0);
    expect(ensureStateDir(paths.root)).toEqual(paths);
  });

  it("does not take a folder with other things in it", () => {
    writeFileSync(join(folder, "thesis.txt"), "");
    expect(() => ensureStateDir(folder)).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });

  it("says what it cannot write", () => {
    writeFileSync(join(folder, "file"), "");
    expect(() => ensureStateDir(join(folder, "file", "state"))).toThrow(/file\/state/);
  });
});

describe("record", () => {
  it.each([
    ["missing", undefined],
    ["cut short", '{"format":1,'],
    ["of another format", '{"format":2}'],
    ["with an impossible port", JSON.stringify({ ...EMPTY_RECORD, ports: { api: 0 } })],
  ])("counts as none when it is %s", (_case, content) => {
    const paths = ensureStateDir(join(folder, "state"));
    if (content !== undefined) writeFileSync(paths.record, content);
    expect(readRecord(paths)).toEqual(EMPTY_RECORD);
  });

  it("is read back as written", () => {
    const paths = ensureStateDir(join(folder, "state"));
    const record = { ...EMPTY_RECORD, ports: { api: 8080 }, urls: { api: "http://127.0.0.1:8080" } };
    writeRecord(paths, record);
    expect(readRecord(paths)).toEqual(record);
  });
});

describe("deleteState", () => {
  it("deletes a folder with the marker, and no other", async () => {
    const mine = join(folder, "mine");
    mkdirSync(mine);
    await expect(deleteState(mine)).rejects.toMatchObject({ code: "config_invalid" });
    const { root } = ensureStateDir(join(folder, "state"));
    expect(await deleteState(root)).toEqual([root]);
    expect([existsSync(root), existsSync(mine)]).toEqual([false, true]);
    expect(await deleteState(root)).toEqual([]);
  });

  it("does not follow a record that names a folder of another's", async () => {
    const victim = join(folder, "victim");
    mkdirSync(victim);
    const { root } = ensureStateDir(join(folder, "state"));
    writeRecord(statePaths(root), { ...EMPTY_RECORD, postgresDirectory: victim });
    expect(await deleteState(root)).toEqual([root]);
    expect(existsSync(victim)).toBe(true);
  });
});
