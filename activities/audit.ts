import { activityInfo } from "@temporalio/activity";
import type { Actor, AuditEntry } from "../stores/postgres/port.ts";

/** The platform itself as an actor: workflows act under it, naming in `details` the person they act for. */
export const SYSTEM_ACTOR: Actor = { id: "aura", role: "system", authenticated: true };

/**
 * Key of an audit row that is written by itself and not in the transaction of an effect: every attempt of one activity
 * has the same, so that a retry does not tell it twice.
 */
export function activityKey(): string {
  const { workflowExecution, activityId } = activityInfo();
  return [workflowExecution?.workflowId, workflowExecution?.runId, activityId].join("/");
}

/** Audit entry of something a workflow did. */
export function systemAudit(
  action: string,
  subject: string,
  details: Readonly<Record<string, unknown>> = {},
): AuditEntry {
  return { actor: SYSTEM_ACTOR, action, subject, outcome: "ok", details };
}
