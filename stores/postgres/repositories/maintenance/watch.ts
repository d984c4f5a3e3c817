import type { ScoreSummary } from "../../../../schemas/serving/score.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { Sql, Transaction } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import type {
  NewRecommendation,
  RecommendationStore,
  SeenAnswers,
  SeenFleetScore,
  SeenScore,
  WatchedAsset,
  WatchOutcome,
} from "../../port/maintenance.ts";
import { recommendationId } from "./recommendation-rows.ts";

type Watched = Awaited<ReturnType<RecommendationStore["watch"]>>;

/** What a recommendation is opened by. */
const SYSTEM = { id: "aura", role: "system", authenticated: true } as const;

/**
 * One look at new answers, in one transaction: the position moves with what comes of it, so that a crash loses nothing and
 * repeats nothing. `tx` ends with the caller.
 */
export async function watchAnswers(
  tx: Transaction,
  models: { readonly live: readonly string[]; readonly fleet: readonly string[] },
  take: (seen: SeenAnswers) => WatchOutcome,
): Promise<Watched> {
  const [position] = await tx.query<{ from: string }>(
    `select scores_from::text as "from" from aura.maintenance_watch for update skip locked`,
  );
  if (position === undefined) return undefined;
  const { scores, upTo } = await newScores(tx, models.live, position.from);
  const { fleet, hasMore } = await newFleetScores(tx, models.fleet);
  await tx.query("update aura.maintenance_watch set scores_from = $1::xid8", [upTo]);
  if (scores.length + fleet.length === 0) return { recovered: [], hasMore };
  const seen = [...scores, ...fleet];
  const outcome = take({ scores, fleet, ...(await knownOf(tx, seen)) });
  await putStates(tx, outcome.states);
  for (const one of outcome.opened) await open(tx, one);
  await putLatest(tx, outcome.updated);
  return { recovered: await recover(tx, outcome.recovered), hasMore };
}

async function newScores(
  tx: Sql,
  models: readonly string[],
  from: string,
): Promise<{ readonly scores: readonly SeenScore[]; readonly upTo: string }> {
  // One statement, and so one snapshot: what it does not see was begun at `upTo` or later. A restored database counts its
  // transactions anew: a position that is yet to come is that of another one.
  const [row] = await tx.query<{ scores: SeenScore[] | null; upTo: string }>(
    `select pg_snapshot_xmin(pg_current_snapshot())::text as "upTo",
            (select json_agg(s order by s.written, s.model, s.asset) from (
               select model, asset_id as asset, version, digest, prediction, epoch, ts, seq, scored_at as "scoredAt", written
                 from aura.asset_scores where model = any ($1)
                  and written >= case when $2::xid8 > pg_snapshot_xmax(pg_current_snapshot()) then '0' else $2 end::xid8) s)
              as scores`,
    [models, from],
  );
  const scores = row?.scores ?? [];
  return {
    scores: scores.map((score) => ({ ...score, scoredAt: new Date(score.scoredAt).toISOString() })),
    upTo: row?.upTo ?? from,
  };
}

/** One fleet score at a time: it may be of a hundred thousand assets. */
async function newFleetScores(
  tx: Sql,
  models: readonly string[],
): Promise<{ readonly fleet: readonly SeenFleetScore[]; readonly hasMore: boolean }> {
  const [job] = await tx.query<{
    id: string;
    model: string;
    version: number;
    digest: string;
    summary: ScoreSummary;
    at: string;
  }>(
    `update aura.score_jobs set is_watched = true
      where job_id = (select job_id from aura.score_jobs where not is_watched and summary is not null
                       order by created_at limit 1 for update skip locked)
      returning job_id as id, model, version, digest, summary, created_at as at`,
  );
  if (job === undefined) return { fleet: [], hasMore: false };
  if (!models.includes(job.model)) return { fleet: [], hasMore: true };
  const rows = await tx.query<{ asset: string; value: number; at: string }>(
    "select asset_id as asset, value, at from aura.scores where job_id = $1 order by rank",
    [job.id],
  );
  const { kind, threshold, unit, classLabels } = job.summary;
  const fleet = rows.map((row) => ({
    ...row,
    scoreId: job.id,
    model: job.model,
    version: job.version,
    digest: job.digest,
    kind,
    threshold,
    unit,
    classLabels,
    scoredAt: job.at,
  }));
  return { fleet, hasMore: true };
}

interface EndedRow {
  readonly model: string;
  readonly asset: string;
  readonly isOpen: boolean;
  readonly hasFailed: boolean;
  readonly endedAt: number | null;
}

