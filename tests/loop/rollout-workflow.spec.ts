import { WorkflowFailedError } from "@temporalio/client";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { ActivityDeps } from "../../activities/dependencies.ts";
import { withFailures } from "../../activities/failures.ts";
import { createRegistryActivities } from "../../activities/registry/activities.ts";
import type { PromoteInput } from "../../activities/registry/messages.ts";
import { createRolloutActivities } from "../../activities/rollout/activities.ts";
import { rolloutPlan, rolloutSchema } from "../../schemas/pipeline/rollout.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database, RolloutRow } from "../../stores/postgres/port.ts";
import { promoteWorkflowId, rolloutWorkflowId, TASK_QUEUES } from "../../temporal-config/constants.ts";
import { RolloutSweeper } from "../../workers/rollout-sweeper.ts";
import type { RolloutResult } from "../../workflows/rollout/messages.ts";
import { until } from "../adapters/support/until.ts";
import { approveVersion, promoteVersion } from "../support/champions.ts";
import { MemoryObjects } from "../support/memory-objects.ts";
import { createTestDatabase, describeWithServices } from "../support/platform.ts";
import type { TestDatabase } from "../support/platform.ts";
import { auditOf } from "../support/registry-samples.ts";
import { putTinyVersion } from "../support/served-versions.ts";
import { startWorkflowEnvironment } from "../support/workflow-environment.ts";
import type { WorkflowEnvironment } from "../support/workflow-environment.ts";

const LONG = { shadow: { bake: "1h" }, steps: [], minRows: 0 };
const SHORT = { shadow: { bake: "300ms" }, steps: [], minRows: 0 };
const ROLLBACK_MS = 5_000;

let nModels = 0;

