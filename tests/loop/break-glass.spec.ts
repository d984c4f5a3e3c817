import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createReviewActivities } from "../../activities/review/activities.ts";
import { rolloutPlan, rolloutSchema } from "../../schemas/pipeline/rollout.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database, VersionRow } from "../../stores/postgres/port.ts";
import { approveVersion, promoteVersion } from "../support/champions.ts";
import { startApiFixture, until } from "../support/api-fixture.ts";
import type { ApiFixture } from "../support/api-fixture.ts";
import { MemoryObjects } from "../support/memory-objects.ts";
import { createTestDatabase, describeWithServices } from "../support/platform.ts";
import type { TestDatabase } from "../support/platform.ts";
import { approve, auditOf } from "../support/registry-samples.ts";
import { putTinyVersion } from "../support/served-versions.ts";

const ADMIN = "aura_admin_0123456789abcdef0123456789abcdef";
let nModels = 0;

await describeWithServices("rollbacks and promotions on PostgreSQL", () => {
  let test: TestDatabase;
  let db: Database;
  let api: ApiFixture;
  const objects = new MemoryObjects();
  let model = "";
  beforeAll(async () => {
    test = await createTestDatabase("glass");
    db = await createDatabase(test.url);
    api = await startApiFixture({
      database: { ...db, close: async () => undefined },
      objects,
      environment: {
        AURA_BOOTSTRAP_ADMIN_KEY: ADMIN,
        AURA_BREAK_GLASS: "approver,olga",
        AURA_REVIEW_WITHIN: "1h",
      },
    });
  });
  beforeEach(() => {
    model = `pump-${nModels++}`;
  });
  afterAll(async () => {
    await api.close();
    await db.close();
    await test.drop();
  });

  const stored = (version: number) => putTinyVersion(objects, { model, version, slope: version });
  const champions = async (n: number): Promise<VersionRow[]> => {
    const rows: VersionRow[] = [];
    for (let version = 1; version <= n; version++) rows.push(await promoteVersion(db, await stored(version)));
    return rows;
  };
  const ask = async (path: string, body: object, key: string) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
    const response = await api.request(path, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const keyOf = async (owner: string, role: string): Promise<string> => {
    const made = await ask("/v1/keys", { name: `${owner}-${role}-${nModels}`, role, owner }, ADMIN);
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    return String(made.body["secret"] ?? made.body["key"]);
  };
  const line = async () =>
    (await db.registry.history(model))
      .filter(({ alias }) => alias === "champion")
      .map(({ previousVersion, version }) => [previousVersion, version]);
  const expectLinear = async (): Promise<void> => {
    const moves = await line();
    for (const [i, [previous]] of moves.entries()) expect(previous).toBe(i === 0 ? null : moves[i - 1]?.[1]);
    expect((await db.registry.champion(model))?.version).toBe(moves.at(-1)?.[1]);
  };

  it("lets those whom the settings name roll back at once, and asks somebody else to review it", async () => {
    await champions(2);
    const path = `/v1/models/${model}/break-glass`;
    const refused = await ask(path, { reason: "line 3 stands still" }, await keyOf("otto", "operator"));
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
    const olga = await keyOf("olga", "operator");
    expect((await ask(path, { reason: "" }, olga)).status).toBe(422);
    const done = await ask(path, { reason: "line 3 stands still", from: 2 }, olga);
    expect(done).toMatchObject({
      status: 200,
      body: { version: 1, previousVersion: 2, abortedRollout: null },
    });
    expect((await db.registry.champion(model))?.version).toBe(1);
    const id = String(done.body["reviewId"]);
    expect(await db.approvals.get(id)).toMatchObject({
      kind: "review",
      state: "waiting",
      requestedBy: "olga",
    });
    await until(() => api.started.includes(`review ${id}`));
    const [alert] = await db.alerts.list({ state: "open", limit: 1 });
    expect(alert).toMatchObject({ kind: "break_glass", severity: "critical", subject: `model/${model}` });
    const audit = await db.audit.list({ subject: `model/${model}`, limit: 5 });
    expect(audit.map(({ action, outcome }) => `${action} ${outcome}`)).toContain("model.break_glass ok");
    expect(audit.map(({ action, outcome }) => `${action} ${outcome}`)).toContain("model.break_glass refused");
    // Who did it cannot review it; who can, is no approval of a promotion.
    const review = { decisionId: "d1", decision: "approve", digest: done.body["digest"] };
    const own = await ask(`/v1/approvals/${id}/decisions`, review, await keyOf("olga", "approver"));
    expect(own).toMatchObject({ status: 403, body: { code: "self_approval" } });
    const other = await ask(`/v1/approvals/${id}/decisions`, review, await keyOf("anna", "approver"));
    expect(other).toMatchObject({ status: 200, body: { state: "approved" } });
    const seenAgain = await ask(path, { reason: "again", from: 2 }, olga);
    expect(seenAgain).toMatchObject({ status: 409, body: { code: "conflict" } });
  });

  it("closes its alert with the review, and raises another where it was wrong or nobody looked", async () => {
    const reviews = createReviewActivities({ db });
    const of = { reviewId: "r1", model, subject: "rollback", decidedBy: ["anna"] };
    await db.alerts.raise({
      key: `break_glass/r1/${model}`,
      kind: "break_glass",
      severity: "critical",
      subject: `model/${model}`,
      message: "x",
    });
    const open = async () =>
      (await db.alerts.list({ state: "open", limit: 50 }))
        .filter(({ subject }) => subject === `model/${model}`)
        .map(({ message }) => message);
    await reviews.closeReview({ ...of, outcome: "approved" });
    expect(await open()).toEqual([]);
    await reviews.closeReview({ ...of, outcome: "expired" });
    await reviews.closeReview({ ...of, outcome: "rejected" });
    expect((await open()).toSorted()).toEqual([
      "anna found the rollback wrong",
      "nobody reviewed the rollback in time",
    ]);
  });

  it("ends the rollout that goes on, and leaves the champion alone unless a version is named", async () => {
    await champions(1);
    const { registered, approvalId } = await approveVersion(db, await stored(2));
    const opened = await db.rollouts.open(
      {
        id: `${model}.2`,
        model,
        version: 2,
        digest: registered.digest,
        approvalId,
        workflowId: "rollout/x",
        runId: null,
        plan: rolloutPlan(rolloutSchema.parse({}), false),
        requestedBy: "ada",
        requesterAuthenticated: true,
      },
      auditOf("rollout.open"),
    );
    expect(opened?.state).toBe("running");
    expect((await db.registry.version(model, 2))?.aliases).toEqual(["shadow"]);
    const done = await ask(
      `/v1/models/${model}/break-glass`,
      { reason: "smoke" },
      await keyOf("olga", "operator"),
    );
    expect(done.body).toMatchObject({ version: 1, previousVersion: null, abortedRollout: `${model}.2` });
    expect(await db.rollouts.get(`${model}.2`)).toMatchObject({ state: "aborted" });
    expect((await db.registry.version(model, 2))?.aliases).toEqual([]);
    expect(await line()).toEqual([[null, 1]]);
  });

  it("is not undone by the last step of the rollout that it ended", async () => {
    await champions(1);
    const { registered, approvalId } = await approveVersion(db, await stored(2));
    const id = `${model}.2`;
    const { version, digest } = registered;
    await db.rollouts.open(
      {
        id,
        model,
        version,
        digest,
        approvalId,
        workflowId: "rollout/x",
        runId: null,
        plan: rolloutPlan(rolloutSchema.parse({}), false),
        requestedBy: "ada",
        requesterAuthenticated: true,
      },
      auditOf("rollout.open"),
    );
    await db.rollouts.change(id, { kind: "promoting", from: 1, reason: "" }, auditOf("rollout.promoting"));
    const olga = await keyOf("olga", "operator");
    const done = await ask(`/v1/models/${model}/break-glass`, { reason: "smoke" }, olga);
    expect(done.body).toMatchObject({ version: 1, abortedRollout: id });
    const promote = db.registry.promote(
      { model, version, digest, requestId: `rollout/${id}`, approvalId, reason: "" },
      auditOf("promote"),
    );
    await expect(promote).rejects.toMatchObject({ code: "conflict" });
    expect(await line()).toEqual([[null, 1]]);
  });

  it("keeps one champion and one line of history under 50 promotions at once", async () => {
    const versions: { version: number; digest: string; approvalId: string }[] = [];
    for (let version = 1; version <= 10; version++) {
      const { registered, approvalId } = await approveVersion(db, await stored(version));
      versions.push({ version, digest: registered.digest, approvalId });
    }
    const asked = Array.from({ length: 50 }, (_, i) => versions[i % 10] as (typeof versions)[number]);
    const outcomes = await Promise.allSettled(
      asked.map(({ version, digest, approvalId }) =>
        db.registry.promote(
          { model, version, digest, requestId: `p${version}`, approvalId, reason: "race" },
          auditOf("promote", `model/${model}`),
        ),
      ),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
    expect(await line()).toHaveLength(10);
    await expectLinear();
  });

  it("keeps them where promotions race rollbacks and glass that is broken", async () => {
    const [one, two] = await champions(2);
    if (one === undefined || two === undefined) throw new Error("no champions");
    const third = await approveVersion(db, await stored(3));
    const roll = (row: VersionRow, i: number) =>
      db.registry.promote(
        {
          model,
          version: row.version,
          digest: row.digest,
          requestId: `r${i}`,
          approvalId: null,
          reason: "race",
        },
        auditOf("rollback", `model/${model}`),
      );
    const glass = (i: number) =>
      db.rollouts.breakGlass(
        {
          model,
          from: 2,
          to: 1,
          reason: "race",
          reviewId: `review.${model}.${i}`,
          reviewWorkflowOf: () => "w",
          reviewUntil: new Date(Date.now() + 60_000).toISOString(),
        },
        auditOf("break_glass", `model/${model}`),
      );
    const { version, digest } = third.registered;
    const { approvalId } = third;
    const promote = () =>
      db.registry.promote(
        { model, version, digest, requestId: "p3", approvalId, reason: "race" },
        auditOf("promote", `model/${model}`),
      );
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) =>
        i % 3 === 0 ? glass(i) : i % 3 === 1 ? roll(i % 2 === 0 ? one : two, i) : promote(),
      ),
    );
    for (const outcome of outcomes)
      if (outcome.status === "rejected")
        expect(String(outcome.reason)).toMatch(/the champion is|nothing to go/);
    await expectLinear();
    expect((await db.audit.verify()).ok).toBe(true);
  });

  it("takes no review and no other kind of approval for a promotion", async () => {
    await champions(1);
    const { registered } = await approveVersion(db, await stored(2));
    const reviewed = await approve(db, registered, {
      id: `rv.${model}`,
      kind: "review",
      requesterAuthenticated: true,
    });
    const { version, digest } = registered;
    await expect(
      db.registry.promote(
        { model, version, digest, requestId: "x", approvalId: reviewed, reason: "" },
        auditOf("promote"),
      ),
    ).rejects.toMatchObject({ code: "already_decided" });
  });
});
