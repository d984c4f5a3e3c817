import { appendFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PredictionIndexRow } from "../../stores/postgres/port.ts";
import { cutTornTail, readIndexRows } from "./segment-reader.ts";
import { TraceSpool } from "./spool.ts";
import type { TraceRow } from "./trace-row.ts";

let dir: string;
beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), "aura-spool-"))));
afterEach(() => rm(dir, { recursive: true, force: true }));

function row(i: number): TraceRow {
  return {
    predictionId: `p-${i}`,
    requestId: `r-${i}`,
    model: "pump",
    version: 1,
    digest: "d".repeat(64),
    asset: i % 2 === 0 ? null : `unit-${i}`,
    atMicros: Date.parse("2026-01-02T03:04:05.678Z") * 1_000,
    actor: "local",
    t: i % 3 === 0 ? null : i,
    role: i % 5 === 4 ? "shadow" : "answer",
    features: Float64Array.of(i, NaN),
    outputs: Float64Array.of(i / 2),
    value: i / 2,
  };
}

async function readAll(path: string, name: string): Promise<PredictionIndexRow[]> {
  const rows: PredictionIndexRow[] = [];
  for await (const chunk of readIndexRows(path, name, ({ outputs }) => outputs[0] ?? NaN))
    rows.push(...chunk);
  return rows;
}

test("rows of concurrent appends keep their offsets; memory and file give the same index rows", async () => {
  const spool = await TraceSpool.start({ dir });
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => spool.append("pump", [row(2 * i), row(2 * i + 1)])),
  );
  const fromMemory = spool.takeIndexRows(1_000).toSorted((a, b) => a.offset - b.offset);
  await spool.close();
  const segment = spool.nextClosed();
  const fromFile = await readAll(segment?.path ?? "", segment?.name ?? "");
  expect(fromFile).toHaveLength(400);
  expect(fromFile).toEqual(fromMemory);
  expect(fromFile[7]?.at).toBe("2026-01-02T03:04:05.678Z");
});

test("a segment that somebody waits for is closed at once, and no other", async () => {
  const spool = await TraceSpool.start({ dir });
  await spool.append("pump", [row(1)]);
  await spool.append("valve", [row(2)]);
  const [wanted] = spool.takeIndexRows(1);
  spool.release("a segment of another process");
  spool.release(wanted?.segment ?? "");
  // Far below the half minute after which it is closed in any case.
  await expect.poll(() => spool.nextClosed()?.name, { timeout: 5_000 }).toBe(wanted?.segment);
  expect(spool.status().closedSegments).toBe(1);
  await spool.close();
});

test("what a killed process left is taken over whole, without its torn tail", async () => {
  const killed = await TraceSpool.start({ dir });
  await killed.append("pump", [row(1), row(2)]);
  const [file = ""] = await readdir(join(dir, "pump"));
  await appendFile(join(dir, "pump", file), Buffer.from("ffffffff10050000abcdef", "hex"));
  const next = await TraceSpool.start({ dir });
  const left = next.nextClosed();
  await cutTornTail(left?.path ?? "");
  expect((await readAll(left?.path ?? "", left?.name ?? "")).map((r) => r.predictionId)).toEqual([
    "p-1",
    "p-2",
  ]);
  expect(next.hasPendingIndexRows(left?.name ?? "")).toBe(true);
  await killed.close();
  await next.close();
});

test("a full spool refuses", async () => {
  const spool = await TraceSpool.start({ dir, maxSpoolBytes: 100 });
  await spool.append("pump", [row(1)]);
  await spool.rotateAll();
  await expect(spool.append("pump", [row(2)])).rejects.toMatchObject({ code: "trace_unavailable" });
  await spool.close();
});

test("what was set aside goes after its retention, and nothing else", async () => {
  const spool = await TraceSpool.start({ dir, asideRetentionMs: 60_000 });
  await spool.append("pump", [row(1)]);
  await writeFile(join(dir, "pump", "a.arrow.aside"), "");
  expect(await spool.dropOldAsides()).toBe(0);
  expect(await spool.dropOldAsides(Date.now() + 61_000)).toBe(1);
  expect((await readdir(join(dir, "pump"))).map((name) => name.endsWith(".arrow"))).toEqual([true]);
  await spool.close();
});