/** How a rollout ends when something else than its guards comes in between: real workflows, activities and rows. */
await describeWithServices("the end of a rollout", (services) => {
  let test: TestDatabase;
  let db: Database;
  let environment: WorkflowEnvironment;
  let sweeper: RolloutSweeper;
  const objects = new MemoryObjects();
  let model = "";
  /** What the activities of one case do first. */
  let beforePass: () => Promise<void> = async () => undefined;
  let beforePromotion: (input: PromoteInput) => Promise<void> = async () => undefined;

  beforeAll(async () => {
    test = await createTestDatabase("rollend");
    db = await createDatabase(test.url);
    const rollout = createRolloutActivities({
      db,
      objects,
      log: pino({ level: "silent" }),
    } as unknown as ActivityDeps);
    const registry = createRegistryActivities({ db, objects });
    environment = await startWorkflowEnvironment(
      services,
      withFailures({
        ...rollout,
        ...registry,
        ensureMonitoring: async (): Promise<void> => undefined,
        async passStage(input: Parameters<typeof rollout.passStage>[0]) {
          await beforePass();
          return rollout.passStage(input);
        },
        async promoteVersion(input: PromoteInput) {
          await beforePromotion(input);
          return registry.promoteVersion(input);
        },
      }),
    );
    sweeper = new RolloutSweeper(db, environment.client, pino({ level: "silent" }));
    sweeper.start();
  });
  beforeEach(() => {
    model = `seal-${nModels++}`;
    beforePass = async () => undefined;
    beforePromotion = async () => undefined;
  });
  afterAll(async () => {
    await sweeper.close();
    await environment.close();
    await db.close();
    await test.drop();
  });

  const approved = async (version: number) =>
    approveVersion(db, await putTinyVersion(objects, { model, version, slope: version }));
  const champion = async () =>
    promoteVersion(db, await putTinyVersion(objects, { model, version: 1, slope: 1 }));
  const start = async (
    { registered, approvalId }: Awaited<ReturnType<typeof approved>>,
    stages: object,
    rolloutId = `${model}.${registered.version}`,
  ) => {
    const { version, digest } = registered;
    const plan = rolloutPlan(rolloutSchema.parse({ ...stages, guards: { quality: false } }), true);
    const requestedBy = { id: "ada", authenticated: false };
    const input = { rolloutId, model, version, digest, approvalId, runId: null, plan, requestedBy };
    return environment.client.workflow.start("rolloutWorkflow", {
      workflowId: rolloutWorkflowId(rolloutId),
      taskQueue: TASK_QUEUES.control,
      args: [input],
    });
  };
  const untilRow = (isDone: (row: RolloutRow) => boolean) =>
    until(
      async () => db.rollouts.latest(model),
      (row) => row !== undefined && isDone(row),
      20_000,
    );
  const promote = (
    { registered, approvalId }: Awaited<ReturnType<typeof approved>>,
    requestId = "by-hand",
  ) => {
    const { version, digest } = registered;
    return db.registry.promote({ model, version, digest, requestId, approvalId, reason: "" }, auditOf("p"));
  };
  const expectLine = async (...versions: number[]): Promise<void> => {
    const moves = (await db.registry.history(model)).filter(({ alias }) => alias === "champion");
    expect(moves.map((one) => [one.previousVersion, one.version])).toEqual(
      versions.map((version, i) => [versions[i - 1] ?? null, version]),
    );
    expect((await db.registry.champion(model))?.version).toBe(versions.at(-1));
  };
  const alertsOf = async () =>
    (await db.alerts.list({ state: "open", limit: 100 })).filter(
      ({ subject }) => subject === `model/${model}`,
    );

  it("rolls back with an alert what fails, and the workflow says so as well", async () => {
    await champion();
    beforePass = () => Promise.reject(new PlatformError("integrity", "a file is not what its hash says"));
    const handle = await start(await approved(2), SHORT);
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(await db.rollouts.latest(model)).toMatchObject({
      state: "rolled_back",
      guard: "workflow",
      reason: expect.stringMatching(/^its workflow failed: /),
    });
    expect(await db.rollouts.serving(model)).toEqual([]);
    expect(await alertsOf()).toMatchObject([
      { kind: "rollout", message: expect.stringContaining("[workflow]") },
    ]);
    await expectLine(1);
  });

  it.each(["running", "paused"] as const)(
    "rolls back within five seconds what is terminated while it is %s",
    async (state) => {
      await champion();
      const handle = await start(await approved(2), LONG);
      await untilRow((row) => row.state === "running");
      if (state === "paused") {
        await db.rollouts.change(`${model}.2`, { kind: "paused", reason: "night" }, auditOf("rollout.pause"));
      }
      const began = Date.now();
      await handle.terminate("a test");
      const row = await untilRow(({ endedAt }) => endedAt !== null);
      expect(row).toMatchObject({
        state: "rolled_back",
        guard: "workflow",
        reason: "its workflow was terminated",
      });
      expect(Date.now() - began).toBeLessThan(ROLLBACK_MS);
      const messages = (await alertsOf()).map(({ message }) => message);
      expect(messages.filter((one) => one.includes("[workflow]"))).toHaveLength(1);
    },
  );

  it("rolls back what has lost its workflow altogether, and leaves alone what has one", async () => {
    await champion();
    const handle = await start(await approved(2), LONG);
    await untilRow((row) => row.state === "running");
    const running = model;
    model = `${model}-lost`;
    await champion();
    const { registered, approvalId } = await approved(2);
    const plan = rolloutPlan(rolloutSchema.parse(LONG), true);
    await db.rollouts.open(
      {
        id: `${model}.2`,
        model,
        version: 2,
        digest: registered.digest,
        approvalId,
        workflowId: "rollout/nobody",
        runId: null,
        plan,
        requestedBy: "ada",
        requesterAuthenticated: false,
      },
      auditOf("rollout.open"),
    );
    const row = await untilRow(({ endedAt }) => endedAt !== null);
    expect(row).toMatchObject({ state: "rolled_back", reason: "its workflow is not there" });
    expect(await db.rollouts.latest(running)).toMatchObject({ state: "running" });
    await handle.signal("abort", { by: "eve", reason: "enough" });
    expect(await handle.result()).toMatchObject({ outcome: "aborted" });
  });

  it("ends as promoted when people promote its version by hand", async () => {
    await champion();
    const second = await approved(2);
    const handle = await start(second, LONG);
    await untilRow((row) => row.state === "running");
    await promote(second);
    expect(await handle.result()).toMatchObject({ outcome: "promoted", guard: null });
    await expectLine(1, 2);
    expect(await alertsOf()).toEqual([]);
    expect((await db.registry.version(model, 2))?.aliases).toEqual(["champion"]);
  });

  it("ends as promoted when that happens while it is paused", async () => {
    await champion();
    const second = await approved(2);
    const handle = await start(second, LONG);
    await untilRow((row) => row.state === "running");
    await db.rollouts.change(`${model}.2`, { kind: "paused", reason: "night" }, auditOf("rollout.pause"));
    await promote(second);
    expect(await handle.result()).toMatchObject({ outcome: "promoted" });
  });

  it("waits at its last step for a promotion of the same version by hand, and ends as promoted", async () => {
    await champion();
    const second = await approved(2);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    beforePromotion = ({ requestId }) => (requestId === "by-hand" ? held : Promise.resolve());
    const { registered, approvalId } = second;
    const input: PromoteInput = {
      model,
      version: 2,
      digest: registered.digest,
      requestId: "by-hand",
      approvalId,
      reason: "",
      actor: { id: "olga", authenticated: false },
    };
    const byHand = await environment.client.workflow.start("promotionWorkflow", {
      workflowId: promoteWorkflowId(model, 2),
      taskQueue: TASK_QUEUES.control,
      args: [input],
    });
    const handle = await start(second, SHORT);
    await untilRow((row) => row.state === "promoting");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await db.rollouts.latest(model)).toMatchObject({ state: "promoting", guard: null });
    release();
    await byHand.result();
    expect(await handle.result()).toMatchObject({ outcome: "promoted", guard: null });
    await expectLine(1, 2);
  });

  it("promotes by itself when that promotion by hand comes to nothing", async () => {
    await champion();
    const second = await approved(2);
    const byHand = await environment.client.workflow.start("promotionWorkflow", {
      workflowId: promoteWorkflowId(model, 2),
      // Nobody works there: it stands still until it is cancelled.
      taskQueue: "nobody",
      args: [{}],
    });
    const handle = await start(second, SHORT);
    await untilRow((row) => row.state === "promoting");
    await new Promise((resolve) => setTimeout(resolve, 700));
    await byHand.terminate();
    expect(await handle.result()).toMatchObject({ outcome: "promoted" });
    await expectLine(1, 2);
  });

  it("answers a signal also where it is refused, or there is no champion to be beside", async () => {
    const first = await start(await approved(1), LONG);
    await first.signal("pause", { by: "eve", reason: "early" });
    expect(await first.result()).toMatchObject({ outcome: "promoted" });
    const open = await start(await approved(2), LONG);
    await untilRow((row) => row.state === "running");
    const third = await start(await approved(3), LONG);
    await third.signal("abort", { by: "eve", reason: "twice" });
    const refused: RolloutResult = await third.result();
    expect(refused).toMatchObject({ outcome: "refused" });
    await open.signal("abort", { by: "eve", reason: "enough" });
    expect(await open.result()).toMatchObject({ outcome: "aborted", reason: "enough" });
  });
});
