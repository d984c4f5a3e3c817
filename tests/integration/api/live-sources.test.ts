import { afterAll, beforeAll, expect, it } from "vitest";
import { watchSchemas } from "../../../workers/intake-reconciler.ts";
import { at, PUMPS, reading, readingsClient, startReadingsBench } from "../../support/readings-bench.ts";
import type { ReadingsBench } from "../../support/readings-bench.ts";
import { describeWithServices } from "../../support/platform.ts";

await describeWithServices("live sources", () => {
  let bench: ReadingsBench;
  beforeAll(async () => {
    bench = await startReadingsBench("livesources");
  });
  afterAll(() => bench.close());
  const { call, page, post, put, send } = readingsClient(() => bench.fixture);

  it("follow one another as long as columns keep their places", async () => {
    const before = (await (await put(PUMPS)).json()) as { version: number; isNew: boolean };
    expect(before).toMatchObject({ version: 1, isNew: false });
    // Stored before the column is there, and sent again when it is.
    const known = reading("p3", 0, { pressure: 1 });
    expect(await send([known])).toMatchObject({ stored: 1 });
    const more = { ...PUMPS, columns: [...PUMPS.columns, { name: "flow", unit: "m³/h" }] };
    expect(await (await put(more)).json()).toMatchObject({ version: 2, isNew: true });
    const moved = { ...more, columns: more.columns.toReversed() };
    const refused = await put(moved);
    expect(refused.status).toBe(409);
    expect(JSON.stringify(await refused.json())).toContain(
      "columns.0: expected pressure in its place, got flow",
    );
    expect(await send([reading("p7", 0, { flow: 3 })])).toMatchObject({ stored: 1 });
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
    await send([reading("p1", 0, { pressure: 1 })]);
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
    await watchSchemas(bench.db);
    const alerts = async () =>
      (await bench.db.alerts.list({ state: "open", limit: 50 })).filter(({ kind }) => kind === "schema");
    expect(await alerts()).toMatchObject([
      { subject: "source/drifting", details: { received: 120, misfits: 30 } },
    ]);
    await send(
      Array.from({ length: 400 }, (_, i) => reading("c1", 200 + i, { pressure: 1 })),
      "drifting",
    );
    await watchSchemas(bench.db);
    expect(await alerts()).toEqual([]);
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

  it("take no readings once retired, keep those they have, and come back with a new version", async () => {
    const old = { ...PUMPS, name: "pmups" };
    await put(old);
    await send([reading("o1", 0, { pressure: 1 }), reading("o1", 1, { pressure: 99 })], "pmups");
    const names = async (query = "") => {
      const response = await call("GET", `/v1/sources${query}`);
      return ((await response.json()) as { items: { source: string }[] }).items.map(({ source }) => source);
    };
    const feed = { name: "floor", source: "pmups", from: { kind: "folder", path: bench.fixture.stateDir } };
    expect((await call("PUT", "/v1/feeds/floor", feed)).status).toBe(200);
    const inUse = await call("DELETE", "/v1/sources/pmups");
    expect([inUse.status, await inUse.json()]).toMatchObject([
      409,
      { code: "conflict", detail: expect.stringContaining("feed floor") as string },
    ]);
    await call("DELETE", "/v1/feeds/floor");

    const retired = await call("DELETE", "/v1/sources/pmups");
    expect(await retired.json()).toMatchObject({ version: 1, retiredAt: expect.any(String) as string });
    expect((await call("DELETE", "/v1/sources/pmups")).status).toBe(200);
    expect((await call("DELETE", "/v1/sources/nowhere")).status).toBe(404);
    expect(await names()).not.toContain("pmups");
    expect(await names("?retired=true")).toContain("pmups");
    const refusals = await Promise.all([
      post(JSON.stringify({ source: "pmups", readings: [reading("o1", 2, { pressure: 1 })] })),
      call("POST", "/v1/readings/uploads", { source: "pmups", fileName: "a.csv" }),
      call("PUT", "/v1/feeds/floor", feed),
    ]);
    for (const refusal of refusals)
      expect([refusal.status, await refusal.json()]).toMatchObject([409, { code: "source_retired" }]);
    expect((await page("asset=o1&source=pmups")).items).toHaveLength(1);

    expect(await (await put(old)).json()).toMatchObject({ version: 2, isNew: true, retiredAt: null });
    expect(await names()).toContain("pmups");
    expect(await send([reading("o1", 2, { pressure: 1 })], "pmups")).toMatchObject({ stored: 1 });
    const audit = await bench.db.audit.list({ subject: "source/pmups", limit: 10 });
    expect(audit.map(({ action }) => action)).toEqual(["source.put", "source.retire", "source.put"]);
  });
});
