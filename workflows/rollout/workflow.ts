import {
  CancellationScope,
  TemporalFailure,
  WorkflowIdReusePolicy,
  allHandlersFinished,
  condition,
  executeChild,
  isCancellation,
  log,
  patched,
  setHandler,
  sleep,
} from "@temporalio/workflow";
import type { Breach, RolloutCommand, RolloutView, WatchResult } from "../../activities/rollout/messages.ts";
import { promoteWorkflowId, TASK_QUEUES } from "../../temporal-config/constants.ts";
import { monitoring, rollouts, watches } from "../activity-proxies.ts";
import { causeOf } from "../failure-cause.ts";
import { promotionWorkflow } from "../promotion/workflow.ts";
import { show } from "../visibility.ts";
import { abortSignal, continueSignal, pauseSignal, rolloutQuery } from "./messages.ts";
import type { RolloutInput, RolloutResult, RolloutWord } from "./messages.ts";

/**
 * Brings an approved version into service in stages: shadow, growing shares, champion. Each stage bakes on a durable
 * timer beside one activity that watches its guards; the first to end says what follows.
 *
 * The truth is the recorded row: people change it through the API, serving processes follow it, and this workflow moves
 * it on, always from the revision that it read. So a pause, an abort or a rollback takes effect also while no worker runs.
 *
 * **Messages**: signals `pause`, `continue`, `abort` from Temporal's own UI; query `state`. A cancelled workflow
 * aborts the rollout, one that fails rolls it back; of one that is terminated a worker sees to that (workers/rollout-sweeper.ts).
 * **Continue-as-new**: none: a stage is some 15 events, and one that lasts longer for want of answers
 * is looked at each time after twice as long. **Versioning**: patched().
 */
export async function rolloutWorkflow(input: RolloutInput): Promise<RolloutResult> {
  const course = new Course(input);
  setHandler(rolloutQuery, () => course.row);
  for (const [signal, command] of [
    [pauseSignal, "pause"],
    [continueSignal, "continue"],
    [abortSignal, "abort"],
  ] as const) {
    setHandler(signal, (word) => course.command(command, word ?? {}), {
      description: `${command} this rollout: {"by":"you","reason":"…"}`,
    });
  }
  try {
    const result = await course.run();
    await condition(allHandlersFinished);
    return result;
  } catch (error) {
    await CancellationScope.nonCancellable(() => course.end(error));
    throw error;
  }
}

/** Of a reason. */
const MOST_CHARACTERS = 2_000;

/** Between two tries to promote while somebody else's promotion of the version goes on. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;

type Seen = WatchResult | { readonly kind: "baked" };

/** The entity behind the handlers: the row as it was last read. */
class Course {
  row: RolloutView | null = null;
  readonly #input: RolloutInput;
  /** Its row is there, or there will be none: a signal waits no longer. */
  #isSettled = false;

  constructor(input: RolloutInput) {
    this.#input = input;
  }

  async run(): Promise<RolloutResult> {
    try {
      return await this.#run();
    } finally {
      // Signals to one that never began would otherwise be waited for, and wait for it.
      this.#isSettled = true;
    }
  }

