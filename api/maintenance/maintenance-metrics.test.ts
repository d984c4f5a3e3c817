import { Registry } from "prom-client";
import { expect, it } from "vitest";
import type { Database } from "../../stores/postgres/port.ts";
import { watchMaintenance } from "./maintenance-metrics.ts";

type Counts = Awaited<ReturnType<Database["recommendations"]["counts"]>>;

it("shows what is open, overdue and ordered, and keeps it while the database is away", async () => {
  const registry = new Registry();
  const none: Counts = { byState: [], overdue: [], orders: [] };
  let counts: Counts | undefined = {
    byState: [{ model: "pump", state: "waiting", n: 2 }],
    overdue: [{ model: "pump", n: 1 }],
    orders: [
      { model: "pump", state: "closed", outcome: "confirmed", n: 3 },
      { model: "pump", state: "sent", outcome: "", n: 4 },
    ],
  };
  const recommendations = {
    counts: async () => {
      if (counts === undefined) throw new Error("away");
      return counts;
    },
  };
  watchMaintenance(registry, () => ({ recommendations }) as unknown as Pick<Database, "recommendations">);
  const first = await registry.metrics();
  expect(first).toContain('aura_recommendations_open{model="pump",state="waiting"} 2\n');
  expect(first).toContain('aura_recommendations_overdue{model="pump"} 1\n');
  expect(first).toContain('aura_work_orders{model="pump",state="closed",outcome="confirmed"} 3\n');
  expect(first).toContain('aura_work_orders{model="pump",state="sent",outcome=""} 4\n');
  counts = undefined;
  expect(await registry.metrics()).toBe(first);
  counts = none;
  expect(await registry.metrics()).not.toContain("pump");
});
