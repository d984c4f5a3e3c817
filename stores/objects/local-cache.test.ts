import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { holdingFetched } from "./fetch-scope.ts";
import { LocalCache } from "./local-cache.ts";

/** Eviction on a real folder. Two caches on one folder stand for two processes: they share nothing else. */

const BYTES = 100;
let folder: string;
let nReads = 0;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aura-cache-"));
  nReads = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytesOf = (n: number) => Buffer.alloc(BYTES, `${n};`);
const refOf = (n: number): ObjectRef => {
  const sha256 = createHash("sha256").update(bytesOf(n)).digest("hex");
  return { key: `processed/parquet/${sha256}.parquet`, sha256, bytes: BYTES };
};
const fetchFrom = (cache: LocalCache, n: number): Promise<string> =>
  cache.path(refOf(n), async () => {
    nReads += 1;
    return Readable.from([bytesOf(n)]);
  });
/** Fetched and let go again. */
const pass = (cache: LocalCache, n: number) => holdingFetched(() => fetchFrom(cache, n));
const kept = async () => {
  const names = await readdir(join(folder, "sha256"), { recursive: true });
  return names.filter((name) => /[0-9a-f]{64}$/.test(name)).length;
};
/** As if the copy was used last `minutes` ago. */
const age = async (n: number, minutes: number) => {
  const at = new Date(Date.now() - minutes * 60_000);
  await utimes(join(folder, "used", refOf(n).sha256), at, at);
};

it("stays below its bound, and lets go what was used longest ago", async () => {
  const cache = new LocalCache(folder, 10 * BYTES);
  for (let n = 0; n < 10; n++) {
    await pass(cache, n);
    await age(n, 100 - n);
  }
  await age(0, 1);
  await pass(cache, 10);
  expect(await kept()).toBe(9);
  const before = nReads;
  await pass(cache, 0);
  expect(nReads).toBe(before);
  await pass(cache, 1);
  expect(nReads).toBe(before + 1);
  for (let n = 20; n < 60; n++) await pass(cache, n);
  expect(await kept()).toBeLessThanOrEqual(10);
  expect((await readdir(join(folder, "used"))).length).toBe(await kept());
});

it("evicts no file in use, by this process or another, and lets the bound wait for it", async () => {
  const [cache, other] = [new LocalCache(folder, 3 * BYTES), new LocalCache(folder, 3 * BYTES)];
  await holdingFetched(async () => {
    const mine = await fetchFrom(cache, 0);
    await holdingFetched(async () => {
      await fetchFrom(cache, 0);
      const theirs = await fetchFrom(other, 1);
      for (const n of [0, 1]) await age(n, 1_000);
      for (let n = 2; n < 20; n++) await pass(n % 2 === 0 ? cache : other, n);
      expect([await readFile(mine), await readFile(theirs)]).toEqual([bytesOf(0), bytesOf(1)]);
    });
    // The outer scope still holds what the inner one held as well.
    for (let n = 20; n < 30; n++) await pass(other, n);
    expect(await readFile(mine)).toEqual(bytesOf(0));
  });
  for (let n = 30; n < 40; n++) await pass(other, n);
  expect(await kept()).toBeLessThanOrEqual(3);
});

it("goes on after a process that died with holds, a mark and a half-written file", async () => {
  const cache = new LocalCache(folder, 2 * BYTES);
  await pass(cache, 0);
  const long = new Date(Date.now() - 48 * 3_600_000);
  const dead = join(folder, "held", "dead");
  await mkdir(dead, { recursive: true });
  await writeFile(join(dead, refOf(0).sha256), "");
  await mkdir(join(folder, "evicting"), { recursive: true });
  await writeFile(join(folder, "evicting", refOf(1).sha256), "");
  const half = join(folder, "sha256", refOf(0).sha256.slice(0, 2), `${refOf(0).sha256}.1.tmp`);
  await writeFile(half, "half");
  for (const path of [dead, join(folder, "evicting", refOf(1).sha256), half]) await utimes(path, long, long);
  await age(0, 1_000);
  for (let n = 1; n < 8; n++) await pass(cache, n);
  expect(await kept()).toBeLessThanOrEqual(2);
  expect(await readdir(join(folder, "evicting"))).toEqual([]);
  await expect(stat(half)).rejects.toMatchObject({ code: "ENOENT" });
  await expect(stat(dead)).rejects.toMatchObject({ code: "ENOENT" });
});

it("never takes a file from under its reader, whoever evicts at the same time", async () => {
  const caches = Array.from({ length: 3 }, () => new LocalCache(folder, 4 * BYTES));
  const workers = caches.flatMap((cache, which) =>
    [1, 2].map(async (step) => {
      for (let round = 0; round < 60; round++) {
        const n = (round * (7 + which) + step * 5) % 12;
        await holdingFetched(async () => {
          const path = await fetchFrom(cache, n);
          await new Promise((resolve) => setImmediate(resolve));
          expect(await readFile(path)).toEqual(bytesOf(n));
        });
      }
    }),
  );
  await Promise.all(workers);
  expect(nReads).toBeGreaterThan(12);
  expect(await readdir(join(folder, "evicting"))).toEqual([]);
});
