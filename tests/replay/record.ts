import type { History } from "@temporalio/common/lib/proto-utils.js";
import { ApiClient, apiPath } from "../../cli/client.ts";
import { rawFileSchema } from "../../schemas/data/dataset.ts";
import {
  alarmReplayWorkflowId,
  channelTestWorkflowId,
  alarmWorkflowId,
  approveWorkflowId,
  FEATURES_REFRESH_ID,
  promoteWorkflowId,
  recommendationWorkflowId,
  READINGS_UPKEEP_ID,
  reviewWorkflowId,
  rolloutWorkflowId,
  retrainRequestWorkflowId,
  searchWorkflowId,
  TASK_QUEUES,
  uploadWorkflowId,
} from "../../temporal-config/constants.ts";
import { rolloutPlan, rolloutSchema } from "../../schemas/pipeline/rollout.ts";
import { approveSignal, rejectSignal, wakeSignal } from "../../workflows/approval/messages.ts";
import { z } from "zod";
import { isNeverFinal, PatientPerson } from "../faults/drive-run.ts";
import type { StartedRun } from "../faults/drive-run.ts";
import { labelsReplySchema } from "../../schemas/serving/observed-label.ts";
import { DATA_FILE, pipelineText, pumpReadings } from "../faults/fixture/pumps.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { DRIFT_WORKFLOW_ID, live } from "../faults/life.ts";
import { inMs, untilAnswered } from "../faults/patience.ts";
import { externalPipeline, pumpModel, startTrainer, uploadedModel } from "../support/external-trainer.ts";
import { refittedFleet } from "../support/refitted-fleet.ts";
import { recordedAlarm } from "./record-alarms.ts";
import { RecordedMaintenance } from "./record-maintenance.ts";
import { recordedNames, writeHistory } from "./history-file.ts";

/**
 * Records the histories that replay.test.ts replays: one complete run for each way that a workflow can go.
 *
 *     npm run build && node dist/tests/replay/record.js [group …]
 *
 * Groups: `runs`, `housekeeping`, `alarms`, `maintenance`, `readings`, `rollouts`, `search`, `versions`, `retrains`, `envelopes`, `replays`; all of them without one.
 * To be run when a workflow gains a path; what is recorded stays. A history that no longer replays means that runs
 * which are open at the next release would be stuck: such a change goes behind `patched()`.
 */

const RECORDING_MS = 180_000;
const DIGEST = /^[0-9a-f]{64}$/;

class Recorder {
  readonly #platform: FaultyPlatform;
  readonly person: PatientPerson;
  readonly #api: ApiClient;

  constructor(platform: FaultyPlatform) {
    this.#platform = platform;
    this.person = new PatientPerson(platform.apiUrl, inMs(RECORDING_MS));
    this.#api = new ApiClient({ baseUrl: platform.apiUrl });
  }

  /** Writes the history of a workflow once it is closed. One that is there already stays. */
  async save(name: string, workflowId: string, runId?: string): Promise<void> {
    if (recordedNames().includes(name)) return;
    const handle = this.#platform.client.workflow.getHandle(workflowId, runId);
    await handle.result().catch(() => undefined); // failed and cancelled ones are recorded as well
    const history: History = await handle.fetchHistory();
    writeHistory(name, history);
    process.stdout.write(`${name}: ${history.events?.length ?? 0} events\n`);
  }

  async ended(workflowId: string): Promise<void> {
    await this.#platform.client.workflow.getHandle(workflowId).result();
  }

  get databaseUrl(): string {
    return this.#platform.databaseUrl;
  }

  /** A run whose pipeline is the fixture's with other words, up to its approval. */
  async start(name: string, ...changes: readonly (readonly [string, string])[]): Promise<StartedRun> {
    let pipeline = pipelineText().replace("name: faults", `name: ${name}`);
    for (const [from, to] of changes) {
      if (!pipeline.includes(from)) throw new Error(`the fixture has no [${from}]`);
      pipeline = pipeline.replace(from, to);
    }
    return this.person.startRun({ pipeline });
  }

  /** Workflow id of the approval that the run waits at. */
  async approvalOf(runId: string): Promise<string> {
    const approval = await this.person.untilAsked(runId);
    if (approval === undefined || !DIGEST.test(approval.digest)) throw new Error("no approval");
    return approveWorkflowId("promotion", approval.id, approval.digest);
  }

