import type { ActivityDeps } from "../dependencies.ts";

/** Kinds of the alerts that tell people of recommendations and their orders. */
export const DECISION_ALERT = "maintenance_decision";
export const OVERDUE_ALERT = "maintenance_overdue";
export const FAILED_ALERT = "maintenance_failed";
export const UNDELIVERED_ALERT = "work_order_undelivered";

/** Nobody is waited for any more. */
export async function resolveAlerts(db: Pick<ActivityDeps["db"], "alerts">, id: string): Promise<void> {
  for (const kind of [DECISION_ALERT, OVERDUE_ALERT]) await db.alerts.resolve(kind, `recommendation/${id}`);
}

/** Nobody was asked, or nobody is waited for any more, as its workflow failed. */
export async function tellFailed(
  db: Pick<ActivityDeps["db"], "alerts">,
  { id, model, asset, isCritical, reason }: FailedRecommendation,
): Promise<void> {
  await db.alerts.raise({
    key: `${FAILED_ALERT}/${id}`,
    kind: FAILED_ALERT,
    severity: isCritical ? "critical" : "warning",
    subject: `recommendation/${id}`,
    message:
      `the recommendation for ${asset} failed, and another one is opened in an hour where it is still called for: ${reason}`.slice(
        0,
        500,
      ),
    details: { model, asset },
  });
}

interface FailedRecommendation {
  readonly id: string;
  readonly model: string;
  readonly asset: string;
  readonly isCritical: boolean;
  readonly reason: string;
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
