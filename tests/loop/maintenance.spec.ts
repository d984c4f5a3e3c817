import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

/** Side by side: each waits half a minute for the traces that reasons are read from. */
describe.concurrent("maintenance of what is predicted to fail", () => {
  let bench: MaintenanceBench;
  beforeAll(async () => {
    bench = await MaintenanceBench.open(POLICY);
  });
  afterAll(() => bench.close());

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
    const actions = (await bench.db.audit.list({ subject: `recommendation/${closed.id}`, limit: 20 })).map(
      ({ action }) => action,
    );
    expect(actions.toReversed()).toEqual(["recommendation.open", "recommendation.assess"]);
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
});
