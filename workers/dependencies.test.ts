import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { removeOrphans } from "./dependencies.ts";

it("removes the scratch of workers that are gone, and nothing else", async () => {
  const root = mkdtempSync(join(tmpdir(), "scratch-"));
  // It has ended, and its number is not given again so soon.
  const { pid: gone } = spawnSync(process.execPath, ["--version"]);
  const folders = [`worker-${gone}`, `worker-${process.pid}`, "other"].map((name) => join(root, name));
  for (const folder of folders) mkdirSync(folder);
  await removeOrphans(root);
  expect(folders.map((folder) => existsSync(folder))).toEqual([false, true, true]);
  rmSync(root, { recursive: true });
});
