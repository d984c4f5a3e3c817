import { Registry } from "prom-client";
import { expect, it } from "vitest";
import type { Retrain } from "../../schemas/runs/retrain.ts";
import { watchRetrains } from "./metrics.ts";

const retrain = (over: Partial<Retrain>): Retrain => ({
  model: "pump",
  window: "w",
  workflowId: "retrain/pump/w",
  trigger: "labels",
  reason: "",
  requestedBy: "aura",
  askedAt: "2026-01-02T00:00:00.000Z",
  state: "running",
  outcome: null,
  runId: null,
  version: null,
  message: null,
  finishedAt: null,
  ...over,
});

it("shows how the newest retrain of each model stands, and keeps it while the database is away", async () => {
  const registry = new Registry();
  let rows: Retrain[] | undefined = [
    retrain({}),
    retrain({ askedAt: "2026-01-01T00:00:00.000Z", trigger: "drift", state: "failed" }),
    retrain({ model: "fan", trigger: "drift", state: "finished", outcome: "refused" }),
  ];
  watchRetrains(registry, () => ({
    list: async () => {
      if (rows === undefined) throw new Error("away");
      return rows;
    },
  }));
  const first = await registry.metrics();
  expect(first).toContain('aura_retrain_state{model="pump",trigger="labels",state="running"} 1\n');
  expect(first).toContain('aura_retrain_state{model="fan",trigger="drift",state="refused"} 1\n');
  expect(first).toContain('aura_retrain_asked_seconds{model="pump"} 1767312000\n');
  expect(first).not.toContain(`state="failed"`);
  rows = undefined;
  expect(await registry.metrics()).toBe(first);
  rows = [];
  expect(await registry.metrics()).not.toContain("pump");
});
