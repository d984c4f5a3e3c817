import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  setHandler,
  TemporalFailure,
  WorkflowIdReusePolicy,
  workflowInfo,
} from "@temporalio/workflow";
import type { AssessedRecommendation, Reason } from "../../activities/maintenance/messages.ts";
import {
  approveWorkflowId,
  MAINTENANCE_POLL_MS,
  maintenanceApprovalId,
  TASK_QUEUES,
} from "../../temporal-config/constants.ts";
import { approvals, explanations, maintenance, orderDeliveries, orders } from "../activity-proxies.ts";
import { approvalWorkflow } from "../approval/workflow.ts";
import type { ApprovalResult } from "../approval/messages.ts";
import { causeOf } from "../failure-cause.ts";
import { show } from "../visibility.ts";
import { recommendationStateQuery, wakeSignal } from "./messages.ts";
import type { RecommendationInput, RecommendationResult } from "./messages.ts";
import { decidingStep, nextLookMs, workingStep } from "./state.ts";
import type { RecommendationPhase } from "./state.ts";

/**
 * From a predicted failure to what came of it: works out what is to be done, asks who decides (a named person, for critical
 * assets), makes one work order, sends it, follows it until it is closed, and makes a label of its outcome.
 *
 * **Messages**: signal `wake`, query `state`. The rows decide: decisions, events of the order and recovered answers are written
 * before the workflow hears of them, and it looks by itself as well: every 15 min while the work is done, ever more seldom while
 * people decide (`nextLookMs`). One that is cancelled or fails before there is an order ends its row, with the reason; one that
 * has an order is started again by the watcher, which also ends the rows of those that are gone.
 * **Continue-as-new**: while the work is done, when the server suggests it; not while people decide, as the question is its child.
 * **Versioning**: patched().
 */
export async function recommendationWorkflow(input: RecommendationInput): Promise<RecommendationResult> {
  const one = new RecommendationEntity(input);
  setHandler(recommendationStateQuery, () => one.phase);
  setHandler(wakeSignal, () => one.wake(), { description: "Something was recorded: look now" });
  const workOrderId = input.workOrderId ?? (await one.orderOrEnd());
  if (typeof workOrderId !== "string") return workOrderId;
  return one.follow(workOrderId);
}

const CANCELLED = "its workflow was cancelled";
/** Of a reason; the whole failure is in the workflow's history. */
const MOST_CHARACTERS = 2_000;

type Ended = Exclude<RecommendationResult["state"], "closed">;

/** The entity behind the handlers. */
class RecommendationEntity {
  phase: RecommendationPhase = { phase: "assessing", workOrderId: null };
  readonly #input: RecommendationInput;
  #isWoken = false;

  constructor(input: RecommendationInput) {
    this.#input = input;
  }

  wake(): void {
    this.#isWoken = true;
  }

  /** @throws what `order` does; the row has ended then, else the asset would be open for ever and none opened after it */
  async orderOrEnd(): Promise<string | RecommendationResult> {
    try {
      return await this.order();
    } catch (error) {
      // A defect of the workflow itself is not its end: it goes on once that is mended.
      if (!(error instanceof TemporalFailure)) throw error;
      const { id, asset } = this.#input;
      const state = isCancellation(error) ? "cancelled" : "failed";
      const reason = state === "cancelled" ? CANCELLED : causeOf(error).message.slice(0, MOST_CHARACTERS);
      await CancellationScope.nonCancellable(() =>
        maintenance.endRecommendation({ id, state, decidedBy: [], reason }),
      );
      show({ stage: state, approval: null }, `**${state}** — maintenance of ${asset}: ${reason}`);
      throw error;
    }
  }

