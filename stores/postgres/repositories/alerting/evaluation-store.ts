import type { ConnectionPool, Transaction } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type {
  AlarmEvent,
  AlertEvaluationStore,
  EvaluationLease,
  EvaluationStep,
  Farewell,
  KnownAsset,
  RecentScore,
  RecentScores,
  RecentValues,
  StoredAlarm,
  StreamPlace,
} from "../../port/alerting.ts";
import type { AlertRow } from "../../port/alerts.ts";
import { ALERT_COLUMNS } from "../serving/alert-store.ts";
import { alarmKeyOf, appendAlertEvents } from "./alert-events.ts";
import type { NewAlertEvent } from "./alert-events.ts";
import { recentSamples, recentValues } from "./recent-values.ts";

const MS = "(extract(epoch from $) * 1000)::float8";
const msOf = (column: string): string => MS.replace("$", column);

/** Samples of the platform are kept for so long. */
const SAMPLES_KEPT = "2 days";

/** The position and the states of the evaluation of alert rules. */
export class PostgresAlertEvaluationStore implements AlertEvaluationStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async claim(
    owner: string,
    { ttlMs, pauseMs }: { readonly ttlMs: number; readonly pauseMs: number },
  ): Promise<EvaluationLease | undefined> {
    const [row] = await this.#pool.query<{
      tx: string;
      batch: number;
      revision: number;
      listeningSince: number;
      now: number;
    }>(
      `update aura.alert_evaluation
          set owner = $1, lease_until = clock_timestamp() + $2 * interval '1 ms',
              tx = coalesce(tx, pg_snapshot_xmin(pg_current_snapshot())), batch_id = coalesce(batch_id, 0),
              listening_since = case when watched_at > clock_timestamp() - $3 * interval '1 ms' then listening_since
                                     else clock_timestamp() end,
              watched_at = clock_timestamp()
        where owner = $1 or lease_until < clock_timestamp()
        returning tx::text as tx, batch_id as batch, revision, ${msOf("listening_since")} as "listeningSince",
                  ${msOf("clock_timestamp()")} as now`,
      [owner, ttlMs, pauseMs],
    );
    if (row === undefined) return undefined;
    const { tx, batch, ...rest } = row;
    return { position: { tx, batch }, ...rest };
  }

  async release(owner: string): Promise<void> {
    await this.#pool.query("update aura.alert_evaluation set lease_until = '-infinity' where owner = $1", [
      owner,
    ]);
  }

  async load(): Promise<{
    readonly states: readonly StoredAlarm[];
    readonly places: readonly StreamPlace[];
  }> {
    const states = await this.#pool.query<StoredAlarm>(
      "select rule, asset_id as asset, state from aura.alert_states",
    );
    const places = await this.#pool.query<StreamPlace>(
      `select stream, asset_id as asset, epoch, ts, seq, version, ${msOf("heard_at")} as "heardAt" from aura.alert_streams`,
    );
    return { states, places };
  }

  async phaseOf(rule: string, asset: string): Promise<"quiet" | "pending" | "raised"> {
    const [row] = await this.#pool.query<{ phase: "pending" | "raised" }>(
      `select state->>'phase' as phase from aura.alert_states
        where rule = $1 and asset_id = $2 and state->>'phase' <> 'dismissed'`,
      [rule, asset],
    );
    return row?.phase ?? "quiet";
  }

  async scans(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#pool.query<{ rule: string; at: number }>(
      `select rule, ${msOf("scanned_at")} as at from aura.alert_rules where scanned_at is not null`,
    );
    return new Map(rows.map(({ rule, at }) => [rule, at]));
  }

  assets(sources: readonly string[]): Promise<readonly KnownAsset[]> {
    return this.#pool.query(
      `select l.source, a.asset_id as asset, a.asset_class as "assetClass"
         from aura.reading_series s join aura.live_sources l using (source_key) join aura.assets a using (asset_key)
        where l.source = any ($1)`,
      [sources],
    );
  }

  farewells(sources: readonly string[]): Promise<readonly Farewell[]> {
    return this.#pool.query(
      `select l.source, a.asset_id as asset, ${msOf("t.since")} as since, t.reason
         from aura.stale_assets t join aura.reading_series s using (series_key)
         join aura.live_sources l using (source_key) join aura.assets a using (asset_key)
        where l.source = any ($1)`,
      [sources],
    );
  }

  commit(step: EvaluationStep): Promise<boolean> {
    return this.#pool.transaction(async (tx) => {
      const moved = await tx.query(
        `update aura.alert_evaluation
            set tx = $1::xid8, batch_id = $2, watched_at = clock_timestamp(),
                lease_until = clock_timestamp() + $3 * interval '1 ms'
          where owner = $4 and revision = $5 and tx = $6::xid8 and batch_id = $7 returning 1`,
        [
          step.position.tx,
          step.position.batch,
          step.ttlMs,
          step.owner,
          step.from.revision,
          step.from.position.tx,
          step.from.position.batch,
        ],
      );
      if (moved.length === 0) return false;
      await putPlaces(tx, step.places);
      await putStates(tx, step.states);
      for (const { rule, at } of step.scans)
        await tx.query("update aura.alert_rules set scanned_at = to_timestamp($2 / 1000.0) where rule = $1", [
          rule,
          at,
        ]);
      const events: NewAlertEvent[] = [];
      for (const event of step.events) events.push(await applied(tx, event));
      await appendAlertEvents(tx, events);
      return true;
    });
  }

  recentValues(
    request: Parameters<AlertEvaluationStore["recentValues"]>[0],
  ): Promise<readonly RecentValues[]> {
    return recentValues(this.#pool, request);
  }

  async recentScores(models: readonly string[], from: string): Promise<RecentScores> {
    // One statement, and so one snapshot: what it does not see was begun at `from` or later.
    const [row] = await this.#pool.query<{ scores: RecentScore[] | null; from: string }>(
      `select pg_snapshot_xmin(pg_current_snapshot())::text as "from",
              (select json_agg(r order by r.written, r.model, r.asset) from (
                 select s.model, s.asset_id as asset, a.asset_class as "assetClass", s.version,
                        s.prediction_id as "predictionId", s.headline, s.epoch, s.ts, s.seq,
                        ${msOf("s.received_at")} as "receivedAt", s.written
                   from aura.asset_scores s left join aura.assets a using (asset_id)
                  where s.model = any ($1) and s.written >= $2::xid8) r) as scores`,
      [models, from],
    );
    return { scores: row?.scores ?? [], from: row?.from ?? from };
  }

  recentSamples(metrics: readonly string[], sinceMs: number): Promise<readonly RecentValues[]> {
    return recentSamples(this.#pool, metrics, sinceMs);
  }

  async putSample(metric: string, process: string, value: number): Promise<void> {
    await this.#pool.query(
      `with old as (delete from aura.platform_samples where at < clock_timestamp() - interval '${SAMPLES_KEPT}')
       insert into aura.platform_samples (metric, process, value) values ($1, $2, $3)`,
      [metric, process, value],
    );
  }
}

