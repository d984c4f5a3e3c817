import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  currentUpdateInfo,
  isCancellation,
  log,
  setHandler,
  uuid4,
} from "@temporalio/workflow";
import { APPROVAL_POLL_MS } from "../../temporal-config/constants.ts";
import { approvals } from "../activity-proxies.ts";
import { show } from "../visibility.ts";
import { approvalStateQuery, approveSignal, decideUpdate, rejectSignal, wakeSignal } from "./messages.ts";
import type { ApprovalInput, ApprovalResult, DecideInput } from "./messages.ts";
import { checkDecisionShape } from "./decision-shape.ts";
import { atDeadline, decidersOf, openState, reduceApproval } from "./state.ts";
import type { ApprovalState, RecordedApproval } from "./state.ts";

const LOOKS_PER_RUN = 250;

/**
 * Waits for people to decide on exactly one digest: reminder, deadline, escalation, quorum; the first reject ends it.
 *
 * **Messages**: update `decide`, signals `approve`, `reject`, `wake`, query `state`. Every message ends in a recorded
 * row, and the workflow follows the row; it also looks by itself every 60 s, should a wake-up be lost.
 * A cancelled wait withdraws the approval: its row ends as expired, so that nobody decides on nothing.
 *
 * **Continue-as-new**: after 250 looks, some 4 hours: each is 11 events, and a week of them would pass the server's
 * limit of 51,200. **Versioning**: patched().
 */
export async function approvalWorkflow(input: ApprovalInput): Promise<ApprovalResult> {
  const approval = new Approval(input);
  setHandler(approvalStateQuery, () => approval.state);
  setHandler(wakeSignal, () => approval.wake(), { description: "A decision was recorded: look now" });
  setHandler(decideUpdate, (decision) => approval.decide(decision, currentUpdateInfo()?.id ?? uuid4()), {
    // Synchronous on purpose: the SDK drops the promise of an async validator, which then can never reject.
    validator: (decision) => approval.validate(decision),
    description: 'Decide: {"decision":"approve"|"reject","by":"you","reason":"…"}',
  });
  for (const [signal, decision] of [
    [approveSignal, "approve"],
    [rejectSignal, "reject"],
  ] as const) {
    setHandler(signal, (given) => approval.decideBySignal({ by: "temporal", ...given, decision }), {
      description: `${decision} this version: {"by":"you","reason":"…"}`,
    });
  }
  try {
    await approval.open();
    while (approval.state.state === "waiting") {
      await approval.waitForDecisionOrDeadline();
      if (approval.isLong) await approval.continueInNewRun();
    }
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => approval.withdraw());
    throw error;
  }
  show({ stage: approval.state.state, approval: null }, `**${approval.state.state}** — ${input.subject}`);
  await condition(allHandlersFinished);
  const decidedBy = decidersOf(approval.state);
  return {
    approvalId: input.approvalId,
    outcome: approval.state.state,
    decidedBy,
  };
}

/** The entity behind the handlers: state, timers and the recorded row. */
class Approval {
  state: ApprovalState;
  readonly #input: ApprovalInput;
  #deadlineMs = 0;
  #nextReminderMs = 0;
  #isWoken = false;
  #isOpen = false;
  #nLooks = 0;

  constructor(input: ApprovalInput) {
    this.#input = input;
    this.state = { ...openState(input.policy.quorum), isEscalated: input.resumed?.isEscalated ?? false };
  }

