import type { ActivityDeps } from "../dependencies.ts";

/** Kinds of the alerts that tell people of recommendations and their orders. */
export const DECISION_ALERT = "maintenance_decision";
export const OVERDUE_ALERT = "maintenance_overdue";
export const UNDELIVERED_ALERT = "work_order_undelivered";

/** Nobody is waited for any more. */
export async function resolveAlerts(db: ActivityDeps["db"], id: string): Promise<void> {
  for (const kind of [DECISION_ALERT, OVERDUE_ALERT]) await db.alerts.resolve(kind, `recommendation/${id}`);
}

/** A work order reached nobody. */
export async function tellUndelivered(
  db: ActivityDeps["db"],
  workOrderId: string,
  reason: string,
): Promise<void> {
  await db.alerts.raise({
    key: `${UNDELIVERED_ALERT}/${workOrderId}`,
    kind: UNDELIVERED_ALERT,
    severity: "critical",
    subject: `work-order/${workOrderId}`,
    message: `work order ${workOrderId} reached nobody: ${reason}`.slice(0, 500),
  });
}
