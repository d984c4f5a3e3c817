import { MockActivityEnvironment } from "@temporalio/testing";
import { describe, expect, it } from "vitest";
import type { CachedStage, NewStage } from "../stores/postgres/port.ts";
import { reuseOr } from "./stage-cache.ts";

class MemoryStages {
  readonly rows = new Map<string, CachedStage>();

  cachedStage = async (key: string) => this.rows.get(key);
  rememberStage = async ({ key, result, runId }: NewStage) => {
    if (!this.rows.has(key)) this.rows.set(key, { result, runId });
    return this.rows.get(key)?.result;
  };
}

const STEP = { stage: "fold", version: 1, inputs: { fold: 0 } };

/** One attempt of an activity of a run. */
function attempt(stages: MemoryStages, runId: string, compute = async () => ({ rows: 7 })) {
  const environment = new MockActivityEnvironment({
    workflowExecution: { workflowId: "pipeline/a/b", runId },
  });
  return environment.run<[], object, () => Promise<object>>(() => reuseOr(stages, STEP, compute));
}

describe("reuseOr", () => {
  it("computes once, and tells a retry of the same run of its own work", async () => {
    const stages = new MemoryStages();
    expect(await attempt(stages, "run-1")).toEqual({ rows: 7, isReused: false });
    const never = async () => Promise.reject(new Error("computed twice"));
    expect(await attempt(stages, "run-1", never)).toEqual({ rows: 7, isReused: false });
  });

  it("says reused where another run made it, or nobody knows who did", async () => {
    const stages = new MemoryStages();
    await attempt(stages, "run-1");
    expect(await attempt(stages, "run-2")).toEqual({ rows: 7, isReused: true });
    for (const key of stages.rows.keys()) stages.rows.set(key, { result: { rows: 7 }, runId: null });
    expect(await attempt(stages, "run-1")).toEqual({ rows: 7, isReused: true });
  });

  it("takes the result of whoever was first, and says that it computed too", async () => {
    const stages = new MemoryStages();
    const late = async () => {
      await attempt(stages, "run-1");
      return { rows: 8 };
    };
    expect(await attempt(stages, "run-2", late)).toEqual({ rows: 7, isReused: false });
  });
});
