import { afterAll, beforeAll, expect, it } from "vitest";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import { startApiFixture } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";

await describeWithServices("feeds over HTTP", () => {
  let test: TestDatabase;
  let db: Database;
  let fixture: ApiFixture;
  beforeAll(async () => {
    test = await createTestDatabase("feeds");
    db = await createDatabase(test.url);
    fixture = await startApiFixture({ database: db });
    const pumps = { name: "pumps", owner: "reliability", columns: [{ name: "pressure" }] };
    expect((await send("PUT", "/v1/sources/pumps", pumps)).status).toBe(200);
  });
  afterAll(async () => {
    await fixture.close();
    await test.drop();
  });

  const send = (method: string, path: string, body?: unknown) =>
    fixture.request(path, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const inbox = { name: "inbox", source: "pumps", from: { kind: "folder", path: "inbox" } };

  it("are declared, changed, paused, resumed and removed, and what the ingestor says is shown", async () => {
    expect(await (await send("PUT", "/v1/feeds/inbox", inbox)).json()).toMatchObject({
      feed: "inbox",
      kind: "folder",
      state: "waiting",
      reason: "no ingestor has taken it up",
      isNew: true,
    });
    expect(await (await send("PUT", "/v1/feeds/inbox", inbox)).json()).toMatchObject({ isNew: false });
    await db.feeds.report("inbox", { state: "running", reason: null, position: { row: 7 }, nMessages: 7 });
    await db.feeds.report("inbox", { state: "failing", reason: "bad_file: gone", nMessages: 2 });
    const { items } = (await (await send("GET", "/v1/feeds")).json()) as { items: unknown[] };
    expect(items).toMatchObject([
      { feed: "inbox", state: "failing", reason: "bad_file: gone", position: { row: 7 }, messages: 9 },
    ]);
    expect(await (await send("POST", "/v1/feeds/inbox/pause")).json()).toMatchObject({ state: "paused" });
    expect((await db.feeds.get("inbox"))?.revision).toBe(2);
    expect(await (await send("POST", "/v1/feeds/inbox/resume")).json()).toMatchObject({ state: "failing" });
    expect((await send("DELETE", "/v1/feeds/inbox")).status).toBe(204);
    expect((await send("GET", "/v1/feeds/inbox")).status).toBe(404);
    expect((await send("POST", "/v1/feeds/inbox/pause")).status).toBe(404);
  });

  it.each([
    ["of an unknown source", { ...inbox, source: "none" }, 404],
    ["under another name", { ...inbox, name: "other" }, 422],
    ["of an unknown kind", { ...inbox, from: { kind: "carrier-pigeon" } }, 422],
    ["with a path for a file name", { ...inbox, from: { ...inbox.from, files: "../*" } }, 422],
    ["of both an asset and a device", { ...inbox, reading: { asset: "a", device: "b" } }, 422],
  ])("are refused %s", async (_, document, status) => {
    expect((await send("PUT", "/v1/feeds/inbox", document)).status).toBe(status);
  });

  it("tell of assets that a last will marked, until they are heard of again", async () => {
    const reading = { asset: "p1", time: "2026-01-01T00:00:00Z", values: { pressure: 1 } };
    await send("POST", "/readings", { source: "pumps", readings: [reading] });
    expect(await db.staleAssets.mark("pumps", "p1", "last will: gone")).toBe(true);
    expect(await db.staleAssets.mark("pumps", "nobody", "last will")).toBe(false);
    const stale = async () =>
      ((await (await send("GET", "/v1/stale-assets")).json()) as { items: unknown[] }).items;
    expect(await stale()).toMatchObject([{ asset: "p1", source: "pumps", reason: "last will: gone" }]);
    const next = { ...reading, time: "2026-01-01T00:00:01Z" };
    await send("POST", "/readings", { source: "pumps", readings: [next] });
    expect(await stale()).toEqual([]);
  });
});
