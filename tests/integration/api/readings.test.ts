import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDuckDb } from "../../../stores/duckdb/duckdb.ts";
import { at, PUMPS, reading, readingsClient, startReadingsBench } from "../../support/readings-bench.ts";
import type { ReadingsBench } from "../../support/readings-bench.ts";
import { describeWithServices } from "../../support/platform.ts";

await describeWithServices("readings over HTTP", () => {
  let bench: ReadingsBench;
  beforeAll(async () => {
    bench = await startReadingsBench("readings");
  });
  afterAll(() => bench.close());
  const { call, page, put, send } = readingsClient(() => bench.fixture);

  it("stores what is sent and gives it back by asset, over the end of a month", async () => {
    const sent = [
      {
        ...reading("p1", 0, { pressure: 1.5, speed: 1450, mode: "run", is_open: true }),
        time: "2026-01-31T23:59:50.000123Z",
      },
      reading("p1", 20, { pressure: null, mode: "idle", is_open: false }),
      { device: "p1", time: at(21), seq: 3, values: { pressure: 2 } },
    ];
    expect(await send(sent)).toMatchObject({
      received: 3,
      stored: 3,
      duplicate: 0,
      quarantined: 0,
      rejected: 0,
    });
    const { items, next } = await page("asset=p1");
    expect(next).toBeNull();
    expect(items).toEqual([
      {
        asset: "p1",
        source: "pumps",
        time: "2026-01-31T23:59:50.000123Z",
        epoch: 0,
        seq: 0,
        values: { pressure: 1.5, speed: 1450, mode: "run", is_open: true },
      },
      {
        asset: "p1",
        source: "pumps",
        time: at(20),
        epoch: 0,
        seq: 0,
        values: { mode: "idle", is_open: false },
      },
      { asset: "p1", source: "pumps", time: at(21), epoch: 0, seq: 3, values: { pressure: 2 } },
    ]);
    expect((await page(`device_id=p1&since=${at(20)}&until=${at(21)}`)).items).toHaveLength(1);
  });

  it("gives pages whose cursor goes on where the page ended, in both orders", async () => {
    await send(Array.from({ length: 25 }, (_, i) => reading("p2", i, { pressure: i })));
    for (const order of ["oldest", "newest"]) {
      const seen: unknown[] = [];
      let cursor = "";
      for (let pages = 0; pages < 4; pages++) {
        const { items, next } = await page(`asset=p2&limit=10&order=${order}${cursor}`);
        seen.push(...items.map(({ values }) => (values as { pressure: number }).pressure));
        if (next === null) break;
        cursor = `&cursor=${next}`;
      }
      const expected = Array.from({ length: 25 }, (_, i) => i);
      expect(seen).toEqual(order === "oldest" ? expected : expected.toReversed());
    }
  });

  it("stores each reading once, however often it comes, and keeps the first of two that differ", async () => {
    const batch = [reading("p3", 0, { pressure: 1 }), reading("p3", 1, { pressure: 2 })];
    expect(await send(batch)).toMatchObject({ stored: 2, duplicate: 0 });
    expect(await send(batch)).toMatchObject({ stored: 0, duplicate: 2, conflict: 0 });
    const mixed = [
      reading("p3", 1, { pressure: 9 }),
      reading("p3", 2, { pressure: 3 }),
      reading("p3", 2, { pressure: 4 }),
    ];
    const kept = await send(mixed);
    expect(kept).toMatchObject({ stored: 1, duplicate: 2, conflict: 2 });
    const met = { code: "conflict", outcome: "duplicate" };
    expect(kept.problems).toMatchObject([
      { index: 0, ...met },
      { index: 2, ...met },
    ]);
    const conflicts = async (query: string) => {
      const response = await call("GET", `/v1/readings/conflicts?${query}`);
      return (await response.json()) as { items: { refused: object }[]; next: string | null };
    };
    const first = await conflicts("source=pumps&asset=p3&limit=1");
    expect(first.items).toMatchObject([
      { asset: "p3", seq: 0, time: at(2), kept: { pressure: 3 }, refused: { pressure: 4 } },
    ]);
    const second = await conflicts(`source=pumps&asset=p3&limit=1&cursor=${first.next}`);
    expect(second).toMatchObject({
      items: [{ kept: { pressure: 2 }, refused: { pressure: 9 } }],
      next: null,
    });
    expect((await conflicts("asset=p4")).items).toEqual([]);
    const { items } = await page("asset=p3");
    expect(items.map(({ values }) => values)).toEqual([{ pressure: 1 }, { pressure: 2 }, { pressure: 3 }]);
  });

  it("stores what many senders send at once exactly once", async () => {
    const shared = Array.from({ length: 50 }, (_, i) => reading("p4", i, { pressure: i % 50 }));
    const replies = await Promise.all(Array.from({ length: 8 }, () => send(shared)));
    expect(replies.reduce((sum, { stored }) => sum + stored, 0)).toBe(50);
    expect(replies.reduce((sum, { duplicate }) => sum + duplicate, 0)).toBe(350);
    expect((await page("asset=p4&limit=100")).items).toHaveLength(50);
  });

  it("sets bad readings aside with a code and stores the good ones beside them", async () => {
    const now = Date.now();
    const bad: [unknown, string][] = [
      ["not an object", "not_a_reading"],
      [{ asset: "p5", time: at(1), values: {}, extra: 1 }, "not_a_reading"],
      [{ time: at(1), values: {} }, "bad_asset"],
      [{ asset: "a\0b", time: at(1), values: {} }, "bad_asset"],
      [{ asset: "p5", time: "2026-02-30T00:00:00Z", values: {} }, "bad_time"],
      [{ asset: "p5", time: "2026-02-03T00:00:00", values: {} }, "bad_time"],
      [{ asset: "p5", time: now, values: {} }, "bad_time"],
      [{ asset: "p5", time: new Date(now + 3_600_000).toISOString(), values: {} }, "future_time"],
      [{ asset: "p5", time: new Date(now / 1_000).toISOString(), values: {} }, "old_time"],
      [{ asset: "p5", time: at(1), seq: -1, values: {} }, "bad_sequence"],
      [reading("p5", 1, {}), "no_values"],
      [reading("p5", 1, { presure: 1 }), "unknown_column"],
      [reading("p5", 1, { pressure: "1" }), "not_a_number"],
      [reading("p5", 1, { speed: 1.5 }), "not_a_number"],
      [reading("p5", 1, { pressure: 51 }), "out_of_range"],
      [reading("p5", 1, { mode: "off" }), "unknown_value"],
    ];
    const reply = await send([...bad.map(([sent]) => sent), reading("p5", 1, { pressure: 7 })]);
    expect(reply).toMatchObject({
      received: bad.length + 1,
      stored: 1,
      quarantined: bad.length,
      rejected: 0,
    });
    expect(reply.problems.map(({ index, code }) => [index, code])).toEqual(
      bad.map(([, code], i) => [i, code]),
    );
    expect((await page("asset=p5")).items).toHaveLength(1);
    // Whoever had no answer sends it all again: what says whose and when it is has been set aside already.
    const sentAgain = bad.slice(4).map(([sent]) => sent);
    const again = await send([...sentAgain, reading("p5", 1, { pressure: 7 })]);
    expect(again).toMatchObject({ duplicate: sentAgain.length + 1, quarantined: 0, conflict: 0 });
    const twice = await send([reading("p5", 2, { pressure: 99 }), reading("p5", 2, { pressure: 99 })]);
    expect(twice).toMatchObject({ duplicate: 1, quarantined: 1 });
  });

  it("counts so that received is the sum of what became of it", async () => {
    const [row] = await bench.db.readings.counts({ source: "pumps", since: "2026-01-01T00:00:00Z" });
    expect(row).toMatchObject({ source: "pumps", adapter: "http" });
    const { received, stored, duplicate, quarantined, rejected } = row as NonNullable<typeof row>;
    expect(received).toBe(stored + duplicate + quarantined + rejected);
    expect(quarantined).toBeGreaterThanOrEqual(15);
    const metrics = await (await bench.fixture.request("/metrics")).text();
    expect(metrics).toContain(
      `ingestor_records_total{source="pumps",adapter="http",outcome="stored"} ${stored}`,
    );
  });

  it("shows a column in equal steps of time", async () => {
    await send([0, 10, 61].map((second) => reading("p8", second, { pressure: second / 2, mode: "run" })));
    const trend = await bench.fixture.request(
      `/v1/readings/trend?asset=p8&column=pressure&step=1m&since=${at(0)}&until=${at(200)}`,
    );
    const items = [
      { time: "2026-01-31T23:59:00.000Z", n: 1, mean: 0, min: 0, max: 0 },
      { time: "2026-02-01T00:00:00.000Z", n: 2, mean: 17.75, min: 5, max: 30.5 },
    ];
    expect(await trend.json()).toEqual({ items });
    await put({ ...PUMPS, name: "wild", columns: [{ name: "x" }] });
    await send([reading("w1", 0, { x: 1.7e308 }), reading("w1", 1, { x: 1.7e308 })], "wild");
    const wild = await bench.fixture.request(
      `/v1/readings/trend?asset=w1&column=x&step=1m&since=${at(0)}&until=${at(200)}`,
    );
    expect(await wild.json()).toMatchObject({ items: [{ n: 2, mean: 1e140, max: 1.7e308 }] });
  });

  it("gives all readings of a source as CSV and as Parquet, masked as declared", async () => {
    const strange = { ...PUMPS, name: "strange", columns: [{ name: "heat", unit: "degc" }] };
    expect([(await put(strange)).status, (await put({ ...strange, units: ["degc"] })).status]).toEqual([
      422, 200,
    ]);
    await put({ ...PUMPS, name: "exported", pii: ["speed"] });
    await send(
      [
        reading("x2", 0, { pressure: 1.5, speed: 7, mode: "run", is_open: true }),
        reading('=x"1', 1, { mode: "idle" }),
      ],
      "exported",
    );
    const csv = await bench.fixture.request("/v1/readings/export?source=exported");
    expect(await csv.text()).toBe(
      [
        "asset,time,epoch,seq,pressure,speed,mode,is_open",
        `"'=x""1",${at(1)},0,0,,,idle,`,
        `x2,${at(0)},0,0,1.5,,run,true`,
        "",
      ].join("\n"),
    );
    const parquet = await bench.fixture.request(
      "/v1/readings/export?source=exported&format=parquet&asset=x2",
    );
    const path = join(bench.fixture.stateDir, "exported.parquet");
    await writeFile(path, Buffer.from(await parquet.arrayBuffer()));
    const duckdb = await createDuckDb({ directories: [bench.fixture.stateDir] });
    try {
      const rows = await duckdb.query(
        `SELECT *, epoch_ms(time)::DOUBLE AS ms FROM ${await duckdb.parquet([path])}`,
      );
      expect(rows).toMatchObject([
        { asset: "x2", pressure: 1.5, speed: null, mode: "run", is_open: true, ms: Date.parse(at(0)) },
      ]);
    } finally {
      duckdb.close();
    }
  });
});
