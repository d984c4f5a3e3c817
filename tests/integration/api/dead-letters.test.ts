import { afterAll, beforeAll, expect, it } from "vitest";
import { PUMPS, reading, readingsClient, startReadingsBench } from "../../support/readings-bench.ts";
import type { ReadingsBench } from "../../support/readings-bench.ts";
import { describeWithServices } from "../../support/platform.ts";

await describeWithServices("dead letters", () => {
  let bench: ReadingsBench;
  beforeAll(async () => {
    bench = await startReadingsBench("deadletters");
  });
  afterAll(() => bench.close());
  const { call, page, put, send } = readingsClient(() => bench.fixture);

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
    const row = await bench.db.liveSources.get("private");
    const [stored] = await bench.db.readings.page({
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
    const row = await bench.db.liveSources.get("private");
    if (row === undefined) throw new Error("there is no such source");
    const open = { ...row.document, pii: [] };
    const operator = { id: "olga", role: "operator", authenticated: true } as const;
    await expect(bench.db.liveSources.put(open, operator)).rejects.toMatchObject({ code: "forbidden" });
    expect((await put({ ...PUMPS, name: "private" })).status).toBe(200);
    expect((await bench.db.liveSources.versions("private")).map(({ document }) => document.pii)).toEqual([
      [],
      ["speed"],
    ]);
    await send([reading("q2", 1, { pressure: 98, speed: 4712 })], "private");
    expect((await letters("source=private")).map((letter) => letter.reading)).toContainEqual(
      reading("q2", 1, { pressure: 98, speed: "***" }),
    );
    const { items } = await page("asset=q2&source=private");
    expect(items.map(({ values }) => values)).toEqual([{ pressure: 9, speed: null }]);
    const exported = await (await bench.fixture.request("/v1/readings/export?source=private")).text();
    expect(exported).not.toContain("4711");
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

  it("are mended by a column's right name where nobody may see the value", async () => {
    await put({ ...PUMPS, name: "misspelled", pii: ["speed"] });
    await send([reading("q5", 0, { pressure: 1, Sped: 4711 })], "misspelled");
    const [letter] = await letters("source=misspelled");
    expect(letter?.reading).toEqual(reading("q5", 0, { pressure: 1, Sped: "***" }));
    const path = `/v1/dead-letters/${letter?.id}`;
    const guessed = await call("PUT", path, { reading: reading("q5", 0, { pressure: 1, speed: "***" }) });
    expect([guessed.status, await guessed.json()]).toMatchObject([
      422,
      { detail: expect.stringContaining("nothing was sent under that name") as string },
    ]);
    // It would be there for all to see.
    expect((await call("PUT", path, { renamed: { Sped: "mode" } })).status).toBe(422);
    const mended = await call("PUT", path, {
      reading: reading("q5", 0, { pressure: 2, speed: "***" }),
      renamed: { Sped: "speed" },
    });
    expect(await mended.json()).toMatchObject({ replayed: 1 });
    const row = await bench.db.liveSources.get("misspelled");
    const [stored] = await bench.db.readings.page({
      sourceKey: row?.sourceKey ?? 0,
      asset: "q5",
      limit: 1,
      order: "oldest",
      isTimestamp: true,
    });
    expect(stored?.values).toEqual([2, 4711, null, null]);
  });
});