  /** @returns the order, or how it ended without one */
  async order(): Promise<string | RecommendationResult> {
    const { id, model, asset } = this.#input;
    show({ stage: "assess", model }, `Working out what is to be done about **${asset}**`);
    const why = await explained(id);
    const assessed = await maintenance.assessRecommendation({ id, ...why });
    const decided = assessed.mode === "ask" ? await this.#decide(assessed) : [];
    if ("ended" in decided) return this.#end(decided.ended, decided.decidedBy);
    this.#to("ordering", null);
    const approval = assessed.mode === "ask" ? { approvalId: maintenanceApprovalId(id) } : {};
    const { workOrderId } = await orders.makeWorkOrder({ id, decidedBy: decided, ...approval });
    return workOrderId;
  }

  /** Sends the order and waits for its end. */
  async follow(workOrderId: string): Promise<RecommendationResult> {
    for (;;) {
      // Before the row is read: a wake-up that comes meanwhile is about something newer, and asks for another look.
      this.#isWoken = false;
      const standing = await orders.readWorkOrder({ workOrderId });
      const step = workingStep(standing);
      if (step === "settle") return this.#settle(workOrderId);
      if (step === "send") {
        this.#to("sending", workOrderId);
        await deliver(workOrderId);
        continue;
      }
      this.#to("working", workOrderId);
      this.#showOrder(standing.state.replace("_", " "));
      await condition(() => this.#isWoken, MAINTENANCE_POLL_MS);
      if (workflowInfo().continueAsNewSuggested)
        await continueAsNew<typeof recommendationWorkflow>({ ...this.#input, workOrderId });
    }
  }

  /** @returns who decided that work is to be done, or how it ended */
  async #decide(
    assessed: AssessedRecommendation,
  ): Promise<readonly string[] | { readonly ended: Ended; readonly decidedBy: readonly string[] }> {
    const { id } = this.#input;
    this.#to("deciding", null);
    await maintenance.awaitDecision({ id, approvalId: maintenanceApprovalId(id) });
    this.#showWaiting(assessed);
    const asking = new Asking(id, assessed);
    const deadlineAt = Date.now() + assessed.deadlineMs;
    let isToldOverdue = false;
    for (let nLooks = 0; ; nLooks++) {
      const untilDeadline = isToldOverdue ? Infinity : deadlineAt - Date.now();
      await condition(
        () => this.#isWoken || asking.isOver,
        Math.max(1, Math.min(nextLookMs(nLooks), untilDeadline)),
      );
      asking.check();
      this.#isWoken = false;
      const standing = asking.isOver ? undefined : await maintenance.readRecommendation({ id });
      const isPastDeadline = Date.now() >= deadlineAt;
      const step = decidingStep({ approval: asking.result, standing, isPastDeadline, isToldOverdue });
      if (step === "wait") continue;
      if (step === "tell-overdue") {
        isToldOverdue = true;
        await maintenance.tellOverdue({ id });
        continue;
      }
      const result = step === "withdraw" ? await asking.withdraw() : asking.result;
      if (result === undefined) return { ended: "withdrawn", decidedBy: [] };
      if (result.outcome === "approved") return result.decidedBy;
      return { ended: result.outcome, decidedBy: result.decidedBy };
    }
  }

  async #end(state: Ended, decidedBy: readonly string[]): Promise<RecommendationResult> {
    const { id, asset } = this.#input;
    await maintenance.endRecommendation({ id, state, decidedBy });
    this.#to("over", null);
    show({ stage: state, approval: null }, `**${state}** — maintenance of ${asset}`);
    return { id, state, workOrderId: null, outcome: null, label: null };
  }

  async #settle(workOrderId: string): Promise<RecommendationResult> {
    const { id, asset } = this.#input;
    this.#to("settling", workOrderId);
    const { outcome, label } = await orders.settleWorkOrder({ workOrderId });
    this.#to("over", workOrderId);
    const says = label === null ? "no label comes of it" : `label: ${label}`;
    show({ stage: "closed", approval: null }, `**${outcome}** — maintenance of ${asset}; ${says}`);
    return { id, state: "closed", workOrderId, outcome, label };
  }