async function putPlaces(tx: Transaction, places: readonly StreamPlace[]): Promise<void> {
  if (places.length === 0) return;
  await tx.query(
    `insert into aura.alert_streams (stream, asset_id, epoch, ts, seq, heard_at, version)
     select u.stream, u.asset, u.epoch, u.ts, u.seq, to_timestamp(u.heard / 1000.0), u.version
       from unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::int[], $6::float8[], $7::int[])
            as u (stream, asset, epoch, ts, seq, heard, version)
     on conflict (stream, asset_id) do update set epoch = excluded.epoch, ts = excluded.ts, seq = excluded.seq,
       heard_at = excluded.heard_at, version = excluded.version`,
    [
      places.map((p) => p.stream),
      places.map((p) => p.asset),
      places.map((p) => p.epoch),
      places.map((p) => p.ts),
      places.map((p) => p.seq),
      places.map((p) => p.heardAt),
      places.map((p) => p.version),
    ],
  );
}

async function putStates(tx: Transaction, states: readonly StoredAlarm[]): Promise<void> {
  const kept = states.filter(({ state }) => state !== null);
  const quiet = states.filter(({ state }) => state === null);
  if (quiet.length > 0)
    await tx.query(
      `delete from aura.alert_states s using unnest($1::text[], $2::text[]) as u (rule, asset)
        where s.rule = u.rule and s.asset_id = u.asset`,
      [quiet.map(({ rule }) => rule), quiet.map(({ asset }) => asset)],
    );
  if (kept.length > 0)
    await tx.query(
      `insert into aura.alert_states (rule, asset_id, state)
       select * from unnest($1::text[], $2::text[], $3::json[])
       on conflict (rule, asset_id) do update set state = excluded.state, changed_at = clock_timestamp()`,
      [kept.map(({ rule }) => rule), kept.map(({ asset }) => asset), kept.map(({ state }) => json(state))],
    );
}

/** Writes what became of one alarm. */
async function applied(tx: Transaction, event: AlarmEvent): Promise<NewAlertEvent> {
  const { change, rule, asset } = event;
  const alarmKey = alarmKeyOf(rule, asset);
  const told = (kind: NewAlertEvent["kind"], alert: AlertRow | null): NewAlertEvent => ({
    kind,
    alarmKey,
    rule,
    asset,
    alert,
  });
  if (change === "pending" || change === "withdrawn") return told(change, null);
  if (change === "cleared") {
    const [cleared] = await tx.query<AlertRow>(
      `update aura.alerts set resolved_at = clock_timestamp()
        where rule = $1 and asset_id = $2 and resolved_at is null returning ${ALERT_COLUMNS}`,
      [rule, asset],
    );
    return told("cleared", cleared ?? null);
  }
  const [raised] = await tx.query<AlertRow>(
    `insert into aura.alerts (alert_key, kind, severity, subject, message, details, rule, asset_id, labels)
     values ('rule/' || $1 || '/' || gen_random_uuid(), $2, $3, $4, $5, $6, $1, $7, $8) returning ${ALERT_COLUMNS}`,
    [
      rule,
      "rule",
      event.severity,
      `asset/${storableText(asset)}`,
      storableText(event.message),
      json(event.details),
      asset,
      json(event.labels),
    ],
  );
  return told("raised", raised ?? null);
}
