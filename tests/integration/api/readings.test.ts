import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  makeVector,
  Table,
  tableFromArrays,
  tableToIPC,
  TimestampSecond,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDuckDb } from "../../../stores/duckdb/duckdb.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import type { IntakeReply } from "../../../schemas/live/intake.ts";
import { watchSchemas } from "../../../workers/intake-reconciler.ts";
import { startApiFixture, until } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";

const PUMPS = {
  name: "pumps",
  owner: "reliability",
  columns: [
    { name: "pressure", unit: "bar", range: [0, 50] },
    { name: "speed", type: "integer", unit: "rpm" },
    { name: "mode", type: "text", values: ["idle", "run"] },
    { name: "is_open", type: "boolean" },
  ],
};

await describeWithServices("readings over HTTP", () => {
  let test: TestDatabase;
  let db: Database;
  let fixture: ApiFixture;
  beforeAll(async () => {
    test = await createTestDatabase("readings");
    db = await createDatabase(test.url);
    fixture = await startApiFixture({ database: db });
    expect((await put(PUMPS)).status).toBe(200);
  });
  afterAll(async () => {
    await fixture.close();
    await test.drop();
  });

  const call = (method: string, path: string, body?: unknown) =>
    fixture.request(path, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
  const put = (document: { readonly name: string; readonly [key: string]: unknown }) =>
    call("PUT", `/v1/sources/${document.name}`, document);
  const post = (body: string | Uint8Array, headers: Record<string, string> = {}, query = "") =>
    fixture.request(`/readings${query}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: body as string,
    });
  async function send(readings: readonly unknown[], source = "pumps"): Promise<IntakeReply> {
    const response = await post(JSON.stringify({ source, readings }));
    expect(response.status).toBe(200);
    return (await response.json()) as IntakeReply;
  }
  const page = async (query: string) => {
    const response = await fixture.request(`/readings?${query}`);
    expect(response.status).toBe(200);
    return (await response.json()) as { items: Record<string, unknown>[]; next: string | null };
  };
  const at = (second: number): string =>
    new Date(Date.UTC(2026, 0, 31, 23, 59, 50) + second * 1_000).toISOString();
  const reading = (asset: string, second: number, values: Record<string, unknown>) => ({
    asset,
    time: at(second),
    values,
  });

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
    const [row] = await db.readings.counts({ source: "pumps", since: "2026-01-01T00:00:00Z" });
    expect(row).toMatchObject({ source: "pumps", adapter: "http" });
    const { received, stored, duplicate, quarantined, rejected } = row as NonNullable<typeof row>;
    expect(received).toBe(stored + duplicate + quarantined + rejected);
    expect(quarantined).toBeGreaterThanOrEqual(15);
    const metrics = await (await fixture.request("/metrics")).text();
    expect(metrics).toContain(
      `ingestor_records_total{source="pumps",adapter="http",outcome="stored"} ${stored}`,
    );
  });

  it("shows a column in equal steps of time", async () => {
    await send([0, 10, 61].map((second) => reading("p8", second, { pressure: second / 2, mode: "run" })));
    const trend = await fixture.request(
      `/v1/readings/trend?asset=p8&column=pressure&step=1m&since=${at(0)}&until=${at(200)}`,
    );
    const items = [
      { time: "2026-01-31T23:59:00.000Z", n: 1, mean: 0, min: 0, max: 0 },
      { time: "2026-02-01T00:00:00.000Z", n: 2, mean: 17.75, min: 5, max: 30.5 },
    ];
    expect(await trend.json()).toEqual({ items });
    await put({ ...PUMPS, name: "wild", columns: [{ name: "x" }] });
    await send([reading("w1", 0, { x: 1.7e308 }), reading("w1", 1, { x: 1.7e308 })], "wild");
    const wild = await fixture.request(
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
    const csv = await fixture.request("/v1/readings/export?source=exported");
    expect(await csv.text()).toBe(
      [
        "asset,time,epoch,seq,pressure,speed,mode,is_open",
        `"'=x""1",${at(1)},0,0,,,idle,`,
        `x2,${at(0)},0,0,1.5,,run,true`,
        "",
      ].join("\n"),
    );
    const parquet = await fixture.request("/v1/readings/export?source=exported&format=parquet&asset=x2");
    const path = join(fixture.stateDir, "exported.parquet");
    await writeFile(path, Buffer.from(await parquet.arrayBuffer()));
    const duckdb = await createDuckDb({ directories: [fixture.stateDir] });
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

  it("takes lines of JSON, gzip and Arrow", async () => {
    const lines = [
      JSON.stringify(reading("p6", 0, { pressure: 1 })),
      "{broken",
      JSON.stringify(reading("p6", 1, { pressure: null })),
    ];
    const headers = { "content-type": "application/x-ndjson", "content-encoding": "gzip" };
    const packed = await post(gzipSync(lines.join("\n")), headers, "?source=pumps");
    expect(await packed.json()).toMatchObject({ received: 3, stored: 2, quarantined: 1 });
    const table = tableFromArrays({
      asset: ["p6", "p6"],
      time: [new Date(at(5)), new Date(at(6))],
      pressure: Float64Array.of(4.5, NaN),
    });
    const arrow = await post(
      tableToIPC(table, "stream"),
      { "content-type": "application/vnd.apache.arrow.stream" },
      "?source=pumps",
    );
    expect(await arrow.json()).toMatchObject({ received: 2, stored: 2 });
    const hostile = new Table({
      asset: vectorFromArray(["p6", "p6", "p6"], new Utf8()),
      time: makeVector({
        type: new TimestampSecond("UTC"),
        data: BigInt64Array.of(2n ** 62n, -(2n ** 62n), BigInt(Date.parse(at(7)) / 1_000)),
      }),
      pressure: makeVector(Float64Array.of(1, 1, Infinity)),
    });
    const aside = await post(
      tableToIPC(hostile, "stream"),
      { "content-type": "application/vnd.apache.arrow.stream" },
      "?source=pumps",
    );
    const { problems } = (await aside.json()) as IntakeReply;
    expect(problems.map(({ code }) => code)).toEqual(["bad_time", "bad_time", "not_finite"]);
    const { items } = await page(`asset=p6&since=${at(5)}`);
    expect(items.map(({ time, values }) => [time, values])).toEqual([
      [at(5), { pressure: 4.5 }],
      [at(6), {}],
    ]);
  });

  it.each([
    ["no source", "{}", 422],
    ["no readings", JSON.stringify({ source: "pumps", readings: [] }), 422],
    ["too many", JSON.stringify({ source: "pumps", readings: Array(10_001).fill(0) }), 422],
    ["an unknown source", JSON.stringify({ source: "none", readings: [1] }), 404],
    ["broken JSON", "{", 400],
  ])("refuses %s, and stores nothing", async (_, body, status) => {
    expect((await post(body)).status).toBe(status);
  });

  it("refuses a gzip bomb and what only says that it is gzip", async () => {
    const bomb = await post(gzipSync(Buffer.alloc(64 * 2 ** 20)), { "content-encoding": "gzip" });
    expect(bomb.status).toBe(413);
    expect((await post("{}", { "content-encoding": "gzip" })).status).toBe(422);
    // A million readings that are none, in a body of 3 KB: read, they would hold up predictions for seconds.
    const empty = gzipSync(`{"source":"pumps","readings":[${"{},".repeat(1_000_000)}{}]}`);
    expect((await post(empty, { "content-encoding": "gzip" })).status).toBe(400);
    const lines = `[${"{},".repeat(500)}{}]\n`.repeat(300);
    const asLines = { "content-type": "application/x-ndjson", "content-encoding": "gzip" };
    const aside = await post(gzipSync(lines), asLines, "?source=pumps");
    expect(await aside.json()).toMatchObject({ received: 300, quarantined: 300 });
  });

  it("are in the catalog with owner, columns and how well what arrives fits, and a drift of the schema is an alert", async () => {
    await put({ ...PUMPS, name: "drifting", owner: "ana", pii: ["speed"], driftThreshold: 0.1 });
    const fits = Array.from({ length: 90 }, (_, i) => reading("c1", i, { pressure: 1 }));
    const misfits = Array.from({ length: 30 }, (_, i) => reading("c1", 100 + i, { flow: 1 }));
    await send([...fits, ...misfits], "drifting");
    const { items } = (await (await call("GET", "/v1/catalog")).json()) as {
      items: { name: string; columns: object[] }[];
    };
    const entry = items.find(({ name }) => name === "drifting");
    expect(entry).toMatchObject({
      kind: "source",
      owner: "ana",
      retention: "400d",
      rows: 90,
      schemaDrift: 0.25,
    });
    expect(entry?.columns[1]).toMatchObject({ name: "speed", unit: "rpm", isPersonal: true });
    await watchSchemas(db);
    const alerts = async () =>
      (await db.alerts.list({ state: "open", limit: 50 })).filter(({ kind }) => kind === "schema");
    expect(await alerts()).toMatchObject([
      { subject: "source/drifting", details: { received: 120, misfits: 30 } },
    ]);
    await send(
      Array.from({ length: 400 }, (_, i) => reading("c1", 200 + i, { pressure: 1 })),
      "drifting",
    );
    await watchSchemas(db);
    expect(await alerts()).toEqual([]);
  });

  it("takes a file with a ticket and no key, once", async () => {
    const made = await call("POST", "/v1/readings/uploads", {
      source: "pumps",
      fileName: "june.csv",
      maxBytes: 40,
    });
    expect(made.status).toBe(201);
    const { url, upload } = (await made.json()) as { url: string; upload: { id: string } };
    const putFile = (path: string, text: string) =>
      fixture.request(path, {
        method: "PUT",
        headers: { "content-type": "application/octet-stream" },
        body: text,
      });
    expect((await putFile("/uploads/" + "x".repeat(43), "a")).status).toBe(404);
    expect((await putFile(url, "x".repeat(41))).status).toBe(413);
    const received = await putFile(url, "asset,time,pressure");
    expect([received.status, await received.json()]).toMatchObject([
      202,
      { id: upload.id, state: "received", bytes: 19 },
    ]);
    expect(fixture.started).toContain(`upload ${upload.id}`);
    expect((await putFile(url, "asset,time,pressure")).status).toBe(202);
    expect((await putFile(url, "another")).status).toBe(409);
    expect(JSON.stringify(await (await call("GET", "/v1/readings/uploads")).json())).not.toContain(
      url.slice(9),
    );
    const expired = await call("POST", "/v1/readings/uploads", {
      source: "pumps",
      fileName: "a.csv",
      expiresIn: "1s",
    });
    const late = ((await expired.json()) as { url: string }).url;
    await until(async () => (await putFile(late, "a")).status === 409);
    expect((await call("POST", "/v1/readings/uploads", { source: "pumps", fileName: "a.exe" })).status).toBe(
      422,
    );
  });

  describe("dead letters", () => {
    const letters = async (query: string) => {
      const response = await call("GET", `/v1/dead-letters?${query}`);
      return ((await response.json()) as { items: { id: number; reading: unknown; state: string }[] }).items;
    };

    it("are listed with their reason, mended, replayed after a new version, and dropped", async () => {
      const named = { ...PUMPS, name: "letters" };
      await put(named);
      const bad = [
        reading("q1", 0, { pressure: 99 }),
        reading("q1", 1, { flow: 1 }),
        reading("q1", 2, { speed: 0.5 }),
      ];
      await send(bad, "letters");
      const [speed, flow, pressure] = await letters("source=letters");
      expect(pressure).toMatchObject({ code: "out_of_range", asset: "q1", adapter: "http", reading: bad[0] });

      const path = `/v1/dead-letters/${pressure?.id}`;
      expect((await call("PUT", path, { reading: bad[0] })).status).toBe(422);
      const mended = await call("PUT", path, { reading: reading("q1", 0, { pressure: 9.9 }) });
      expect(await mended.json()).toMatchObject({ replayed: 1, duplicate: 0, nRefused: 0, next: null });
      expect((await call("PUT", path, { reading: bad[0] })).status).toBe(409);

      const again = await call("POST", "/v1/dead-letters/replay", { source: "letters" });
      expect(await again.json()).toMatchObject({
        replayed: 0,
        refused: [{ id: speed?.id }, { id: flow?.id }],
      });
      await put({ ...named, columns: [...PUMPS.columns, { name: "flow" }] });
      const replayed = await call("POST", "/v1/dead-letters/replay", { ids: [flow?.id] });
      expect(await replayed.json()).toEqual({
        replayed: 1,
        duplicate: 0,
        refused: [],
        nRefused: 0,
        next: null,
      });

      expect((await call("DELETE", `/v1/dead-letters/${speed?.id}`)).status).toBe(204);
      expect(await letters("source=letters")).toEqual([]);
      const states = (await letters("source=letters&state=all")).map(({ state }) => state);
      expect(states).toEqual(["dropped", "replayed", "replayed"]);
      const { items } = await page("asset=q1&source=letters");
      expect(items.map(({ values }) => values)).toEqual([{ pressure: 9.9 }, { flow: 1 }]);
    });

    it("stay open where another reading stands, and are settled by the very one", async () => {
      await put({ ...PUMPS, name: "mends" });
      await send([reading("q3", 0, { pressure: 4.2 }), reading("q3", 0, { pressure: 99 })], "mends");
      await put({
        ...PUMPS,
        name: "mends",
        columns: [{ ...PUMPS.columns[0], range: [0, 100] }, ...PUMPS.columns.slice(1)],
      });
      const [letter] = await letters("source=mends");
      const again = await call("POST", "/v1/dead-letters/replay", { source: "mends" });
      const refused = [{ id: letter?.id, message: expect.stringContaining("not stored") as string }];
      expect(await again.json()).toMatchObject({ replayed: 0, nRefused: 1, refused });
      const path = `/v1/dead-letters/${letter?.id}`;
      const other = await call("PUT", path, { reading: reading("q3", 0, { pressure: 9.9 }) });
      expect([other.status, await other.json()]).toMatchObject([409, { code: "conflict" }]);
      expect(await letters("source=mends")).toHaveLength(1);
      const same = await call("PUT", path, { reading: reading("q3", 0, { pressure: 4.2 }) });
      expect(await same.json()).toMatchObject({ replayed: 1, duplicate: 1, refused: [] });
      expect(await letters("source=mends")).toEqual([]);
      expect((await page("asset=q3&source=mends")).items).toMatchObject([{ values: { pressure: 4.2 } }]);
    });

    it("show no personal value, and keep it for when they are mended", async () => {
      await put({ ...PUMPS, name: "private", pii: ["speed"] });
      await send([reading("q2", 0, { pressure: 99, speed: 4711, Speed: 4711 })], "private");
      const known = { pressure: 1, speed: 4711 };
      await send([reading("q4", 0, known), reading("q4", 0, { ...known, speed: 4712 })], "private");
      const met = await (await call("GET", "/v1/readings/conflicts?source=private")).json();
      expect(met).toMatchObject({ items: [{ kept: { speed: null }, refused: { speed: null } }] });
      const [letter] = await letters("source=private");
      const shown = reading("q2", 0, { pressure: 99, speed: "***", Speed: "***" });
      expect(letter?.reading).toEqual(shown);
      const path = `/v1/dead-letters/${letter?.id}`;
      expect(await (await call("GET", path)).json()).toMatchObject({ reading: shown });
      const mended = await call("PUT", path, { reading: reading("q2", 0, { pressure: 9, speed: "***" }) });
      expect(mended.status).toBe(200);
      const row = await db.liveSources.get("private");
      const [stored] = await db.readings.page({
        sourceKey: row?.sourceKey ?? 0,
        asset: "q2",
        limit: 1,
        order: "oldest",
        isTimestamp: true,
      });
      expect(stored?.values).toContain(4711);
      const { items } = await page("asset=q2&source=private");
      expect(items.map(({ values }) => values)).toEqual([{ pressure: 9, speed: null }]);
    });

    it("stay masked where an admin says that a column is personal no longer, and nobody else may", async () => {
      const row = await db.liveSources.get("private");
      if (row === undefined) throw new Error("there is no such source");
      const open = { ...row.document, pii: [] };
      const operator = { id: "olga", role: "operator", authenticated: true } as const;
      await expect(db.liveSources.put(open, operator)).rejects.toMatchObject({ code: "forbidden" });
      expect((await put({ ...PUMPS, name: "private" })).status).toBe(200);
      expect((await db.liveSources.versions("private")).map(({ document }) => document.pii)).toEqual([
        [],
        ["speed"],
      ]);
      await send([reading("q2", 1, { pressure: 98, speed: 4712 })], "private");
      expect((await letters("source=private")).map((letter) => letter.reading)).toContainEqual(
        reading("q2", 1, { pressure: 98, speed: "***" }),
      );
      const { items } = await page("asset=q2&source=private");
      expect(items.map(({ values }) => values)).toEqual([{ pressure: 9, speed: null }]);
      const exported = await (await fixture.request("/v1/readings/export?source=private")).text();
      expect(exported).not.toContain("4711");
    });
  });

  it("replays letters behind a thousand that stay as they are", async () => {
    const named = { ...PUMPS, name: "many" };
    await put(named);
    await send([reading("r1", 0, { late: 1 }), reading("r1", 1, { late: 2 })], "many");
    await send(
      Array.from({ length: 1_000 }, (_, i) => reading("r1", 10 + i, { pressure: 99 })),
      "many",
    );
    await put({ ...named, columns: [...PUMPS.columns, { name: "late" }] });
    const replay = async (more: object) => {
      const response = await call("POST", "/v1/dead-letters/replay", { source: "many", ...more });
      return (await response.json()) as { replayed: number; refused: unknown[]; next: number | null };
    };
    const first = await replay({});
    expect(first).toMatchObject({ replayed: 0, nRefused: 1_000, next: expect.any(Number) as number });
    expect(first.refused).toHaveLength(100);
    expect(await replay({ after: first.next })).toEqual({
      replayed: 2,
      duplicate: 0,
      refused: [],
      nRefused: 0,
      next: null,
    });
  });

  it("knows devices of assets at sites of customers, and puts their readings under the asset", async () => {
    expect((await call("PUT", "/v1/devices/gw-1", { asset: "nowhere" })).status).toBe(404);
    await call("PUT", "/v1/customers/acme", { name: "ACME" });
    await call("PUT", "/v1/sites/north", { customer: "acme" });
    const asset = { site: "north", attributes: { kw: 7.5 } };
    expect((await call("PUT", "/v1/assets/pump-9", asset)).status).toBe(204);
    expect(await (await call("GET", "/v1/assets/pump-9")).json()).toMatchObject({
      ...asset,
      asset: "pump-9",
      customer: "acme",
      assetClass: null,
    });
    await call("PUT", "/v1/assets/pump-9", { assetClass: "pump2" });
    const changed = { ...asset, asset: "pump-9", assetClass: "pump2" };
    expect(await (await call("GET", "/v1/assets?site=north")).json()).toMatchObject({ items: [changed] });
    await call("PUT", "/v1/assets/pump-9", { site: null });
    expect(await (await call("GET", "/v1/assets/pump-9")).json()).toMatchObject({ ...changed, site: null });
    await call("PUT", "/v1/assets/pump-9", { site: "north" });
    expect(await (await call("GET", "/v1/sites/north")).json()).toMatchObject({
      id: "north",
      customer: "acme",
    });
    expect(await (await call("GET", "/v1/customers/acme")).json()).toMatchObject({ name: "ACME" });
    for (const path of ["assets", "sites", "customers"])
      expect((await call("GET", `/v1/${path}/nowhere`)).status).toBe(404);
    const made = await call("PUT", "/v1/devices/gw-1", { asset: "pump-9", name: "gateway" });
    expect(await made.json()).toMatchObject({
      device: "gw-1",
      asset: "pump-9",
      site: "north",
      customer: "acme",
    });
    expect(await send([{ device: "gw-1", time: at(0), values: { pressure: 5 } }])).toMatchObject({
      stored: 1,
    });
    expect((await page("device_id=gw-1")).items).toMatchObject([{ asset: "pump-9" }]);
    expect(await (await call("GET", "/devices/gw-1")).json()).toMatchObject({ name: "gateway" });
    expect((await call("DELETE", "/v1/customers/acme")).status).toBe(409);
    expect((await call("DELETE", "/v1/devices/gw-1")).status).toBe(204);
    expect((await call("GET", "/devices/gw-1")).status).toBe(404);
    expect((await call("DELETE", "/v1/devices/gw-1")).status).toBe(404);
  });

  describe("sources", () => {
    it("follow one another as long as columns keep their places", async () => {
      const before = (await (await put(PUMPS)).json()) as { version: number; isNew: boolean };
      expect(before).toMatchObject({ version: 1, isNew: false });
      const more = { ...PUMPS, columns: [...PUMPS.columns, { name: "flow", unit: "m³/h" }] };
      expect(await (await put(more)).json()).toMatchObject({ version: 2, isNew: true });
      const moved = { ...more, columns: more.columns.toReversed() };
      const refused = await put(moved);
      expect(refused.status).toBe(409);
      expect(JSON.stringify(await refused.json())).toContain(
        "columns.0: expected pressure in its place, got flow",
      );
      expect(await send([reading("p7", 0, { flow: 3 })])).toMatchObject({ stored: 1 });
      // Stored before the column was there, and sent again now that it is.
      const known = reading("p3", 0, { pressure: 1 });
      expect(await send([known])).toMatchObject({ duplicate: 1, conflict: 0 });
      const other = { ...known, values: { pressure: 1, flow: 2 } };
      expect(await send([other])).toMatchObject({ duplicate: 1, conflict: 1 });
    });

    it("may refuse assets that nobody has heard of, and more than a rate of one asset", async () => {
      const strict = {
        ...PUMPS,
        name: "strict",
        unknownAssets: "reject",
        perAsset: { perSecond: 1, burst: 2 },
      };
      await put(strict);
      expect(await send([reading("nobody", 0, { pressure: 1 })], "strict")).toMatchObject({
        rejected: 1,
        stored: 0,
      });
      const many = Array.from({ length: 5 }, (_, i) => reading("p1", i, { pressure: i }));
      expect(await send(many, "strict")).toMatchObject({ stored: 2, rejected: 3 });
      const again = await post(JSON.stringify({ source: "strict", readings: many.slice(0, 1) }));
      expect(again.status).toBe(429);
      expect(again.headers.get("retry-after")).toBe("1");
    });

    it("may take times as numbers of one unit, and set aside those of another", async () => {
      await put({ ...PUMPS, name: "numbered", time: { epochUnit: "ms" } });
      const now = Date.now() - 60_000;
      const times = [now, now / 1_000, now * 1_000, String(now), NaN, at(1)];
      const { stored, problems } = await send(
        times.map((time) => ({ asset: "n1", time, values: { pressure: 1 } })),
        "numbered",
      );
      expect(stored).toBe(2);
      expect(problems.map(({ index, code }) => [index, code])).toEqual([
        [1, "old_time"],
        [2, "bad_time"],
        [3, "bad_time"],
        [4, "bad_time"],
      ]);
    });

    it("may count in cycles, with lives of an asset kept apart", async () => {
      await put({ ...PUMPS, name: "engines", time: { kind: "cycle" } });
      const cycle = (epoch: number, time: number) => ({
        asset: "e1",
        epoch,
        time,
        values: { pressure: time },
      });
      expect(await send([cycle(0, 1), cycle(0, 2), cycle(1, 1)], "engines")).toMatchObject({ stored: 3 });
      expect(await send([cycle(0, 2)], "engines")).toMatchObject({ duplicate: 1 });
      const { items } = await page("asset=e1&source=engines&since=2");
      expect(items).toMatchObject([{ time: 2, epoch: 0 }]);
    });
  });
});
