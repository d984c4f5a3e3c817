import { sha256Hex } from "../../../../schemas/canonical-json.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import type { Sql, SqlValue } from "../../connection/connection-pool.ts";
import type { StoredRecommendation } from "../../port/maintenance.ts";

/** Asset ids are data: of them a hash stands in ids. */
export const recommendationId = (model: string, asset: string, n: number): string =>
  `${model}.${sha256Hex(asset).slice(0, 12)}.${n}`;

const SELECT = `select r.recommendation_id as id, r.model, r.asset_id as asset, r.n, r.state, r.version, r.digest,
    'recommendation/' || r.recommendation_id as "workflowId", r.evidence, r.latest, r.assessment, r.policy,
    case when r.assessment->>'mode' = 'ask' then r.policy->'deciders' end as deciders,
    r.approval_id as "approvalId", r.recovered_at as "recoveredAt", w.work_order_id as "workOrderId",
    w.outcome->>'result' as outcome, r.reason, r.opened_at as "openedAt", r.closed_at as "closedAt",
    coalesce((select array_agg(d.decided_by order by d.position) from aura.approval_decisions d
               where d.approval_id = r.approval_id), '{}') as "decidedBy"
  from aura.recommendations r left join aura.work_orders w using (recommendation_id)`;

/** Rows of a condition over `r`. */
export function selectRecommendations(
  sql: Sql,
  condition: string,
  values: readonly SqlValue[],
): Promise<StoredRecommendation[]> {
  return sql.query<StoredRecommendation>(`${SELECT} ${condition}`, values);
}

/** @throws {PlatformError} not_found */
export async function requireRecommendation(sql: Sql, id: string): Promise<StoredRecommendation> {
  const [row] = await selectRecommendations(sql, "where r.recommendation_id = $1", [id]);
  if (row === undefined) throw new PlatformError("not_found", `recommendation [${id}]: there is none`);
  return row;
}

/** Without what only the platform needs. */
export function withoutPolicy({
  policy: _policy,
  ...row
}: StoredRecommendation): Omit<StoredRecommendation, "policy"> {
  return row;
}

/** Of assets at sites; `$n` is their list, null for all. */
export const atSites = (column: string, place: number): string =>
  `($${place}::text[] is null or ${column} in (select a.asset_id from aura.assets a where a.site_id = any ($${place})))`;
