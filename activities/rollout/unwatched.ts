import type { Database } from "../../stores/postgres/port.ts";
import { systemAudit } from "../audit.ts";

/**
 * Rolls back a rollout whose workflow is there no more: no guard would ever end what it answers. **Effects**: as any rollback,
 * with its alert; none where there is no such rollout or it is over.
 */
export async function rollBackUnwatched(
  { rollouts }: Pick<Database, "rollouts">,
  id: string,
  reason: string,
): Promise<void> {
  const row = await rollouts.get(id);
  if (row === undefined) return;
  const guard = "workflow";
  const audit = systemAudit("rollout.rolled_back", `model/${row.model}@${row.version}`, {
    rollout: id,
    reason,
    guard,
  });
  await rollouts.change(id, { kind: "rolled_back", guard, reason, details: {} }, audit);
}