  async #run(): Promise<RolloutResult> {
    const { rolloutId, model, version } = this.#input;
    show({ stage: "rollout", model, version: String(version) }, `Rolling out **${model}@${version}**`);
    const opened = await this.#open();
    if (typeof opened === "string") return { rolloutId, outcome: "refused", guard: null, reason: opened };
    if (opened === null) {
      await this.#moveAlias();
      return { rolloutId, outcome: "promoted", guard: null, reason: "there was no other champion" };
    }
    let row = this.#follow(opened);
    this.#isSettled = true;
    for (;;) {
      const { state, guard, reason } = row;
      if (state === "promoted" || state === "rolled_back" || state === "aborted")
        return { rolloutId, outcome: state, guard, reason: reason ?? "" };
      row = this.#follow(state === "promoting" ? await this.#promote() : await this.#stage(row));
    }
  }

  /** Nobody watches any more: the champion answers alone from now on. */
  async end(error: unknown): Promise<void> {
    const { rolloutId } = this.#input;
    if (isCancellation(error)) return rollouts.withdrawRollout({ rolloutId });
    const reason = `its workflow failed: ${causeOf(error).message}`.slice(0, MOST_CHARACTERS);
    return rollouts.loseRollout({ rolloutId, reason });
  }

  /** @returns why not, where another rollout of the model goes on */
  async #open(): Promise<RolloutView | null | string> {
    try {
      return await rollouts.openRollout(this.#input);
    } catch (error) {
      const { code, message: reason } = causeOf(error);
      if (code === "conflict") return reason;
      throw error;
    }
  }

  /** A signal has nobody to answer to: a refused one changes nothing, and is in the audit trail. */
  async command(command: RolloutCommand["command"], word: RolloutWord): Promise<void> {
    const { rolloutId } = this.#input;
    await condition(() => this.#isSettled);
    if (this.row === null) return log.warn("a command by signal came to a rollout that never began");
    const by = textOf(word.by, 128) || "temporal";
    try {
      await rollouts.commandRollout({ rolloutId, command, by, reason: textOf(word.reason, 2_000) });
    } catch (error) {
      log.warn("a command by signal was refused", { error });
    }
  }

  /** One look at a stage: until its bake is over, a guard trips, or somebody changes it. */
  async #stage(row: RolloutView): Promise<RolloutView> {
    const { rolloutId } = this.#input;
    const { revision } = row;
    const scope = new CancellationScope();
    const seen = await scope.run(() => this.#watch(row));
    scope.cancel();
    switch (seen.kind) {
      case "breach":
        return rollouts.rollBack({ rolloutId, breach: seen.breach });
      case "baked":
      case "enough":
        return rollouts.passStage({ rolloutId, revision });
      case "changed":
        return rollouts.readRollout({ rolloutId });
    }
  }

  #watch({ revision, bakeUntil, mode, share }: RolloutView): Promise<Seen> {
    const { rolloutId } = this.#input;
    const watching = watches.watchRollout({ rolloutId, revision });
    if (bakeUntil === null) return watching;
    const summary = `Bake of ${stageText({ mode, share })} until ${bakeUntil}`;
    const baking = sleep(Math.max(1, Date.parse(bakeUntil) - Date.now()), { summary });
    return Promise.race([watching, baking.then((): Seen => ({ kind: "baked" }))]);
  }

  async #promote(): Promise<RolloutView> {
    const { rolloutId } = this.#input;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        await this.#moveAlias();
        return await rollouts.finishRollout({ rolloutId });
      } catch (error) {
        if (isCancellation(error)) throw error;
        if (!isUnderWay(error) || !patched("promotion-under-way"))
          return rollouts.rollBack({ rolloutId, breach: promotionBreach(error) });
      }
      // A person promotes the same version: once that is over, this one finds it champion, or promotes it.
      await sleep(waitMs, { summary: "Somebody promotes this version at this moment" });
    }
  }

  async #moveAlias(): Promise<void> {
    const { rolloutId, model, version, digest, approvalId, runId, requestedBy } = this.#input;
    await executeChild(promotionWorkflow, {
      workflowId: promoteWorkflowId(model, version),
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      taskQueue: TASK_QUEUES.control,
      staticSummary: `Promote ${model}@${version}`,
      args: [
        {
          model,
          version,
          digest,
          requestId: `rollout/${rolloutId}`,
          approvalId,
          reason: `rollout ${rolloutId}`,
          ...(approvalId === null ? { actor: requestedBy } : {}),
        },
      ],
    });
    // Of a run's version the run itself sees to that.
    if (runId === null) await monitoring.ensureMonitoring({ model });
  }

  #follow(row: RolloutView): RolloutView {
    this.row = row;
    const { model, version } = this.#input;
    const isWaiting = row.state === "paused";
    show({ stage: `rollout:${row.state}`, approval: isWaiting ? "paused" : null }, this.#text(row));
    log.debug("rollout", { model, version, state: row.state, stage: row.stage });
    return row;
  }

  #text(row: RolloutView): string {
    const { model, version, plan, digest } = this.#input;
    const stages = plan.stages.map((stage, index) => {
      const mark = index < row.stage || row.state === "promoted" ? "✓" : index === row.stage ? "▶" : "·";
      return `- ${mark} ${stageText(stage)}`;
    });
    const until = row.bakeUntil === null ? "" : `\n- until: ${row.bakeUntil}`;
    const why =
      row.reason === null ? "" : `\n- ${row.guard === null ? "" : `**${row.guard}**: `}${row.reason}`;
    return (
      `**${row.state}** — ${model}@${version} beside champion @${row.championVersion}\n\n${stages.join("\n")}\n${until}` +
      `\n- digest: ${digest}${why}`
    );
  }
}

function stageText({ mode, share }: Pick<RolloutView, "mode" | "share">): string {
  return mode === "shadow" ? "shadow" : `canary ${share} %`;
}

/** Text that PostgreSQL can store, whatever somebody sent; nothing where it is no text. */
function textOf(given: unknown, most: number): string {
  return typeof given === "string" && given.isWellFormed() && !given.includes("\0")
    ? given.slice(0, most)
    : "";
}

/** The id of a promotion names model and version: another one of this version has not ended. */
function isUnderWay(error: unknown): boolean {
  return error instanceof TemporalFailure && error.name === "WorkflowExecutionAlreadyStartedError";
}

/** Why the champion alias did not move: another champion meanwhile, or an approval that holds no more. */
function promotionBreach(error: unknown): Breach {
  const { code, message: reason } = causeOf(error);
  return { guard: "promotion", reason, details: { code } };
}
