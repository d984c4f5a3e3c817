import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { approvalOf as promotionApproval } from "../../../api/routes/models/promotions.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { ApprovalRow, Database, DecisionRow, VersionRow } from "../../../stores/postgres/port.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { approvalOf, auditOf } from "../../support/registry-samples.ts";

const decisionBy = (by: string, over: Partial<DecisionRow> = {}): Omit<DecisionRow, "at"> => ({
  decisionId: `d-${by}`,
  decision: "approve",
  by,
  authenticated: false,
  channel: "api",
  reason: "looks good",
  ...over,
});

await describeWithServices("approvals on PostgreSQL", () => {
  let test: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    test = await createTestDatabase("approvals");
    db = await createDatabase(test.url);
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });

  const audit = auditOf("approval.decide");
  async function open(id: string, policy: Partial<ApprovalRow["policy"]> = {}, deadline?: string) {
    const base = approvalOf(id);
    const over = {
      ...base,
      policy: { ...base.policy, ...policy },
      ...(deadline === undefined ? {} : { deadline }),
    };
    return db.approvals.open(over, auditOf("approval.open"));
  }
  const decide = (a: ApprovalRow, d: Omit<DecisionRow, "at">, digest = a.digest): Promise<ApprovalRow> =>
    db.approvals.decide(a.id, digest, d, audit);

  it("opens once and lists by state", async () => {
    const a = await open("list");
    expect(await open("list", { quorum: 5 })).toEqual(a);
    expect(a).toMatchObject({ state: "waiting", decisions: [], decidedAt: null, policy: { quorum: 1 } });
    const { evidence, ...short } = a;
    expect(evidence).toBeDefined();
    expect(await db.approvals.list({ state: "waiting", limit: 50 })).toContainEqual(short);
    expect(await db.approvals.list({ state: "rejected", limit: 50 })).toEqual([]);
    expect(await db.approvals.get("none")).toBeUndefined();
  });

  it("is approved at the quorum and rejected by the first reject", async () => {
    const a = await open("quorum", { quorum: 2 });
    expect((await decide(a, decisionBy("bea"))).state).toBe("waiting");
    const done = await decide(a, decisionBy("cleo"));
    expect(done).toMatchObject({ state: "approved", decidedAt: expect.any(String) });
    expect(done.decisions.map((d) => d.by)).toEqual(["bea", "cleo"]);
    const b = await open("reject", { quorum: 2 });
    await decide(b, decisionBy("bea"));
    expect((await decide(b, decisionBy("cleo", { decision: "reject" }))).state).toBe("rejected");
  });

  it("answers a repeated decision, also after the end, and refuses everything else then", async () => {
    const a = await open("repeat");
    const first = await decide(a, decisionBy("bea"));
    expect(await decide(a, decisionBy("bea"))).toEqual(first);
    const refusals: [Omit<DecisionRow, "at">, string?][] = [
      [decisionBy("bea", { decision: "reject" })],
      [decisionBy("bea"), "0".repeat(64)],
      [decisionBy("bea", { decisionId: "again" })],
      [decisionBy("cleo")],
    ];
    for (const [d, digest] of refusals) {
      await expect(decide(a, d, digest)).rejects.toMatchObject({ code: "already_decided" });
    }
    expect(await db.approvals.get("repeat")).toEqual(first);
  });

  it("refuses a wrong digest, a second decision of one person, a late one, and an unknown approval", async () => {
    const a = await open("rules", { quorum: 3 });
    await expect(decide(a, decisionBy("bea"), "0".repeat(64))).rejects.toMatchObject({
      code: "already_decided",
    });
    await decide(a, decisionBy("bea"));
    await expect(decide(a, decisionBy("bea", { decisionId: "2" }))).rejects.toMatchObject({
      code: "already_decided",
    });
    const late = await open("late", {}, "2001-01-01T00:00:00Z");
    await expect(decide(late, decisionBy("bea"))).rejects.toMatchObject({ code: "already_decided" });
    await expect(db.approvals.decide("none", "0".repeat(64), decisionBy("bea"), audit)).rejects.toMatchObject(
      {
        code: "not_found",
      },
    );
  });

  it("lets only approvers decide, and those of the escalation after it", async () => {
    const a = await open("people", { approvers: ["bea"], escalateTo: ["chief"] });
    await expect(decide(a, decisionBy("chief"))).rejects.toMatchObject({ code: "forbidden" });
    const to = { approvers: ["chief"], deadline: "2999-06-01T00:00:00.000Z" };
    await db.approvals.escalate("people", to, auditOf("approval.escalate", "approval/people"));
    await db.approvals.escalate("people", to, auditOf("approval.escalate", "approval/people"));
    expect(await db.audit.list({ subject: "approval/people", limit: 9 })).toHaveLength(1);
    await expect(decide(a, decisionBy("dan"))).rejects.toMatchObject({ code: "forbidden" });
    const done = await decide(a, decisionBy("chief"));
    expect(done).toMatchObject({ state: "approved", deadline: to.deadline });
  });

  it("closes a waiting approval and leaves a decided one", async () => {
    await open("close");
    expect((await db.approvals.close("close", "expired", audit)).state).toBe("expired");
    expect((await db.approvals.close("close", "rejected", audit)).state).toBe("expired");
    const a = await open("decided");
    await decide(a, decisionBy("bea"));
    expect((await db.approvals.close("decided", "expired", audit)).state).toBe("approved");
  });

  it("finds what was given to promote a version, whatever was approved after it", async () => {
    const version = { model: "pump", version: 1, digest: approvalOf("given").digest } as VersionRow;
    await expect(promotionApproval(db, version)).rejects.toMatchObject({ code: "gate_refused" });
    await decide(await open("given"), decisionBy("bea"));
    const review = { ...approvalOf("later"), kind: "review", digest: version.digest };
    await decide(await db.approvals.open(review, audit), decisionBy("bea"));
    const sql = new pg.Client({ connectionString: test.url });
    await sql.connect();
    await sql.query(
      `insert into aura.approvals (approval_id, kind, subject, digest, model, version, workflow_id, requested_by,
                                   requester_authenticated, policy, evidence, deadline, state, decided_at)
       select 'maintenance.' || n, 'maintenance', subject, $1, model, version, 'approve/' || n, requested_by,
              requester_authenticated, policy, evidence, deadline, 'approved', clock_timestamp()
         from aura.approvals, generate_series(1, 1100) n where approval_id = 'given'`,
      ["f".repeat(64)],
    );
    await sql.end();
    expect(await promotionApproval(db, version)).toBe("given");
  });

  it("counts 40 racing approvals of 40 people up to the quorum and no further", async () => {
    const a = await open("race", { quorum: 3 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) => decide(a, decisionBy(`person-${i}`))),
    );
    expect(outcomes.filter((o) => o.status === "fulfilled")).toHaveLength(3);
    const row = await db.approvals.get("race");
    expect([row?.state, row?.decisions.length]).toEqual(["approved", 3]);
  });

  it("without keys records the requester's own decision as such", async () => {
    const a = await open("self");
    const done = await decide(a, decisionBy("ada"));
    expect(done).toMatchObject({
      state: "approved",
      requesterAuthenticated: false,
      decisions: [{ by: "ada", authenticated: false, selfApproved: true }],
    });
    const other = await open("not-self");
    expect((await decide(other, decisionBy("bea"))).decisions).toMatchObject([{ selfApproved: false }]);
    const rows = await db.audit.list({ subject: audit.subject, limit: 1_000 });
    expect(rows.filter((row) => row.details?.["selfApproved"] === true)).toHaveLength(1);
  });

  it("with keys on refuses the requester, and unauthenticated decisions unless the policy allows signals", async () => {
    const own = await open("own");
    const strict = await open("strict");
    const lenient = await open("lenient", { allowDirectSignals: true });
    await db.keys.create({ name: "k", role: "approver" }, auditOf("key.create"));
    const signed = { authenticated: true };
    await expect(decide(own, decisionBy("ada", signed))).rejects.toMatchObject({ code: "self_approval" });
    await expect(decide(strict, decisionBy("bea", { channel: "signal" }))).rejects.toMatchObject({
      code: "forbidden",
    });
    const done = await decide(lenient, decisionBy("bea", { channel: "signal" }));
    expect(done.decisions[0]).toMatchObject({ authenticated: false, channel: "signal" });
    expect((await decide(strict, decisionBy("bea", signed))).state).toBe("approved");
  });
});
