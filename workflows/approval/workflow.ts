import { allHandlersFinished, condition, currentUpdateInfo, setHandler, uuid4 } from "@temporalio/workflow";
import { APPROVAL_POLL_MS } from "../../temporal-config/constants.ts";
import { approvals } from "../activity-proxies.ts";
import { show } from "../visibility.ts";
import { approvalStateQuery, approveSignal, decideUpdate, rejectSignal, wakeSignal } from "./messages.ts";
import type { ApprovalInput, ApprovalResult, DecideInput } from "./messages.ts";
import { atDeadline, openState, reduceApproval } from "./state.ts";
import type { ApprovalState } from "./state.ts";

/**
 * Waits for people to decide on exactly one digest: reminder, deadline, escalation, quorum; the first reject ends it.
 *
 * **Messages**: update `decide`, signals `approve`, `reject`, `wake`, query `state`. Every message ends in a recorded
 * row, and the workflow follows the row; it also looks by itself every 60 s, should a wake-up be lost.
 * **Continue-as-new**: none; one look a minute for the 7-day default is some 10 000 small steps at most, and
 * the deadline bounds it. **Versioning**: patched().
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
  await approval.open();
  while (approval.state.state === "waiting") await approval.waitForDecisionOrDeadline();
  show({ stage: approval.state.state, approval: null }, `**${approval.state.state}** — ${input.subject}`);
  await condition(allHandlersFinished);
  const decidedBy = approval.state.approvals;
  return {
    approvalId: input.approvalId,
    outcome: approval.state.state as ApprovalResult["outcome"],
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

  constructor(input: ApprovalInput) {
    this.#input = input;
    this.state = openState(input.policy.quorum);
  }

  async open(): Promise<void> {
    const { policy, approvalId, kind, subject, model, version, digest, requestedBy, evidence } = this.#input;
    this.#extendDeadline();
    const fields = { approvalId, kind, subject, model, version, digest, requestedBy, policy, evidence };
    const row = await approvals.openApproval({
      ...fields,
      deadline: new Date(this.#deadlineMs).toISOString(),
    });
    this.state = reduceApproval(this.state, { kind: "recorded", row });
  }

  wake(): void {
    this.#isWoken = true;
  }

  validate(decision: DecideInput): void {
    if (this.state.state !== "waiting") throw new Error(`already ${this.state.state}`);
    if (decision.decision !== "approve" && decision.decision !== "reject") {
      throw new Error(`decision: expected approve or reject, got ${String(decision.decision)}`);
    }
    if (typeof decision.by !== "string" || decision.by === "") throw new Error("by: expected your name");
    if (decision.digest !== undefined && decision.digest !== this.#input.digest) {
      throw new Error(`digest: expected ${this.#input.digest}, got ${decision.digest}`);
    }
  }

  async decide(decision: DecideInput, decisionId: string): Promise<ApprovalState> {
    const row = await approvals.applyDirectDecision({
      approvalId: this.#input.approvalId,
      decisionId,
      decision: decision.decision,
      by: decision.by,
      reason: decision.reason ?? "",
      digest: decision.digest ?? this.#input.digest,
    });
    this.state = reduceApproval(this.state, { kind: "recorded", row });
    return this.state;
  }

  /** A signal has nobody to answer to: a refused one is in the audit trail and changes nothing. */
  async decideBySignal(decision: DecideInput): Promise<void> {
    try {
      this.validate(decision);
      await this.decide(decision, uuid4());
    } catch {
      // The activity has recorded the refusal with its reason.
    }
  }

  async waitForDecisionOrDeadline(): Promise<void> {
    const { approvalId } = this.#input;
    const nextLookMs = Math.min(
      APPROVAL_POLL_MS,
      Math.max(1, this.#deadlineMs - Date.now()),
      Math.max(1, this.#nextReminderMs - Date.now()),
    );
    this.#isWoken = false;
    await condition(() => this.#isWoken || this.state.state !== "waiting", nextLookMs);
    if (this.state.state !== "waiting") return;
    const row = await approvals.readApproval({ approvalId });
    this.state = reduceApproval(this.state, { kind: "recorded", row });
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
    const row = await approvals.closeApproval({ approvalId, state: action });
    this.state = reduceApproval(this.state, { kind: "recorded", row });
  }

  #extendDeadline(): void {
    const { policy, subject, digest } = this.#input;
    this.#deadlineMs = Date.now() + this.#input.deadlineMs;
    this.#nextReminderMs = Date.now() + this.#input.reminderMs;
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
        `- until: ${new Date(this.#deadlineMs).toISOString()}, then: ${policy.onDeadline}\n- digest: ${digest}`,
    );
  }
}
