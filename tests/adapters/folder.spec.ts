import { appendFile, mkdir, readdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import { describeWithServices } from "../support/platform.ts";
import { until } from "./support/until.ts";
import { openIntakeBench, readingOf } from "./support/intake-bench.ts";
import type { IntakeBench } from "./support/intake-bench.ts";

await describeWithServices("a watched folder", () => {
  let bench: IntakeBench;
  let inbox: string;
  beforeEach(async () => {
    bench = await openIntakeBench("folder");
    inbox = join(bench.folder, "inbox");
    await mkdir(inbox);
  });
  afterEach(() => bench.close());

  const feed = (more: object = {}) => ({
    name: "inbox",
    source: "pumps",
    from: { kind: "folder", path: "inbox", settle: "1s", every: "1s", ...more },
  });
  const lines = (asset: string, from: number, count: number): string =>
    Array.from({ length: count }, (_, i) => `${JSON.stringify(readingOf(asset, from + i))}\n`).join("");
  const isStored = (count: number) =>
    until(
      () => bench.stored(),
      (stored) => stored >= count,
    );

  it("reads lines, gzip, tables and Parquet once each, and what is no reading is set aside", async () => {
    await writeFile(join(inbox, "a.jsonl"), `${lines("a", 0, 10)}{broken\n${lines("a", 10, 10)}`);
    await writeFile(join(inbox, "b.jsonl.gz"), gzipSync(lines("b", 0, 20)));
    await writeFile(
      join(inbox, "c.csv"),
      "asset;time;pressure;n\nc;2026-01-01T00:00:00Z;1.5;1\nc;2026-01-01T00:00:01Z;;2\nc;2026-01-01T00:00:02Z;x;3\nragged;1\n",
    );
    await writeFile(join(inbox, "e.csv"), "asset,time,n,n\ne,2026-01-01T00:00:00Z,1,2\n");
    const duckdb = await createDuckDb({ directories: [inbox], tempDirectory: join(bench.folder, "tmp") });
    await duckdb.run(
      `copy (select 'd' as asset, timestamptz '2026-01-01 00:00:00Z' + i * interval 1 second as time, i / 2.0 as pressure, i as n
         from range(6000) t(i)) to '${join(inbox, "d.parquet")}' (format parquet)`,
    );
    duckdb.close();
    await symlink("/etc/hostname", join(inbox, "link.jsonl"));
    await bench.startIngestor();
    await bench.putFeed(feed());
    await isStored(6_042);
    await until(
      () => bench.letters(),
      (letters) => letters.length >= 4,
    );
    const letters = await bench.letters();
    expect(letters.map(({ code }) => code).sort()).toEqual([
      "not_a_number",
      "not_a_reading",
      "not_a_reading",
      "not_a_reading",
    ]);
    expect(letters.every(({ message }) => /^\w+\.\w+(\.gz)?, row \d+: /.test(message))).toBe(true);
    expect(letters.map(({ body }) => body).join()).toContain('expected the column \\"n\\" once');
    expect(letters.map(({ body }) => body)).toContain('"{broken"');
    expect(await bench.stored()).toBe(6_042);
    const [row] = await bench.sql<{ n: number; p: number | null }>(
      `select count(*)::int as n, max(row_values[1]) as p from aura.readings r join aura.reading_series using (series_key)
         join aura.assets using (asset_key) where asset_id = 'd'`,
    );
    expect(row).toEqual({ n: 6_000, p: 2_999.5 });
  });

  it("does not read a file that is still written, reads on where it grew, and moves what is done", async () => {
    await bench.startIngestor();
    await bench.putFeed(feed({ done: "move" }));
    const path = join(inbox, "slow.jsonl");
    const whole = lines("s", 0, 40);
    for (let at = 0; at < whole.length; at += 700) {
      await appendFile(path, whole.slice(at, at + 700));
      await new Promise((resolve) => setTimeout(resolve, 250));
      expect(await bench.letters()).toEqual([]);
    }
    await isStored(40);
    await until(
      () => readdir(join(inbox, "done")).catch(() => []),
      (names) => names.length === 1,
    );
    await writeFile(join(inbox, "other.tmp"), lines("t", 0, 5));
    await rename(join(inbox, "other.tmp"), join(inbox, "slow.jsonl"));
    await isStored(45);
    await until(
      () => readdir(join(inbox, "done")),
      (names) => names.length === 2,
    );
    expect(await bench.letters()).toEqual([]);
  });

  it("is killed in the middle again and again, and everything is there once", async () => {
    const parts = Array.from(
      { length: 60 },
      (_, i) => `${lines("k", i * 1_000, 1_000)}{broken ${i}\n{again\n`,
    );
    await writeFile(join(inbox, "big.jsonl"), parts.join(""));
    await bench.putFeed(feed());
    for (let kills = 0; kills < 4; kills++) {
      const ingestor = await bench.startIngestor();
      const before = await bench.stored();
      await until(
        () => bench.stored(),
        (stored) => stored > before || stored === 60_000,
      );
      await ingestor.kill();
    }
    await bench.startIngestor();
    await isStored(60_000);
    const [row] = await bench.sql<{ n: number; distinct: number }>(
      "select count(*)::int as n, count(distinct row_values[2])::int as distinct from aura.readings",
    );
    expect(row).toEqual({ n: 60_000, distinct: 60_000 });
    const { position } = (await until(
      async () => bench.db.feeds.get("inbox"),
      (feedRow) => JSON.stringify(feedRow?.position).includes('"isDone":true'),
    )) as { position: unknown };
    expect(position).toMatchObject({ files: { "big.jsonl": { rows: 60_120 } } });
    expect(await bench.letters()).toHaveLength(120);
  });

  it("stays below the allowed folders", async () => {
    await bench.startIngestor();
    await symlink("/etc", join(bench.folder, "elsewhere"));
    for (const path of ["../..", "/etc", "elsewhere"]) {
      await bench.putFeed({ ...feed({ path }), name: "outside" });
      const row = await until(
        () => bench.db.feeds.get("outside"),
        (one) => one?.state === "failing" && JSON.stringify(one.reason).includes(path),
      );
      expect(row?.reason).toContain("invalid_feed");
    }
  });
});
