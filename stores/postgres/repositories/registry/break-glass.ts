import { PlatformError } from "../../../../schemas/platform-error.ts";
import type { ApprovalPolicy } from "../../../../schemas/pipeline/training.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { Sql } from "../../connection/connection-pool.ts";
import type { AuditEntry } from "../../port.ts";
import type { BreakGlass, BreakGlassResult } from "../../port/rollouts.ts";
import { raiseAlert } from "../serving/alert-store.ts";
import { insertApproval } from "./approval-store.ts";
import { moveChampion } from "./promotion.ts";
import { applyChange, openRolloutOf } from "./rollout-rows.ts";
import { selectVersions } from "./version-rows.ts";

/** Kind of the alert that stands until somebody has reviewed. */
export const BREAK_GLASS_ALERT = "break_glass";

/**
 * A rollback that nobody approved, at once: inside the caller's transaction a rollout that goes on ends, or the champion alias
 * moves back; with it go the review that is due, an alert that stands until it is done, and the audit row.
 *
 * Nothing but PostgreSQL is needed. The model's row is locked first, as by every promotion.
 */
export async function breakGlass(sql: Sql, p: BreakGlass, audit: AuditEntry): Promise<BreakGlassResult> {
  await sql.query("select model from aura.models where model = $1 for update", [p.model]);
  const [champion] = await selectVersions(
    sql,
    `join aura.aliases c on c.model = v.model and c.version = v.version and c.alias = 'champion' where v.model = $1`,
    [p.model],
  );
  if (champion === undefined)
    throw new PlatformError("no_champion", `break glass [${p.model}]: there is no champion`);
  if (champion.version !== p.from)
    throw new PlatformError("conflict", `break glass [${p.model}]: the champion is ${champion.version}`);
  const rollout = await endRollout(sql, p, audit);
  const target = await targetOf(sql, p);
  const isMoved = target !== undefined && target.version !== champion.version;
  if (!isMoved && rollout?.state !== "aborted")
    throw new PlatformError("conflict", `break glass [${p.model}]: there is nothing to go back to`);
  if (isMoved) {
    const { model, version, digest } = target;
    const move = { model, version, digest, requestId: p.reviewId, approvalId: null, reason: p.reason };
    await moveChampion(sql, move, audit);
  } else await appendAudit(sql, audit);
  const now = isMoved ? target : champion;
  await askForReview(sql, p, { audit, digest: now.digest, version: now.version });
  return {
    reviewId: p.reviewId,
    reviewUntil: p.reviewUntil,
    version: now.version,
    digest: now.digest,
    previousVersion: isMoved ? champion.version : null,
    abortedRollout: rollout?.state === "aborted" ? rollout.id : null,
  };
}

/** Ends the rollout that goes on: as promoted where its version is the champion that is to go. */
async function endRollout(sql: Sql, { model, reason }: BreakGlass, audit: AuditEntry) {
  const rollout = await openRolloutOf(sql, model);
  if (rollout === undefined) return undefined;
  const change = { kind: "aborted", reason: `break glass: ${reason}`, isForced: true } as const;
  return applyChange(sql, rollout, change, { ...audit, action: "rollout.abort" });
}

/** The version that shall be champion; with a rollout to end and none named the champion stays. */
async function targetOf(sql: Sql, { model, to }: BreakGlass) {
  if (to === undefined) return undefined;
  const [version] = await selectVersions(sql, "where v.model = $1 and v.version = $2", [model, to]);
  if (version !== undefined) return version;
  throw new PlatformError("not_found", `break glass [${model}]: no version ${to}`);
}

const REVIEW_POLICY: ApprovalPolicy = {
  approvers: [],
  quorum: 1,
  deadline: "1d",
  onDeadline: "expire",
  escalateTo: [],
  reminder: "1d",
  allowDirectSignals: false,
};

async function askForReview(
  sql: Sql,
  { reviewId, model, reason, reviewUntil, reviewWorkflowOf, from }: BreakGlass,
  given: { readonly audit: AuditEntry; readonly digest: string; readonly version: number },
): Promise<void> {
  const { actor } = given.audit;
  const { digest, version } = given;
  await insertApproval(sql, {
    id: reviewId,
    kind: "review",
    subject: `rollback of ${model}@${from} without approval`,
    digest,
    model,
    version,
    workflowId: reviewWorkflowOf(digest),
    requestedBy: actor.id,
    requesterAuthenticated: actor.authenticated,
    policy: REVIEW_POLICY,
    evidence: { kind: "aura.review/1", model, from, version, reason, by: actor.id },
    deadline: reviewUntil,
  });
  await raiseAlert(sql, {
    key: `${BREAK_GLASS_ALERT}/${reviewId}`,
    kind: BREAK_GLASS_ALERT,
    severity: "critical",
    subject: `model/${model}`,
    message: `${actor.id} rolled ${model} back from version ${from} without approval: ${reason}; to be reviewed until ${reviewUntil}`,
    details: { review: reviewId, from, version },
  });
}
