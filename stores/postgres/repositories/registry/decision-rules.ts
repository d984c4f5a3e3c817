import { z } from "zod";
import { envelopeFindingSchema } from "../../../../schemas/models/envelope-finding.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import type { Actor, ApprovalRow, DecisionRow } from "../../port.ts";

export interface DecisionContext {
  readonly approval: ApprovalRow;
  /** Digest the decider saw. */
  readonly digest: string;
  readonly decision: Omit<DecisionRow, "at">;
  /** The deadline has passed on the database's clock. */
  readonly isLate: boolean;
  /** People added when the deadline was escalated. */
  readonly escalatedTo: readonly string[];
  /** Who sent it where the given name is not the caller; the same rules hold for both. */
  readonly caller?: Actor;
  /** Keys are on: the requester may not decide, and unauthenticated decisions need the policy's leave. */
  readonly hasKeys: boolean;
}

/**
 * Whether a decision counts. A repeat is answered before any rule can refuse it, so that
 * a retry after the end still gets its first answer.
 *
 * @returns `repeated` for a decision that is already recorded word for word, `new` for one to record
 * @throws {PlatformError} already_decided, self_approval, forbidden
 */
export function checkDecision(context: DecisionContext): "repeated" | "new" {
  const { approval, digest, decision } = context;
  const refuse = (found: string): PlatformError =>
    new PlatformError("already_decided", `decide approval [${approval.id}]: ${found}`);
  const recorded = approval.decisions.find((d) => d.decisionId === decision.decisionId);
  if (recorded !== undefined) {
    if (digest === approval.digest && isSameDecision(recorded, decision)) return "repeated";
    throw refuse(`decision ${decision.decisionId} is recorded with other content`);
  }
  if (digest !== approval.digest) throw refuse(`it names digest ${approval.digest}, got ${digest}`);
  if (approval.state !== "waiting") throw refuse(`it is ${approval.state}`);
  if (context.isLate) throw refuse(`its deadline was ${approval.deadline}`);
  checkPerson(context);
  if (approval.decisions.some((d) => d.by === decision.by)) throw refuse("this person has decided before");
  return "new";
}

function checkPerson(context: DecisionContext): void {
  const { approval, decision, escalatedTo, hasKeys } = context;
  const { policy } = approval;
  if ((hasKeys || decision.authenticated) && isOwnDecision(context)) {
    throw new PlatformError(
      "self_approval",
      `decide approval [${approval.id}]: requested by the same person`,
    );
  }
  if (hasKeys && !decision.authenticated && !(decision.channel === "signal" && policy.allowDirectSignals)) {
    throw new PlatformError("forbidden", `decide approval [${approval.id}]: expected a key`);
  }
  if (policy.approvers.length === 0) return;
  if (policy.approvers.includes(decision.by) || escalatedTo.includes(decision.by)) return;
  const known = [...new Set([...policy.approvers, ...escalatedTo])].join(", ");
  throw new PlatformError(
    "forbidden",
    `decide approval [${approval.id}]: ${decision.by} is not among its approvers (${known})`,
  );
}

/**
 * The requester's own: by the person it is recorded under, or by the caller behind it, who without keys is all that is
 * known. A request from before keys had owners carries the id of its key.
 */
export function isOwnDecision({
  approval: { requestedBy },
  decision,
  caller,
}: Pick<DecisionContext, "approval" | "decision" | "caller">): boolean {
  return [decision.by, caller?.id, caller?.keyId].includes(requestedBy);
}

function isSameDecision(a: Omit<DecisionRow, "at">, b: Omit<DecisionRow, "at">): boolean {
  return (
    a.decision === b.decision &&
    a.by === b.by &&
    a.authenticated === b.authenticated &&
    a.channel === b.channel &&
    a.reason === b.reason
  );
}

/** First reject ends it; approvals end it at the quorum. */
export function stateAfter(
  approval: ApprovalRow,
  decision: DecisionRow["decision"],
): "waiting" | "approved" | "rejected" {
  if (decision === "reject") return "rejected";
  return approval.decisions.length + 1 >= approval.policy.quorum ? "approved" : "waiting";
}

const envelopedSchema = z.looseObject({ envelope: envelopeFindingSchema });

/**
 * The decision of a change envelope on what nobody objected to. It names the envelope, and those who approved the pipeline file
 * that declares it: the decision is theirs, made beforehand.
 *
 * @throws {PlatformError} forbidden
 */
export function policyDecision(approval: ApprovalRow): { readonly by: string; readonly reason: string } {
  const { data } = envelopedSchema.safeParse(approval.evidence);
  if (approval.policy.onDeadline !== "approve" || data?.envelope.inside !== true)
    throw new PlatformError(
      "forbidden",
      `approve by policy [${approval.id}]: it is not inside a change envelope that approves by itself`,
    );
  const { hash, approvalId, approvedBy } = data.envelope;
  return {
    by: `envelope ${hash.slice(0, 12)}`,
    reason: `nobody objected; inside the change envelope ${hash}, which ${approvedBy.join(", ")} approved (${approvalId})`,
  };
}
