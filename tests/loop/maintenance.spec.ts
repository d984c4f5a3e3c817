import { tmpdir } from "node:os";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recommendationWorkflowId } from "../../temporal-config/constants.ts";
import { createCli } from "../support/cli.ts";
import { toldOf } from "./support/told.ts";
import { LOST, MaintenanceBench } from "./support/maintenance-bench.ts";

const POLICY = `
  when: { remaining: 24h, repeat: { hits: 2, of: 3 } }
  withdrawAfter: 2
  critical: { assets: ["c*"] }
  deciders: { approvers: [ann], escalateTo: [boss], deadline: 6s, onDeadline: escalate }
  leadTime: 4h
  opportunity: 7d
  costs: { failure: 20000, planned: 2000, downtimePerHour: 500, failureHours: 24, plannedHours: 4 }
  channel: cmms
  actions:
    - { feature: "volt*", do: "Check the windings of {asset}, which {feature} moves, by {by}." }
`;

describe.concurrent("maintenance of what is predicted to fail", () => {
  let bench: MaintenanceBench;
  let temporal: Client;
  beforeAll(async () => {
    bench = await MaintenanceBench.open(POLICY);
    const { temporalAddress: address } = bench.test.platform.urls;
    temporal = new Client({ connection: await Connection.connect({ address }) });
  });
  afterAll(async () => {
    await temporal.connection.close();
    await bench.close();
  });
  const workflowOf = (id: string) => temporal.workflow.getHandle(recommendationWorkflowId(id));

  it("orders work on an asset that is not critical, and makes a label of what came of it", async () => {
    await bench.reads("m1", 100);
    await bench.reads("m1", 20);
    await bench.reads("m1", 100);
    expect(await bench.db.recommendations.list({ asset: "m1", limit: 10 })).toEqual([]);
    bench.receiver.refuseNext(1);
    await bench.reads("m1", 15);
    const ordered = await bench.recommendation("m1", ({ state }) => state === "ordered");
    expect(ordered).toMatchObject({
      n: 1,
      approvalId: null,
      decidedBy: [],
      assessment: {
        isCritical: false,
        mode: "order",
        reasonsMissing: null,
        costs: { acting: 4_000, waiting: 32_000, probability: 1, until: 168, advice: "act" },
      },
    });
    expect(ordered.evidence.map(({ value }) => value)).toEqual([20, 15]);
    expect(ordered.assessment?.action).toMatch(/^Check the windings of m1, which voltage moves, by 20/);
    expect(ordered.assessment?.reasons?.[0]).toMatchObject({ feature: "voltage", contribution: 14 });
    const id = ordered.workOrderId ?? "";
    const sent = await bench.patiently("the order", async () =>
      bench.receiver.orders.get(`work-order/${id}`),
    );
    expect(sent).toMatchObject({ event: "work_order", workOrder: { id, asset: "m1", decidedBy: [] } });
    expect(bench.receiver.forged).toEqual([]);

    const acknowledged = { eventId: "e1", kind: "acknowledged", externalId: "SAP-1" };
    await bench.patiently("the order as sent", async () =>
      (await bench.db.workOrders.get(id))?.state === "sent" ? true : undefined,
    );
    expect(await bench.say(id, acknowledged)).toMatchObject({ state: "acknowledged", externalId: "SAP-1" });
    expect(await bench.say(id, acknowledged)).toMatchObject({ state: "acknowledged" });
    await expect(bench.say(id, { ...acknowledged, externalId: "SAP-2" })).rejects.toMatchObject({
      code: "conflict",
    });
    const outcome = { result: "replaced_part", part: "winding", seenAt: new Date().toISOString(), hours: 3 };
    await expect(
      bench.say(id, { eventId: "e2", kind: "closed", outcome: { ...outcome, seenAt: 7 } }),
    ).rejects.toMatchObject({ code: "invalid_body" });
    const closing = { eventId: "e3", kind: "closed", outcome };
    await Promise.all([bench.say(id, closing), bench.say(id, closing), bench.say(id, closing)]);
    const closed = await bench.recommendation("m1", ({ state }) => state === "closed");
    expect(closed.outcome).toBe("replaced_part");
    const labels = await bench.db.labels.list({ asset: "m1", limit: 10 });
    expect(labels).toMatchObject([
      {
        kind: "replacement",
        id: `work_order/${id}`,
        source: "work_order",
        reference: id,
        mode: "winding",
        t: Date.parse(outcome.seenAt) * 1_000,
      },
    ]);
    await expect(bench.say(id, { eventId: "e4", kind: "started" })).rejects.toMatchObject({
      code: "conflict",
    });
    const told = (
      await bench.db.audit.list({ subject: `recommendation/${closed.id}`, limit: 20 })
    ).toReversed();
    expect(told.map(({ action }) => action)).toEqual(["recommendation.open", "recommendation.assess"]);
    // Its trace would else be stored after half a minute at the earliest; this takes a second, and more on a machine that is busy.
    const [openedAt = NaN, assessedAt = NaN] = told.map(({ at }) => Date.parse(at));
    expect(assessedAt - openedAt).toBeLessThan(25_000);
    const done = (await bench.db.audit.list({ subject: `work-order/${id}`, limit: 20 })).map(
      ({ action }) => action,
    );
    expect(done.toReversed()).toEqual([
      "work_order.create",
      "work_order.sent",
      "work_order.acknowledged",
      "work_order.acknowledged",
      "work_order.closed",
      "label.add",
      "work_order.settle",
      "work_order.started",
    ]);
    const predictionId = closed.evidence.at(-1)?.predictionId ?? "";
    const lineage = await bench.client.get(`/v1/lineage/prediction/${predictionId}`, LOST);
    expect(lineage).toMatchObject({
      counts: { maintenance: 2, approvals: 1 },
      lists: {
        maintenance: [
          { id, name: "work order", state: "closed", detail: "replaced_part", asset: "m1" },
          { id: closed.id, name: "recommendation", state: "closed", asset: "m1" },
        ],
      },
    });
    expect(await bench.client.get(`/v1/predictions/${predictionId}`, LOST)).toMatchObject({
      predictionId,
      asset: "m1",
      recommendations: [{ id: closed.id, outcome: "replaced_part", workOrderId: id }],
    });
    const metrics = Buffer.from(await bench.client.getBytes("/metrics", {})).toString();
    expect(metrics).toContain('aura_work_orders{model="pump",state="closed",outcome="replaced_part"} 1');
    // The answers have not recovered: nothing is opened anew.
    await bench.reads("m1", 10);
    expect(await bench.db.recommendations.list({ asset: "m1", limit: 10 })).toHaveLength(1);
  });

  it("asks a named person about a critical asset, and somebody else once the deadline has passed", async () => {
    await bench.reads("c1", 20);
    await bench.reads("c1", 15);
    const { id, assessment } = await bench.recommendation("c1", ({ state }) => state === "waiting");
    expect(assessment).toMatchObject({ isCritical: true, mode: "ask" });
    await bench.patiently("an approval", async () => {
      await expect(bench.decide(id, "eve", "approve")).rejects.toMatchObject({ code: "forbidden" });
      return true;
    });
    await expect(bench.decide(id, "boss", "approve")).rejects.toMatchObject({ code: "forbidden" });
    const alerts = () => bench.db.alerts.list({ limit: 50 });
    const kindsOf = async () => (await alerts()).filter(({ subject }) => subject === `recommendation/${id}`);
    expect(await kindsOf()).toMatchObject([
      { kind: "maintenance_decision", severity: "critical", state: "raised" },
    ]);
    await bench.patiently("escalation", async () => ((await kindsOf()).length === 2 ? true : undefined));
    const decided = await bench.patiently("the deputy's decision", () => bench.decide(id, "boss", "approve"));
    expect(await bench.decide(id, "boss", "approve")).toMatchObject({ id: decided.id, decidedBy: ["boss"] });
    const ordered = await bench.recommendation("c1", ({ state }) => state === "ordered");
    const order = await bench.db.workOrders.get(ordered.workOrderId ?? "");
    expect(order?.document).toMatchObject({ isCritical: true, decidedBy: ["boss"] });
    await bench.patiently("the end of the alerts", async () =>
      (await kindsOf()).every(({ state }) => state === "cleared") ? true : undefined,
    );
    const actions = (await bench.db.audit.list({ subject: `recommendation/${id}`, limit: 20 })).map(
      ({ action, outcome, actor }) => `${action} ${outcome} ${actor.id}`,
    );
    expect(actions).toContain("recommendation.approve refused local");
    expect(actions).toContain("recommendation.approve ok local");
  });

  it("does not leave an asset muted whose workflow was terminated or cancelled", async () => {
    await bench.reads("c3", 20);
    await bench.reads("c3", 15);
    const waiting = await bench.recommendation("c3", ({ state }) => state === "waiting");
    const told = await bench.patiently("its page", async () => {
      const now = await toldOf(temporal, recommendationWorkflowId(waiting.id));
      return now.stage === "decide" ? now : undefined;
    });
    expect(told).toMatchObject({ summary: "Maintenance of c3 (pump, 1)", model: "pump" });
    for (const line of [
      "**Waiting for a decision** on maintenance of c3 (pump@1)",
      "from: ann (quorum 1)",
      "then: escalate to boss",
      `aura recommendations decide ${waiting.id} approve`,
    ])
      expect(told.details).toContain(line);
    await workflowOf(waiting.id).terminate("test");
    const failed = await bench.recommendation("c3", ({ state }) => state === "failed");
    expect(failed).toMatchObject({ reason: "its workflow was terminated", workOrderId: null });
    const alerts = (await bench.db.alerts.list({ limit: 50 })).filter(
      ({ subject }) => subject === `recommendation/${waiting.id}`,
    );
    expect(alerts.find(({ kind }) => kind === "maintenance_failed")).toMatchObject({
      severity: "critical",
      state: "raised",
    });
    expect(alerts.find(({ kind }) => kind === "maintenance_decision")).toMatchObject({ state: "cleared" });
    // As if an hour had passed: the machine is still expected to fail.
    await bench.sql(
      "update aura.recommendations set closed_at = closed_at - interval '1 hour' where recommendation_id = $1",
      [waiting.id],
    );
    await bench.reads("c3", 14);
    const again = await bench.recommendation("c3", ({ n, state }) => n === 2 && state === "waiting");
    await workflowOf(again.id).cancel();
    const cancelled = await bench.recommendation("c3", ({ state }) => state === "cancelled");
    expect(cancelled).toMatchObject({ id: again.id, reason: "its workflow was cancelled" });
    const audit = await bench.db.audit.list({ subject: `recommendation/${again.id}`, limit: 20 });
    expect(audit.map(({ action }) => action)).toContain("recommendation.cancelled");
    // Somebody wanted it so: the same answers open no other one.
    await bench.sql(
      "update aura.recommendations set closed_at = closed_at - interval '1 day' where recommendation_id = $1",
      [again.id],
    );
    await bench.reads("c3", 13);
    expect(await bench.db.recommendations.list({ asset: "c3", limit: 10 })).toHaveLength(2);
  });

  it("follows an order that is out, whatever becomes of its workflow", async () => {
    await bench.reads("m2", 20);
    await bench.reads("m2", 15);
    const { id, workOrderId } = await bench.recommendation("m2", ({ state }) => state === "ordered");
    const orderId = workOrderId ?? "";
    await bench.patiently("the order as sent", async () =>
      (await bench.db.workOrders.get(orderId))?.state === "sent" ? true : undefined,
    );
    await workflowOf(id).terminate("test");
    const outcome = { result: "confirmed", failedAt: "2026-01-02T00:00:00Z" };
    await bench.say(orderId, { eventId: "m2", kind: "closed", outcome });
    await bench.recommendation("m2", ({ state }) => state === "closed");
    expect(await bench.db.labels.list({ asset: "m2", limit: 10 })).toMatchObject([{ kind: "failure" }]);
    const audit = await bench.db.audit.list({ subject: `recommendation/${id}`, limit: 20 });
    expect(audit.map(({ action }) => action)).toContain("recommendation.resume");
  });

  it("withdraws what recovers before anybody decided, and recommends again once it fails anew", async () => {
    await bench.reads("c2", 20);
    await bench.reads("c2", 15);
    const { id } = await bench.recommendation("c2", ({ state }) => state === "waiting");
    await bench.reads("c2", 200);
    await bench.reads("c2", 200);
    await bench.recommendation("c2", ({ state }) => state === "withdrawn");
    await expect(bench.decide(id, "ann", "approve")).rejects.toMatchObject({ code: "already_decided" });
    await bench.reads("c2", 200);
    await bench.reads("c2", 12);
    await bench.reads("c2", 12);
    const again = await bench.recommendation("c2", ({ n, state }) => n === 2 && state === "waiting");
    expect(again.latest.value).toBe(12);
    await bench.patiently("the decision", () => bench.decide(again.id, "ann", "reject"));
    const rejected = await bench.recommendation("c2", ({ state }) => state === "rejected");
    expect(rejected).toMatchObject({ decidedBy: ["ann"], workOrderId: null });
  });

  it("is listed, decided and closed by the command, by either id", async () => {
    const aura = createCli({
      cwd: tmpdir(),
      env: { ...process.env, AURA_API_URL: bench.test.platform.urls.api } as Record<string, string>,
    });
    /** What it prints as JSON; it must end with `code`. */
    const json = async (...args: string[]): Promise<unknown> => {
      const { stdout, stderr, code } = await aura(...args, "--json");
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout);
    };
    await bench.reads("c9", 20);
    await bench.reads("c9", 15);
    const { id, approvalId } = await bench.recommendation("c9", ({ state }) => state === "waiting");
    expect(approvalId).toBe(`maintenance.${id}`);
    await bench.patiently("the decision", async () => {
      const { code, stdout, stderr } = await aura(
        "recommendations",
        "decide",
        `maintenance.${id}`,
        "approve",
        "--as",
        "ann",
        "--json",
      );
      if (code === 0) return JSON.parse(stdout) as unknown;
      throw new Error(stderr);
    });
    expect(await json("recommendations", "list", "--asset", "c9")).toMatchObject([{ id, approvalId }]);
    const listed = await aura("recommendations", "list", "--asset", "c9");
    expect(listed.stdout).toMatch(new RegExp(`${id} .* maintenance\\.${id}`));
    expect(await json("approvals", "list", "--state", "approved")).toContainEqual(
      expect.objectContaining({ id: approvalId, recommendationId: id }),
    );
    expect(await json("approvals", "show", id)).toMatchObject({ id: approvalId, state: "approved" });
    const shown = await aura("recommendations", "show", `maintenance.${id}`);
    expect(shown.stdout).toContain(`  approval  maintenance.${id}\n`);
    expect(shown.stdout).toContain("  decided   by ann\n");
    expect(await aura("recommendations", "show", "nobody.1")).toMatchObject({ code: 2, stdout: "" });
    expect(await aura("recommendations", "decide", id, "reject", "--as", "eve")).toMatchObject({ code: 2 });

    const { workOrderId } = await bench.recommendation("c9", ({ state }) => state === "ordered");
    const order = workOrderId ?? "";
    expect(await json("work-orders", "list", "--asset", "c9")).toMatchObject([{ id: order, asset: "c9" }]);
    expect(await json("work-orders", "show", order)).toMatchObject({ recommendationId: id, events: [] });
    expect(await aura("work-orders", "close", order)).toMatchObject({ code: 2 });
    const close = ["work-orders", "close", order, "--as", "ann", "--event", "e1", "--result", "false_alarm"];
    expect(await json(...close)).toMatchObject({ state: "closed", outcome: { result: "false_alarm" } });
    expect(await json(...close)).toMatchObject({ state: "closed" });
    // It is closed: what else is said of it is refused.
    expect(await aura("work-orders", "close", order, "--result", "confirmed")).toMatchObject({ code: 2 });
    expect((await aura("work-orders", "list", "--asset", "c9")).stdout).toBe("no work order is open\n");
    expect((await aura("work-orders", "show", order)).stdout).toContain("closed by ann (unauthenticated)");
  });
});
