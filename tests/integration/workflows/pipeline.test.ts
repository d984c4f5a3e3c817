import { Context } from "@temporalio/activity";
import { WorkflowFailedError } from "@temporalio/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DriftCheckResult } from "../../../activities/monitoring/messages.ts";
import type { RetrainDue, RetrainFinish } from "../../../activities/retraining/messages.ts";
import type { PipelineInput } from "../../../activities/runs/messages.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { TASK_QUEUES } from "../../../temporal-config/constants.ts";
import type { driftWorkflow } from "../../../workflows/drift/workflow.ts";
import type { pipelineWorkflow } from "../../../workflows/pipeline/workflow.ts";
import { FakeApprovals } from "../../support/fake-approvals.ts";
import { FakePipeline } from "../../support/fake-pipeline.ts";
import { describeWithServices } from "../../support/platform.ts";
import { startWorkflowEnvironment } from "../../support/workflow-environment.ts";
import type { WorkflowEnvironment } from "../../support/workflow-environment.ts";

/** How a run ends when one of its steps does not, and what drift starts; no step does any work here. */

/** Other test files load the machine meanwhile. */
const SOON = { timeout: 15_000 };
const HASH = "a".repeat(64);
const BAD_CELL = { file: "a.csv", line: 7, field: "t", expected: "a cycle", found: "'x'" };
const REF = { key: "documents/a", sha256: HASH, bytes: 1 };

