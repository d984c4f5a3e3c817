import { OPEN_STATES } from "../../../../schemas/maintenance/recommendation.ts";
import type {
  Assessment,
  EndedState,
  Recommendation,
} from "../../../../schemas/maintenance/recommendation.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Transaction } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port/actor.ts";
import type {
  FollowedRecommendation,
  RecommendationFilter,
  RecommendationStore,
  StoredRecommendation,
  UnstartedRecommendation,
} from "../../port/maintenance.ts";
import { maintenanceCounts } from "./maintenance-counts.ts";
import {
  atSites,
  requireRecommendation,
  selectRecommendations,
  withoutPolicy,
} from "./recommendation-rows.ts";
import { watchAnswers } from "./watch.ts";

/** Recommendations as rows; every change locks its row first. */
export class PostgresRecommendationStore implements RecommendationStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  watch(
    ...[models, take]: Parameters<RecommendationStore["watch"]>
  ): ReturnType<RecommendationStore["watch"]> {
    return this.#pool.transaction((tx) => watchAnswers(tx, models, take));
  }

  unstarted(limit: number): Promise<UnstartedRecommendation[]> {
    return this.#pool.query(
      `select recommendation_id as id, model, asset_id as asset, n from aura.recommendations
        where started_at is null order by opened_at limit $1`,
      [limit],
    );
  }

  async started(id: string): Promise<void> {
    await this.#pool.query(
      "update aura.recommendations set started_at = clock_timestamp() where recommendation_id = $1 and started_at is null",
      [id],
    );
  }

  followed({
    limit,
    after,
  }: {
    readonly limit: number;
    readonly after?: string;
  }): Promise<FollowedRecommendation[]> {
    return this.#pool.query(
      `select r.recommendation_id as id, r.model, r.asset_id as asset, r.n, r.state, w.work_order_id as "workOrderId"
         from aura.recommendations r left join aura.work_orders w using (recommendation_id)
        where r.state in ('open', 'waiting', 'ordered') and r.started_at is not null
          and ($1::text is null or (r.opened_at, r.recommendation_id) >
               (select o.opened_at, o.recommendation_id from aura.recommendations o where o.recommendation_id = $1))
        order by r.opened_at, r.recommendation_id limit $2`,
      [after ?? null, limit],
    );
  }

  async get(id: string, sites?: readonly string[]): Promise<StoredRecommendation | undefined> {
    const [row] = await selectRecommendations(
      this.#pool,
      `where r.recommendation_id = $1 and ${atSites("r.asset_id", 2)}`,
      [id, sites ?? null],
    );
    return row;
  }

  async list({ state, model, asset, sites, limit, after }: RecommendationFilter): Promise<Recommendation[]> {
    const states = state === undefined ? null : state === "unended" ? [...OPEN_STATES] : [state];
    const rows = await selectRecommendations(
      this.#pool,
      `where ($1::text[] is null or r.state = any ($1)) and ($2::text is null or r.model = $2)
         and ($3::text is null or r.asset_id = $3) and ${atSites("r.asset_id", 4)}
         and ($5::text is null or (r.opened_at, r.recommendation_id) <
              (select o.opened_at, o.recommendation_id from aura.recommendations o where o.recommendation_id = $5))
       order by r.opened_at desc, r.recommendation_id desc limit $6`,
      [states, model ?? null, asset ?? null, sites ?? null, after ?? null, limit],
    );
    return rows.map(withoutPolicy);
  }

  async ofPrediction(predictionId: string): Promise<Recommendation[]> {
    const rows = await selectRecommendations(
      this.#pool,
      "where r.prediction_ids @> array[$1] order by r.opened_at desc, r.recommendation_id limit 20",
      [predictionId],
    );
    return rows.map(withoutPolicy);
  }

  assess(id: string, assessment: Assessment, audit: AuditEntry): Promise<StoredRecommendation> {
    return this.#change(id, audit, (tx) =>
      tx.query(
        `update aura.recommendations set assessment = $2
          where recommendation_id = $1 and assessment is null returning 1`,
        [id, json(assessment)],
      ),
    );
  }

  async waits(id: string, approvalId: string): Promise<void> {
    await this.#pool.query(
      `update aura.recommendations set state = 'waiting', approval_id = $2
        where recommendation_id = $1 and state = 'open'`,
      [id, approvalId],
    );
  }

  end(
    id: string,
    { state, reason }: { readonly state: EndedState; readonly reason?: string },
    audit: AuditEntry,
  ): Promise<StoredRecommendation> {
    return this.#change(id, audit, (tx) =>
      tx.query(
        `update aura.recommendations set state = $2, reason = $3, closed_at = clock_timestamp()
          where recommendation_id = $1 and state in ('open', 'waiting') returning 1`,
        [id, state, reason === undefined ? null : storableText(reason)],
      ),
    );
  }

  counts(): ReturnType<RecommendationStore["counts"]> {
    return maintenanceCounts(this.#pool);
  }

  /** Its audit row is written where it changed something. */
  #change(
    id: string,
    audit: AuditEntry,
    work: (tx: Transaction) => Promise<readonly object[]>,
  ): Promise<StoredRecommendation> {
    return this.#pool.transaction(async (tx) => {
      if ((await work(tx)).length > 0) await appendAudit(tx, audit);
      return requireRecommendation(tx, id);
    });
  }
}
