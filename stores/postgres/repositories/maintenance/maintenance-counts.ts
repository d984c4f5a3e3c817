import type { Sql } from "../../connection/connection-pool.ts";
import type { RecommendationStore } from "../../port/maintenance.ts";

type Counts = Awaited<ReturnType<RecommendationStore["counts"]>>;

/** What the metrics show of maintenance. */
export async function maintenanceCounts(sql: Sql): Promise<Counts> {
  const byState = await sql.query<Counts["byState"][number]>(
    `select model, state, count(*) as n from aura.recommendations
      where state in ('open', 'waiting', 'ordered') group by model, state order by model, state`,
  );
  const overdue = await sql.query<Counts["overdue"][number]>(
    `select r.model, count(*) as n from aura.recommendations r join aura.approvals a using (approval_id)
      where r.state = 'waiting' and (a.escalated_to is not null or a.deadline < clock_timestamp())
      group by r.model order by r.model`,
  );
  const orders = await sql.query<Counts["orders"][number]>(
    `select r.model, w.state, coalesce(w.outcome->>'result', '') as outcome, count(*) as n
       from aura.work_orders w join aura.recommendations r using (recommendation_id)
      group by 1, 2, 3 order by 1, 2, 3`,
  );
  return { byState, overdue, orders };
}
