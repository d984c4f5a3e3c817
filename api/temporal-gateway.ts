import {
  ScheduleNotFoundError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from "@temporalio/client";
import type { Client, Connection, WorkflowStartOptions } from "@temporalio/client";
import { ApplicationFailure, defineSearchAttributeKey } from "@temporalio/common";
import type { Settings } from "../config/settings.ts";
import type { TestChannelInput } from "../activities/alarms/messages.ts";
import { channelTestSchema } from "../schemas/alerts/alert-channel.ts";
import type { ChannelTest } from "../schemas/alerts/alert-channel.ts";
import { retrainDueSchema } from "../schemas/runs/retrain.ts";
import type { ScheduleView } from "../schemas/live/online-features.ts";
import { isErrorCode, isPlatformError, PlatformError } from "../schemas/platform-error.ts";
import type { ErrorLocation } from "../schemas/platform-error.ts";
import type { PendingFailure } from "../schemas/runs/run.ts";
import { connectClient, endContextTracking } from "../temporal-config/connection.ts";
import {
  channelTestWorkflowId,
  compareDataWorkflowId,
  driftWorkflowId,
  performanceWorkflowId,
  featuresRefreshWorkflowId,
  HOUSEKEEPING_ID,
  pipelineWorkflowId,
  promoteWorkflowId,
  replayLifeWorkflowId,
  recommendationWorkflowId,
  savingsWorkflowId,
  reproduceWorkflowId,
  reviewWorkflowId,
  retrainRequestWorkflowId,
  SEARCH_ATTRIBUTES,
  rolloutWorkflowId,
  scoreWorkflowId,
  TASK_QUEUES,
  uploadWorkflowId,
} from "../temporal-config/constants.ts";
import type { ApprovalInput } from "../workflows/approval/messages.ts";
import type { RolloutInput } from "../workflows/rollout/messages.ts";
import type {
  AskRetrainInput,
  StartDataComparisonInput,
  StartedWorkflow,
  StartFeaturesRefreshInput,
  StartPipelineInput,
  StartPromotionInput,
  StartReplayInput,
  StartReproductionInput,
  StartSavingsInput,
  StartScoreInput,
  WorkflowGateway,
  WorkflowOutcome,
} from "./workflow-gateway.ts";

/** The decision is recorded: who made it does not wait for a server that hangs, the approval looks by itself. */
const WAKE_MS = 2_000;
/** It only explains: who looks at a run does not wait for a server that hangs. */
const EXPLAIN_MS = 1_000;
/** How long a caller waits for a promotion to be done. */
const SHORT_WORKFLOW_MS = 10_000;
/** Longer than a channel takes that answers; whoever asks waits half a minute. */
const CHANNEL_TEST_MS = 25_000;

/** The gateway over a Temporal client that connects at first use, so that `/predict` never waits for Temporal. */
export function createTemporalGateway(settings: Settings): WorkflowGateway {
  return new TemporalGateway(settings);
}

const STAGE_ATTRIBUTE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.stage, "KEYWORD");

