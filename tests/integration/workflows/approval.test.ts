import { WorkflowFailedError, WorkflowNotFoundError, WorkflowUpdateFailedError } from "@temporalio/client";
import type { WorkflowHandleWithFirstExecutionRunId } from "@temporalio/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ApprovalPolicy } from "../../../schemas/pipeline/training.ts";
import { TASK_QUEUES } from "../../../temporal-config/constants.ts";
import {
  approvalStateQuery,
  approveSignal,
  decideUpdate,
  rejectSignal,
  wakeSignal,
} from "../../../workflows/approval/messages.ts";
import type { ApprovalInput, DecideInput } from "../../../workflows/approval/messages.ts";
import type { approvalWorkflow } from "../../../workflows/approval/workflow.ts";
import { FakeApprovals } from "../../support/fake-approvals.ts";
import { describeWithServices } from "../../support/platform.ts";
import { startWorkflowEnvironment } from "../../support/workflow-environment.ts";
import type { WorkflowEnvironment } from "../../support/workflow-environment.ts";

/** The approval workflow on a real Temporal server; what it records is kept in memory. */

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof approvalWorkflow>;

const DIGEST = "d".repeat(64);
const HOUR_MS = 3_600_000;
/** Other test files load the machine meanwhile. */
const SOON = { timeout: 15_000 };
const POLICY: ApprovalPolicy = {
  approvers: [],
  quorum: 1,
  deadline: "1h",
  onDeadline: "expire",
  escalateTo: [],
  reminder: "1h",
  allowDirectSignals: false,
};

const approveBy = (by: string): DecideInput => ({ decision: "approve", by });

interface Given {
  readonly policy?: Partial<ApprovalPolicy>;
  readonly deadlineMs?: number;
  readonly reminderMs?: number;
}

