import type { Database } from "../../stores/postgres/port.ts";
import { systemAudit } from "../audit.ts";
import { resolveAlerts, tellFailed } from "./maintenance-alerts.ts";
import type { EndInput } from "./messages.ts";

/**
 * Ends a recommendation that comes to no work order; of no effect on one that has ended or has one. People hear of one that
 * failed. Its row is written last: whoever is killed before that does it again.
 */
export async function endRecommendation(
  db: Pick<Database, "recommendations" | "alerts">,
  { id, state, decidedBy, reason }: EndInput,
): Promise<void> {
  const row = await db.recommendations.get(id);
  const isOpen = row?.state === "open" || row?.state === "waiting";
  if (isOpen && state === "failed") {
    const { model, asset, assessment } = row;
    // Of one that was not assessed nobody knows that it is not.
    const isCritical = assessment?.isCritical ?? true;
    await tellFailed(db, { id, model, asset, isCritical, reason: reason ?? "" });
  }
  await resolveAlerts(db, id);
  const why = reason === undefined ? {} : { reason };
  const audit = systemAudit(`recommendation.${state}`, `recommendation/${id}`, { decidedBy, ...why });
  await db.recommendations.end(id, { state, ...why }, audit);
}