  #to(phase: RecommendationPhase["phase"], workOrderId: string | null): void {
    this.phase = { phase, workOrderId };
  }

  #showWaiting({ deciders, deadlineMs, subject, summary }: AssessedRecommendation): void {
    const { id } = this.#input;
    const from = deciders.approvers.length === 0 ? "any approver" : deciders.approvers.join(", ");
    const until = new Date(Date.now() + deadlineMs).toISOString();
    const then =
      deciders.onDeadline === "escalate"
        ? `escalate to ${deciders.escalateTo.join(", ")}`
        : deciders.onDeadline;
    show(
      { stage: "decide", approval: maintenanceApprovalId(id) },
      `**Waiting for a decision** on ${subject}\n\n- from: ${from} (quorum ${deciders.quorum})\n- until: ${until}, then: ${then}` +
        summary.map((line) => `\n- ${line}`).join("") +
        `\n- decide with: \`aura recommendations decide ${id} approve\``,
    );
  }

  #showOrder(state: string): void {
    const { asset } = this.#input;
    const { workOrderId } = this.phase;
    show(
      { stage: "work", approval: null },
      `**Work order ${state}** — maintenance of ${asset}\n\n- order: ${workOrderId}\n` +
        `- close with: \`aura work-orders close ${workOrderId} --result …\``,
    );
  }
}

/** The question to people, as a child of its own that can be taken back. */
class Asking {
  result: ApprovalResult | undefined;
  readonly #scope = new CancellationScope();
  readonly #approvalId: string;
  readonly #answering: Promise<void>;
  #failure: unknown;

  constructor(id: string, assessed: AssessedRecommendation) {
    this.#approvalId = maintenanceApprovalId(id);
    this.#answering = this.#scope
      .run(() => this.#ask(assessed))
      .then(
        (result) => void (this.result = result),
        (error: unknown) => void (this.#failure = error),
      );
  }

  get isOver(): boolean {
    return this.result !== undefined || this.#failure !== undefined;
  }

  /** @throws what the child failed with */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** @returns a decision that came before it was taken back; undefined: it was */
  async withdraw(): Promise<ApprovalResult | undefined> {
    this.#scope.cancel();
    await this.#answering;
    if (this.#failure !== undefined && !isCancellation(this.#failure)) throw this.#failure;
    if (this.result !== undefined) return this.result;
    const { state, decisions } = await approvals.readApproval({ approvalId: this.#approvalId });
    if (state !== "approved" && state !== "rejected") return undefined;
    const word = state === "approved" ? "approve" : "reject";
    const decidedBy = decisions.filter(({ decision }) => decision === word).map(({ by }) => by);
    return { approvalId: this.#approvalId, outcome: state, decidedBy };
  }

  #ask(assessed: AssessedRecommendation): Promise<ApprovalResult> {
    const { model, version, digest, subject, summary, evidence, deciders, deadlineMs, reminderMs } = assessed;
    return executeChild(approvalWorkflow, {
      workflowId: approveWorkflowId("maintenance", this.#approvalId, digest),
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      taskQueue: TASK_QUEUES.control,
      staticSummary: `Decide: ${subject}`.slice(0, 190),
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      args: [
        {
          approvalId: this.#approvalId,
          kind: "maintenance",
          subject,
          model,
          version,
          digest,
          requestedBy: "aura",
          requesterAuthenticated: true,
          policy: deciders,
          deadlineMs,
          reminderMs,
          evidence,
          summary,
        },
      ],
    });
  }
}

/** What moved the answer, or why that is not known: people decide without it as well. */
async function explained(
  id: string,
): Promise<{ readonly reasons: readonly Reason[] } | { readonly reasonsMissing: string }> {
  try {
    return await explanations.explainRecommendation({ id });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const { cause } = error;
    return {
      reasonsMissing: cause instanceof ApplicationFailure ? cause.message : "they could not be computed",
    };
  }
}

/** Never fails: a channel that is away for a day is given up, and the row says why. */
async function deliver(workOrderId: string): Promise<void> {
  try {
    await orderDeliveries.deliverWorkOrder({ workOrderId });
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    await orders.failWorkOrder({ workOrderId, reason: "it was not taken within a day" });
  }
}