  /** A file of readings by ticket; one row of it is none. */
  async uploadReadings(): Promise<string> {
    const columns = [{ name: "x" }];
    await this.#api.put("/v1/sources/uploaded", {
      reply: z.unknown(),
      body: { name: "uploaded", owner: "replay", columns },
    });
    const ticket = await this.#api.post("/v1/readings/uploads", {
      reply: z.looseObject({ url: z.string(), upload: z.looseObject({ id: z.string() }) }),
      body: { source: "uploaded", fileName: "june.csv" },
    });
    const { Readable } = await import("node:stream");
    const bytes = Buffer.from("asset,time,x\np1,2026-06-01T00:00:00Z,1\np1,no time,2\n");
    const sent = { bytes: Readable.from([bytes]), length: bytes.length, query: {}, reply: z.unknown() };
    await this.#api.putStream(ticket.url, sent);
    return uploadWorkflowId(ticket.upload.id);
  }

  /** Starts a workflow that the schedules would start. */
  async run(workflowType: string, workflowId: string, input: object): Promise<string> {
    const taskQueue = TASK_QUEUES.control;
    await this.#platform.client.workflow.start(workflowType, { workflowId, taskQueue, args: [input] });
    return workflowId;
  }

  signal(workflowId: string, name: string, word: object): Promise<void> {
    return this.#platform.client.workflow.getHandle(workflowId).signal(name, word);
  }

  /** Waits until somebody has started it. */
  async waitFor(workflowId: string): Promise<void> {
    const handle = this.#platform.client.workflow.getHandle(workflowId);
    await untilAnswered(workflowId, inMs(RECORDING_MS), async () =>
      handle.describe().then(
        () => true as const,
        () => undefined,
      ),
    );
  }

  async cancel(workflowId: string): Promise<void> {
    await this.#platform.client.workflow.getHandle(workflowId).cancel();
  }

  async terminate(workflowId: string): Promise<void> {
    await this.#platform.client.workflow.getHandle(workflowId).terminate("recorded");
  }

  signalReject(workflowId: string): Promise<void> {
    return this.#platform.client.workflow.getHandle(workflowId).signal(rejectSignal, { by: "eve" });
  }

  signalApprove(workflowId: string): Promise<void> {
    return this.#platform.client.workflow.getHandle(workflowId).signal(approveSignal, { by: "ben" });
  }

  /** Wakes an approval until it goes on in a new run. @returns the run ids, in order */
  async wakeUntilContinued(workflowId: string): Promise<readonly [string, string]> {
    const handle = this.#platform.client.workflow.getHandle(workflowId);
    const first = (await handle.describe()).runId;
    const continued = await untilAnswered(
      "a new run of the approval",
      inMs(RECORDING_MS),
      async () => {
        await handle.signal(wakeSignal);
        const { runId } = await handle.describe();
        return runId === first ? undefined : runId;
      },
      { pauseMs: 5 },
    );
    return [first, continued];
  }

  /** Run ids of the first and the last run of a workflow that was continued. */
  async endsOfChain(workflowId: string): Promise<readonly [string, string]> {
    const handle = this.#platform.client.workflow.getHandle(workflowId);
    const { runId } = await handle.describe();
    const { events } = await handle.fetchHistory();
    const first = events?.[0]?.workflowExecutionStartedEventAttributes?.firstExecutionRunId ?? runId;
    if (first === runId) throw new Error(`${workflowId} was not continued`);
    return [first, runId];
  }

  /** Id and run of the first child that a workflow started. */
  async childOf(workflowId: string): Promise<{ readonly workflowId: string; readonly runId: string }> {
    const { events } = await this.#platform.client.workflow.getHandle(workflowId).fetchHistory();
    const started = (events ?? []).map((event) => event.childWorkflowExecutionStartedEventAttributes);
    const child = started.find((one) => one != null)?.workflowExecution;
    if (child?.workflowId == null || child.runId == null) throw new Error(`${workflowId} has no child`);
    return { workflowId: child.workflowId, runId: child.runId };
  }

  /** The rollout that a pipeline run started. */
  async rolloutOf(workflowId: string): Promise<{ readonly workflowId: string; readonly runId: string }> {
    const { events } = await this.#platform.client.workflow.getHandle(workflowId).fetchHistory();
    const started = (events ?? []).map((event) => event.childWorkflowExecutionStartedEventAttributes);
    const child = started.find((one) => one?.workflowType?.name === "rolloutWorkflow")?.workflowExecution;
    if (child?.workflowId == null || child.runId == null) throw new Error(`${workflowId}: no rollout`);
    return { workflowId: child.workflowId, runId: child.runId };
  }

  /** The rollout of a run that has been approved, once it has begun. */
  async untilRolledOut(workflowId: string): Promise<{ readonly workflowId: string; readonly runId: string }> {
    return untilAnswered("a rollout", inMs(RECORDING_MS), () =>
      this.rolloutOf(workflowId).catch(() => undefined),
    );
  }

  /** A rollout of a version that there is none of: its workflow fails. @returns its workflow id */
  async startBrokenRollout(model: string): Promise<string> {
    const rolloutId = `${model}.broken`;
    const plan = rolloutPlan(rolloutSchema.parse({}), false);
    const requestedBy = { id: "recorder", authenticated: false };
    const input = { rolloutId, model, version: 1, digest: "0".repeat(64), approvalId: null, runId: null };
    const workflowId = rolloutWorkflowId(rolloutId);
    await this.#platform.client.workflow.start("rolloutWorkflow", {
      workflowId,
      taskQueue: TASK_QUEUES.control,
      args: [{ ...input, plan, requestedBy }],
    });
    return workflowId;
  }

  /** Stands in the way of a promotion for a while, as one that somebody else asked for. */
  async holdPromotion(model: string, version: number, ms: number): Promise<void> {
    const held = await this.#platform.client.workflow.start("promotionWorkflow", {
      workflowId: promoteWorkflowId(model, version),
      taskQueue: "nobody",
      args: [{}],
    });
    setTimeout(() => void held.terminate(), ms);
  }

  async promote(model: string, version: number): Promise<void> {
    await this.#api.post(apiPath`/v1/models/${model}/promote`, { reply: z.unknown(), body: { version } });
  }

  /** Starts the rollout of an approved version by hand. @returns its workflow id */
  async startRollout(model: string, version: number, rollout?: object): Promise<string> {
    const reply = z.looseObject({ workflowId: z.string() });
    const path = apiPath`/v1/models/${model}/rollouts`;
    return (await this.#api.post(path, { reply, body: { version, rollout } })).workflowId;
  }

  async untilOpen(model: string): Promise<void> {
    const reply = z.looseObject({ items: z.array(z.unknown()) });
    await untilAnswered("an open rollout", inMs(RECORDING_MS), async () => {
      const { items } = await this.#api.get("/v1/rollouts", reply, { model, open: "true" });
      return items.length > 0 || undefined;
    });
  }

  /** A rollback without an approval, and its review. @returns workflow id of the review */
  async reviewedBreakGlass(model: string): Promise<string> {
    const reply = z.looseObject({ reviewId: z.string(), digest: z.string() });
    const body = { reason: "recorded" };
    const { reviewId, digest } = await this.#api.post(apiPath`/v1/models/${model}/break-glass`, {
      reply,
      body,
    });
    const workflowId = reviewWorkflowId(reviewId);
    await this.waitFor(workflowId);
    const decision = { decisionId: "reviewed", decision: "approve", digest, by: "eve" };
    await this.#api.post(apiPath`/v1/approvals/${reviewId}/decisions`, {
      reply: z.unknown(),
      body: decision,
    });
    return workflowId;
  }

  /** All that a platform does, with confirmed drift in it. */
  async live(): Promise<void> {
    const watch = { watch: () => undefined };
    await live({ platform: this.#platform, watch, deadline: inMs(RECORDING_MS) });
  }

  async checkDrift(model: string): Promise<string> {
    const reply = z.looseObject({ workflowId: z.string() });
    return (await this.#api.post(apiPath`/v1/drift/${model}/check`, { reply })).workflowId;
  }

  /** Answers of the champion, and labels that say the opposite of each. */
  async contradict(model: string): Promise<void> {
    const rows = Array.from({ length: 80 }, (_, i) => ({ temperature: 40 + i / 2, vibration: 2 + i / 10 }));
    const answer = z.looseObject({ predictionId: z.string(), decision: z.boolean() });
    const reply = z.looseObject({ predictions: z.array(answer) });
    const path = apiPath`/v1/models/${model}/predict`;
    const { predictions } = await this.person.ask(
      "an answer of the champion",
      (client) => client.post(path, { reply, body: { rows } }),
      isNeverFinal,
    );
    const labels = predictions.map(({ predictionId, decision }) => ({
      kind: "class",
      predictionId,
      value: decision ? 0 : 1,
    }));
    // The index follows the answers.
    await untilAnswered("labels", inMs(RECORDING_MS), async () => {
      const said = await this.#api.post("/v1/labels", { reply: labelsReplySchema, body: { labels } });
      return said.refused === 0 || undefined;
    });
  }

  async checkPerformance(model: string): Promise<string> {
    const reply = z.looseObject({ workflowId: z.string() });
    return (await this.#api.post(apiPath`/v1/performance/${model}/check`, { reply })).workflowId;
  }

  async score(model: string): Promise<string> {
    const { Readable } = await import("node:stream");
    const bytes = Buffer.from(pumpReadings(1));
    const file = await this.#api.putStream("/v1/uploads", {
      bytes: Readable.from([bytes]),
      length: bytes.length,
      query: { name: DATA_FILE },
      reply: rawFileSchema,
    });
    const reply = z.looseObject({ workflowId: z.string() });
    return (await this.#api.post("/v1/scores", { reply, body: { model, files: [file] } })).workflowId;
  }

  async keepHouse(): Promise<string> {
    const reply = z.looseObject({ workflowId: z.string() });
    return (await this.#api.post("/v1/housekeeping", { reply, body: { removeDatasets: true } })).workflowId;
  }

  get temporalAddress(): string {
    return this.#platform.temporalAddress;
  }

  upload() {
    return uploadedModel(this.#platform.apiUrl, pumpModel());
  }

  /** A run that ends promoted; the model has a version, and so far no champion. */
  async importModel(model: string): Promise<string> {
    const data = await this.person.upload(DATA_FILE, pumpReadings(11));
    const { onnx } = await this.upload();
    const object = { key: `raw/sha256/${onnx.sha256}`, ...onnx };
    const body = {
      pipeline: pipelineText().replace("name: faults", `name: ${model}`),
      files: [data],
      onnx: { name: "model.onnx", object },
      signature: { kind: "aura.import/1", inputs: ["temperature", "vibration"] },
    };
    const reply = z.looseObject({ runId: z.string(), workflowId: z.string() });
    const { runId, workflowId } = await this.#api.post(apiPath`/v1/models/${model}/imports`, { reply, body });
    await this.person.finishRun(runId);
    return workflowId;
  }

  async reproduce(model: string, version: number): Promise<string> {
    const reply = z.looseObject({ workflowId: z.string() });
    const path = apiPath`/v1/models/${model}/versions/${version}/reproduction`;
    return (await this.#api.post(path, { reply })).workflowId;
  }

  /** The two newest. */
  async compareDatasets(): Promise<string> {
    const row = z.looseObject({ items: z.array(z.looseObject({ id: z.string() })) });
    const { items } = await this.#api.get("/v1/datasets", row, { limit: 2 });
    const body = { a: items[1]?.id, b: items[0]?.id };
    const reply = z.looseObject({ workflowId: z.string() });
    return (await this.#api.post("/v1/data-diffs", { reply, body })).workflowId;
  }

  async addFile(pipeline: string, text: string): Promise<void> {
    const files = [await this.person.upload(DATA_FILE, text)];
    await this.#api.post(apiPath`/v1/pipelines/${pipeline}/files`, { reply: z.unknown(), body: { files } });
  }

  async askRetrain(model: string): Promise<string> {
    const body = { model, reason: "recorded for replay" };
    await this.#api.post("/v1/retrains", { reply: z.unknown(), body });
    return retrainRequestWorkflowId(model, "by-hand");
  }

  async replayLife(options: object, change?: readonly [from: string, to: string]): Promise<string> {
    const fleet = await refittedFleet(change);
    const files = [];
    for (const [name, text] of Object.entries(fleet.files)) files.push(await this.person.upload(name, text));
    const reply = z.looseObject({ workflowId: z.string() });
    const body = { pipeline: fleet.pipeline, files, options };
    return (await this.#api.post("/v1/replays", { reply, body })).workflowId;
  }

  async retrain(model: string): Promise<string> {
    const workflowId = `retrain/${model}/recorded`;
    await this.#platform.client.workflow.start("retrainWorkflow", {
      workflowId,
      taskQueue: TASK_QUEUES.control,
      args: [{ model, window: "recorded", reason: "recorded for replay" }],
    });
    return workflowId;
  }
}

/** Retrains by a person and by drift, and what is done beside them since they are on record. */
async function recordRetrains(recorder: Recorder): Promise<void> {
  const first = await recorder.start("retrained");
  await recorder.person.finishRun(first.runId);
  const asked = await recorder.askRetrain("retrained");
  await recorder.save("retrain-request", asked);
  const unchanged = await recorder.childOf(asked);
  await recorder.save("retrain-unchanged", unchanged.workflowId, unchanged.runId);
  const run = await recorder.childOf(unchanged.workflowId);
  await recorder.save("pipeline-retrained-unchanged", run.workflowId, run.runId);
  await recorder.live();
  await recorder.save("drift-retrain-due", DRIFT_WORKFLOW_ID);
  const retraining = await recorder.childOf(DRIFT_WORKFLOW_ID);
  await recorder.save("retrain-recorded-promoted", retraining.workflowId, retraining.runId);
  await recorder.save("promotion-rolled-back", promoteWorkflowId("faults", 1));
}

/** A champion without labels, and then with labels that contradict it: the degradation asks for a retrain. */
async function recordPerformance(recorder: Recorder): Promise<void> {
  const rules = "performance: { minLabels: 20, confirmations: 1 }\n\nmonitoring: {";
  const run = await recorder.start("contradicted", ["monitoring: {", rules]);
  await recorder.person.finishRun(run.runId);
  await recorder.save("performance-without-labels", await recorder.checkPerformance("contradicted"));
  await recorder.contradict("contradicted");
  await recorder.save("performance-degraded", await recorder.checkPerformance("contradicted"));
}

/** A retrain inside its change envelope, which nobody objects to. */
async function recordEnvelopes(recorder: Recorder): Promise<void> {
  const { person } = recorder;
  const envelope = "\nretraining: { coolDown: 1s, envelope: { approval: { deadline: 1s } } }\n";
  const pipeline = pipelineText()
    .replace("name: faults", "name: enveloped")
    .replace(/candidates:[^]*?\n\n/, "candidates:\n  - { kind: forest, params: { numTrees: 30 } }\n\n");
  // So few rows that a model of more is better.
  const files = { [DATA_FILE]: pumpReadings(11, 200) };
  const first = await person.startRun({ pipeline: pipeline + envelope, files });
  await person.finishRun(first.runId);
  await recorder.addFile("enveloped", pumpReadings(11, 800));
  const retrain = await recorder.childOf(await recorder.askRetrain("enveloped"));
  await recorder.save("retrain-enveloped", retrain.workflowId, retrain.runId);
  const run = await recorder.childOf(retrain.workflowId);
  await recorder.save("pipeline-retrained-enveloped", run.workflowId, run.runId);
  const { approvalId = "", digest = "" } = await person.untilOver(run.runId);
  await recorder.save("approval-approved-by-policy", approveWorkflowId("promotion", approvalId, digest));
}

/** A fleet was scored, and what it was made of is past its time at once. */
async function recordReadings(recorder: Recorder): Promise<void> {
  const id = await recorder.run("readingsUpkeepWorkflow", `${READINGS_UPKEEP_ID}/recorded`, {
    archiveNow: true,
  });
  await recorder.save("readings-upkeep", id);
  const refresh = await recorder.run("featuresRefreshWorkflow", `${FEATURES_REFRESH_ID}/recorded`, {});
  await recorder.save("features-refresh", refresh);
  await recorder.save("readings-upload", await recorder.uploadReadings());
}

/** An alarm from pending to cleared, and a delivery that is replayed. */
async function recordAlarms(recorder: Recorder): Promise<void> {
  const alarm = await recordedAlarm(recorder.databaseUrl);
  const id = alarmWorkflowId(alarm.key);
  await alarm.happen("raised");
  await alarm.told("reminded");
  await alarm.told("escalated");
  await recorder.signal(id, "acknowledge", { by: "eve", comment: "seen" });
  await alarm.told("acknowledged");
  await alarm.happen("cleared");
  await recorder.save("alarm-reminded-escalated-acknowledged", id);
  const deliveryId = await alarm.replay();
  await alarm.told("cleared");
  await recorder.waitFor(alarmReplayWorkflowId(deliveryId));
  await recorder.save("alarm-replay", alarmReplayWorkflowId(deliveryId));
  const channel = "ops";
  const test = await recorder.run("channelTestWorkflow", channelTestWorkflowId(channel), {
    channel,
    by: "recorder",
  });
  await recorder.save("alert-channel-test", test);
  await alarm.close();
}

/** Recommendations that are ordered at once, decided, overdue and withdrawn, and savings of nothing. */
async function recordMaintenance(recorder: Recorder): Promise<void> {
  const maintenance = await RecordedMaintenance.open(recorder.databaseUrl);
  const wake = (id: string) => recorder.signal(recommendationWorkflowId(id), "wake", {});
  const deciders = { approvers: ["ann"], escalateTo: ["bea"], deadline: "1h" };
  const ordered = await maintenance.recommend("ordered", { channel: "nobody-declared-it" });
  await maintenance.untilOrder(ordered, "undelivered");
  await maintenance.say(ordered, { eventId: "1", kind: "acknowledged" });
  await wake(ordered);
  const outcome = { result: "replaced_part" } as const;
  await maintenance.say(ordered, { eventId: "2", kind: "closed", outcome });
  await wake(ordered);
  await recorder.save("recommendation-ordered-closed", recommendationWorkflowId(ordered));
  const decided = await maintenance.recommend("decided", { critical: { assets: ["*"] }, deciders });
  await maintenance.decide(decided, "approve");
  await recorder.signal((await recorder.childOf(recommendationWorkflowId(decided))).workflowId, "wake", {});
  await maintenance.untilState(decided, "ordered");
  await maintenance.say(decided, { eventId: "1", kind: "closed", outcome: { result: "not_done" } });
  await wake(decided);
  await recorder.save("recommendation-decided-closed", recommendationWorkflowId(decided));
  const late = { critical: { assets: ["*"] }, deciders: { ...deciders, deadline: "1s" } };
  const overdue = await maintenance.recommend("overdue", late);
  await recorder.waitFor(recommendationWorkflowId(overdue));
  await recorder.save("recommendation-overdue-expired", recommendationWorkflowId(overdue));
  const recovered = await maintenance.recommend("recovered", { others: "ask", deciders });
  await maintenance.untilState(recovered, "waiting");
  await maintenance.recover(recovered);
  await wake(recovered);
  await recorder.save("recommendation-withdrawn", recommendationWorkflowId(recovered));
  const cancelled = await maintenance.recommend("cancelled", { others: "ask", deciders });
  await maintenance.untilState(cancelled, "waiting");
  await recorder.cancel(recommendationWorkflowId(cancelled));
  await maintenance.untilState(cancelled, "cancelled");
  await recorder.save("recommendation-cancelled", recommendationWorkflowId(cancelled));
  const failed = await maintenance.recommend("failed", { others: "ask", deciders });
  await maintenance.untilAsked(failed);
  await recorder.terminate((await recorder.childOf(recommendationWorkflowId(failed))).workflowId);
  await maintenance.untilState(failed, "failed");
  await recorder.save("recommendation-failed", recommendationWorkflowId(failed));
  await maintenance.close();
  const input = { model: "recorded", version: 1, digest: "a".repeat(64) };
  await recorder.save("savings", await recorder.run("savingsWorkflow", "savings/recorded/1", input));
}

async function recordHousekeeping(recorder: Recorder): Promise<void> {
  const run = await recorder.start("housekept", ["task:", "retention: 0d\n\ntask:"]);
  await recorder.approvalOf(run.runId);
  await recorder.person.finishRun(run.runId);
  await recorder.ended(await recorder.score("housekept"));
  await recorder.save("housekeeping-reports", await recorder.keepHouse());
}

/** Five trials of a candidate, two at once. */
async function recordSearch(recorder: Recorder): Promise<void> {
  const run = await recorder.start(
    "searched",
    ["minDataInLeaf: 10 }", "}\n    search: { minDataInLeaf: { kind: integer, low: 5, high: 20 } }"],
    ["task:", "search: { budget: { trials: 5 }, generation: 2 }\n\ntask:"],
  );
  await recorder.approvalOf(run.runId);
  await recorder.person.finishRun(run.runId);
  await recorder.save("pipeline-searched", run.workflowId, run.runId);
  await recorder.save("search-window", searchWorkflowId(run.runId, "gbdt-2"));
}

/** What looks at versions of models and of data, and changes none. */
async function recordVersions(recorder: Recorder): Promise<void> {
  const first = await recorder.start("reproduced");
  await recorder.person.untilAsked(first.runId);
  const second = await recorder.person.startRun({
    dataSeed: 12,
    pipeline: pipelineText().replace("name: faults", "name: reproduced-other"),
  });
  await recorder.person.untilAsked(second.runId);
  await recorder.save("reproduce", await recorder.reproduce("reproduced", 1));
  await recorder.save("compare-data", await recorder.compareDatasets());
  await recorder.save("pipeline-imported", await recorder.importModel("reproduced"));
  const trainer = await startTrainer(recorder.temporalAddress, () => recorder.upload());
  const external = await recorder.person.startRun({ pipeline: externalPipeline("external") });
  await recorder.person.finishRun(external.runId);
  await trainer.close();
  await recorder.save("pipeline-external", external.workflowId);
}

/** A first champion, a second that takes over in stages, one that cannot, and one that people end. */
async function recordRollouts(recorder: Recorder): Promise<void> {
  const { person } = recorder;
  const rollout = "rollout: { shadow: { bake: 300ms }, steps: [{ share: 10, bake: 300ms }], minRows: 0 }";
  const staged = ["task:", `${rollout}\n\ntask:`] as const;
  const weak = [
    ["  - kind: linear\n", ""],
    ["numIterations: 10", "numIterations: 1"],
  ] as const;
  const first = await recorder.start("rolled", staged, ...weak);
  await person.finishRun(first.runId);
  const atOnce = await recorder.rolloutOf(first.workflowId);
  await recorder.save("rollout-first-champion", atOnce.workflowId, atOnce.runId);
  const second = await recorder.start("rolled", staged);
  await person.finishRun(second.runId);
  await recorder.save("pipeline-rolled-out", second.workflowId, second.runId);
  const promoted = await recorder.rolloutOf(second.workflowId);
  await recorder.save("rollout-promoted", promoted.workflowId, promoted.runId);
  // Its approval was applied before: it goes through its stages, and is not promoted.
  await recorder.save("rollout-rolled-back", await recorder.startRollout("rolled", 1));
  const aborted = await recorder.startRollout("rolled", 1);
  for (const name of ["pause", "continue", "abort"])
    await recorder.signal(aborted, name, { by: "eve", reason: "recorded" });
  await recorder.save("rollout-aborted-by-signal", aborted);
  await recorder.save("review-approved", await recorder.reviewedBreakGlass("rolled"));
  await recordDisturbedRollouts(recorder);
}

/** What comes in between: a cancellation, a defect, a person who promotes before the last step, and one at it. */
async function recordDisturbedRollouts(recorder: Recorder): Promise<void> {
  const { person } = recorder;
  const cancelled = await recorder.startRollout("rolled", 2, { shadow: { bake: "1h" } });
  await recorder.untilOpen("rolled");
  await recorder.cancel(cancelled);
  await recorder.save("rollout-cancelled", cancelled);
  await recorder.save("rollout-failed", await recorder.startBrokenRollout("rolled"));
  const weak = [
    ["  - kind: linear\n", ""],
    ["numIterations: 10", "numIterations: 1"],
  ] as const;
  for (const [model, bake, name] of [
    ["handed", "1h", "rollout-promoted-by-hand"],
    ["raced", "2s", "rollout-promotion-under-way"],
  ] as const) {
    const staged = [
      "task:",
      `rollout: { shadow: { bake: ${bake} }, steps: [], minRows: 0 }\n\ntask:`,
    ] as const;
    await person.finishRun((await recorder.start(model, staged, ...weak)).runId);
    const second = await recorder.start(model, staged);
    const approval = await person.untilAsked(second.runId);
    if (approval === undefined) throw new Error(`the second version of ${model} is no better`);
    await person.decide(approval);
    const rollout = await recorder.untilRolledOut(second.workflowId);
    if (model === "handed") await recorder.promote(model, 2);
    else await recorder.holdPromotion(model, 2, 4_000);
    await recorder.save(name, rollout.workflowId, rollout.runId);
  }
}

async function recordRuns(recorder: Recorder): Promise<void> {
  const { person } = recorder;
  const promoted = await recorder.start("promoted");
  const approval = await recorder.approvalOf(promoted.runId);
  await person.finishRun(promoted.runId);
  await recorder.save("pipeline-promoted", promoted.workflowId, promoted.runId);
  await recorder.save("approval-approved", approval);
  await recorder.save("promotion", promoteWorkflowId("promoted", 1));

  const unchanged = await recorder.start("promoted");
  await recorder.save("pipeline-unchanged", unchanged.workflowId, unchanged.runId);
  const notBetter = await recorder.start("promoted", ["kind: linear", "kind: forest"]);
  await recorder.save("pipeline-not-better", notBetter.workflowId);
  const refused = await recorder.start("refused", ["min: 0.6", "min: 0.9999"]);
  await recorder.save("pipeline-gate-refused", refused.workflowId);
  const failed = await recorder.start("failed", ["maxBadShare: 0.05", "maxBadShare: 0.001"]);
  await recorder.save("pipeline-failed", failed.workflowId);

  const rejected = await recorder.start("rejected");
  const rejection = await recorder.approvalOf(rejected.runId);
  await recorder.signalReject(rejection);
  await recorder.save("pipeline-rejected", rejected.workflowId);
  await recorder.save("approval-rejected-by-signal", rejection);

  const soon = [
    "deadline: 1h",
    "deadline: 1s, reminder: 300ms, onDeadline: escalate, escalateTo: [eve]",
  ] as const;
  const expired = await recorder.start("expired", soon);
  const expiry = await recorder.approvalOf(expired.runId);
  await recorder.save("pipeline-expired", expired.workflowId);
  await recorder.save("approval-reminded-escalated-expired", expiry);

  const cancelled = await recorder.start("cancelled");
  const withdrawn = await recorder.approvalOf(cancelled.runId);
  await person.cancel(cancelled.runId);
  await recorder.save("pipeline-cancelled", cancelled.workflowId);
  await recorder.save("approval-withdrawn", withdrawn);

  const signalled = await recorder.start("signalled");
  const signal = await recorder.approvalOf(signalled.runId);
  await recorder.signalApprove(signal);
  await recorder.save("approval-approved-by-signal", signal);

  const long = await recorder.start("long");
  const longApproval = await recorder.approvalOf(long.runId);
  const [before, after] = await recorder.wakeUntilContinued(longApproval);
  await person.finishRun(long.runId);
  await recorder.save("approval-continued-as-new", longApproval, before);
  await recorder.save("approval-continued-and-approved", longApproval, after);

  await recorder.live();
  await recorder.save("drift-confirmed", DRIFT_WORKFLOW_ID);
  const retraining = await recorder.childOf(DRIFT_WORKFLOW_ID);
  await recorder.save("retrain-promoted", retraining.workflowId, retraining.runId);
  const retrained = await recorder.childOf(retraining.workflowId);
  await recorder.save("pipeline-retrained", retrained.workflowId, retrained.runId);

  await recorder.save("score", await recorder.score("promoted"));
  await recorder.save("drift", await recorder.checkDrift("promoted"));
  await recorder.save("retrain", await recorder.retrain("promoted"));
}

/** A fleet that is refitted at mid-time: drift, retrains that are promoted or not, and a life without the loop. */
async function recordReplays(recorder: Recorder): Promise<void> {
  const retrained = await recorder.replayLife({ every: "7d", labelDelay: "1d" });
  await recorder.ended(retrained);
  const [first, last] = await recorder.endsOfChain(retrained);
  await recorder.save("replay-life-continued-as-new", retrained, first);
  await recorder.save("replay-life-retrained", retrained, last);
  await recorder.save("replay-life-frozen", await recorder.replayLife({ every: "14d", loop: false }));
  const refused = ["min: 0.8", "min: 0.9999"] as const;
  await recorder.save("replay-life-refused", await recorder.replayLife({ every: "7d" }, refused));
}

const GROUPS = {
  runs: recordRuns,
  housekeeping: recordHousekeeping,
  alarms: recordAlarms,
  maintenance: recordMaintenance,
  readings: recordReadings,
  rollouts: recordRollouts,
  search: recordSearch,
  versions: recordVersions,
  retrains: recordRetrains,
  envelopes: recordEnvelopes,
  replays: recordReplays,
  performance: recordPerformance,
};
const groups = process.argv.slice(2);
const platform = await FaultyPlatform.start();
try {
  const recorder = new Recorder(platform);
  for (const [group, record] of Object.entries(GROUPS)) {
    if (groups.length === 0 || groups.includes(group)) await record(recorder);
  }
} finally {
  await platform.dispose();
}
