import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { readLabel, sentLabelSchema } from "../../schemas/serving/observed-label.ts";
import type { NewLabel } from "../../schemas/serving/observed-label.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database, PredictionIndexRow } from "../../stores/postgres/port.ts";
import { createTestDatabase, describeWithServices } from "../support/platform.ts";
import type { TestDatabase } from "../support/platform.ts";
import { auditOf, datasetOf, versionOf } from "../support/registry-samples.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");
const label = (sent: unknown): NewLabel => readLabel(sentLabelSchema.parse(sent), "api", NOW);
const failure = (asset: string, t: number | string, more: object = {}) =>
  label({ kind: "failure", asset, t, ...more });

await describeWithServices("labels on PostgreSQL", () => {
  let test: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    test = await createTestDatabase("labels");
    db = await createDatabase(test.url);
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });
  const add = (labels: readonly NewLabel[], subject = "labels", sites?: readonly string[]) => {
    const audit = auditOf("labels.add", subject);
    const actor = sites === undefined ? audit.actor : { ...audit.actor, sites };
    return db.labels.add(labels, { ...audit, actor });
  };
  const outcomesOf = async (labels: readonly NewLabel[], sites?: readonly string[]) =>
    (await add(labels, "labels", sites)).map(({ outcome }) => outcome);
  const idsOf = async (filter: object) =>
    (await db.labels.list({ limit: 100, ...filter })).map(({ id }) => id);

  const labelOf = async (id: string) => (await db.labels.list({ id, limit: 1 }))[0];

  it("keeps each once, however often and at once it is sent", async () => {
    const labels = Array.from({ length: 40 }, (_, i) => failure(`pump ${i % 7} Ø`, 100 + i));
    const all = await Promise.all([1, 2, 3].map(() => add(labels, "labels/once")));
    const added = all.flat().filter(({ outcome }) => outcome === "added");
    expect(added).toHaveLength(40);
    expect(new Set(all.flat().map(({ outcome }) => outcome))).toEqual(new Set(["added", "known"]));
    expect(await db.audit.list({ subject: "labels/once", limit: 10 })).toHaveLength(
      all.filter((one) => one.some(({ outcome }) => outcome === "added")).length,
    );
    expect(await db.labels.list({ asset: "pump 3 Ø", limit: 2 })).toHaveLength(2);
    const [newest] = await db.labels.list({ limit: 1 });
    const rest = await db.labels.list({ limit: 100, after: newest?.seq ?? 0 });
    expect(rest).toHaveLength(39);
    expect(rest.map(({ id }) => id)).not.toContain(newest?.id);
  });

  it("lets the first of a subject count, and lists what says otherwise until somebody settles it", async () => {
    const said = (value: string, more: object = {}) =>
      label({ kind: "class", asset: "press", t: 7, value, ...more });
    const [first, other] = [said("worn"), said("fine", { id: "other" })];
    expect(await outcomesOf([first, said("worn", { id: "again" }), other, other])).toEqual([
      "added",
      "known",
      "conflicting",
      "conflicting",
    ]);
    expect(await idsOf({ asset: "press", state: "conflicting" })).toEqual(["other"]);
    expect(await add([other])).toEqual([{ outcome: "conflicting", id: "other", standing: first.id }]);
    // Another column is another question.
    expect(await outcomesOf([said("high", { column: "grade" })])).toEqual(["added"]);
    const stranger = said("fine", { id: "c0", supersedes: "nobody" });
    expect(await add([stranger])).toMatchObject([{ outcome: "refused", code: "not_found" }]);
    const correction = said("broken", { id: "c1", supersedes: first.id });
    expect(await outcomesOf([correction, correction])).toEqual(["added", "known"]);
    expect(await labelOf(first.id)).toMatchObject({ state: "superseded", besides: "c1", value: "worn" });
    // The first file again changes nothing.
    expect(await outcomesOf([first])).toEqual(["known"]);
    const late = said("dusty", { id: "c2", supersedes: first.id });
    expect(await add([late])).toMatchObject([{ outcome: "refused", code: "conflict" }]);
    expect(await add([said("worn", { id: "c1" })])).toMatchObject([{ outcome: "refused", code: "conflict" }]);
    await db.labels.withdraw("c1", auditOf("label.withdraw", "label/c1"));
    await expect(db.labels.withdraw("c1", auditOf("label.withdraw"))).rejects.toMatchObject({
      code: "conflict",
    });
    await expect(db.labels.withdraw("no", auditOf("label.withdraw"))).rejects.toMatchObject({
      code: "not_found",
    });
    expect(await outcomesOf([said("fine", { id: "c3", supersedes: "other" })])).toEqual(["added"]);
    expect(await idsOf({ asset: "press", state: "valid" })).toContain("c3");
    expect(await db.audit.list({ subject: "label/c1", limit: 5 })).toHaveLength(1);
  });

  it("corrects the time of a failure, and takes booleans and hostile text", async () => {
    const wrong = failure("fan", "2026-05-01T00:00:00Z", { mode: "bearing \u0000 '); drop" });
    const right = failure("fan", "2026-05-01T06:00:00.000001+02:00", { supersedes: wrong.id });
    expect(await outcomesOf([right, wrong])).toEqual(["added", "added"]);
    expect(await idsOf({ asset: "fan", state: "valid" })).toEqual([right.id]);
    expect(await labelOf(right.id)).toMatchObject({ t: 1_777_608_000_000_001, timeKind: "timestamp" });
    const yes = label({ kind: "class", asset: "fan", t: 3, value: true });
    await add([yes]);
    expect(await labelOf(yes.id)).toMatchObject({ value: 1, timeKind: "cycle" });
    expect(() => failure("fan", "2026-07-01T00:00:00Z")).toThrow("a time that has been");
    expect(() => failure("fan", "soon")).toThrow("ISO 8601");
  });

  it("finds what belongs to the predictions of a version in a window", async () => {
    const digest = sha256Hex("v");
    const prediction = (i: number, over: Partial<PredictionIndexRow> = {}): PredictionIndexRow => ({
      predictionId: `p-${i}`,
      model: "pump",
      version: 1,
      digest,
      asset: i % 2 === 0 ? "a" : null,
      at: new Date(NOW + i * 1_000).toISOString(),
      actor: "ada",
      t: 10 + i,
      role: "answer",
      segment: "s",
      offset: i,
      value: 0.5,
      requestId: "r",
      ...over,
    });
    await db.predictions.index([prediction(0), prediction(1), prediction(2, { asset: "b", role: "shadow" })]);
    const window = {
      model: "pump",
      digest,
      since: new Date(NOW).toISOString(),
      until: new Date(NOW + 3_600_000).toISOString(),
    };
    const ofPrediction = (predictionId: string) => label({ kind: "class", predictionId, value: true });
    expect(
      await add([ofPrediction("p-1"), ofPrediction("p-none"), failure("a", 30), failure("b", 31)]),
    ).toMatchObject([
      { outcome: "added" },
      { outcome: "refused", code: "not_found", reason: "there is no prediction p-none" },
      { outcome: "added" },
      { outcome: "added" },
    ]);
    expect(await db.labels.ofPredictions(window)).toEqual([
      { predictionId: "p-1", kind: "class", column: null, value: 1 },
    ]);
    const ofAssets = (role: "answer" | "shadow") =>
      db.labels.ofAssets({ ...window, role, timeKind: "cycle" });
    expect(await ofAssets("answer")).toEqual([
      { kind: "failure", asset: "a", t: 30, column: null, value: null },
    ]);
    expect((await ofAssets("shadow")).map(({ asset }) => asset)).toEqual(["b"]);
    const counts = await db.labels.counts("2000-01-01T00:00:00Z");
    expect(counts.find(({ kind }) => kind === "failure")?.n).toBe(43);
  });

  it("counts for a retrain what is new of the champion's assets and predictions", async () => {
    const dataset = datasetOf("counted", ["n1", "n2"]);
    await db.datasets.register(dataset);
    const version = { ...versionOf("counted", "counted"), dataset: dataset.id };
    await add([failure("n1", 1)]);
    const { digest } = await db.registry.register(version, auditOf("version.register"));
    const count = () => db.retrains.newLabels("counted", 1);
    expect(await count()).toBe(0);
    await db.predictions.index([
      {
        predictionId: "counted-1",
        model: "counted",
        version: 1,
        digest,
        asset: null,
        at: new Date(NOW).toISOString(),
        actor: "ada",
        t: null,
        role: "answer",
        segment: "s",
        offset: 0,
        value: 0.5,
        requestId: "r",
      },
    ]);
    await add([
      failure("n1", 2),
      label({ kind: "class", predictionId: "counted-1", value: true }),
      // That nothing happened is said all the time, and others' failures say nothing of it.
      label({ kind: "event_free", asset: "n2", t: 9 }),
      failure("another's", 2),
    ]);
    expect(await count()).toBe(2);
    const request = {
      model: "counted",
      trigger: "labels",
      window: "w",
      reason: "2 new labels",
      coolDownMs: 0,
    } as const;
    const requestedBy = { id: "aura", authenticated: true };
    expect(
      await db.retrains.ask({ ...request, requestedBy, requestKey: "k" }, auditOf("retrain.ask")),
    ).toEqual({ window: "w" });
    expect(await count()).toBe(0);
    await add([failure("n2", 3)]);
    expect(await count()).toBe(1);
    expect(await db.retrains.newLabels("counted", 2)).toBe(0);
  });

  it("takes labels of assets at the caller's sites alone", async () => {
    const client = new pg.Client({ connectionString: test.url });
    await client.connect();
    await client.query("insert into aura.sites (site_id) values ('s1')");
    await client.query("insert into aura.assets (asset_id, site_id) values ('at-s1', 's1')");
    await client.end();
    expect(await outcomesOf([failure("at-s1", 1), failure("elsewhere", 1)], ["s1"])).toEqual([
      "added",
      "refused",
    ]);
    expect(await idsOf({ sites: ["s1"] })).toHaveLength(1);
    expect(await idsOf({ sites: ["s2"] })).toEqual([]);
    const [standing] = await idsOf({ sites: ["s1"] });
    const hidden = { ...auditOf("label.withdraw"), actor: { ...auditOf("x").actor, sites: ["s2"] } };
    await expect(db.labels.withdraw(standing ?? "", hidden)).rejects.toMatchObject({ code: "not_found" });
    expect(await outcomesOf([failure("at-s1", 2, { supersedes: standing })], ["s2"])).toEqual(["refused"]);
  });
});