async function knownOf(
  tx: Sql,
  seen: readonly { readonly model: string; readonly asset: string }[],
): Promise<Omit<SeenAnswers, "scores" | "fleet">> {
  const of = [seen.map(({ model }) => model), seen.map(({ asset }) => asset)];
  const given = "select distinct * from unnest($1::text[], $2::text[]) as g (model, asset_id)";
  const states = await tx.query<WatchedAsset>(
    `select model, asset_id as asset, s.state from aura.maintenance_states s join (${given}) g using (model, asset_id)`,
    of,
  );
  const ended = await tx.query<EndedRow>(
    `select model, asset_id as asset, bool_or(closed_at is null) as "isOpen",
            (array_agg(r.state order by r.n desc))[1] = 'failed' as "hasFailed",
            (extract(epoch from max(closed_at)) * 1000)::float8 as "endedAt"
       from aura.recommendations r join (${given}) g using (model, asset_id) group by model, asset_id`,
    of,
  );
  const key = ({ model, asset }: { model: string; asset: string }) => `${model} ${asset}`;
  return {
    states,
    open: new Set(ended.filter(({ isOpen }) => isOpen).map(key)),
    endedAt: new Map(ended.flatMap((row) => (row.endedAt === null ? [] : [[key(row), row.endedAt]]))),
    failed: new Set(ended.filter(({ hasFailed }) => hasFailed).map(key)),
  };
}

async function putStates(tx: Sql, states: readonly WatchedAsset[]): Promise<void> {
  if (states.length === 0) return;
  const gone = states.filter(({ state }) => state === null);
  await tx.query(
    `delete from aura.maintenance_states s using unnest($1::text[], $2::text[]) as u (model, asset)
      where s.model = u.model and s.asset_id = u.asset`,
    [gone.map(({ model }) => model), gone.map(({ asset }) => asset)],
  );
  const kept = states.filter(({ state }) => state !== null);
  await tx.query(
    `insert into aura.maintenance_states (model, asset_id, state)
     select * from unnest($1::text[], $2::text[], $3::json[])
     on conflict (model, asset_id) do update set state = excluded.state, changed_at = clock_timestamp()`,
    [kept.map(({ model }) => model), kept.map(({ asset }) => asset), kept.map(({ state }) => json(state))],
  );
}

async function open(tx: Sql, { model, asset, policy, evidence }: NewRecommendation): Promise<void> {
  const newest = evidence.at(-1);
  if (newest === undefined) throw new Error(`open a recommendation of ${model}: it rests on nothing`);
  const [last] = await tx.query<{ n: number }>(
    "select coalesce(max(n), 0) as n from aura.recommendations where model = $1 and asset_id = $2",
    [model, asset],
  );
  const n = (last?.n ?? 0) + 1;
  const id = recommendationId(model, asset, n);
  const predictionIds = evidence.flatMap(({ predictionId }) => predictionId ?? []);
  await tx.query(
    `insert into aura.recommendations
       (recommendation_id, model, asset_id, n, version, digest, policy, evidence, latest, prediction_ids)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      id,
      model,
      asset,
      n,
      newest.version,
      newest.digest,
      json(policy),
      json(evidence),
      json(newest),
      predictionIds,
    ],
  );
  await appendAudit(tx, {
    actor: SYSTEM,
    action: "recommendation.open",
    subject: `recommendation/${id}`,
    outcome: "ok",
    details: { model, version: newest.version, asset, predictions: predictionIds, score: newest.scoreId },
  });
}

/** The newest answer for what is open; of its predictions those that opened it and the newest are kept. */
async function putLatest(tx: Sql, updated: WatchOutcome["updated"]): Promise<void> {
  if (updated.length === 0) return;
  await tx.query(
    `update aura.recommendations r set latest = u.latest, prediction_ids = array(
         select e->>'predictionId' from json_array_elements(r.evidence) e where e->>'predictionId' is not null
         union select u.latest->>'predictionId' where u.latest->>'predictionId' is not null)
       from unnest($1::text[], $2::text[], $3::json[]) as u (model, asset, latest)
      where r.model = u.model and r.asset_id = u.asset and r.closed_at is null`,
    [updated.map(({ model }) => model), updated.map(({ asset }) => asset), updated.map((one) => json(one))],
  );
}

async function recover(tx: Sql, recovered: WatchOutcome["recovered"]): Promise<string[]> {
  if (recovered.length === 0) return [];
  const rows = await tx.query<{ id: string }>(
    `update aura.recommendations r set recovered_at = clock_timestamp()
       from unnest($1::text[], $2::text[]) as u (model, asset)
      where r.model = u.model and r.asset_id = u.asset and r.state in ('open', 'waiting') and r.recovered_at is null
      returning r.recommendation_id as id`,
    [recovered.map(({ model }) => model), recovered.map(({ asset }) => asset)],
  );
  return rows.map(({ id }) => id);
}
