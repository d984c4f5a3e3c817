import { afterAll, beforeAll, expect, it } from "vitest";
import { hashOf, sha256Hex } from "../../../schemas/canonical-json.ts";
import { LINEAGE_LISTS, lineagePageSchema, lineageSchema } from "../../../schemas/data/lineage.ts";
import type { Lineage, LineageItem, LineageKind, LineageList } from "../../../schemas/data/lineage.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database, DatasetEntry, VersionRow } from "../../../stores/postgres/port.ts";
import { startApiFixture } from "../../support/api-fixture.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import {
  approve,
  auditOf,
  datasetOf,
  refOf,
  runOf,
  scoreSummaryOf,
  versionOf,
} from "../../support/registry-samples.ts";

/**
 * One file, `bad`, in a dataset that was trained on, in a fleet that was scored, and in a run that failed at it; beside
 * it a model and a fleet that it never touched.
 *
 *     bad.csv ─┬─ run-bad ── pump@1 ── predictions, drift report, fleet score of clean files
 *              ├─ run-failed (no dataset)
 *              └─ fleet score of fan@1 (scored, not trained on)
 *     clean.csv ── run-clean ── fan@1 ── predictions
 */
const BAD = refOf("raw bad");
const HOUR_MS = 3_600_000;
const START = Date.parse("2026-01-01T00:00:00.000Z");
const atHour = (hour: number): string => new Date(START + hour * HOUR_MS).toISOString();

