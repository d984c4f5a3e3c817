import { gzipSync } from "node:zlib";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database } from "../../stores/postgres/port.ts";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startApiFixture } from "../support/api-fixture.ts";
import type { ApiFixture } from "../support/api-fixture.ts";
import { createTestDatabase, describeWithServices } from "../support/platform.ts";
import type { TestDatabase } from "../support/platform.ts";
import { auditOf } from "../support/registry-samples.ts";

const ADMIN = "admin-key-of-at-least-32-characters";
const PARQUET = "application/vnd.apache.parquet";

type Ask = Omit<RequestInit, "headers"> & {
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

await describeWithServices("labels over HTTP", () => {
  let test: TestDatabase;
  let db: Database;
  let fixture: ApiFixture;
  const secrets: Record<string, string> = { admin: ADMIN };
  beforeAll(async () => {
    test = await createTestDatabase("labels_http");
    db = await createDatabase(test.url);
    fixture = await startApiFixture({ environment: { AURA_BOOTSTRAP_ADMIN_KEY: ADMIN }, database: db });
    const client = new pg.Client({ connectionString: test.url });
    await client.connect();
    await client.query("insert into aura.sites (site_id) values ('north')");
    await client.query("insert into aura.assets (asset_id, site_id) values ('n1', 'north'), ('lost', null)");
    await client.end();
    for (const [name, role] of [
      ["north", "operator"],
      ["looker", "viewer"],
    ] as const)
      secrets[name] = (await db.keys.create({ name, role, sites: ["north"] }, auditOf("key.create"))).secret;
  });
  afterAll(async () => {
    await fixture.close();
    await test.drop();
  });

  const ask = async (path: string, init: Ask = {}) => {
    const { as = "admin", headers, ...rest } = init;
    const reply = await fixture.request(path, {
      ...rest,
      headers: { authorization: `Bearer ${secrets[as]}`, ...headers },
    });
    return {
      status: reply.status,
      body: (await reply.json()) as Record<string, unknown> & { items?: object[] },
    };
  };
  const post = (
    body: NonNullable<RequestInit["body"]>,
    type: string,
    { query = "", as = "admin", headers = {} } = {},
  ) => ask(`/labels${query}`, { method: "POST", body, as, headers: { "content-type": type, ...headers } });
  const labels = async (query: string, as = "admin") => (await ask(`/v1/labels?${query}`, { as })).body;

  it("takes JSON, lines, CSV and Parquet, packed too, and comes to the same labels", async () => {
    const sent = [
      { kind: "failure", asset: "pump, 7", t: "2026-03-01T10:00:00Z", mode: 'a "bearing"' },
      { kind: "class", asset: "pump, 7", t: 12, value: true, column: "state" },
      { kind: "value", asset: "pump, 7", t: 13, value: 1.5e-7 },
    ];
    const json = await post(JSON.stringify({ labels: sent }), "application/json");
    expect(json).toMatchObject({
      status: 200,
      body: { received: 3, added: 3, problems: [], unknownAssets: ["pump, 7"] },
    });
    const again = { received: 3, added: 0, known: 3, refused: 0 };
    const lines = sent.map((label) => JSON.stringify(label)).join("\n");
    expect((await post(lines, "application/x-ndjson")).body).toMatchObject(again);
    const packed = await post(gzipSync(lines), "application/x-ndjson", {
      headers: { "content-encoding": "gzip" },
    });
    expect(packed.body).toMatchObject(again);
    const csv = [
      "kind,asset,t,value,mode,column",
      'failure,"pump, 7",2026-03-01T10:00:00Z,,"a ""bearing""",',
      'class,"pump, 7",12,true,,state',
      'value,"pump, 7",13,1.5e-7,,',
    ].join("\r\n");
    expect((await post(csv, "text/csv")).body).toMatchObject(again);
    const folder = await mkdtemp(join(tmpdir(), "aura-labels-"));
    const duckdb = await createDuckDb({ directories: [folder] });
    const file = join(folder, "labels.parquet");
    await duckdb.copyToParquet(
      `select * from (values ('pump, 7', timestamp '2026-03-01 10:00:00', 'a "bearing"')) t(asset, t, mode)`,
      file,
    );
    const parquet = await post(await readFile(file), PARQUET, { query: "?kind=failure&source=cmms" });
    duckdb.close();
    await rm(folder, { recursive: true });
    expect(parquet.body).toMatchObject({ received: 1, known: 1 });
    expect((await labels("asset=pump, 7")).items).toHaveLength(3);
    expect((await labels("kind=value")).items).toMatchObject([
      { asset: "pump, 7", t: 13, value: 1.5e-7, source: "api" },
    ]);
  });

  it("refuses each label by itself, with the reason, and a body that is none as a whole", async () => {
    const mixed = [
      { kind: "failure", asset: "fan", t: 1 },
      { kind: "failure", asset: "fan", t: "2126-01-01T00:00:00Z" },
      { kind: "failure", asset: "fan" },
      { kind: "class", asset: "fan", t: 2, value: "a", predictionId: "p" },
      { kind: "fate", asset: "fan", t: 1 },
      { kind: "class", predictionId: "nobody's", value: 1 },
      { kind: "class", asset: "fan", t: 2, value: "worn" },
      { kind: "class", asset: "fan", t: 2, value: "fine" },
      7,
    ];
    const { status, body } = await post(JSON.stringify({ labels: mixed }), "application/json");
    expect(status).toBe(200);
    expect(body).toMatchObject({ received: 9, added: 2, conflicting: 1, refused: 6 });
    expect(body["problems"]).toMatchObject([
      { index: 1, code: "invalid_body", reason: expect.stringContaining("a time that has been") as string },
      { index: 2, code: "invalid_body" },
      { index: 3, reason: expect.stringContaining("either predictionId, or asset and t") as string },
      { index: 4 },
      { index: 5, code: "not_found" },
      { index: 7, outcome: "conflicting", code: "conflict" },
      { index: 8 },
    ]);
    const ids = body["ids"] as (string | null)[];
    expect(ids.map((id) => id !== null)).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
      true,
      true,
      false,
    ]);
    for (const [text, type] of [
      ["{", "application/json"],
      ['{"labels":[]}', "application/json"],
      ["asset,when\n1,2", "text/csv"],
      ['asset,t\n"1,2', "text/csv"],
      ["asset,t\n", "text/csv"],
      ["PAR1", PARQUET],
      ["x", "text/plain"],
    ] as const)
      expect((await post(text, type)).status, text).toBeGreaterThanOrEqual(400);
    expect((await post("not json\n{}", "application/x-ndjson")).body).toMatchObject({ refused: 2 });
  });

  it("lists page by page, shows one, and withdraws it", async () => {
    const sent = Array.from({ length: 25 }, (_, t) => ({
      kind: "event_free",
      asset: "paged",
      t,
      id: `e-${t}`,
    }));
    await post(JSON.stringify({ labels: sent }), "application/json");
    const seen: string[] = [];
    for (let cursor: unknown = ""; cursor !== null;) {
      const page = await labels(`asset=paged&limit=10${cursor === "" ? "" : `&cursor=${cursor as string}`}`);
      seen.push(...(page.items as { id: string }[]).map(({ id }) => id));
      cursor = page["next"];
    }
    expect(seen).toEqual(sent.map(({ id }) => id).toReversed());
    const gone = await ask("/v1/labels/e-3", { method: "DELETE" });
    expect(gone).toMatchObject({ status: 200, body: { id: "e-3", state: "withdrawn", t: 3 } });
    expect(await ask("/v1/labels/e-3")).toMatchObject({ body: { state: "withdrawn" } });
    expect((await ask("/v1/labels/e-3", { method: "DELETE" })).status).toBe(409);
    expect((await ask("/v1/labels/none")).status).toBe(404);
    const audit = await db.audit.list({ subject: "label/e-3", limit: 5 });
    expect(audit).toHaveLength(1);
  });

  it("keeps keys to their sites and their role", async () => {
    const sent = ["n1", "lost", "pump, 7"].map((asset) => ({ kind: "failure", asset, t: 5 }));
    const { body } = await post(JSON.stringify({ labels: sent }), "application/json", { as: "north" });
    expect(body).toMatchObject({
      added: 1,
      refused: 2,
      problems: [{ code: "not_found" }, { code: "not_found" }],
    });
    expect((await labels("limit=100", "looker")).items).toMatchObject([{ asset: "n1" }]);
    expect((await ask("/v1/labels/e-4", { as: "looker" })).status).toBe(404);
    expect((await ask("/v1/labels/e-4", { method: "DELETE", as: "north" })).status).toBe(404);
    expect((await post("{}", "application/json", { as: "looker" })).status).toBe(403);
  });
});
