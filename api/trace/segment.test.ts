import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";

const datasync = vi.hoisted(() => ({ failures: 0, calls: 0 }));
vi.mock(import("node:fs"), async (original) => {
  const fs = await original();
  const fdatasync = (file: number, done: (error: NodeJS.ErrnoException | null) => void): void => {
    datasync.calls++;
    if (datasync.failures-- > 0) done(Object.assign(new Error("EIO"), { code: "EIO" }));
    else fs.fdatasync(file, done);
  };
  return { ...fs, fdatasync: fdatasync as typeof fs.fdatasync };
});
const { Segment } = await import("./segment.ts");
const { wholeMessagesLength } = await import("./arrow-batch.ts");

test("a sync that fails is told of and done again, at the latest when the segment is closed", async () => {
  const dir = await mkdtemp(join(tmpdir(), "aura-segment-"));
  const failed: unknown[] = [];
  const path = join(dir, "a.arrow");
  const segment = new Segment(path, "a", { onWritten: () => undefined, onSyncFailed: (e) => failed.push(e) });
  datasync.failures = 2;
  await segment.sync();
  await segment.sync();
  expect([failed.length, datasync.calls]).toEqual([2, 2]);
  await segment.sync();
  await segment.sync();
  expect([failed.length, datasync.calls]).toEqual([2, 3]);
  datasync.failures = 1;
  await segment.close();
  expect([failed.length, datasync.calls]).toEqual([3, 5]);
  const bytes = await readFile(path);
  expect(wholeMessagesLength(bytes)).toBe(bytes.length);
  await rm(dir, { recursive: true });
});
