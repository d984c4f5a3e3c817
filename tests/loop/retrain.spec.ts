import { WorkflowFailedError } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ApiClient, apiPath } from "../../cli/client.ts";
import { retrainRefusalSchema, retrainSchema } from "../../schemas/runs/retrain.ts";
import { runViewSchema } from "../../schemas/runs/run.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database } from "../../stores/postgres/port.ts";
import { retrainWorkflowId, TASK_QUEUES } from "../../temporal-config/constants.ts";
import { isNeverFinal, PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { DATA_FILE, pipelineText, pumpReadings } from "../faults/fixture/pumps.ts";
import { inMs, untilAnswered } from "../faults/patience.ts";

/**
 * Retrains on a real platform: who may start one, how many there are, and what a change envelope lets through.
 *
 * `plain` is approved by people each time; `enveloped` has an envelope that approves after a moment.
 */

const DEADLINE_MS = 150_000;
const N_ALARMS = 50;
const DATA_SEED = 11;
/** So few that a model of more rows is better. */
const FIRST_ROWS = 200;

/** A linear model is as good on few rows as on many: the retrained one would be refused. */
const FILE = pipelineText().replace(
  /candidates:[^]*?\n\n/,
  "candidates:\n  - { kind: forest, params: { numTrees: 60 } }\n\n",
);
const ENVELOPE = `
retraining:
  coolDown: 1s
  envelope:
    data: { minRows: 150, minShare: 0.9 }
    quality: { gates: [{ metric: rocAuc, min: 0.6 }], maxWorse: { rocAuc: 0.2 } }
    approval: { deadline: 2s, reminder: 1h }
`;

const fileOf = (name: string, rest: string): string =>
  `${FILE.replace("name: faults", `name: ${name}`)}${rest}`;
const listSchema = z.looseObject({ items: z.array(retrainSchema), refused: z.array(retrainRefusalSchema) });
const askedSchema = z.looseObject({ window: z.string(), workflowId: z.string() });
const schedulesSchema = z.looseObject({
  items: z.array(
    z.looseObject({ id: z.string(), everySeconds: z.number().nullable(), nextAt: z.string().nullable() }),
  ),
});

describe("retrains", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;
  let api: ApiClient;
  let db: Database;

  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(6 * DEADLINE_MS));
    api = new ApiClient({ baseUrl: platform.apiUrl });
    db = await createDatabase(platform.databaseUrl);
    const files = { [DATA_FILE]: pumpReadings(DATA_SEED, FIRST_ROWS) };
    const started = [
      await person.startRun({ files, pipeline: fileOf("plain", "\nretraining: { coolDown: 1h }\n") }),
      await person.startRun({ files, pipeline: fileOf("enveloped", ENVELOPE) }),
    ];
    for (const { runId } of started)
      expect(await person.finishRun(runId)).toMatchObject({ outcome: "promoted", version: 1 });
  });
  afterAll(async () => {
    await db.close();
    await platform.dispose();
  });

  const listed = (model: string) => api.get("/v1/retrains", listSchema, { model, limit: 100 });
  const ask = (model: string, skipCoolDown = false) =>
    api.post("/v1/retrains", { reply: askedSchema, body: { model, reason: "test", skipCoolDown } });
  const addRows = async (pipeline: string, nRows: number) => {
    const files = [await person.upload(DATA_FILE, pumpReadings(DATA_SEED, nRows))];
    await api.post(apiPath`/v1/pipelines/${pipeline}/files`, { reply: z.unknown(), body: { files } });
  };
  const ended = async (model: string, window: string) => {
    await platform.client.workflow.getHandle(retrainWorkflowId(model, window)).result();
    return (await listed(model)).items.find((one) => one.window === window);
  };
  const runsOf = async (model: string) =>
    (await api.get("/v1/runs", z.looseObject({ items: z.array(runViewSchema) }), { model, limit: 50 })).items;

  it("makes of the same drift, reported 50 times, one retrain", async () => {
    await askShifted(platform, person, "plain");
    const alarms = Array.from({ length: N_ALARMS }, (_, i) =>
      platform.client.workflow.execute("driftWorkflow", {
        workflowId: `drift/plain/alarm-${i}`,
        taskQueue: TASK_QUEUES.control,
        args: [{ model: "plain" }],
      }),
    );
    const results: { confirmed: boolean; retrainWindow?: string; notRetrained?: string }[] =
      await Promise.all(alarms);
    expect(results.every(({ confirmed }) => confirmed)).toBe(true);
    expect(results.filter(({ retrainWindow }) => retrainWindow !== undefined)).toHaveLength(1);
    const { items, refused } = await listed("plain");
    expect(items).toMatchObject([{ trigger: "drift", requestedBy: "aura" }]);
    expect(refused.reduce((sum, { times }) => sum + times, 0)).toBe(N_ALARMS - 1);
    const [retrain] = items;
    // The same files as before: the same model comes out, and nobody is asked.
    expect(await ended("plain", retrain?.window ?? "")).toMatchObject({
      state: "finished",
      outcome: "unchanged",
    });
    expect((await runsOf("plain")).filter(({ requestedBy }) => requestedBy === "aura")).toHaveLength(1);
  });

  it("says while it cools down when it is possible again, also to people", async () => {
    const late = platform.client.workflow.execute("driftWorkflow", {
      workflowId: "drift/plain/late",
      taskQueue: TASK_QUEUES.control,
      args: [{ model: "plain" }],
    });
    expect(await late).toMatchObject({
      confirmed: true,
      notRetrained: expect.stringContaining("cools down until"),
    });
    await expect(ask("plain")).rejects.toMatchObject({ code: "retrain_refused" });
    const { refused } = await listed("plain");
    const manual = refused.find(({ trigger }) => trigger === "manual");
    expect(manual).toMatchObject({ code: "cool_down", times: 1 });
    const inAnHour = Date.parse(manual?.possibleAt ?? "") - Date.now();
    expect(inAnHour).toBeGreaterThan(3_400_000);
    expect(inAnHour).toBeLessThanOrEqual(3_600_000);
  });

  it("makes one champion and one line of history of two that finish at once", async () => {
    await addRows("plain", 800);
    const { window } = await ask("plain", true);
    const retrain = await untilAnswered("the retrain's run", inMs(DEADLINE_MS), async () =>
      (await runsOf("plain")).find(({ status }) => status === "waiting"),
    );
    const other = await person.startRun({
      pipeline: fileOf("plain", "\nretraining: { coolDown: 1h }\n"),
      files: { [DATA_FILE]: pumpReadings(DATA_SEED, 1_600) },
    });
    const approvals = await Promise.all(
      [retrain.runId, other.runId].map((runId) => person.untilAsked(runId)),
    );
    const [first, second] = approvals.map((approval) => {
      if (approval === undefined)
        throw new Error("a run is not asked about: it is no better than the champion");
      return person.decide(approval);
    });
    await Promise.all([first, second]);
    const outcomes = await Promise.all([retrain.runId, other.runId].map((runId) => person.untilOver(runId)));
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(["promoted", "refused"]));
    const champion = outcomes.find(({ outcome }) => outcome === "promoted")?.version;
    const history = await db.registry.history("plain");
    expect(history.map(({ version, previousVersion }) => [previousVersion, version])).toEqual([
      [null, 1],
      [1, champion],
    ]);
    expect(await ended("plain", window)).toMatchObject({ state: "finished" });
  });

  it("lets no second one begin, however it is started", async () => {
    const windows = ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "2026-01-03T00:00:00.000Z"];
    const started = await Promise.all(
      windows.map((window) =>
        platform.client.workflow.start("retrainWorkflow", {
          workflowId: retrainWorkflowId("plain", window),
          taskQueue: TASK_QUEUES.control,
          args: [{ model: "plain", window, reason: "started through Temporal" }],
        }),
      ),
    );
    const ends = started.map((handle) => handle.result().catch((error: unknown) => error));
    const failed = await untilAnswered("two that are refused", inMs(DEADLINE_MS), async () => {
      const states = await Promise.all(started.map((handle) => handle.describe()));
      const refused = states.filter(({ status }) => status.name === "FAILED");
      return refused.length === 2 ? refused : undefined;
    });
    const winner = started.find(({ workflowId }) => failed.every((one) => one.workflowId !== workflowId));
    await winner?.cancel();
    for (const end of await Promise.all(ends)) expect(end).toBeInstanceOf(WorkflowFailedError);
    const begun = (await listed("plain")).items.filter((one) => windows.includes(one.window));
    expect(begun).toMatchObject([
      { requestedBy: "temporal", state: "cancelled", workflowId: winner?.workflowId },
    ]);
  });

  it("asks a person once, however many ask at once", async () => {
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => ask("enveloped", true)));
    const windows = new Set(asked.flatMap((one) => (one.status === "fulfilled" ? [one.value.window] : [])));
    for (const window of windows) await ended("enveloped", window);
    const { items } = await listed("enveloped");
    expect(items).toHaveLength(windows.size);
    // Newest first; none was asked for before the one before it had ended.
    for (const [i, { askedAt }] of items.entries())
      expect(askedAt >= (items[i + 1]?.finishedAt ?? "")).toBe(true);
  });

  it("approves by policy what is inside the envelope that people approved", async () => {
    await addRows("enveloped", 800);
    const { window } = await ask("enveloped", true);
    expect(await ended("enveloped", window)).toMatchObject({
      state: "finished",
      outcome: "promoted",
      version: 2,
    });
    const approval = await db.approvals.givenFor(
      "enveloped",
      (await db.registry.champion("enveloped"))?.digest ?? "",
    );
    expect(approval).toMatchObject({
      kind: "promotion",
      state: "approved",
      policy: { onDeadline: "approve" },
    });
    expect(approval?.evidence).toMatchObject({
      envelope: { inside: true, approvedBy: ["faults@example.com"], items: expect.any(Array) },
    });
    const [decision] = approval?.decisions ?? [];
    expect(decision).toMatchObject({
      channel: "policy",
      by: expect.stringMatching(/^envelope [0-9a-f]{12}$/),
    });
    expect(decision?.reason).toContain("faults@example.com approved");
    const audit = await db.audit.list({ subject: "model/enveloped@2", limit: 10 });
    expect(audit.find(({ action }) => action === "version.promote")).toMatchObject({
      actor: { id: decision?.by },
    });
  });

  it("passes on what people said, and refuses what is outside, saying why", async () => {
    await addRows("enveloped", 170);
    const { window } = await ask("enveloped", true);
    const refused = await ended("enveloped", window);
    expect(refused).toMatchObject({ state: "finished", outcome: "refused" });
    expect(refused?.message).toContain("readings beside the approved version's 170, allowed at least 180");
    expect(await db.registry.champion("enveloped")).toMatchObject({ version: 2 });
    const run = (await runsOf("enveloped")).find(({ runId }) => runId === refused?.runId);
    expect(run?.gates?.filter(({ name }) => name.startsWith("envelope: ")).length).toBeGreaterThan(4);
  });

  it("does not let a person's objection be overruled", async () => {
    await addRows("enveloped", 1_600);
    const { window } = await ask("enveloped", true);
    const waiting = await untilAnswered("an approval", inMs(DEADLINE_MS), async () =>
      (await db.approvals.list({ state: "waiting", limit: 5 })).find(({ model }) => model === "enveloped"),
    );
    await api.post(apiPath`/v1/approvals/${waiting.id}/decisions`, {
      reply: z.unknown(),
      body: {
        decisionId: "objection",
        decision: "reject",
        digest: waiting.digest,
        by: "eve",
        reason: "not now",
      },
    });
    expect(await ended("enveloped", window)).toMatchObject({ outcome: "rejected" });
    expect(await db.registry.champion("enveloped")).toMatchObject({ version: 2 });
  });

  it("asks people again when the envelope was changed since", async () => {
    const wider = ENVELOPE.replace("minShare: 0.9", "minShare: 0.1");
    const rerun = await person.startRun({
      pipeline: fileOf("enveloped", wider),
      files: { [DATA_FILE]: pumpReadings(DATA_SEED, 800) },
    });
    // The same model of the same rows: nobody approved the wider envelope with it.
    expect(await person.untilOver(rerun.runId)).toMatchObject({ outcome: "unchanged" });
    await addRows("enveloped", 2_400);
    const { window } = await ask("enveloped", true);
    const waiting = await untilAnswered("an approval", inMs(DEADLINE_MS), async () =>
      (await db.approvals.list({ state: "waiting", limit: 5 })).find(({ model }) => model === "enveloped"),
    );
    expect(waiting.policy.onDeadline).toBe("expire");
    await person.decide(await person.readApproval(waiting.id));
    expect(await ended("enveloped", window)).toMatchObject({ outcome: "promoted" });
  });

  it("has the schedules that the file says, from the next run on", async () => {
    const every = async () =>
      (await api.get("/v1/schedules", schedulesSchema)).items
        .filter(({ id }) => /^(drift|retrain)\/watched$/.test(id))
        .map(({ id, everySeconds }) => [id, everySeconds]);
    const run = async (rest: string) => {
      const { runId } = await person.startRun({
        pipeline: fileOf("watched", rest).replace(/\nmonitoring:.*\n/, "\n"),
      });
      return (await person.finishRun(runId)).outcome;
    };
    expect(await run("\nmonitoring: { every: 6h }\n")).toBe("promoted");
    await expect.poll(every, { timeout: 10_000 }).toEqual([["drift/watched", 21_600]]);
    expect(await run("\nmonitoring: { every: 3h }\nretraining: { schedule: { every: 30d } }\n")).toBe(
      "unchanged",
    );
    await expect.poll(every, { timeout: 10_000 }).toEqual([
      ["drift/watched", 10_800],
      ["retrain/watched", 2_592_000],
    ]);
    expect(
      await run("\nmonitoring: { enabled: false }\nretraining: { schedule: { cron: 0 3 * * 1 } }\n"),
    ).toBe("unchanged");
    await expect.poll(every, { timeout: 10_000 }).toEqual([["retrain/watched", null]]);
    expect(await run("\nmonitoring: { enabled: false }\n")).toBe("unchanged");
    await expect.poll(every, { timeout: 10_000 }).toEqual([]);
  });

  it("judges a champion by the metric and the gates that the file says now", async () => {
    const versionSchema = z.looseObject({ evaluation: z.looseObject({ primaryMetric: z.string() }) });
    const gatesSchema = z.looseObject({
      passed: z.boolean(),
      gates: z.array(z.looseObject({ name: z.string() })),
    });
    const gates = () => api.get("/v1/models/watched/versions/1/gates", gatesSchema);
    expect(await gates()).toMatchObject({ passed: true });
    const pipeline = fileOf("watched", "")
      .replace("primary: rocAuc", "primary: logLoss")
      .replace("{ metric: rocAuc, min: 0.6 }", "{ metric: logLoss, max: 0.000001 }");
    const { runId } = await person.startRun({ pipeline });
    expect(await person.untilOver(runId)).toMatchObject({
      outcome: "unchanged",
      version: 1,
      gates: expect.arrayContaining([expect.objectContaining({ name: "logLoss on test", passed: false })]),
    });
    expect(await api.get("/v1/models/watched/versions/1", versionSchema)).toMatchObject({
      evaluation: { primaryMetric: "logLoss" },
    });
    expect(await gates()).toMatchObject({ passed: false });
  });
});

/** Questions far from what the champion was trained on; done when a check can read their traces. */
async function askShifted(platform: FaultyPlatform, person: PatientPerson, model: string): Promise<void> {
  const rows = Array.from({ length: 120 }, (_, i) => ({
    temperature: 95 + (i % 40) / 2,
    vibration: 2 + (i % 16) / 2,
  }));
  const reply = z.looseObject({ predictions: z.array(z.unknown()) });
  const predict = (client: ApiClient) =>
    client.post(apiPath`/v1/models/${model}/predict`, { reply, body: { rows } });
  await person.ask("an answer of the champion", predict, isNeverFinal);
  // An API that ends closes its trace segment at once, and not after half a minute.
  await platform.restart("api", inMs(DEADLINE_MS));
  await untilAnswered("shipped traces", inMs(DEADLINE_MS), async () => {
    const client = new ApiClient({ baseUrl: platform.apiUrl });
    const { items } = await client.get("/v1/predictions", z.looseObject({ items: z.array(z.unknown()) }), {
      model,
    });
    return items.length > 0 || undefined;
  });
}
