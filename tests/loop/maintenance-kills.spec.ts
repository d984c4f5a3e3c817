import { afterAll, beforeAll, expect, it } from "vitest";
import { sendSignal } from "../../platform/process/identity.ts";
import { MaintenanceBench } from "./support/maintenance-bench.ts";

/** A recommendation whose platform is killed whole, with SIGKILL, at each of its stages: it ends as undisturbed. */

const POLICY = `
  when: { remaining: 24h, repeat: { hits: 2, of: 3 } }
  critical: { assets: ["*"] }
  deciders: { approvers: [ann], escalateTo: [boss], deadline: 1h }
  channel: cmms
`;
const STAGES = 7;
/** Each stage waits for all parts to be back, on a busy machine for half a minute. */
const LIMIT_MS = 500_000;

let bench: MaintenanceBench;
beforeAll(async () => {
  bench = await MaintenanceBench.open(POLICY);
});
afterAll(() => bench.close());

let nKilled = 0;

/** Every part at once, as soon as all are there, and none of them ends in order. */
async function killAll(): Promise<void> {
  const { platform } = bench.test;
  await bench.patiently("every part", async () =>
    platform.parts().every(({ process }) => process !== undefined) ? true : undefined,
  );
  for (const { process } of platform.parts()) {
    if (process === undefined) continue;
    sendSignal(process.pid, "SIGKILL");
    nKilled += 1;
  }
}

const one = async <T>(what: string, ask: () => Promise<readonly T[]>): Promise<T> =>
  bench.patiently(what, async () => (await ask()).at(0));

it(
  "ends as undisturbed: one recommendation, one work order, one label",
  async () => {
    await bench.reads("k1", 20);
    await killAll();
    await bench.reads("k1", 15);
    await one("a recommendation", () => bench.db.recommendations.list({ asset: "k1", limit: 1 }));
    await killAll();
    const { id } = await bench.recommendation("k1", ({ state }) => state === "waiting");
    await killAll();
    bench.receiver.refuseNext(2);
    await bench.patiently("the decision", () => bench.decide(id, "ann", "approve"));
    await killAll();
    const { workOrderId } = await bench.recommendation("k1", ({ state }) => state === "ordered");
    const orderId = workOrderId ?? "";
    await killAll();
    await bench.patiently("the order", async () =>
      (await bench.db.workOrders.get(orderId))?.state === "sent" ? true : undefined,
    );
    await killAll();
    const started = { eventId: "e1", kind: "started", externalId: "SAP-9" };
    await bench.patiently("the start", () => bench.say(orderId, started));
    const outcome = { result: "confirmed", failedAt: "2026-01-02T00:00:00Z", mode: "winding" };
    const closing = { eventId: "e2", kind: "closed", outcome };
    await bench.patiently("the end", () => bench.say(orderId, closing));
    await killAll();
    await bench.patiently("the end again", () => bench.say(orderId, closing));
    const closed = await bench.recommendation("k1", ({ state }) => state === "closed");

    expect(nKilled).toBeGreaterThanOrEqual(STAGES * 5);
    expect(closed).toMatchObject({ n: 1, decidedBy: ["ann"], outcome: "confirmed" });
    expect(await bench.db.recommendations.list({ asset: "k1", limit: 10 })).toHaveLength(1);
    expect(await bench.db.workOrders.list({ asset: "k1", limit: 10 })).toHaveLength(1);
    expect(await bench.db.workOrders.events(orderId)).toHaveLength(2);
    expect(await bench.db.labels.list({ asset: "k1", limit: 10 })).toMatchObject([
      { kind: "failure", id: `work_order/${orderId}`, state: "valid" },
    ]);
    expect([...bench.receiver.orders.keys()]).toEqual([`work-order/${orderId}`]);
    expect(bench.receiver.forged).toEqual([]);
    const actionsOf = async (subject: string) =>
      (await bench.db.audit.list({ subject, limit: 50 })).map(({ action }) => action).toReversed();
    expect(await actionsOf(`recommendation/${id}`)).toEqual([
      "recommendation.open",
      "recommendation.assess",
      "recommendation.approve",
    ]);
    expect(await actionsOf(`work-order/${orderId}`)).toEqual([
      "work_order.create",
      "work_order.sent",
      "work_order.started",
      "work_order.closed",
      "label.add",
      "work_order.settle",
    ]);
  },
  LIMIT_MS,
);
