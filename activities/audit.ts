import type { Actor, AuditEntry } from "../stores/postgres/port.ts";

/** The platform itself as an actor: workflows act under it, naming in `details` the person they act for. */
export const SYSTEM_ACTOR: Actor = { id: "aura", role: "system", authenticated: true };

/** Audit entry of something a workflow did. */
export function systemAudit(
  action: string,
  subject: string,
  details: Readonly<Record<string, unknown>> = {},
): AuditEntry {
  return { actor: SYSTEM_ACTOR, action, subject, outcome: "ok", details };
}
