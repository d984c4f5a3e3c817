import pg from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createTestDatabase, describeWithServices } from "../support/platform.ts";
import type { TestDatabase } from "../support/platform.ts";
import { until } from "./support/until.ts";
import { openIntakeBench } from "./support/intake-bench.ts";
import type { IntakeBench } from "./support/intake-bench.ts";

await describeWithServices("a PostgreSQL query", () => {
  let bench: IntakeBench;
  let plant: TestDatabase;
  let pool: pg.Pool;
  beforeEach(async () => {
    bench = await openIntakeBench("query");
    plant = await createTestDatabase("plant");
    pool = new pg.Pool({ connectionString: plant.url, max: 3 });
    pool.on("error", () => undefined);
    await pool.query(
      "create table measurements (id bigserial primary key, machine text, at timestamptz, pressure numeric, n int)",
    );
  });
  afterEach(async () => {
    await bench.close();
    await pool.end();
    await plant.drop();
  });

  const environment = () => ({ AURA_FEED_PLANT: new URL(plant.url).password });
  const feed = (more: object = {}) => {
    const url = new URL(plant.url);
    return {
      name: "plant",
      source: "pumps",
      from: {
        kind: "postgres",
        url: `postgresql://${url.username}:\${env:AURA_FEED_PLANT}@${url.host}${url.pathname}?sslmode=disable`,
        query: "select id, machine as asset, at as time, pressure, n from measurements -- all of them",
        column: "id",
        start: 0,
        every: "1s",
        rows: 100,
        ...more,
      },
      reading: { values: { pressure: "pressure", n: "n" } },
    };
  };
  const insert = (from: number, count: number) =>
    pool.query(
      `insert into measurements (machine, at, pressure, n)
       select 'm' || i % 5, timestamptz '2026-01-01 00:00:00.000123+00' + i * interval '1 second', i / 10.0, i
         from generate_series($1::int, $2::int) i`,
      [from, from + count - 1],
    );
  const isStored = (count: number) =>
    until(
      () => bench.stored(),
      (stored) => stored >= count,
    );

  it("is read on by its column, killed in between, and every row is stored once, times with all digits", async () => {
    await insert(0, 1_000);
    await bench.putFeed(feed());
    for (let kills = 0; kills < 3; kills++) {
      const ingestor = await bench.startIngestor(environment());
      const before = await bench.stored();
      await until(
        () => bench.stored(),
        (stored) => stored > before || stored === 1_000,
      );
      await ingestor.kill();
    }
    await bench.startIngestor(environment());
    await isStored(1_000);
    await insert(1_000, 500);
    await isStored(1_500);
    const [row] = await bench.sql<{ n: number; distinct: number; digits: number }>(
      `select count(*)::int as n, count(distinct row_values[2])::int as distinct, min(ts % 1000)::int as digits from aura.readings`,
    );
    expect(row).toEqual({ n: 1_500, distinct: 1_500, digits: 123 });
    expect(await bench.letters()).toEqual([]);
  });

  it("finds rows that are committed late, and rows of one time together", async () => {
    await bench.startIngestor(environment());
    await bench.putFeed(feed({ overlap: 50 }));
    const late = await pool.connect();
    await late.query("begin");
    await late.query(
      "insert into measurements (machine, at, pressure, n) values ('late', '2026-01-01Z', 1, -1)",
    );
    await insert(0, 20);
    await isStored(20);
    await late.query("commit");
    late.release();
    await isStored(21);
    await pool.query("update measurements set at = '2026-02-01Z', machine = 'tie' || n where n >= 0");
    await bench.putFeed(feed({ column: "time", start: "2026-01-15T00:00:00Z", overlap: "10s", rows: 3 }));
    await isStored(41);
    expect(await bench.letters()).toEqual([]);
  });

  it("can read alone, and one statement at a time", async () => {
    await bench.startIngestor(environment());
    for (const query of [
      "select 1 as id) q; drop table measurements; --",
      "delete from measurements returning id",
      "with gone as (delete from measurements returning id) select id from gone",
      "select nextval('measurements_id_seq') as id",
    ]) {
      await bench.putFeed(feed({ query }));
      const { revision } = (await bench.db.feeds.get("plant")) as { revision: number };
      await until(
        () => bench.db.feeds.get("plant"),
        (row) => row?.revision === revision && row.state === "failing",
      );
      await bench.sql("delete from aura.feed_states");
    }
    expect((await pool.query("select last_value::int as value from measurements_id_seq")).rows).toEqual([
      { value: 1 },
    ]);
  });

  it("goes on when its database restarts, and never shows the password", async () => {
    await bench.startIngestor(environment());
    await bench.putFeed(feed());
    await insert(0, 10);
    await isStored(10);
    const wrong = { ...environment(), AURA_FEED_PLANT: "wr0ng-password" };
    await pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'aura feed' and datname = current_database()",
    );
    await insert(10, 10);
    await isStored(20);
    expect(bench.output()).not.toContain(wrong.AURA_FEED_PLANT);
    expect(bench.output()).not.toContain(environment().AURA_FEED_PLANT);
  });
});
