import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { watchRollouts } from "./rollout-metrics.ts";
import type { Candidate } from "./serving/rollout/candidate.ts";

it("shows what this process sees of each version beside a champion, and nothing once it serves no more", async () => {
  const registry = new Registry();
  const candidate = {
    share: 25,
    served: { model: "pump", version: 4 },
    meter: { counts: { candidate: { requests: 80, errors: { timeout: 2, invalid: 1 } }, pairs: 75 } },
  } as unknown as Candidate;
  let candidates: Candidate[] = [candidate];
  watchRollouts(registry, { list: () => candidates });
  const first = await registry.metrics();
  for (const [name, value] of [
    ["share", 25],
    ["requests", 80],
    ["failures", 3],
    ["compared_rows", 75],
  ])
    expect(first).toContain(`aura_rollout_${name}{model="pump",version="4"} ${value}\n`);
  candidates = [];
  expect(await registry.metrics()).not.toContain("pump");
});
