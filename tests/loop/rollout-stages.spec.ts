import { MockActivityEnvironment } from "@temporalio/testing";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { ActivityDeps } from "../../activities/dependencies.ts";
import { createRolloutActivities } from "../../activities/rollout/activities.ts";
import type { WatchResult } from "../../activities/rollout/messages.ts";
import { rolloutPlan, rolloutSchema } from "../../schemas/pipeline/rollout.ts";
import type { RetrainTrigger } from "../../schemas/runs/retrain.ts";
import { emptyCounts } from "../../schemas/serving/rollout.ts";
import type { RolloutCounts } from "../../schemas/serving/rollout.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database, RolloutRow } from "../../stores/postgres/port.ts";
import { approveVersion, promoteVersion } from "../support/champions.ts";
import { MemoryObjects } from "../support/memory-objects.ts";
import { createTestDatabase, describeWithServices } from "../support/platform.ts";
import type { TestDatabase } from "../support/platform.ts";
import { auditOf } from "../support/registry-samples.ts";
import { putTinyVersion } from "../support/served-versions.ts";

let nModels = 0;

/** What follows a stage, on a real database and without Temporal: each case begins with a rollout that has just opened. */
await describeWithServices("the stages of a rollout", () => {
  let test: TestDatabase;
  let db: Database;
  let activities: ReturnType<typeof createRolloutActivities>;
  const objects = new MemoryObjects();
  let model = "";
  beforeAll(async () => {
    test = await createTestDatabase("stages");
    db = await createDatabase(test.url);
    activities = createRolloutActivities({ db, objects } as unknown as ActivityDeps);
  });
  beforeEach(() => {
    model = `wear-${nModels++}`;
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });

  const stored = (version: number) => putTinyVersion(objects, { model, version, slope: version });
  /** @returns the run of a retrain */
  const retrain = async (trigger: RetrainTrigger): Promise<string> => {
    const window = "2026-01-01T00:00:00.000Z";
    // One that goes on would be in the way.
    for (const version of [1, 2]) {
      const before = `run-${model}-${version}`;
      const end = { status: "finished", outcome: "promoted" } as const;
      await db.runs.finish(before, end, auditOf("run.finish", `run/${before}`));
    }
    const asked = {
      model,
      trigger,
      window,
      reason: "test",
      requestKey: `${model}/${trigger}`,
      coolDownMs: 0,
    };
    const requestedBy = { id: "aura", authenticated: true };
    const answer = await db.retrains.ask({ ...asked, requestedBy }, auditOf("retrain.ask"));
    expect(answer).toEqual({ window });
    const runId = `run-${model}-retrained`;
    await db.runs.create({
      runId,
      workflowId: `pipeline/${runId}`,
      pipeline: model,
      model,
      pipelineText: `name: ${model}`,
      specHash: "a".repeat(64),
      files: [],
      requestedBy: "aura",
      requesterAuthenticated: true,
      scheduleKey: `retrain/${window}`,
    });
    return runId;
  };
  /** @param retrainedBy the version is then of a retrain */
  const open = async (over: object, retrainedBy?: RetrainTrigger): Promise<RolloutRow> => {
    await promoteVersion(db, await stored(1));
    const { registered, approvalId } = await approveVersion(db, await stored(2));
    const runId = retrainedBy === undefined ? null : await retrain(retrainedBy);
    const declared = rolloutSchema.parse({ guards: { quality: false }, minRows: 50, ...over });
    const row = await db.rollouts.open(
      {
        id: `${model}.2`,
        model,
        version: 2,
        digest: registered.digest,
        approvalId,
        workflowId: "w",
        runId,
        plan: rolloutPlan(declared, false),
        requestedBy: "ada",
        requesterAuthenticated: false,
      },
      auditOf("rollout.open"),
    );
    if (row === undefined) throw new Error("not opened");
    return row;
  };
  const report = (row: RolloutRow, counts: Partial<RolloutCounts>, reporter = "api") =>
    db.rollouts.putStats({
      rolloutId: row.id,
      stage: row.stage,
      reporter,
      counts: { ...emptyCounts(), ...counts },
      sample: [],
    });
  const pass = ({ id, revision }: RolloutRow) => activities.passStage({ rolloutId: id, revision });
  const watch = ({ id, revision }: RolloutRow): Promise<WatchResult> =>
    new MockActivityEnvironment().run(
      (input: { rolloutId: string; revision: number }) => activities.watchRollout(input),
      {
        rolloutId: id,
        revision,
      },
    );
  const kindsOf = async ({ id }: RolloutRow) => (await db.rollouts.events(id)).map(({ kind }) => kind);

  it("goes on with what all processes answered together", async () => {
    const row = await open({});
    await report(row, { pairs: 30 }, "api-1");
    expect(await pass(row)).toMatchObject({ state: "running", stage: 0 });
    const prolonged = await db.rollouts.get(row.id);
    await report(row, { pairs: 30 }, "api-2");
    expect(await pass(prolonged ?? row)).toMatchObject({ stage: 1, mode: "canary", share: 5 });
    expect(await kindsOf(row)).toEqual(["opened", "prolonged", "advanced"]);
    // A bake that ends twice, as after a crash, counts once.
    expect(await pass(prolonged ?? row)).toMatchObject({ stage: 1 });
    expect((await db.registry.version(model, 2))?.aliases).toEqual(["challenger"]);
  });

  it.each([
    ["pause", "paused", null],
    ["rollback", "rolled_back", "too_few_answers"],
  ])("without answers by the end of maxBake: %s", async (onTooFew, state, guard) => {
    const row = await open({ onTooFew, maxBake: "1ms" });
    expect(await pass(row)).toMatchObject({ state, guard, reason: "0 answers, expected at least 50" });
    const alerts = await db.alerts.list({ state: "open", limit: 5 });
    expect(alerts.filter(({ subject }) => subject === `model/${model}`)).toHaveLength(1);
  });

  it("ends a prolonged stage as soon as it has its answers", async () => {
    const row = await open({});
    await pass(row);
    const prolonged = (await db.rollouts.get(row.id)) ?? row;
    const watching = watch(prolonged);
    await report(row, { pairs: 60 });
    expect(await watching).toEqual({ kind: "enough" });
  });

  it("is rolled back where a process cannot load the version, or another one became champion", async () => {
    const row = await open({});
    await report(row, { refused: { model_refused: 1 } });
    expect(await watch(row)).toMatchObject({ kind: "breach", breach: { guard: "load" } });
    model = `${model}-other`;
    const second = await open({});
    const watching = watch(second);
    const third = await approveVersion(db, await stored(3));
    const { version, digest } = third.registered;
    const { approvalId } = third;
    await db.registry.promote(
      { model, version, digest, requestId: "x", approvalId, reason: "" },
      auditOf("p"),
    );
    expect(await watching).toMatchObject({ kind: "breach", breach: { guard: "champion_changed" } });
    expect(await pass(second)).toMatchObject({ state: "rolled_back", guard: "champion_changed" });
  });

  it("judges the last minute by itself: what breaks late is not hidden by what went well", async () => {
    const row = await open({});
    const good = { ...emptyCounts().candidate, requests: 100_000 };
    await report(row, { candidate: good });
    const watching = watch(row);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    // 30 of 100,030: nothing of the whole, and all of the last second.
    await report(row, { candidate: { ...good, requests: 100_030, errors: { overloaded: 30 } } });
    expect(await watching).toMatchObject({ kind: "breach", breach: { guard: "error_rate" } });
  });

  it.each([
    ["drift", "tell", "running", null],
    ["degradation", "tell", "running", null],
    ["drift", "judge", "rolled_back", "disagreement"],
    ["schedule", "tell", "rolled_back", "disagreement"],
  ] as const)(
    "retrained by %s, with afterDrift: %s, and answering otherwise",
    async (trigger, afterDrift, state, guard) => {
      const opened = await open({ guards: { quality: false, afterDrift } }, trigger);
      await report(opened, { pairs: 200, different: 150 });
      const row = await pass(opened);
      expect(row).toMatchObject({ state, guard });
      if (guard === null) {
        const reason = `200 answers; borne after ${trigger} [disagreement]: the new version and the champion differ on 75 % of 200 rows (borne 25 %)`;
        expect((await db.rollouts.events(row.id)).at(-1)).toMatchObject({ kind: "advanced", reason });
      }
      // Whatever asked for it: an answer that is no number is one too many.
      const nan = { ...emptyCounts().candidate, requests: 1, errors: { x: 1 }, nonFinite: { "*": 1 } };
      const now = await db.rollouts.get(row.id);
      if (guard === null && now !== undefined) {
        await report(now, { candidate: nan });
        expect(await pass(now)).toMatchObject({ state: "rolled_back", guard: "non_finite" });
      }
    },
  );

  it("is promoted where people made its version champion meanwhile, whatever its guards find", async () => {
    const row = await open({});
    const { digest } = (await db.registry.version(model, 2)) ?? { digest: "" };
    const approvalId = `ap.${model}.2`;
    await db.registry.promote(
      { model, version: 2, digest, requestId: "x", approvalId, reason: "" },
      auditOf("p"),
    );
    expect(await watch(row)).toEqual({ kind: "enough" });
    const breach = { guard: "latency", reason: "slow", details: {} } as const;
    expect(await activities.rollBack({ rolloutId: row.id, breach })).toMatchObject({
      state: "promoted",
      guard: null,
      reason: "it is the champion already (slow)",
    });
  });

  it("says when it was looked at last", async () => {
    const row = await open({});
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await db.rollouts.get(row.id))?.unwatchedMs).toBeGreaterThan(250);
    const watching = watch(row);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await db.rollouts.get(row.id))?.unwatchedMs).toBeLessThan(250);
    await db.rollouts.change(row.id, { kind: "aborted", reason: "" }, auditOf("rollout.abort"));
    await watching;
  });

  it.each(["rolled_back", "aborted"] as const)("lets a run end as its rollout did: %s", async (outcome) => {
    const { runId } = (await db.registry.version(model, (await open({})).version)) ?? { runId: "" };
    await db.runs.finish(runId, { status: "finished", outcome }, auditOf("run.finish", `run/${runId}`));
    expect(await db.runs.get(runId)).toMatchObject({ status: "finished", outcome });
  });

  it("hears of a change by somebody, and writes nothing for a rollout that is over", async () => {
    const row = await open({});
    const watching = watch(row);
    await db.rollouts.change(row.id, { kind: "paused", reason: "night" }, auditOf("rollout.pause"));
    expect(await watching).toEqual({ kind: "changed" });
    await activities.withdrawRollout({ rolloutId: row.id });
    expect(await db.rollouts.get(row.id)).toMatchObject({ state: "aborted" });
    await report(row, { pairs: 5 });
    expect(await db.rollouts.stats(row.id, 0)).toEqual([]);
    expect(await db.rollouts.serving(model)).toEqual([]);
  });
});