await describeWithServices("pipeline and drift workflows", (services) => {
  const approvals = new FakeApprovals();
  const pipeline = new FakePipeline();
  let environment: WorkflowEnvironment;
  let isTraining = false;
  let isCancelSeen = false;
  const retrained: string[] = [];
  const ended: RetrainFinish[] = [];

  beforeAll(async () => {
    environment = await startWorkflowEnvironment(services, {
      ...pipeline.activities({
        ingestDataset: async ({ spec }: { spec: { key: string } }) => {
          if (spec.key === "bad")
            throw new PlatformError("bad_file", "read [a.csv]: empty", { locations: [BAD_CELL] });
          return { dataset: HASH, manifest: REF, rows: 2, quarantined: 0, assets: 1, isReused: false };
        },
        trainFinal: async ({ spec }: { spec: { key: string } }) => {
          isTraining = spec.key === "slow";
          if (isTraining) await untilCancelled().finally(() => (isCancelSeen = true));
          return { models: REF, isReused: false };
        },
        promoteVersion: async ({ model }: { model: string }) => {
          if (model === "raced")
            throw new PlatformError("already_decided", "promote [raced]: applied before");
          if (model === "overtaken")
            throw new PlatformError("conflict", "promote [overtaken]: the champion is another one now");
          return { model, version: 1, previousVersion: null, at: "2026-01-01T00:00:00.000Z" };
        },
        checkDrift: async (): Promise<DriftCheckResult> => ({
          state: "drift",
          confirmed: true,
          rows: 900,
          detail: "temperature moved",
        }),
        retrainDue: async ({ model, trigger }: { model: string; trigger: string }): Promise<RetrainDue> =>
          model === "cooling"
            ? {
                isDue: false,
                refused: { code: "cool_down", message: `${trigger}: too young`, possibleAt: null },
              }
            : { isDue: true, window: "2026-11-21" },
        finishRetrain: async (end: RetrainFinish) => void ended.push(end),
        beginRetrain: async () => undefined,
        extractLive: async () => ({ files: [], readings: 0, failures: 0 }),
        prepareRetrain: async ({ model, window }: { model: string; window: string }) => {
          retrained.push(`${model} ${window}`);
          return { pipelineInput: inputOf(model, "bad"), inputHash: window };
        },
      }),
      ...approvals.activities,
    });
  });
  afterAll(() => environment.close());

  const start = (name: string, specKey = "good") =>
    environment.client.workflow.start<typeof pipelineWorkflow>("pipelineWorkflow", {
      workflowId: `pipeline/${name}`,
      taskQueue: TASK_QUEUES.control,
      args: [inputOf(name, specKey)],
    });

  async function approve(model: string): Promise<void> {
    const waiting = () => [...approvals.rows.values()].find(({ input }) => input.model === model)?.input;
    await expect.poll(waiting, SOON).toBeDefined();
    const { approvalId = "", digest = "" } = waiting() ?? {};
    const decision = { decisionId: "1", decision: "approve", by: "ben", reason: "" } as const;
    approvals.decide({ approvalId, digest, ...decision });
    await environment.client.workflow.getHandle(`approve/promotion/${approvalId}/${digest}`).signal("wake");
  }

  it("goes through its stages in order, and ends promoted", async () => {
    const handle = await start("plain");
    await approve("plain");
    expect(await handle.result()).toMatchObject({ outcome: "promoted", version: 1, digest: HASH });
    const stages = ["ingest", "split", "transform", "train", "evaluate", "register", "gate"];
    expect(pipeline.run("plain")).toEqual({
      stages: [
        ...stages.flatMap((stage) => [`${stage} running`, `${stage} done`]),
        "approve waiting",
        "approve done",
        "promote running",
        "promote done",
      ],
      end: { outcome: "promoted", model: "plain" },
    });
  });

  it("ends with the code and words of the step that failed", async () => {
    const handle = await start("bad-data", "bad");
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(pipeline.run("bad-data")).toEqual({
      stages: ["ingest running", "ingest failed"],
      end: { status: "failed", code: "bad_file", message: "read [a.csv]: empty", locations: [BAD_CELL] },
    });
  });

  it("ends with the cause, not with the child that failed of it", async () => {
    const handle = await start("raced");
    await approve("raced");
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(pipeline.run("raced").end).toEqual({
      status: "failed",
      code: "already_decided",
      message: "promote [raced]: applied before",
    });
  });

  it("ends refused where another run was promoted while people decided", async () => {
    const handle = await start("overtaken");
    await approve("overtaken");
    expect(await handle.result()).toMatchObject({ outcome: "refused" });
    const { stages, end } = pipeline.run("overtaken");
    expect(stages.at(-1)).toBe("promote done");
    expect(end).toEqual({ outcome: "refused", model: "overtaken" });
  });

  it("ends cancelled once the step at work has let go", async () => {
    const handle = await start("stopped", "slow");
    await expect.poll(() => isTraining, SOON).toBe(true);
    await handle.cancel();
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(isCancelSeen).toBe(true);
    expect((await handle.describe()).status.name).toBe("CANCELLED");
    expect(pipeline.run("stopped").stages.at(-1)).toBe("train failed cancelled");
    expect(pipeline.run("stopped").end).toMatchObject({ status: "cancelled", code: "cancelled" });
  });

  it("starts one retrain for a window, however often its drift is confirmed", async () => {
    for (const workflowId of ["drift/pump/1", "drift/pump/2"]) {
      const result = await environment.client.workflow.execute<typeof driftWorkflow>("driftWorkflow", {
        workflowId,
        taskQueue: TASK_QUEUES.control,
        args: [{ model: "pump" }],
      });
      expect(result).toMatchObject({ confirmed: true, retrainWindow: "2026-11-21" });
    }
    const retrain = environment.client.workflow.getHandle("retrain/pump/2026-11-21");
    await expect(retrain.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(retrained).toEqual(["pump 2026-11-21"]);
    expect(ended).toEqual([
      { model: "pump", window: "2026-11-21", state: "failed", message: "read [a.csv]: empty" },
    ]);
  });

  it("says why confirmed drift starts no retrain", async () => {
    const result = await environment.client.workflow.execute<typeof driftWorkflow>("driftWorkflow", {
      workflowId: "drift/cooling/1",
      taskQueue: TASK_QUEUES.control,
      args: [{ model: "cooling" }],
    });
    expect(result).toMatchObject({ confirmed: true, notRetrained: "drift: too young" });
  });
});

async function untilCancelled(): Promise<void> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), 50);
  await context.cancelled.finally(() => clearInterval(timer));
}

/** `specKey` tells the fake steps what to do. */
function inputOf(name: string, specKey: string): PipelineInput {
  return {
    pipeline: name,
    model: name,
    spec: { ...REF, key: specKey },
    text: REF,
    specHash: HASH,
    files: REF,
    requestedBy: { id: "ann", authenticated: false },
  };
}
