import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { approvalRoutes } from "../../../api/routes/models/approvals.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { ApprovalRow, Database, VersionRow } from "../../../stores/postgres/port.ts";
import { startApiFixture } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { approvalOf, approve, auditOf, versionOf } from "../../support/registry-samples.ts";

/** Who may decide, as a person with a key sees it: the API over a real database. */

const ADMIN = "admin-key-of-at-least-32-characters";

await describeWithServices("decisions through the API", () => {
  let test: TestDatabase;
  let db: Database;
  let fixture: ApiFixture;
  beforeAll(async () => {
    test = await createTestDatabase("decisions");
    db = await createDatabase(test.url);
    const environment = { AURA_BOOTSTRAP_ADMIN_KEY: ADMIN };
    fixture = await startApiFixture({ environment, database: db });
  });
  afterAll(async () => {
    await fixture.close();
    await test.drop();
  });

  const post = (path: string, key: string, body: unknown): Promise<Response> =>
    fixture.request(path, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  /** A new key of a person; gives its secret. */
  async function keyOf(owner: string | undefined, name: string): Promise<string> {
    const reply = await post("/v1/keys", ADMIN, { name, role: "approver", ...(owner && { owner }) });
    expect(reply.status).toBe(201);
    return z.object({ secret: z.string() }).parse(await reply.json()).secret;
  }
  async function move(v: VersionRow | undefined, requestId: string, approvalId: string | null) {
    if (v === undefined) throw new Error("no version");
    const { model, version, digest } = v;
    const asked = { model, version, digest, requestId, approvalId, reason: "test" };
    await db.registry.promote(asked, auditOf("version.promote"));
  }
  async function open(id: string, approvers: readonly string[]): Promise<ApprovalRow> {
    const base = approvalOf(id, { requestedBy: "ann@example.com", requesterAuthenticated: true });
    const policy = { ...base.policy, approvers: [...approvers] };
    return db.approvals.open({ ...base, policy }, auditOf("approval.open"));
  }
  async function decide({ id, digest }: Pick<ApprovalRow, "id" | "digest">, key: string): Promise<unknown> {
    const body = { decisionId: "1", decision: "approve", digest, by: "somebody-else" };
    return (await post(`/v1/approvals/${id}/decisions`, key, body)).json();
  }

  it("rolls back past versions that were left, once for one champion", async () => {
    const versions: VersionRow[] = [];
    for (const seed of ["1", "2", "3"]) {
      const v = await db.registry.register(versionOf("back", seed), auditOf("version.register"));
      versions.push(v);
      await move(v, `p${seed}`, await approve(db, v, { requesterAuthenticated: true }));
    }
    const rollBack = async (body: object) => {
      const reply = await post("/v1/models/back/rollback", ADMIN, { reason: "false alarms", ...body });
      return { reply: await reply.json(), asked: fixture.promotions.at(-1) };
    };
    const first = await rollBack({ from: 3, by: "somebody-else" });
    expect(first.asked).toMatchObject({ version: 2, approvalId: null, requestId: "rollback/3" });
    expect(first.asked?.requestedBy).toEqual({ id: "bootstrap", authenticated: true });
    expect((await rollBack({ from: 3 })).asked).toEqual(first.asked);
    await move(versions[1], "rollback/3", null);
    expect((await rollBack({ from: 3 })).reply).toMatchObject({ code: "conflict" });
    expect((await rollBack({})).asked).toMatchObject({ version: 1, requestId: "rollback/4" });
    await move(versions[0], "rollback/4", null);
    expect((await rollBack({})).reply).toMatchObject({ code: "conflict" });
    const refusals = await db.audit.list({ subject: "model/back", limit: 9 });
    expect(refusals.map(({ outcome, action }) => [outcome, action])).toEqual([
      ["refused", "model.rollback"],
      ["refused", "model.rollback"],
    ]);
  });

  it("tells of a promotion that was refused", async () => {
    const v = await db.registry.register(versionOf("hasty", "1"), auditOf("version.register"));
    const reply = await post("/v1/models/hasty/promote", ADMIN, { version: v.version });
    expect(await reply.json()).toMatchObject({ code: "gate_refused" });
    expect(await db.audit.list({ subject: "model/hasty@1", limit: 9 })).toMatchObject([
      { outcome: "refused", action: "model.promote", actor: { id: "bootstrap" } },
    ]);
  });

  it("lets a listed owner decide, and nobody else", async () => {
    const approval = await open("listed", ["lead@example.com", "ann@example.com"]);
    const subject = "approval/listed";
    const [lead, other] = [await keyOf("lead@example.com", "lead laptop"), await keyOf(undefined, "eve")];
    const second = await keyOf("ann@example.com", "ann ci");
    expect(await decide(approval, second)).toMatchObject({ code: "self_approval" });
    expect(await decide(approval, other)).toMatchObject({ code: "forbidden" });
    expect(await decide(approval, lead)).toMatchObject({
      state: "approved",
      decisions: [{ by: "lead@example.com", authenticated: true, selfApproved: false }],
    });
    const refused = { outcome: "refused", action: "approval.approve" };
    const rows = await db.audit.list({ subject, limit: 9 });
    expect(rows).toMatchObject([
      {
        outcome: "ok",
        actor: { id: "lead@example.com", authenticated: true },
        details: { key: expect.stringMatching(/^key_/) },
      },
      { ...refused, actor: { id: "eve" }, reason: expect.stringContaining("not among") },
      { ...refused, actor: { id: "ann@example.com" }, reason: expect.stringContaining("same person") },
    ]);
    const page = await fixture.request(`/v1/audit?subject=${encodeURIComponent(subject)}&limit=1`, {
      headers: { authorization: `Bearer ${ADMIN}` },
    });
    expect(await page.json()).toMatchObject({ items: [{ outcome: "ok" }] });
  });

  it("says who is champion by now, beside whom the evidence was compared with", async () => {
    const made = (seed: string) =>
      db.registry.register(versionOf("raced", seed), auditOf("version.register"));
    const crown = async (v: VersionRow) =>
      move(v, `raced-${v.version}`, await approve(db, v, { requesterAuthenticated: true }));
    const [first, second, third] = [await made("1"), await made("2"), await made("3")];
    await crown(first);
    const champion = { version: first.version, digest: first.digest };
    const base = approvalOf("raced", { requestedBy: "ann@example.com", requesterAuthenticated: true });
    const { model, version, digest } = third;
    const asked = { ...base, model, version, digest, evidence: { champion } };
    await db.approvals.open(asked, auditOf("approval.open"));
    const headers = { authorization: `Bearer ${ADMIN}` };
    const read = async (): Promise<unknown> =>
      (await fixture.request("/v1/approvals/raced", { headers })).json();
    expect(await read()).toMatchObject({ championNow: champion });
    await crown(second);
    const championNow = { version: second.version, digest: second.digest };
    expect(await read()).toMatchObject({ evidence: { champion }, championNow });
    const decided = await decide(asked, await keyOf("cleo@example.com", "cleo"));
    expect(decided).toMatchObject({ state: "approved", championNow });
    await expect(move(third, "raced-3", "raced")).rejects.toMatchObject({ code: "conflict" });
    const rollout = await fixture.request(`/v1/models/${model}/rollouts`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ version, reason: "it was approved" }),
    });
    expect(rollout.status).toBe(409);
    expect(await rollout.text()).toContain("compared with version 1, and the champion is version 2 by now");
  });

  it("lists approvals without their evidence, which the approval itself has", async () => {
    const opened = await open("short", []);
    await decide(opened, await keyOf("bea@example.com", "bea"));
    const get = async (path: string): Promise<unknown> =>
      (await fixture.request(path, { headers: { authorization: `Bearer ${ADMIN}` } })).json();
    const reply = approvalRoutes.find(({ path }) => path === "/v1/approvals")?.reply;
    const listed = z.object({ items: z.array(z.looseObject({ id: z.string() })) });
    const { items } = listed.parse(reply?.parse(await get("/v1/approvals?state=approved")));
    const { evidence, championNow, ...short } = z
      .looseObject({ evidence: z.unknown(), championNow: z.unknown() })
      .parse(await get("/v1/approvals/short"));
    expect(evidence).toEqual(opened.evidence);
    expect(championNow).toBeNull();
    expect(items.find(({ id }) => id === "short")).toEqual(short);
  });
});
