import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { hashOf, sha256Hex } from "../../../schemas/canonical-json.ts";
import { runViewSchema } from "../../../schemas/runs/run.ts";
import { fleetScoreSchema } from "../../../schemas/serving/score.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database, LabelRow, PredictionIndexRow, StagedRow } from "../../../stores/postgres/port.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import {
  approvalOf,
  approve,
  auditOf,
  datasetOf,
  evaluationOf,
  refOf,
  runOf,
  scoreSummaryOf,
} from "../../support/registry-samples.ts";

/** Ids are data: quotes, SQL, path signs, look-alikes, emoji, up to 128 bytes. */
const HOSTILE_IDS = [
  `o'hara"; drop table aura.runs; --`,
  "../../etc",
  "насос №1",
  "🛠️",
  "\\N\t\n{NULL}",
  "x".repeat(128),
];

await describeWithServices("stores on PostgreSQL", () => {
  let test: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    test = await createTestDatabase("stores");
    db = await createDatabase(test.url);
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });

  it("keeps a run, its stages and its end", async () => {
    await db.runs.create(runOf("r1"));
    await db.runs.create({ ...runOf("r1"), pipelineText: "other" });
    await expect(db.runs.create({ ...runOf("r1"), workflowId: "w2" })).rejects.toMatchObject({
      code: "conflict",
    });
    await db.runs.setStage("r1", {
      stage: "train",
      state: "running",
      progress: 0.5,
      startedAt: "2026-01-01T00:00:00.000Z",
    });
    await db.runs.setStage("r1", { stage: "ingest", state: "done", ms: 12 });
    await db.runs.setStage("r1", { stage: "train", state: "done", ms: 30, detail: "3 candidates" });
    await db.runs.update("r1", { dataset: sha256Hex("d"), waiting: true });
    await db.runs.update("r1", { metrics: { test: { rmse: 1e-300 }, cv: {} }, evaluation: evaluationOf(12) });
    expect(await db.runs.get("r1")).toMatchObject({
      status: "waiting",
      dataset: sha256Hex("d"),
      metrics: { test: { rmse: 1e-300 } },
      stages: [
        { stage: "ingest", state: "done", ms: 12 },
        {
          stage: "train",
          state: "done",
          ms: 30,
          detail: "3 candidates",
          startedAt: "2026-01-01T00:00:00.000Z",
        },
      ],
    });
    const audit = auditOf("run.finish", "run/r1");
    await db.runs.finish("r1", { status: "finished", outcome: "promoted" }, audit);
    await db.runs.finish("r1", { status: "failed", error: { code: "internal", message: "late" } }, audit);
    const view = await db.runs.get("r1");
    expect(view).toMatchObject({ status: "finished", outcome: "promoted" });
    expect(view?.error).toBeUndefined();
    expect(await db.audit.list({ subject: "run/r1", limit: 5 })).toHaveLength(1);
    expect((await db.runs.latestPromoted("pump"))?.runId).toBe("r1");
    expect((await db.runs.inputOf("r1"))?.pipeline).toBe("name: pump\n");
  });

  it("keeps where a failed run found its input wrong", async () => {
    await db.runs.create(runOf("r-bad"));
    const locations = [{ file: "a.csv", line: 7, field: "t", expected: "a cycle", found: "'x'" }];
    const error = { code: "quality_gate", message: "too many bad rows", locations } as const;
    await db.runs.finish("r-bad", { status: "failed", error }, auditOf("run.finish", "run/r-bad"));
    expect(runViewSchema.parse(await db.runs.get("r-bad")).error).toEqual(error);
  });

  it("finds the run whose file counts for a version", async () => {
    const digest = sha256Hex("standing");
    const standing = () => db.runs.latestStanding("standing", digest);
    const made = async (runId: string, outcome?: "refused" | "promoted" | "unchanged") => {
      await db.runs.create(runOf(runId, "standing"));
      await db.runs.update(runId, { digest });
      const audit = auditOf("run.finish", `run/${runId}`);
      if (outcome !== undefined) await db.runs.finish(runId, { status: "finished", outcome }, audit);
    };
    expect(await standing()).toBeUndefined();
    await made("s1", "refused");
    expect(await standing()).toEqual({ runId: "s1" });
    // Never in use: the newest that made it, over or not.
    await made("s2");
    expect(await standing()).toEqual({ runId: "s2" });
    await made("s3", "promoted");
    await made("s4", "refused");
    expect(await standing()).toEqual({ runId: "s3" });
    await made("s5", "unchanged");
    expect(await standing()).toEqual({ runId: "s5" });
  });

  it("finds the run that a version was approved with, which need not be the one that made it", async () => {
    const digest = sha256Hex("approved later");
    const latest = () => db.runs.latestApproved("later", digest);
    const version = { model: "later", version: 1, digest };
    const audit = auditOf("approval.close");
    for (const runId of ["l1", "l2", "l3"]) {
      await db.runs.create(runOf(runId, "later"));
      await db.runs.update(runId, { digest, approvalId: `later.${runId}` });
      if (runId === "l2") await approve(db, version, { id: "later.l2" });
      else {
        await db.approvals.open(approvalOf(`later.${runId}`, { model: "later", digest }), audit);
        await db.approvals.close(`later.${runId}`, "expired", audit);
      }
      expect(await latest()).toEqual(runId === "l1" ? undefined : { runId: "l2" });
    }
  });

  it("tells whoever writes a segment that somebody waits for it", async () => {
    const heard: string[] = [];
    const stop = await db.predictions.onWanted((segment) => heard.push(segment));
    await db.predictions.want("segment-1");
    await expect.poll(() => heard, { timeout: 5_000 }).toEqual(["segment-1"]);
    await stop();
  });

  it("lists runs newest first, by page, and knows no others", async () => {
    for (const id of ["p1", "p2", "p3"]) await db.runs.create(runOf(id, "pages"));
    const page = await db.runs.list({ pipeline: "pages", limit: 2 });
    expect(page.map((r) => r.runId)).toEqual(["p3", "p2"]);
    const rest = await db.runs.list({ model: "pages", limit: 2, before: "p2" });
    expect(rest.map((r) => r.runId)).toEqual(["p1"]);
    expect(await db.runs.get("none")).toBeUndefined();
    await expect(db.runs.update("none", {})).rejects.toMatchObject({ code: "not_found" });
    await expect(db.runs.setStage("none", { stage: "train", state: "done" })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(db.runs.update("p1", { metrics: { test: { rmse: NaN }, cv: {} } })).rejects.toThrow(
      RangeError,
    );
  });

  it("registers a dataset whole and once, with ids that are data", async () => {
    const entry = datasetOf("hostile", HOSTILE_IDS);
    await Promise.all([
      db.datasets.register(entry),
      db.datasets.register(entry),
      db.datasets.register(entry),
    ]);
    const stored = await db.datasets.get(entry.id);
    expect(stored?.manifest).toEqual(entry.manifest);
    expect(hashOf(stored?.manifest)).toBe(entry.id);
    expect(stored?.owner).toBe("Jürgen");
    expect(await db.datasets.list(10)).toMatchObject([{ id: entry.id, rows: 10 }]);
    const rows = await db.datasets.quarantined(entry.id, 10);
    expect(rows.map((r) => r.text)).toEqual(["1,\uFFFD,900", "1,2,901"]);
    expect(await db.datasets.quarantined(entry.id, 10, 0)).toHaveLength(1);
    const broken = { ...datasetOf("broken", ["a"]), perFile: [{ ...entry.perFile[0]!, accepted: 11 }] };
    await expect(db.datasets.register(broken)).rejects.toMatchObject({ code: "23514" });
    expect(await db.datasets.get(broken.id)).toBeUndefined();
  });

  it("keeps the labels of each view beside those of another, and writes each once", async () => {
    const entry = datasetOf("labelled", ["a1"]);
    await db.datasets.register(entry);
    const put = (view: string, value: number) =>
      db.features.putLabels(
        { dataset: entry.id, view: sha256Hex(view) },
        one({ asset: "a1", t: 7n, kind: "failure", value }),
      );
    for (const [view, value] of [
      ["horizon 7d", 0],
      ["horizon 30d", 1],
      ["horizon 30d", 1],
    ] as const)
      expect(await put(view, value)).toBe(1);
    const client = new pg.Client({ connectionString: test.url });
    await client.connect();
    const { rows } = await client.query<{ view_hash: string; value: number }>(
      "select view_hash, value from aura.labels where dataset_id = $1 order by value",
      [entry.id],
    );
    await client.end();
    expect(rows).toEqual([
      { view_hash: sha256Hex("horizon 7d"), value: 0 },
      { view_hash: sha256Hex("horizon 30d"), value: 1 },
    ]);
  });

  it("stages rows through COPY, replaces them, and leaves the old ones when the producer fails", async () => {
    const id = sha256Hex("staged");
    const staged = (n: number) => db.datasets.stageRows(id, "readings", batches(n));
    expect(await staged(25_000)).toBe(25_000);
    expect(await Promise.all([staged(5_000), staged(5_000)])).toEqual([5_000, 5_000]);
    await expect(db.datasets.stageRows(id, "readings", failing())).rejects.toThrow("disk gone");
    expect(await db.datasets.stageRows(id, "empty", batches(0))).toBe(0);
    await db.probe();
  });

  it("caches a stage result: the first writer wins", async () => {
    expect(await db.datasets.cachedStage("k")).toBeUndefined();
    const stored = (n: number) => ({ key: "k", stage: "train", runId: `run-${n}`, result: { n } });
    const results = await Promise.all([1, 2, 3].map((n) => db.datasets.rememberStage(stored(n))));
    expect(new Set(results.map((r) => JSON.stringify(r))).size).toBe(1);
    const { n } = results[0] as { n: number };
    expect(await db.datasets.cachedStage("k")).toEqual({ result: { n }, runId: `run-${n}` });
  });

  it("finds what an evaluation came to by its run, else by the files it made", async () => {
    const made = (key: string, stage: string, runId: string | null) =>
      db.datasets.rememberStage({ key, stage, runId, result: { manifest: { sha256: "m" }, report: key } });
    await made("report-1", "evaluate", null);
    await made("report-2", "evaluate", "run-e");
    await made("other", "train", "run-e");
    const found = (runId: string, manifestHash: string) =>
      db.datasets.evaluationResult({ runId, manifestHash });
    expect(await found("run-e", "m")).toMatchObject({ report: "report-2" });
    expect(await found("run-f", "m")).toMatchObject({ report: "report-2" });
    expect(await found("run-f", "n")).toBeUndefined();
  });

  it("adds files to a pipeline; a later one of the same name replaces", async () => {
    const audit = auditOf("pipeline.addFiles", "pipeline/pump");
    await db.datasets.addPipelineFiles(
      "pump",
      [
        { name: "b.csv", object: refOf("b1") },
        { name: "a.csv", object: refOf("a") },
      ],
      audit,
    );
    await db.datasets.addPipelineFiles("pump", [{ name: "b.csv", object: refOf("b2") }], audit);
    await db.datasets.addPipelineFiles("pump", [{ name: "b.csv", object: refOf("b2") }], audit);
    expect(await db.datasets.pipelineFiles("pump")).toEqual([
      { name: "a.csv", object: refOf("a") },
      { name: "b.csv", object: refOf("b2") },
    ]);
    expect(await db.audit.list({ subject: "pipeline/pump", limit: 9 })).toHaveLength(2);
  });

  it("makes, verifies and revokes keys, and stores no secret", async () => {
    expect(await db.keys.isEnabled()).toBe(false);
    const { key, secret } = await db.keys.create(
      { name: "ops", role: "operator", sites: HOSTILE_IDS },
      auditOf("key.create"),
    );
    expect(await db.keys.isEnabled()).toBe(true);
    expect(await db.keys.verify(secret)).toEqual(key);
    expect(key.sites).toEqual(HOSTILE_IDS);
    expect(await db.keys.verify(`${secret}x`)).toBeUndefined();
    const expired = await db.keys.create(
      { name: "old", role: "viewer", expiresAt: "2001-01-01T00:00:00Z" },
      auditOf("key.create"),
    );
    expect(await db.keys.verify(expired.secret)).toBeUndefined();
    const boot = { name: "bootstrap", role: "admin" as const, secret: "given-secret" };
    const first = await db.keys.create(boot, auditOf("key.create"));
    expect((await db.keys.create(boot, auditOf("key.create"))).key.id).toBe(first.key.id);
    await db.keys.revoke(key.id, auditOf("key.revoke"));
    await db.keys.revoke(key.id, auditOf("key.revoke", "twice"));
    expect(await db.audit.list({ subject: "twice", limit: 1 })).toEqual([]);
    expect(await db.keys.verify(secret)).toBeUndefined();
    await expect(db.keys.revoke("none", auditOf("key.revoke"))).rejects.toMatchObject({ code: "not_found" });
    expect(await db.keys.list()).toHaveLength(3);
  });

  it("keeps one valid admin key for all sites, whoever revokes it", async () => {
    // Made by the test before; of the others none may make keys.
    const others = [
      { name: "one site", role: "admin" as const, sites: ["s1"] },
      { name: "gone", role: "admin" as const, expiresAt: "2001-01-01T00:00:00Z" },
      { name: "below", role: "approver" as const },
    ];
    for (const other of others) await db.keys.create(other, auditOf("key.create"));
    const last = (await db.keys.list()).find(({ name }) => name === "bootstrap")?.id ?? "";
    const revoke = (id: string) => db.keys.revoke(id, auditOf("key.revoke"));
    await expect(revoke(last)).rejects.toMatchObject({ code: "last_admin_key" });
    const { key } = await db.keys.create({ name: "next", role: "admin" }, auditOf("key.create"));
    // Two admins who revoke each other at once: one stays.
    const ends = await Promise.allSettled([revoke(last), revoke(key.id)]);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const valid = (await db.keys.list()).filter(
      ({ role, revokedAt }) => role === "admin" && revokedAt === null,
    );
    expect(valid.map(({ name }) => name).toSorted()).toEqual(
      ["gone", "one site", ends[0]?.status === "fulfilled" ? "next" : "bootstrap"].toSorted(),
    );
  });

  it("indexes predictions once and finds them by asset, time and segment", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => predictionOf(i));
    await Promise.all([db.predictions.index(rows), db.predictions.index(rows)]);
    await db.predictions.index([]);
    const page = await db.predictions.list({ model: "pump", limit: 20 });
    const next = await db.predictions.list({
      model: "pump",
      limit: 20,
      after: page.at(-1)?.predictionId ?? "",
    });
    expect([...page, ...next].map((r) => r.predictionId)).toEqual(
      rows.map((r) => r.predictionId).toReversed(),
    );
    expect(page[0]).toEqual(rows[29]);
    const asset = HOSTILE_IDS[0] ?? "";
    expect(await db.predictions.list({ asset, limit: 50 })).toHaveLength(5);
    await db.predictions.index([{ ...predictionOf(6), predictionId: "p-shadow", role: "shadow" }]);
    expect(await db.predictions.list({ asset, limit: 50 })).toHaveLength(5);
    expect(await db.predictions.list({ asset, role: "shadow", limit: 50 })).toHaveLength(1);
    expect(await db.predictions.list({ asset, since: rows[12]?.at ?? "", limit: 50 })).toHaveLength(3);
    expect((await db.predictions.get("p-1"))?.object).toBeNull();
    await db.predictions.shipped("seg-0", refOf("seg-0"));
    await db.predictions.shipped("seg-0", refOf("seg-0"));
    await expect(db.predictions.shipped("seg-0", refOf("x"))).rejects.toMatchObject({ code: "conflict" });
    expect((await db.predictions.get("p-1"))?.object).toEqual(refOf("seg-0"));
    expect(await db.predictions.objectsOf(["seg-0", "seg-of-the-spool"])).toEqual([
      { segment: "seg-0", object: refOf("seg-0") },
    ]);
  });

  it("keeps drift reports and scores", async () => {
    const report = {
      id: "drift-1",
      model: "pump",
      version: 1,
      digest: sha256Hex("v"),
      windowStart: "2026-01-01T00:00:00.000Z",
      windowEnd: "2026-01-02T00:00:00.000Z",
      state: "drift" as const,
      confirmed: true,
      rows: 500,
      report: { psi: { s1: 0.4 } },
    };
    expect(await db.drift.put(report, auditOf("drift.report"))).toEqual(report);
    const later = { ...report, state: "ok" as const, confirmed: false, rows: 501 };
    expect(await db.drift.put(later, auditOf("drift.report"))).toEqual(report);
    expect(await db.drift.list("pump", 5)).toEqual([report]);
    const ofFan = { ...later, id: "drift-2", model: "fan" };
    await db.drift.put(ofFan, auditOf("drift.report"));
    await db.drift.put(
      { ...ofFan, id: "drift-3", windowEnd: "2026-01-03T00:00:00.000Z" },
      auditOf("drift.report"),
    );
    expect((await db.drift.newest()).map(({ id }) => id)).toEqual(["drift-3", "drift-1"]);
    expect(await db.drift.get("drift-1")).toEqual(report);
    expect(await db.drift.get("drift-9")).toBeUndefined();
    const job = {
      id: "job-1",
      model: "pump",
      version: 1,
      digest: sha256Hex("v"),
      dataset: sha256Hex("d"),
      summary: scoreSummaryOf(),
    };
    const scores = HOSTILE_IDS.map((asset, i) => ({
      asset,
      rank: i + 1,
      value: i / 3,
      risk: i === 0 ? null : i / 4,
      at: "120",
      readings: 120 - i,
      short: i > 2,
      missing: i,
    }));
    await db.scores.put({ ...job, object: refOf("fleet") }, scores);
    await db.scores.put({ ...job, object: refOf("fleet") }, []);
    expect(fleetScoreSchema.parse(await db.scores.get("job-1"))).toEqual({ ...job, rows: scores });
    expect(await db.scores.get("none")).toBeUndefined();
    expect(Date.now() - Date.parse((await db.scores.writtenAt("job-1")) ?? "")).toBeLessThan(60_000);
    expect(await db.scores.writtenAt("none")).toBeUndefined();
  });

  it("answers one idempotency key once, also when its requests come together", async () => {
    const k = { actor: "ada", route: "POST /v1/runs", key: "k1", bodyHash: "h1" };
    let calls = 0;
    const work = async () => {
      calls++;
      await new Promise((resolve) => setTimeout(resolve, 30));
      return { status: 202, body: { runId: "r9" } };
    };
    const replies = await Promise.all([1, 2, 3].map(() => db.idempotency.once(k, work)));
    expect(calls).toBe(1);
    expect(replies.filter((r) => r.replayed)).toHaveLength(2);
    expect(replies.every((r) => r.body.runId === "r9" && r.status === 202)).toBe(true);
    await expect(db.idempotency.once({ ...k, bodyHash: "h2" }, work)).rejects.toMatchObject({
      code: "idempotency_mismatch",
    });
    expect((await db.idempotency.once({ ...k, actor: "bea" }, work)).replayed).toBe(false);
    const failed = { ...k, key: "k2" };
    await expect(db.idempotency.once(failed, () => Promise.reject(new Error("boom")))).rejects.toThrow(
      "boom",
    );
    expect((await db.idempotency.once(failed, () => Promise.resolve({ status: 503, body: 1 }))).status).toBe(
      503,
    );
    expect(await db.idempotency.once(failed, work)).toMatchObject({ status: 202, replayed: false });
  });
});

