import { afterAll, beforeAll, expect, it } from "vitest";
import { createDatabase } from "../../../stores/postgres/database.ts";
import { rolloutPlan, rolloutSchema } from "../../../schemas/pipeline/rollout.ts";
import type { AliasEvent, Database, VersionRow } from "../../../stores/postgres/port.ts";
import type { Promotion } from "../../../stores/postgres/repositories/registry/promotion.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { approvalOf, approve, auditOf, refOf, versionOf } from "../../support/registry-samples.ts";

await describeWithServices("registry on PostgreSQL", () => {
  let test: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    test = await createTestDatabase("registry");
    db = await createDatabase(test.url, { maxConnections: 20 });
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });

  async function versionsOf(model: string, n: number): Promise<VersionRow[]> {
    const rows: VersionRow[] = [];
    for (let i = 1; i <= n; i++) {
      rows.push(await db.registry.register(versionOf(model, `${model}-${i}`), auditOf("version.register")));
    }
    return rows;
  }

  const promoteApproved = async (v: VersionRow, requestId: string): Promise<AliasEvent> =>
    db.registry.promote(promotion(v, requestId, await approve(db, v)), auditOf("promote"));

  it("numbers versions per model and registers a run and a digest once", async () => {
    const [first, second] = await versionsOf("numbers", 2);
    expect([first?.version, second?.version, first?.stage]).toEqual([1, 2, "candidate"]);
    const again = await db.registry.register(versionOf("numbers", "numbers-1"), auditOf("version.register"));
    expect(again).toEqual(first);
    const otherRun = await db.registry.register(
      versionOf("numbers", "numbers-1", "run-other"),
      auditOf("version.register"),
    );
    expect(otherRun.version).toBe(1);
    expect(await db.registry.byDigest("numbers", second?.digest ?? "")).toEqual(second);
  });

  it("gives 30 runs at once 30 numbers without a gap", async () => {
    const rows = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        db.registry.register(versionOf("crowd", `crowd-${i}`), auditOf("version.register")),
      ),
    );
    expect(rows.map((r) => r.version).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
  });

  it("keeps every threshold that people set, and serves the newest", async () => {
    const [v] = await versionsOf("thresholds", 1);
    expect(v?.threshold).toBeUndefined();
    const change = { model: "thresholds", version: 1, basis: { by: "threshold" }, reason: "fewer looks" };
    const set = (threshold: number) =>
      db.registry.setThreshold({ ...change, threshold }, auditOf("model.threshold"));
    const first = await set(0.7);
    expect(first).toMatchObject({ threshold: 0.7, reason: "fewer looks", basis: { by: "threshold" } });
    expect(await set(0.7)).toEqual(first);
    await Promise.all([set(0.8), set(0.9)]);
    const events = await db.registry.thresholdEvents("thresholds", 1);
    expect(events.map(({ threshold }) => threshold).toSorted((a, b) => a - b)).toEqual([0.7, 0.8, 0.9]);
    expect((await db.registry.version("thresholds", 1))?.threshold).toBe(events[0]?.threshold);
    const unknown = { ...change, version: 2, threshold: 1 };
    await expect(db.registry.setThreshold(unknown, auditOf("model.threshold"))).rejects.toMatchObject({
      code: "not_found",
    });
  });

  it("makes a candidate that passed its gates staging", async () => {
    const [v] = await versionsOf("gated", 1);
    await db.registry.setGates("gated", 1, [{ name: "rmse", passed: true, detail: "rmse 11 ≤ 20" }]);
    expect(await db.registry.version("gated", 1)).toMatchObject({
      stage: "staging",
      gates: [{ passed: true }],
    });
    await db.registry.setGates("gated", 1, [{ name: "rmse", passed: false, detail: "rmse 21 > 20" }]);
    expect((await db.registry.version("gated", v?.version ?? 0))?.stage).toBe("candidate");
    await expect(db.registry.setGates("gated", 9, [])).rejects.toMatchObject({ code: "not_found" });
  });

  it("judges a version as the newest run of its bytes says", async () => {
    await versionsOf("judged", 1);
    const again = versionOf("judged", "judged-1", "run-again");
    const evaluation = { ...again.evaluation, primaryMetric: "mae" };
    const row = await db.registry.register({ ...again, evaluation }, auditOf("version.register"));
    expect(row).toMatchObject({ version: 1, runId: "run-judged-1", evaluation: { primaryMetric: "mae" } });
  });

  it("has the gates of the newest check, of a champion too", async () => {
    const [one, two] = await versionsOf("kept", 2);
    if (one === undefined || two === undefined) throw new Error("no versions");
    const gates = [{ name: "rmse", passed: true, detail: "rmse 11 ≤ 20" }];
    const stricter = [{ name: "rmse", passed: false, detail: "rmse 11 > 10" }];
    await db.registry.setGates("kept", 1, gates);
    await promoteApproved(one, "k1");
    await db.registry.setGates("kept", 1, stricter);
    expect(await db.registry.version("kept", 1)).toMatchObject({ stage: "production", gates: stricter });
    await promoteApproved(two, "k2");
    await db.registry.setGates("kept", 1, gates);
    expect(await db.registry.version("kept", 1)).toMatchObject({ stage: "archived", gates });
  });

  it("promotes once for 100 calls of one request", async () => {
    const [v] = await versionsOf("once", 1);
    if (v === undefined) throw new Error("no version");
    const audit = auditOf("promote", "model/once");
    const approvalId = await approve(db, v);
    const events = await Promise.all(
      Array.from({ length: 100 }, () => db.registry.promote(promotion(v, "request-1", approvalId), audit)),
    );
    expect(new Set(events.map((e) => JSON.stringify(e))).size).toBe(1);
    expect(await db.registry.history("once")).toHaveLength(1);
    expect(await db.audit.list({ subject: "model/once", limit: 10 })).toHaveLength(1);
    await expect(
      db.registry.promote({ ...promotion(v, "request-1", approvalId), version: 2 }, audit),
    ).rejects.toMatchObject({ code: "conflict" });
  });

  it("keeps one line of history and one production version under racing promotions", async () => {
    const versions = await versionsOf("race", 6);
    await Promise.all(versions.map((v) => promoteApproved(v, `r-${v.version}`)));
    const history = await db.registry.history("race");
    expect(history).toHaveLength(6);
    expect(isLinear(history)).toBe(true);
    const stages = (await db.registry.versions("race")).map((v) => v.stage);
    expect(stages.filter((s) => s === "production")).toHaveLength(1);
    const champion = await db.registry.champion("race");
    expect(champion?.event).toEqual(history.at(-1));
    expect(champion?.aliases).toEqual(["champion"]);
  });

  it("answers who was champion at a time, and leaves the champion alone when it is promoted again", async () => {
    const [one, two] = await versionsOf("times", 2);
    if (one === undefined || two === undefined) throw new Error("no versions");
    const first = await promoteApproved(one, "a");
    await new Promise((resolve) => setTimeout(resolve, 5));
    await promoteApproved(two, "b");
    expect((await db.registry.champion("times", first.at))?.version).toBe(1);
    expect((await db.registry.champion("times"))?.version).toBe(2);
    expect(await db.registry.champion("times", "2000-01-01T00:00:00Z")).toBeUndefined();
    await db.registry.promote(promotion(two, "c"), auditOf("promote"));
    expect(await db.registry.history("times")).toHaveLength(2);
    expect((await db.registry.champions()).map((v) => v.model)).toContain("times");
    expect(await db.registry.models()).toContainEqual({ model: "times", versions: 2, champion: 2 });
  });

  it("applies an approval once, to the digest it names, and only when it was given", async () => {
    const [one, two] = await versionsOf("approved", 2);
    if (one === undefined || two === undefined) throw new Error("no versions");
    const approval = approvalOf("ap-1", { model: "approved", version: 1, digest: one.digest });
    await db.approvals.open(approval, auditOf("approval.open"));
    const promote = (v: VersionRow, requestId: string): Promise<AliasEvent> =>
      db.registry.promote(promotion(v, requestId, "ap-1"), auditOf("promote"));
    await expect(promote(one, "p1")).rejects.toMatchObject({ code: "already_decided" });
    await db.approvals.decide(
      "ap-1",
      one.digest,
      { decisionId: "d1", decision: "approve", by: "bea", authenticated: false, channel: "api", reason: "" },
      auditOf("approval.decide"),
    );
    await expect(promote(two, "p2")).rejects.toMatchObject({ code: "already_decided" });
    expect((await promote(one, "p3")).approvalId).toBe("ap-1");
    expect((await promote(one, "p4")).version).toBe(1);
    await promoteApproved(two, "p5");
    await expect(promote(one, "p6")).rejects.toMatchObject({ code: "already_decided" });
    await expect(
      db.registry.promote(promotion(two, "p7", "ap-none"), auditOf("promote")),
    ).rejects.toMatchObject({ code: "not_found" });
    await expect(
      db.registry.promote({ ...promotion(two, "p8"), digest: one.digest }, auditOf("promote")),
    ).rejects.toMatchObject({ code: "conflict" });
  });

  it("needs an approval, except for a version that was champion before", async () => {
    const [one, two] = await versionsOf("returning", 2);
    if (one === undefined || two === undefined) throw new Error("no versions");
    const bare = (v: VersionRow, requestId: string): Promise<AliasEvent> =>
      db.registry.promote(promotion(v, requestId), auditOf("promote"));
    await expect(bare(one, "b1")).rejects.toMatchObject({ code: "gate_refused" });
    await promoteApproved(one, "b2");
    await expect(bare(two, "b3")).rejects.toMatchObject({ code: "gate_refused" });
    await promoteApproved(two, "b4");
    expect(await bare(one, "b5")).toMatchObject({ version: 1, previousVersion: 2, approvalId: null });
    expect(await db.registry.history("returning")).toHaveLength(3);
  });

  it("refuses an approval that compared with another champion than the present one", async () => {
    const [one, two, three] = await versionsOf("overtaken", 3);
    if (one === undefined || two === undefined || three === undefined) throw new Error("no versions");
    const against = (champion: VersionRow | null) => ({
      evidence: { champion: champion && { version: champion.version, digest: champion.digest } },
    });
    const promote = (v: VersionRow, approvalId: string): Promise<AliasEvent> =>
      db.registry.promote(promotion(v, `o-${v.version}`, approvalId), auditOf("promote"));
    expect(await promote(one, await approve(db, one, against(null)))).toMatchObject({ version: 1 });
    const [second, third] = [await approve(db, two, against(one)), await approve(db, three, against(one))];
    await promote(two, second);
    const error = expect.objectContaining({
      code: "conflict",
      message: "promote [overtaken 3]: the gates compared with version 1 as champion, now it is version 2",
    });
    await expect(promote(three, third)).rejects.toEqual(error);
    // Not only after all the stages of a rollout.
    const plan = rolloutPlan(rolloutSchema.parse({}), false);
    const { model, version, digest } = three;
    const rollout = { id: "overtaken.3", model, version, digest, approvalId: third, workflowId: "w", plan };
    const asked = { ...rollout, runId: null, requestedBy: "ada", requesterAuthenticated: false };
    await expect(db.rollouts.open(asked, auditOf("rollout.open"))).rejects.toEqual(error);
    await promote(two, second);
    expect((await db.registry.champion("overtaken"))?.version).toBe(2);
  });

  it("tells listeners of a new champion", async () => {
    const [v] = await versionsOf("heard", 1);
    if (v === undefined) throw new Error("no version");
    let unsubscribe: (() => Promise<void>) | undefined;
    const heard = new Promise<string>((resolve) => {
      void db.registry.onAliasChange(resolve).then(async (off) => {
        unsubscribe = off;
        await promoteApproved(v, "h");
      });
    });
    expect(await heard).toBe("heard");
    await unsubscribe?.();
  });

  it("freezes the first holdout, and another one only with the version that is promoted", async () => {
    expect(await db.registry.holdout("frozen")).toBeUndefined();
    const rows: VersionRow[] = [];
    for (const seed of ["1", "2", "3"]) {
      const holdout = { hash: refOf(`hash ${seed}`).sha256, object: refOf(`split ${seed}`) };
      const v = { ...versionOf("frozen", seed), holdout };
      rows.push(await db.registry.register(v, auditOf("version.register")));
      await db.registry.register(v, auditOf("version.register"));
    }
    const [one, , three] = rows;
    if (one === undefined || three === undefined) throw new Error("no versions");
    const first = { revision: 1, object: refOf("split 1"), dataset: one.dataset };
    expect(await db.registry.holdout("frozen")).toMatchObject(first);
    await promoteApproved(one, "f1");
    expect(await db.registry.holdout("frozen")).toMatchObject(first);
    await promoteApproved(three, "f3");
    const third = { revision: 2, object: refOf("split 3"), dataset: three.dataset };
    expect(await db.registry.holdout("frozen")).toMatchObject(third);
    await db.registry.promote(promotion(one, "f-back"), auditOf("promote"));
    expect(await db.registry.holdout("frozen")).toMatchObject(third);
  });
});

function promotion(v: VersionRow, requestId: string, approvalId: string | null = null): Promotion {
  return {
    model: v.model,
    version: v.version,
    digest: v.digest,
    requestId,
    approvalId,
    reason: "better",
  };
}

function isLinear(history: readonly AliasEvent[]): boolean {
  return history.every((e, i) => e.previousVersion === (history[i - 1]?.version ?? null));
}