await describeWithServices("approval workflow", (services) => {
  const approvals = new FakeApprovals();
  let environment: WorkflowEnvironment;
  let nApprovals = 0;

  beforeAll(async () => {
    environment = await startWorkflowEnvironment(services, approvals.activities);
  });
  afterAll(() => environment.close());

  /** Starts an approval; with `isOpen` false it may not have a row yet. */
  async function ask({ policy, deadlineMs = HOUR_MS, reminderMs = HOUR_MS }: Given = {}, isOpen = true) {
    nApprovals += 1;
    const approvalId = `a${nApprovals}`;
    const input: ApprovalInput = {
      approvalId,
      kind: "promotion",
      subject: `pump@${nApprovals}`,
      model: "pump",
      version: nApprovals,
      digest: DIGEST,
      requestedBy: "ann",
      policy: { ...POLICY, ...policy },
      deadlineMs,
      reminderMs,
      evidence: { key: "evidence", sha256: DIGEST, bytes: 1 },
    };
    const handle: Handle = await environment.client.workflow.start<typeof approvalWorkflow>(
      "approvalWorkflow",
      { workflowId: `approve/${approvalId}`, taskQueue: TASK_QUEUES.control, args: [input] },
    );
    if (isOpen) await expect.poll(() => approvals.rows.has(approvalId), SOON).toBe(true);
    return { approvalId, handle };
  }

  const decide = (handle: Handle, given: DecideInput, updateId?: string) =>
    handle.executeUpdate(decideUpdate, {
      args: [given],
      ...(updateId === undefined ? {} : { updateId }),
    });

  it("answers an update at once, and ends", async () => {
    const { approvalId, handle } = await ask();
    const state = await decide(handle, { ...approveBy("ben"), reason: "looks right", digest: DIGEST });
    expect(state).toEqual({ state: "approved", approvals: ["ben"], quorum: 1, isEscalated: false });
    expect(await handle.result()).toEqual({ approvalId, outcome: "approved", decidedBy: ["ben"] });
    expect(await handle.query(approvalStateQuery)).toEqual(state);
  });

  it("takes an update that is there before the approval is open", async () => {
    const { handle } = await ask({}, false);
    expect(await decide(handle, approveBy("ben"))).toMatchObject({ state: "approved" });
    expect(await handle.result()).toMatchObject({ outcome: "approved" });
  });

  it("gives the first answer to the same update id, also after the end", async () => {
    const { approvalId, handle } = await ask({ policy: { quorum: 2 } });
    const first = await decide(handle, approveBy("ben"), "decision-1");
    expect(await decide(handle, { decision: "reject", by: "eve" }, "decision-1")).toEqual(first);
    expect(approvals.row(approvalId).decisions).toHaveLength(1);
    await decide(handle, approveBy("eve"), "decision-2");
    await handle.result();
    expect(await decide(handle, approveBy("ben"), "decision-1")).toEqual(first);
  });

  const MISFITS: readonly [string, Record<string, unknown>, string][] = [
    ["another digest", { ...approveBy("ben"), digest: "e".repeat(64) }, `digest: expected ${DIGEST}`],
    ["another word", { decision: "maybe", by: "ben" }, "decision: expected approve or reject"],
    ["no name", { decision: "approve", by: "" }, "by: expected your name"],
    ["a name that is no text", { decision: "approve", by: 7 }, "by: expected your name"],
    ["a name with a NUL", { decision: "approve", by: "b\0n" }, "by: expected your name"],
    ["a reason that is no text", { ...approveBy("ben"), reason: { long: true } }, "reason: expected"],
    ["a reason too long", { ...approveBy("ben"), reason: "x".repeat(2_001) }, "reason: expected"],
  ];

  it.each(MISFITS)("refuses an update with %s, and leaves no trace", async (_name, given, message) => {
    const { approvalId, handle } = await ask();
    const refused = decide(handle, given as unknown as DecideInput);
    await expect(refused).rejects.toBeInstanceOf(WorkflowUpdateFailedError);
    await expect(refused).rejects.toMatchObject({ cause: { message: expect.stringContaining(message) } });
    expect(approvals.row(approvalId)).toMatchObject({ state: "waiting", decisions: [] });
    const { events } = await handle.fetchHistory();
    expect((events ?? []).some((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toBe(false);
    await handle.terminate();
  });

  it("decides by signal, without a word more than the signal", async () => {
    const { handle } = await ask();
    await handle.signal(approveSignal);
    expect(await handle.result()).toMatchObject({ outcome: "approved", decidedBy: ["temporal"] });
  });

  it("refuses a signal on another digest on the record, and drops what is no decision", async () => {
    const { approvalId, handle } = await ask();
    await handle.signal(approveSignal, { by: "ben", digest: "e".repeat(64) });
    await handle.signal("approve", { by: ["ben"] });
    await handle.signal("reject", "no");
    await expect.poll(() => approvals.row(approvalId).state, SOON).toBe("rejected");
    expect(await handle.result()).toMatchObject({ outcome: "rejected" });
    expect(approvals.row(approvalId).decisions).toMatchObject([{ by: "temporal", decision: "reject" }]);
    const refusals = approvals.events.filter((event) => event.startsWith(`refuse ${approvalId}:`));
    expect(refusals).toEqual([expect.stringContaining("it names digest")]);
  });

  it("waits for the quorum, of different people", async () => {
    const { handle } = await ask({ policy: { quorum: 2 } });
    expect(await decide(handle, approveBy("ben"))).toMatchObject({ state: "waiting", approvals: ["ben"] });
    await expect(decide(handle, approveBy("ben"))).rejects.toBeInstanceOf(WorkflowUpdateFailedError);
    expect(await decide(handle, approveBy("eve"))).toMatchObject({ approvals: ["ben", "eve"] });
    expect(await handle.result()).toMatchObject({ outcome: "approved", decidedBy: ["ben", "eve"] });
  });

  it("ends at the first reject, whatever the quorum", async () => {
    const { approvalId, handle } = await ask({ policy: { quorum: 3 } });
    await decide(handle, approveBy("ben"));
    await handle.signal(rejectSignal, { by: "eve", reason: "the sensor was moved" });
    expect(await handle.result()).toMatchObject({ outcome: "rejected" });
    expect(approvals.row(approvalId).decisions.at(-1)).toMatchObject({
      by: "eve",
      reason: "the sensor was moved",
    });
  });

  it("counts one of two decisions that race", async () => {
    const { approvalId, handle } = await ask();
    const answers = await Promise.allSettled([
      decide(handle, approveBy("ben")),
      decide(handle, { decision: "reject", by: "eve" }),
    ]);
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const { decisions, state } = approvals.row(approvalId);
    expect(decisions).toHaveLength(1);
    expect(await handle.result()).toMatchObject({ outcome: state });
  });

  it("refuses a late decision", async () => {
    const { approvalId, handle } = await ask();
    await decide(handle, approveBy("ben"));
    await handle.result();
    await expect(decide(handle, { decision: "reject", by: "eve" })).rejects.toBeInstanceOf(
      WorkflowNotFoundError,
    );
    await expect(handle.signal(rejectSignal)).rejects.toBeInstanceOf(WorkflowNotFoundError);
    expect(approvals.row(approvalId).decisions).toHaveLength(1);
  });

  it("follows a decision that was recorded elsewhere, when it is woken", async () => {
    const { approvalId, handle } = await ask();
    approvals.decide({
      approvalId,
      digest: DIGEST,
      decisionId: "api-1",
      decision: "approve",
      by: "ben",
      reason: "",
    });
    await handle.signal(wakeSignal);
    expect(await handle.result()).toMatchObject({ outcome: "approved", decidedBy: ["ben"] });
  });

  it("believes the record and not the wake-up", async () => {
    const { approvalId, handle } = await ask();
    const before = approvals.nReads;
    await handle.signal(wakeSignal);
    await expect.poll(() => approvals.nReads, SOON).toBe(before + 1);
    expect(await handle.query(approvalStateQuery)).toMatchObject({ state: "waiting" });
    expect(approvals.row(approvalId).state).toBe("waiting");
    await handle.terminate();
  });

  it.each([
    ["expire", "expired"],
    ["reject", "rejected"],
  ] as const)("at its deadline it does what was said: %s", async (onDeadline, outcome) => {
    const { approvalId, handle } = await ask({ policy: { onDeadline }, deadlineMs: 200 });
    expect(await handle.result()).toEqual({ approvalId, outcome, decidedBy: [] });
    expect(approvals.row(approvalId).state).toBe(outcome);
  });

  it("escalates once, then others may decide", async () => {
    const policy = { onDeadline: "escalate", approvers: ["ben"], escalateTo: ["eve"] } as const;
    const { approvalId, handle } = await ask({
      policy: { ...policy, approvers: ["ben"], escalateTo: ["eve"] },
      deadlineMs: 2_000,
    });
    await expect(decide(handle, approveBy("eve"))).rejects.toBeInstanceOf(WorkflowUpdateFailedError);
    await expect.poll(() => approvals.events, SOON).toContain(`escalate ${approvalId} to eve`);
    expect(await decide(handle, approveBy("eve"))).toMatchObject({ state: "approved", isEscalated: true });
    expect(await handle.result()).toMatchObject({ outcome: "approved" });
  });

  it("expires when nobody decides after the escalation either", async () => {
    const { approvalId, handle } = await ask({
      policy: { onDeadline: "escalate", escalateTo: ["eve"] },
      deadlineMs: 150,
    });
    expect(await handle.result()).toMatchObject({ outcome: "expired" });
    expect(approvals.events.filter((event) => event === `escalate ${approvalId} to eve`)).toHaveLength(1);
  });

  it("reminds as often as was said", async () => {
    const { approvalId, handle } = await ask({ reminderMs: 150 });
    const reminders = () => approvals.events.filter((event) => event === `remind ${approvalId}`).length;
    await expect.poll(reminders, SOON).toBeGreaterThanOrEqual(2);
    expect(await decide(handle, approveBy("ben"))).toMatchObject({ state: "approved" });
  });

  it("withdraws the question when the wait is cancelled", async () => {
    const { approvalId, handle } = await ask();
    await handle.cancel();
    await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect((await handle.describe()).status.name).toBe("CANCELLED");
    expect(approvals.row(approvalId).state).toBe("expired");
  });

  it("goes on in a new run before its history grows too long, and forgets nothing", async () => {
    const { approvalId, handle } = await ask({ policy: { quorum: 2 } });
    await decide(handle, approveBy("ben"));
    const current = environment.client.workflow.getHandle<typeof approvalWorkflow>(handle.workflowId);
    const before = approvals.nReads;
    for (let looks = 1; looks <= 250; looks += 1) {
      await current.signal(wakeSignal);
      await expect.poll(() => approvals.nReads, { ...SOON, interval: 2 }).toBe(before + looks);
    }
    await expect
      .poll(async () => (await current.describe()).runId, SOON)
      .not.toBe(handle.firstExecutionRunId);
    const again = await current.executeUpdate(decideUpdate, { args: [approveBy("eve")] });
    expect(again).toMatchObject({ state: "approved", approvals: ["ben", "eve"] });
    expect(await handle.result()).toEqual({ approvalId, outcome: "approved", decidedBy: ["ben", "eve"] });
  }, 40_000);
});