  async open(): Promise<void> {
    const {
      deadlineMs: _deadlineMs,
      reminderMs: _reminderMs,
      summary: _summary,
      resumed,
      ...asked
    } = this.#input;
    if (resumed === undefined) this.#extendDeadline();
    else {
      this.#deadlineMs = resumed.deadlineMs;
      this.#nextReminderMs = resumed.nextReminderMs;
      this.#showWaiting();
    }
    const row = await approvals.openApproval({
      ...asked,
      deadline: new Date(this.#deadlineMs).toISOString(),
    });
    this.#follow(row);
    this.#isOpen = true;
  }

  /** Whether this run's history is long enough. */
  get isLong(): boolean {
    return this.#nLooks >= LOOKS_PER_RUN && this.state.state === "waiting";
  }

  /** Goes on under the same workflow id. Nothing returns from it while the approval still waits. */
  async continueInNewRun(): Promise<void> {
    await condition(allHandlersFinished);
    if (this.state.state !== "waiting") return;
    const { isEscalated } = this.state;
    const resumed = { deadlineMs: this.#deadlineMs, nextReminderMs: this.#nextReminderMs, isEscalated };
    await continueAsNew<typeof approvalWorkflow>({ ...this.#input, resumed });
  }

  /** The question is taken back. Nothing happens where it was decided meanwhile, or never recorded. */
  async withdraw(): Promise<void> {
    try {
      this.#follow(await approvals.closeApproval({ approvalId: this.#input.approvalId, state: "expired" }));
      show({ stage: "cancelled", approval: null }, `**cancelled** — ${this.#input.subject}`);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  wake(): void {
    this.#isWoken = true;
  }

  validate(decision: DecideInput): void {
    if (this.state.state !== "waiting") throw new Error(`already ${this.state.state}`);
    checkDecisionShape(decision);
    if (decision.digest !== undefined && decision.digest !== this.#input.digest) {
      throw new Error(`digest: expected ${this.#input.digest}, got ${decision.digest}`);
    }
  }

  async decide(decision: DecideInput, decisionId: string): Promise<ApprovalState> {
    // A message may be in the very first task, before there is a row to decide on.
    await condition(() => this.#isOpen);
    const row = await approvals.applyDirectDecision({
      approvalId: this.#input.approvalId,
      decisionId,
      decision: decision.decision,
      by: decision.by,
      reason: decision.reason ?? "",
      digest: decision.digest ?? this.#input.digest,
    });
    this.#follow(row);
    return this.state;
  }

  /**
   * A signal has nobody to answer to: a refused one changes nothing. The activity judges it and not `validate`, so
   * that the refusal is in the audit trail; only what is no decision at all is dropped here.
   */
  async decideBySignal(decision: DecideInput): Promise<void> {
    try {
      checkDecisionShape(decision);
      await this.decide(decision, uuid4());
    } catch (error) {
      log.warn("a decision by signal was refused", { error });
    }
  }

  async waitForDecisionOrDeadline(): Promise<void> {
    const { approvalId } = this.#input;
    const nextLookMs = Math.min(
      APPROVAL_POLL_MS,
      Math.max(1, this.#deadlineMs - Date.now()),
      Math.max(1, this.#nextReminderMs - Date.now()),
    );
    this.#nLooks += 1;
    await condition(() => this.#isWoken || this.state.state !== "waiting", nextLookMs);
    // Before the row is read: a wake-up that comes meanwhile is about something newer, and asks for another look.
    this.#isWoken = false;
    if (this.state.state !== "waiting") return;
    this.#follow(await approvals.readApproval({ approvalId }));
    if (this.state.state !== "waiting") return;
    if (Date.now() >= this.#deadlineMs) return this.#passDeadline();
    if (Date.now() >= this.#nextReminderMs) {
      this.#nextReminderMs = Date.now() + this.#input.reminderMs;
      await approvals.remindApprovers({ approvalId, deadline: new Date(this.#deadlineMs).toISOString() });
    }
  }

  async #passDeadline(): Promise<void> {
    const { approvalId, policy } = this.#input;
    const action = atDeadline(this.state, policy.onDeadline);
    if (action === "escalate") {
      this.state = reduceApproval(this.state, { kind: "escalated" });
      this.#extendDeadline();
      await approvals.escalateApproval({
        approvalId,
        to: policy.escalateTo,
        deadline: new Date(this.#deadlineMs).toISOString(),
      });
      return;
    }
    this.#follow(
      action === "approve"
        ? await approvals.approveByPolicy({ approvalId })
        : await approvals.closeApproval({ approvalId, state: action }),
    );
  }

  #follow(row: RecordedApproval): void {
    this.state = reduceApproval(this.state, { kind: "recorded", row });
  }

  #extendDeadline(): void {
    this.#deadlineMs = Date.now() + this.#input.deadlineMs;
    this.#nextReminderMs = Date.now() + this.#input.reminderMs;
    this.#showWaiting();
  }

  #showWaiting(): void {
    const { policy, subject, digest, summary = [] } = this.#input;
    const who = this.state.isEscalated ? policy.escalateTo : policy.approvers;
    const from = who.length === 0 ? "any approver" : who.join(", ");
    show(
      {
        stage: "approve",
        approval: "waiting",
        model: this.#input.model,
        version: String(this.#input.version),
      },
      `**Waiting for approval** of ${subject}\n\n- from: ${from} (quorum ${policy.quorum})\n` +
        `- until: ${new Date(this.#deadlineMs).toISOString()}, then: ${policy.onDeadline}\n- digest: ${digest}` +
        summary.map((line) => `\n- ${line}`).join(""),
    );
  }
}

function isNotFound(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.type === "not_found";
}
