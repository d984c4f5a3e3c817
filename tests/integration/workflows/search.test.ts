import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunTrialInput, RunTrialResult } from "../../../activities/search/messages.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { searchWorkflowId, TASK_QUEUES } from "../../../temporal-config/constants.ts";
import type { SearchInput } from "../../../workflows/search/messages.ts";
import type { searchWorkflow } from "../../../workflows/search/workflow.ts";
import { describeWithServices } from "../../support/platform.ts";
import { startWorkflowEnvironment } from "../../support/workflow-environment.ts";
import type { WorkflowEnvironment } from "../../support/workflow-environment.ts";
import { withFailures } from "../../../activities/failures.ts";

/** How generations follow one another; no trial trains anything here. */

const REF = { key: "documents/a", sha256: "a".repeat(64), bytes: 1 };

await describeWithServices("the search workflow", (services) => {
  let environment: WorkflowEnvironment;
  /** `+n` when trial n starts, `-n` when it ends. */
  const events = new Map<string, string[]>();
  const details = new Map<string, string[]>();

  beforeAll(async () => {
    environment = await startWorkflowEnvironment(
      services,
      withFailures({
        runTrial: async ({ runId, number }: RunTrialInput): Promise<RunTrialResult> => {
          const own = events.get(runId) ?? [];
          events.set(runId, own);
          own.push(`+${number}`);
          if (runId === "bad") throw new PlatformError("integrity", "read numbers: 3 bytes");
          // The first of a generation ends last.
          await new Promise((resolve) => setTimeout(resolve, number % 2 === 0 ? 120 : 10));
          own.push(`-${number}`);
          if (number === 1) return { state: "failed", loss: null, isReused: false };
          return { state: "complete", loss: Math.abs(number - 3), value: number, isReused: false };
        },
        recordStage: async ({ runId, detail }: { runId: string; detail?: string }) => {
          details.set(runId, [...(details.get(runId) ?? []), detail ?? ""]);
        },
      }),
    );
  });
  afterAll(() => environment.close());

  function search(runId: string, settings: Partial<SearchInput>) {
    const input: SearchInput = {
      runId,
      plan: REF,
      candidate: "gbdt-1",
      metric: "rmse",
      pipeline: "pumps",
      model: "pumps",
      trials: 5,
      timeMs: null,
      generation: 2,
      ...settings,
    };
    return environment.client.workflow.start<typeof searchWorkflow>("searchWorkflow", {
      workflowId: searchWorkflowId(runId, "gbdt-1"),
      taskQueue: TASK_QUEUES.control,
      args: [input],
    });
  }

  it("starts a trial when those that it sees have ended, and keeps the best", async () => {
    const result = await (await search("plain", {})).result();
    expect(result).toEqual({
      candidate: "gbdt-1",
      complete: 4,
      pruned: 0,
      failed: 1,
      best: { number: 3, loss: 0, value: 3 },
      isReused: false,
    });
    const own = events.get("plain") ?? [];
    for (const [before, after] of [
      ["-0", "+2"],
      ["-1", "+3"],
      ["-2", "+4"],
      // As many as the generation run at once: trial 3 does not wait for the slow trial 2.
      ["+3", "-2"],
    ] as const)
      expect(own.indexOf(before)).toBeLessThan(own.indexOf(after));
    expect(details.get("plain")?.at(-1)).toBe("gbdt-1: 5 of 5 trials, best rmse 3");
  });

  it("proposes nothing more once its time is over", async () => {
    const result = await (await search("timed", { trials: 10_000, timeMs: 50 })).result();
    expect(result.complete + result.failed).toBe(2);
    expect(details.get("timed")).toEqual(["gbdt-1: 2 trials, best rmse 0"]);
  });

  it("goes on after it continued as new where it was", async () => {
    const tally = {
      complete: 4,
      pruned: 0,
      failed: 0,
      best: { number: 0, loss: -1, value: 1 },
      isReused: true,
    };
    const result = await (await search("continued", { next: 4, startedMs: 0, tally })).result();
    expect(events.get("continued")).toEqual(["+4", "-4"]);
    expect(result).toEqual({ ...tally, candidate: "gbdt-1", complete: 5, isReused: false });
  });

  it("ends when a trial cannot be run at all", async () => {
    const handle = await search("bad", {});
    await expect(handle.result()).rejects.toMatchObject({ cause: { cause: { type: "integrity" } } });
  });
});