class TemporalGateway implements WorkflowGateway {
  readonly #settings: Settings;
  #client: Promise<Client> | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async startPipeline({ input, inputHash }: StartPipelineInput): Promise<StartedWorkflow> {
    const workflowId = pipelineWorkflowId(input.pipeline, inputHash);
    return this.#start("pipelineWorkflow", {
      workflowId,
      args: [input],
      staticSummary:
        `Pipeline ${input.pipeline} for model ${input.model}, asked by ${input.requestedBy.id}`.slice(0, 190),
    });
  }

  async cancelRun(workflowId: string): Promise<void> {
    await this.#call("cancel run", async (client) => {
      try {
        await client.workflow.getHandle(workflowId).cancel();
      } catch (error) {
        // Already over: there is nothing left to cancel, which is what was asked for.
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    });
  }

  async pendingFailure(workflowId: string, runId: string): Promise<PendingFailure | undefined> {
    return this.#call("read run", async (client) => {
      const { raw } = await client.connection.withDeadline(Date.now() + EXPLAIN_MS, () =>
        client.workflow.getHandle(workflowId, runId).describe(),
      );
      for (const { attempt, lastFailure } of raw.pendingActivities ?? []) {
        if (lastFailure == null) continue;
        const code = lastFailure.applicationFailureInfo?.type ?? "";
        // What is no error of ours may say anything: its text stays in Temporal.
        const told = isErrorCode(code)
          ? { code, message: lastFailure.message ?? "" }
          : { code: null, message: "it failed and is tried again" };
        return { ...told, attempt: attempt ?? 1 };
      }
      return undefined;
    });
  }

  wakeApproval(workflowId: string): Promise<void> {
    return this.#wake("approval", workflowId);
  }

  wakeRecommendation(id: string): Promise<void> {
    return this.#wake("recommendation", recommendationWorkflowId(id));
  }

  async #wake(what: string, workflowId: string): Promise<void> {
    await this.#call(`wake ${what}`, async (client) => {
      const wake = () => client.workflow.getHandle(workflowId).signal("wake");
      try {
        await client.connection.withDeadline(Date.now() + WAKE_MS, wake);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    });
  }

  async startPromotion(start: StartPromotionInput): Promise<StartedWorkflow> {
    const { model, version, digest, approvalId, reason, requestedBy, requestId } = start;
    const started = await this.#start("promotionWorkflow", {
      workflowId: promoteWorkflowId(model, version),
      args: [{ model, version, digest, requestId, approvalId, reason, actor: requestedBy }],
      staticSummary: `Promote ${model}@${version}: ${reason}`.slice(0, 190),
    });
    await this.#ended("promote", started);
    return started;
  }

  async startRollout(start: RolloutInput): Promise<StartedWorkflow> {
    const { rolloutId, model, version, requestedBy } = start;
    return this.#start("rolloutWorkflow", {
      workflowId: rolloutWorkflowId(rolloutId),
      args: [start],
      staticSummary: `Roll out ${model}@${version}, asked by ${requestedBy.id}`.slice(0, 190),
    });
  }

  async startReview(start: ApprovalInput): Promise<StartedWorkflow> {
    return this.#start("reviewWorkflow", {
      workflowId: reviewWorkflowId(start.approvalId),
      args: [start],
      staticSummary: `Review: ${start.subject}`.slice(0, 190),
    });
  }

  async startScore({ inputHash, ...score }: StartScoreInput): Promise<StartedWorkflow> {
    return this.#start("scoreWorkflow", {
      workflowId: scoreWorkflowId(score.model, inputHash),
      args: [score],
      staticSummary: `Score a fleet with ${score.model}@${score.version}`,
    });
  }

  async requireScoreAlive(model: string, inputHash: string): Promise<void> {
    await this.#call("read score", async (client) => {
      const handle = client.workflow.getHandle(scoreWorkflowId(model, inputHash));
      try {
        const { status } = await handle.describe();
        if (status.name !== "RUNNING" && status.name !== "COMPLETED") await handle.result();
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw failureOf("score", error);
      }
    });
  }

  async startReproduction(start: StartReproductionInput): Promise<StartedWorkflow> {
    const { model, version, requestedBy } = start;
    return this.#start("reproduceWorkflow", {
      workflowId: reproduceWorkflowId(model, version),
      args: [start],
      staticSummary: `Reproduce ${model}@${version}, asked by ${requestedBy.id}`.slice(0, 190),
    });
  }

  async startReplay({ input, hash }: StartReplayInput): Promise<StartedWorkflow> {
    const { pipeline, requestedBy } = input;
    return this.#start("replayLifeWorkflow", {
      workflowId: replayLifeWorkflowId(pipeline, hash),
      args: [input],
      staticSummary: `Replay the history of ${pipeline}, asked by ${requestedBy.id}`.slice(0, 190),
    });
  }

  async startSavings(start: StartSavingsInput): Promise<StartedWorkflow> {
    const { model, version } = start;
    return this.#start("savingsWorkflow", {
      workflowId: savingsWorkflowId(model, version),
      args: [start],
      staticSummary: `Savings of ${model}@${version}`,
    });
  }

  async startDataComparison(start: StartDataComparisonInput): Promise<StartedWorkflow> {
    const { kind, a, b } = start;
    return this.#start("compareDataWorkflow", {
      workflowId: compareDataWorkflowId(kind, a, b),
      args: [start],
      staticSummary: `Compare ${kind} ${a.slice(0, 12)} with ${b.slice(0, 12)}`,
    });
  }

  async outcomeOf(operation: string, workflowId: string): Promise<WorkflowOutcome> {
    return this.#call(operation, async (client) => {
      const handle = client.workflow.getHandle(workflowId);
      try {
        const { status, runId, typedSearchAttributes } = await handle.describe();
        if (status.name === "RUNNING") {
          const stage = typedSearchAttributes.get(STAGE_ATTRIBUTE);
          return { runId, status: "running", ...(stage === undefined ? {} : { stage }) };
        }
        return { runId, status: "finished", result: await handle.result() };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError)
          throw new PlatformError(
            "not_found",
            `${operation}: it was never asked for, or is forgotten by now`,
          );
        throw failureOf(operation, error);
      }
    });
  }

  async triggerPerformanceCheck(model: string): Promise<StartedWorkflow> {
    return this.#start("performanceWorkflow", {
      workflowId: `${performanceWorkflowId(model)}/now`,
      args: [{ model }],
      staticSummary: `Hold ${model} against labels, by hand`,
    });
  }

  async triggerDriftCheck(model: string): Promise<StartedWorkflow> {
    return this.#start("driftWorkflow", {
      // The schedule's own action has a time suffix, so that a check by hand never blocks or is blocked by it.
      workflowId: `${driftWorkflowId(model)}/now`,
      args: [{ model }],
      staticSummary: `Check ${model} for drift, by hand`,
    });
  }

  async askRetrain({
    model,
    reason,
    requestedBy,
    skipCoolDown,
  }: AskRetrainInput): Promise<{ window: string }> {
    const started = await this.#start("retrainRequestWorkflow", {
      workflowId: retrainRequestWorkflowId(model, "by-hand"),
      args: [{ model, trigger: "manual", detail: reason, requestedBy, skipCoolDown }],
      staticSummary: `Retrain ${model}, asked by ${requestedBy.id}: ${reason}`.slice(0, 190),
    });
    const result = await this.#ended(`retrain ${model}`, started);
    if (result === undefined)
      throw new PlatformError("not_ready", `retrain ${model}: no worker has answered yet; it is asked for`);
    const due = retrainDueSchema.parse(result);
    if (due.isDue) return { window: due.window };
    const { code, message, possibleAt } = due.refused;
    const until = possibleAt === null ? "" : `; possible again at ${possibleAt}`;
    throw new PlatformError(
      code === "no_champion" ? "no_champion" : "retrain_refused",
      `retrain ${model}: ${message}${until}`,
      { details: { code, possibleAt } },
    );
  }

  async startReadingsUpload(id: string): Promise<StartedWorkflow> {
    return this.#start("readingsUploadWorkflow", {
      workflowId: uploadWorkflowId(id),
      args: [{ id }],
      staticSummary: `Readings of upload ${id}`,
    });
  }

  async startFeaturesRefresh(hash: string, input: StartFeaturesRefreshInput): Promise<StartedWorkflow> {
    return this.#start("featuresRefreshWorkflow", {
      workflowId: featuresRefreshWorkflowId(hash),
      args: [input],
      staticSummary: `Features of ${input.model ?? "all champions"}, by hand`,
    });
  }

  async testChannel(test: TestChannelInput): Promise<ChannelTest> {
    const { channel, by } = test;
    const started = await this.#start("channelTestWorkflow", {
      workflowId: channelTestWorkflowId(channel),
      args: [{ channel, by }],
      staticSummary: `Test of alert channel ${channel}`,
    });
    const result = await this.#ended(`test channel ${channel}`, started, CHANNEL_TEST_MS);
    if (result !== undefined) return channelTestSchema.parse(result);
    throw new PlatformError("not_ready", `test channel ${channel}: no worker has answered yet`);
  }

  async schedule(id: string): Promise<ScheduleView> {
    return this.#call(`read schedule ${id}`, async (client) => {
      const { spec, state, info } = await client.schedule.getHandle(id).describe().catch(missing(id));
      return viewOf(id, {
        every: spec.intervals?.[0]?.every,
        isPaused: state.paused,
        note: state.note,
        nextAt: info.nextActionTimes[0],
        lastAt: info.recentActions.at(-1)?.takenAt,
      });
    });
  }

  async schedules(): Promise<ScheduleView[]> {
    return this.#call("list schedules", async (client) => {
      const views: ScheduleView[] = [];
      for await (const { scheduleId: id, spec, state, info } of client.schedule.list())
        views.push(
          viewOf(id, {
            every: spec?.intervals?.[0]?.every,
            isPaused: state.paused,
            note: state.note,
            nextAt: info?.nextActionTimes[0],
            lastAt: info?.recentActions.at(-1)?.takenAt,
          }),
        );
      return views.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    });
  }

  async pauseSchedule(
    id: string,
    { isPaused, note }: { readonly isPaused: boolean; readonly note: string },
  ): Promise<void> {
    await this.#call(`change schedule ${id}`, async (client) => {
      const handle = client.schedule.getHandle(id);
      await (isPaused ? handle.pause(note) : handle.unpause(note)).catch(missing(id));
    });
  }

  async startHousekeeping({
    removeDatasets,
  }: {
    readonly removeDatasets: boolean;
  }): Promise<StartedWorkflow> {
    return this.#start("housekeepingWorkflow", {
      // Beside the schedule's, and the two kinds beside each other: joining one must not leave the other undone.
      workflowId: `${HOUSEKEEPING_ID}/${removeDatasets ? "remove" : "now"}`,
      args: [{ removeDatasets }],
      staticSummary: removeDatasets ? "Housekeeping by hand, with datasets" : "Housekeeping by hand",
    });
  }

  async probe(): Promise<void> {
    await this.#call("probe", async (client) => {
      const answer = client.connection.withDeadline(Date.now() + 1_500, () =>
        client.workflowService.getSystemInfo({}),
      );
      endContextTracking(client.connection as Connection);
      await answer;
    });
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await (client?.connection as Connection | undefined)?.close();
  }

  async #start(type: string, options: Omit<WorkflowStartOptions, "taskQueue">): Promise<StartedWorkflow> {
    return this.#call(`start ${type}`, async (client) => {
      const full = {
        ...options,
        taskQueue: TASK_QUEUES.control,
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      };
      const { workflowId } = options;
      try {
        const handle = await client.workflow.start(type, {
          ...full,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
        });
        return { workflowId, runId: handle.firstExecutionRunId, isNew: true };
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        const { runId } = await client.workflow.getHandle(workflowId).describe();
        return { workflowId, runId, isNew: false };
      }
    });
  }

  /**
   * Waits for a short workflow, a few seconds at most: with no worker up it goes on by itself later.
   * @returns its result; undefined: it goes on
   * @throws {PlatformError} with the code the workflow failed with
   */
  async #ended(
    operation: string,
    { workflowId, runId }: StartedWorkflow,
    withinMs = SHORT_WORKFLOW_MS,
  ): Promise<unknown> {
    return this.#call(operation, async (client) => {
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs);
      });
      try {
        return await Promise.race([client.workflow.getHandle(workflowId, runId).result(), timeout]);
      } catch (error) {
        throw failureOf(operation, error);
      } finally {
        clearTimeout(timer);
      }
    });
  }

  async #call<T>(operation: string, work: (client: Client) => Promise<T>): Promise<T> {
    try {
      this.#client ??= connectClient(this.#settings);
      return await work(await this.#client);
    } catch (error) {
      const isKnown = isPlatformError(error);
      // The next call connects anew: the server may have moved or come back.
      if (isKnown || isUnreachable(error)) this.#client = undefined;
      if (!isKnown && isUnreachable(error)) {
        throw new PlatformError("temporal_unavailable", `${operation}: Temporal does not answer`, {
          cause: error,
        });
      }
      throw error;
    }
  }
}

