import { afterAll, beforeAll, expect, it } from "vitest";
import { sha256Hex } from "../../../schemas/canonical-json.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database, DatasetEntry, PredictionIndexRow } from "../../../stores/postgres/port.ts";
import { startApiFixture } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import {
  auditOf,
  datasetOf,
  refOf,
  runOf,
  scoreSummaryOf,
  versionOf,
} from "../../support/registry-samples.ts";

/** What keys that are limited to sites see over HTTP, on a real database. Ids are data: quotes and all. */

const NORTH = "Nord' or 1=1 --";
const SOUTH = "Süd";
const ADMIN = "admin-key-of-at-least-32-characters";

await describeWithServices("keys limited to sites", () => {
  let test: TestDatabase;
  let db: Database;
  let fixture: ApiFixture;
  const secrets: Record<string, string> = { admin: ADMIN };
  beforeAll(async () => {
    test = await createTestDatabase("sites");
    db = await createDatabase(test.url);
    fixture = await startApiFixture({ environment: { AURA_BOOTSTRAP_ADMIN_KEY: ADMIN }, database: db });
    for (const [name, sites] of [
      ["north", [NORTH]],
      ["both", [NORTH, SOUTH]],
      ["nowhere", ["no such site"]],
    ] as const) {
      const made = await db.keys.create({ name, role: "operator", sites }, auditOf("key.create"));
      secrets[name] = made.secret;
    }
    await fill();
  });
  afterAll(async () => {
    await fixture.close();
    await test.drop();
  });

  const dataset: DatasetEntry = withSites(datasetOf("sites", ["n1", "n2", "s1", "lost"]), {
    n1: { site: NORTH, customer: "Ada's" },
    n2: { site: NORTH },
    s1: { site: SOUTH },
  });
  const version = { ...versionOf("pump", "sites"), dataset: dataset.id };
  async function fill(): Promise<void> {
    await db.datasets.register(dataset);
    await db.runs.create(runOf(version.runId));
    await db.registry.register(version, auditOf("version.register"));
    const assets = ["n1", "n2", "s1", "lost", null];
    await db.predictions.index(assets.map((asset, i) => predictionOf(asset, i)));
    await db.scores.put(
      {
        id: "job-1",
        model: "pump",
        version: 1,
        digest: version.digest,
        dataset: dataset.id,
        object: refOf("s"),
        summary: scoreSummaryOf(),
      },
      ["s1", "n2", "lost", "n1"].map((asset, i) => ({
        asset,
        rank: i + 1,
        value: 1 - i / 10,
        risk: null,
        at: "9",
        readings: 9,
        short: false,
        missing: i,
      })),
    );
  }
  const predictionOf = (asset: string | null, i: number): PredictionIndexRow => ({
    predictionId: `p-${asset ?? "none"}`,
    model: "pump",
    version: 1,
    digest: version.digest,
    asset,
    at: `2026-01-01T00:00:0${i}.000Z`,
    actor: "ada",
    t: null,
    role: "answer",
    segment: "s",
    offset: i,
    value: i,
    requestId: "r",
  });
  const ask = async (as: string, path: string) => {
    const reply = await fixture.request(path, { headers: { authorization: `Bearer ${secrets[as]}` } });
    return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
  };
  const idsOf = async (as: string, path: string, key: string) => {
    const { items } = (await ask(as, path)).body as { items: Record<string, unknown>[] };
    return items.map((item) => item[key]);
  };

  it.each([
    ["admin", ["lost", "n1", "n2", "s1"]],
    ["both", ["n1", "n2", "s1"]],
    ["north", ["n1", "n2"]],
    ["nowhere", []],
  ])("%s sees the assets at its sites", async (as, assets) => {
    expect(await idsOf(as, "/v1/assets", "asset")).toEqual(assets);
    expect(await idsOf(as, `/v1/assets?site=${encodeURIComponent(SOUTH)}`, "asset")).toEqual(
      assets.filter((id) => id === "s1"),
    );
    expect(await idsOf(as, "/v1/assets?limit=1&after=n1", "asset")).toEqual(
      assets.filter((id) => id === "n2"),
    );
    for (const id of ["lost", "n1", "s1"])
      expect((await ask(as, `/v1/assets/${id}`)).status, id).toBe(assets.includes(id) ? 200 : 404);
  });

  it("tells the customer of a site, once any row said it", async () => {
    expect((await ask("north", "/v1/assets?asset=n2")).body).toMatchObject({
      items: [{ asset: "n2", site: NORTH, customer: "Ada's" }],
    });
  });

  it.each([
    ["admin", ["p-none", "p-lost", "p-s1", "p-n2", "p-n1"]],
    ["both", ["p-s1", "p-n2", "p-n1"]],
    ["north", ["p-n2", "p-n1"]],
    ["nowhere", []],
  ])("%s sees the predictions at its sites", async (as, predictions) => {
    expect(await idsOf(as, "/v1/predictions", "predictionId")).toEqual(predictions);
    expect(await idsOf(as, "/v1/predictions?asset=s1", "predictionId")).toEqual(
      predictions.filter((id) => id === "p-s1"),
    );
    expect(await idsOf(as, "/v1/predictions?after=p-s1&limit=1", "predictionId")).toEqual(
      predictions.filter((id) => id === "p-n2"),
    );
    for (const id of ["p-n1", "p-s1", "p-lost", "p-none"]) {
      const { status, body } = await ask(as, `/v1/lineage/prediction/${id}`);
      expect(status, id).toBe(predictions.includes(id) ? 200 : 404);
      if (status === 200) expect(body["counts"]).toMatchObject({ predictions: 1, versions: 1 });
    }
  });

  it("keeps files and people out of a limited key's lineage", async () => {
    const path = "/v1/lineage/model/pump@1";
    const all = { files: 1, datasets: 1, runs: 1, versions: 1, predictions: 5, scores: 1 };
    expect((await ask("admin", path)).body["counts"]).toMatchObject(all);
    const limited = { ...all, files: 0, predictions: 2 };
    expect((await ask("north", path)).body["counts"]).toMatchObject(limited);
    expect((await ask("nowhere", path)).body["counts"]).toMatchObject({
      ...limited,
      predictions: 0,
      scores: 0,
    });
    expect(await idsOf("north", `${path}/predictions`, "id")).toEqual(["p-n2", "p-n1"]);
    expect(await idsOf("north", `${path}/files`, "id")).toEqual([]);
    for (const as of ["admin", "north"]) expect((await ask(as, "/v1/lineage/score/job-1")).status).toBe(200);
    expect((await ask("nowhere", "/v1/lineage/score/job-1")).status).toBe(404);
    for (const whole of [`dataset/${dataset.id}`, `file/${dataset.manifest.raw[0]!.object.sha256}`]) {
      expect((await ask("admin", `/v1/lineage/${whole}`)).status).toBe(200);
      expect((await ask("north", `/v1/lineage/${whole}`)).status).toBe(404);
    }
  });

  it("ranks the scores of its sites among themselves", async () => {
    expect((await ask("admin", "/v1/scores/job-1")).body["rows"]).toHaveLength(4);
    expect((await ask("north", "/v1/scores/job-1")).body["rows"]).toMatchObject([
      { asset: "n2", rank: 1 },
      { asset: "n1", rank: 2 },
    ]);
    // Nothing of the others: no name of an asset that was left out, no count in which they are.
    expect((await ask("north", "/v1/scores/job-1")).body["summary"]).toMatchObject({
      data: null,
      assets: { seen: 2, scored: 2, leftOut: 0, incomplete: 2, short: 0 },
      leftOut: [],
    });
    expect((await ask("nowhere", "/v1/scores/job-1")).status).toBe(404);
    expect((await ask("north", "/v1/scores/none")).status).toBe(404);
  });

  it.each([
    "/v1/runs",
    `/v1/runs/${version.runId}`,
    "/v1/datasets",
    `/v1/datasets/${dataset.id}`,
    "/v1/drift/pump",
  ])("%s is for keys of all sites", async (path) => {
    expect((await ask("admin", path)).status).toBe(200);
    expect((await ask("both", path)).status).toBe(404);
  });

  it("follows an asset that moves, and records that it did", async () => {
    const moved = withSites(datasetOf("moved", ["n1"]), { n1: { site: SOUTH } });
    await db.datasets.register(moved);
    expect(await idsOf("north", "/v1/predictions", "predictionId")).toEqual(["p-n2"]);
    expect(await db.audit.list({ subject: `dataset/${moved.id}`, limit: 9 })).toMatchObject([
      { action: "asset.move", details: { assets: 1, first: [{ asset: "n1", from: NORTH, to: SOUTH }] } },
    ]);
  });
});

function withSites(
  entry: DatasetEntry,
  places: Readonly<Record<string, { readonly site: string; readonly customer?: string }>>,
): DatasetEntry {
  return {
    ...entry,
    id: sha256Hex(entry.id),
    assets: entry.assets.map((asset) => ({ ...asset, ...places[asset.id] })),
    audit: { ...entry.audit, subject: `dataset/${sha256Hex(entry.id)}/register` },
  };
}