async function* batches(n: number): AsyncIterable<StagedRow[]> {
  for (let start = 0; start < n; start += 1_000) {
    await Promise.resolve();
    yield Array.from({ length: 1_000 }, (_, i) => ({
      asset: HOSTILE_IDS[i % HOSTILE_IDS.length] ?? "",
      t: 9_007_199_254_740_993n,
      seq: BigInt(start + i),
      values: [1.5, null, NaN, -Infinity, 1e-308],
    }));
  }
}

async function* failing(): AsyncIterable<StagedRow[]> {
  yield* batches(2_000);
  throw new Error("disk gone");
}

function predictionOf(i: number): PredictionIndexRow {
  return {
    predictionId: `p-${i}`,
    model: "pump",
    version: 1,
    digest: sha256Hex("v"),
    asset: HOSTILE_IDS[i % HOSTILE_IDS.length] ?? null,
    at: new Date(Date.UTC(2026, 0, 2) + i * 1_000).toISOString(),
    actor: "ada",
    t: i % 2 === 0 ? null : 1_767_312_000_000_001 + i,
    role: "answer",
    segment: `seg-${i % 2 === 1 ? 0 : 1}`,
    offset: i,
    value: i / 7,
    requestId: `q-${i}`,
  };
}

async function* one(row: LabelRow): AsyncGenerator<LabelRow[]> {
  yield [row];
}