/** A failed workflow's cause as the error the activity threw: its type is our code. */
function failureOf(operation: string, error: unknown): unknown {
  if (!(error instanceof WorkflowFailedError)) return error;
  for (let at: unknown = error.cause; at instanceof Error; at = at.cause) {
    if (at instanceof ApplicationFailure && at.type != null && isErrorCode(at.type)) {
      const detail = at.details?.[0] as { readonly locations?: readonly ErrorLocation[] } | undefined;
      const message = at.message.startsWith(`${operation} `) ? at.message : `${operation}: ${at.message}`;
      return new PlatformError(at.type, message, {
        cause: error,
        locations: detail?.locations ?? [],
      });
    }
  }
  return error;
}

/** gRPC UNAVAILABLE (14) and DEADLINE_EXCEEDED (4), wherever in the chain of causes they sit; a failed connect too. */
function isUnreachable(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ("code" in at && (at.code === 14 || at.code === 4)) return true;
    if (at.message.includes("Failed to connect before the deadline")) return true;
  }
  return false;
}

interface ScheduleState {
  readonly every: number | undefined;
  readonly isPaused: boolean;
  readonly note: string | undefined;
  readonly nextAt: Date | undefined;
  readonly lastAt: Date | undefined;
}

function viewOf(id: string, { every, isPaused, note, nextAt, lastAt }: ScheduleState): ScheduleView {
  return {
    id,
    isPaused,
    note: note ?? null,
    everySeconds: every === undefined ? null : every / 1_000,
    nextAt: isPaused ? null : (nextAt?.toISOString() ?? null),
    lastAt: lastAt?.toISOString() ?? null,
  };
}

/** For a schedule that is not there. */
function missing(id: string) {
  return (error: unknown): never => {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new PlatformError(
      "not_found",
      `schedule [${id}]: there is none; a worker of the control queue makes it at its start`,
    );
  };
}
