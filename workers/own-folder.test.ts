import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimFolder } from "./own-folder.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "aura-folders-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("the folder of a process", () => {
  it("is another one while the first is in use, and the same when it was left", async () => {
    const first = await claimFolder(root);
    await writeFile(join(first.path, "trace"), "x");
    const second = await claimFolder(root);
    expect(second.path).not.toBe(first.path);
    first.release();
    const third = await claimFolder(root);
    expect(await readdir(third.path)).toEqual(["trace"]);
    expect(await readdir(root)).toHaveLength(2);
    second.release();
    third.release();
  });

  it("is taken over from another machine only when that has not touched it for long", async () => {
    const theirs = join(root, "00000000-7-00000000");
    await mkdir(theirs);
    const own = await claimFolder(root);
    expect((await stat(theirs)).isDirectory()).toBe(true);
    const long = new Date(Date.now() - 3_600_000);
    await utimes(theirs, long, long);
    const next = await claimFolder(root);
    expect(await readdir(root)).toEqual([basename(own.path), basename(next.path)].toSorted());
    own.release();
    next.release();
  });
});