await describeWithServices("lineage on PostgreSQL", () => {
  let test: TestDatabase;
  let db: Database;
  let pump: VersionRow;
  let fan: VersionRow;
  const bad = datasetOf("bad", ["a1"]);
  const clean = datasetOf("clean", ["a1"]);
  const fleet = withFile(datasetOf("fleet", ["a1"]), "new/bad copy №1.csv");

  beforeAll(async () => {
    test = await createTestDatabase("lineage");
    db = await createDatabase(test.url);
    pump = await train("pump", "bad", bad);
    fan = await train("fan", "clean", clean);
    await db.datasets.register(fleet);
    await db.runs.create({ ...runOf("run-failed", "valve"), files: [{ name: "bad.csv", object: BAD }] });
    const error = { code: "quality_gate" as const, message: "too many bad rows" };
    await db.runs.finish("run-failed", { status: "failed", error }, auditOf("run.finish"));
    await approve(db, pump, { id: "ap-pump" });
    for (const [id, version, dataset] of [
      ["pump-clean", pump, clean.id],
      ["fan-fleet", fan, fleet.id],
      ["fan-clean", fan, clean.id],
    ] as const) {
      const { model, version: number, digest } = version;
      const job = { id, model, version: number, digest, dataset, summary: scoreSummaryOf() };
      await db.scores.put({ ...job, object: refOf(id) }, []);
    }
    for (const version of [pump, fan]) {
      await db.predictions.index(Array.from({ length: 25 }, (_, i) => predictionOf(version, i)));
    }
    await db.drift.put(
      {
        id: "drift-pump",
        model: "pump",
        version: pump.version,
        digest: pump.digest,
        windowStart: atHour(0),
        windowEnd: atHour(2),
        state: "drift",
        confirmed: true,
        rows: 10,
        report: {},
      },
      auditOf("drift.report"),
    );
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });

  async function train(model: string, seed: string, dataset: DatasetEntry): Promise<VersionRow> {
    await db.datasets.register(dataset);
    const runId = `run-${seed}`;
    await db.runs.create({
      ...runOf(runId, model),
      files: [{ name: `${seed}.csv`, object: refOf(`raw ${seed}`) }],
    });
    await db.runs.update(runId, { dataset: dataset.id });
    return db.registry.register(
      { ...versionOf(model, seed), runId, dataset: dataset.id },
      auditOf("version.register"),
    );
  }

  async function lineage(kind: LineageKind, id: string): Promise<Lineage> {
    return lineageSchema.parse(await db.lineage.of({ kind, id }, 100));
  }

  it("leads from a bad file to all it touched, failed runs and scored fleets too", async () => {
    const found = await lineage("file", BAD.sha256);
    expect(ids(found, "datasets")).toEqual([bad.id, fleet.id].toSorted());
    expect(ids(found, "runs")).toEqual(["run-bad", "run-failed"]);
    expect(ids(found, "versions")).toEqual(["pump@1"]);
    expect(ids(found, "approvals")).toEqual(["ap-pump"]);
    expect(found.counts.predictions).toBe(25);
    expect(found.lists.predictions?.every((p) => p.model === "pump")).toBe(true);
    expect(found.lists.scores?.map(({ id, state }) => [id, state])).toEqual([
      ["fan-fleet", "data"],
      ["pump-clean", "model"],
    ]);
    expect(ids(found, "drift")).toEqual(["drift-pump"]);
    expect(found.lists.files?.map(({ id, name }) => [name, id])).toEqual(
      expect.arrayContaining([
        ["bad.csv", BAD.sha256],
        ["new/bad copy №1.csv", BAD.sha256],
      ]),
    );
    expect(found.lists.runs?.find(({ id }) => id === "run-failed")?.state).toBe("failed");
    expect(found.lists.approvals?.[0]).toMatchObject({ state: "approved", detail: "bea" });
  });

  it("finds a file by any name it had, and says the same of it", async () => {
    const { id: _, ...bySha } = await lineage("file", BAD.sha256);
    for (const name of ["bad.csv", "new/bad copy №1.csv"]) {
      expect(await lineage("file", name)).toEqual({ ...bySha, id: name });
    }
  });

  it("leads back to the originals from a prediction, a fleet score and a drift report", async () => {
    const prediction = await lineage("prediction", "p-pump-07");
    expect(ids(prediction, "files")).toEqual([BAD.sha256]);
    expect(prediction.lists.predictions).toMatchObject([{ id: "p-pump-07", asset: 'unit "7"', value: 1 }]);
    expect(ids(prediction, "runs")).toEqual(["run-bad"]);
    expect(prediction.counts).toMatchObject({ scores: 0, drift: 0, versions: 1, approvals: 1 });
    const score = await lineage("score", "fan-fleet");
    expect(ids(score, "files")).toEqual([BAD.sha256, refOf("raw clean").sha256].toSorted());
    expect(ids(score, "datasets")).toEqual([clean.id, fleet.id].toSorted());
    expect(score.counts).toMatchObject({ predictions: 0, scores: 1, runs: 1 });
    const drift = await lineage("drift", "drift-pump");
    expect(ids(drift, "files")).toEqual([BAD.sha256]);
    // Those of the two hours it looked at.
    expect(drift.counts.predictions).toBe(10);
    const model = await lineage("model", "fan@1");
    expect(model.counts).toMatchObject({ predictions: 25, scores: 2, runs: 1, files: 1, drift: 0 });
    const dataset = await lineage("dataset", clean.id);
    expect(dataset.lists.scores?.map(({ id, state }) => `${id}: ${state}`).toSorted()).toEqual([
      "fan-clean: data and model",
      "fan-fleet: model",
      "pump-clean: data",
    ]);
  });

  it("pages every list without a gap or a repeat, also while lines are added", async () => {
    const subject = { kind: "file", id: BAD.sha256 } as const;
    const whole = await lineage("file", BAD.sha256);
    for (const list of LINEAGE_LISTS) {
      const seen: LineageItem[] = [];
      for (let after: string | undefined; ;) {
        const page = lineagePageSchema.parse(
          await db.lineage.page(subject, list, { limit: 2, ...(after === undefined ? {} : { after }) }),
        );
        seen.push(...page.items);
        if (list === "predictions" && after === undefined) {
          const late = { ...predictionOf(pump, 0), predictionId: "p-pump-late", at: atHour(99) };
          await db.predictions.index([late]);
        }
        if (page.next === null) break;
        after = page.next;
      }
      expect(seen, list).toEqual(whole.lists[list]);
    }
  });

  it("answers over HTTP for a name that a path must escape, whole and by page", async () => {
    const api = await startApiFixture({ database: await createDatabase(test.url) });
    try {
      const path = `/v1/lineage/file/${encodeURIComponent("new/bad copy №1.csv")}`;
      const found = lineageSchema.parse(await (await api.request(`${path}?limit=2`)).json());
      expect(found.counts).toMatchObject({ runs: 2, scores: 2 });
      const page = async (query: string) =>
        lineagePageSchema.parse(await (await api.request(`${path}/runs?limit=1${query}`)).json());
      const first = await page("");
      const second = await page(`&after=${first.next}`);
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(["run-failed", "run-bad"]);
      expect(second.next).toBeNull();
      expect((await api.request(`${path}/runs?after=x`)).status).toBe(422);
      expect((await api.request("/v1/lineage/file/other.csv/runs")).status).toBe(404);
    } finally {
      await api.close();
    }
  });

  it("counts what it does not list", async () => {
    const found = await db.lineage.of({ kind: "model", id: "fan@1" }, 3);
    expect(found?.lists.predictions).toHaveLength(3);
    expect(found?.counts).toMatchObject({ predictions: 25, scores: 2 });
  });

  it.each([
    ["prediction", "none"],
    ["model", "pump@2"],
    ["dataset", sha256Hex("none")],
    ["file", sha256Hex("none")],
    ["file", "'; drop table aura.runs; --"],
    ["score", "none"],
    ["drift", "none"],
  ] as const)("knows no %s %s", async (kind, id) => {
    expect(await db.lineage.of({ kind, id }, 5)).toBeUndefined();
    expect(await db.lineage.page({ kind, id }, "files", { limit: 5 })).toBeUndefined();
  });

  it("refuses a cursor that it did not give, and a model without version", async () => {
    const subject = { kind: "file", id: BAD.sha256 } as const;
    const forged = Buffer.from("2026-99-99T00:00:00.000000Z x").toString("base64url");
    for (const after of ["x", forged, ""]) {
      await expect(db.lineage.page(subject, "runs", { limit: 5, after })).rejects.toMatchObject({
        code: "invalid_query",
      });
    }
    await expect(db.lineage.of({ kind: "model", id: "pump" }, 5)).rejects.toMatchObject({
      code: "invalid_name",
    });
  });
});

/** The same bytes under another name. */
function withFile(entry: DatasetEntry, name: string): DatasetEntry {
  const raw = entry.manifest.raw.map((file) => ({ ...file, name, object: BAD }));
  const manifest = { ...entry.manifest, raw };
  return { ...entry, id: hashOf(manifest), manifest, runId: "fan-fleet" };
}

/** Five share one time, so that a page may end between them. */
function predictionOf({ model, version, digest }: VersionRow, i: number) {
  return {
    predictionId: `p-${model}-${String(i).padStart(2, "0")}`,
    model,
    version,
    digest,
    asset: `unit "${i}"`,
    at: atHour(Math.floor(i / 5)),
    actor: "local",
    t: null,
    role: "answer" as const,
    segment: "seg-1",
    offset: i,
    value: i / 7,
    requestId: `r-${i}`,
  };
}

/** Ids of a list, in one order. */
function ids(found: Lineage, list: LineageList): string[] {
  return (found.lists[list] ?? []).map((item) => item.id).toSorted();
}
