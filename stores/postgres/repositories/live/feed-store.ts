import type { ClientConfig } from "pg";
import { canonicalJson, sha256Hex } from "../../../../schemas/canonical-json.ts";
import type { Feed } from "../../../../schemas/live/feed.ts";
import { keepsPosition } from "../../../../schemas/live/feed-origin.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql, Transaction } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { Actor, AuditEntry } from "../../port/actor.ts";
import type { ClaimOptions, FeedClaims, FeedReport, FeedRow, FeedStore } from "../../port/feeds.ts";
import { FEED_CHANNEL, PostgresFeedClaims } from "./feed-claims.ts";

const SELECT = `select f.feed, f.document, f.is_paused as "isPaused", f.revision, f.actor, f.changed_at as "changedAt",
    coalesce(s.state, 'waiting') as state, s.reason, s.position, s.n_waiting as "nWaiting",
    coalesce(s.n_messages, 0) as "nMessages", s.last_batch_at as "lastBatchAt", s.at
  from aura.feeds f left join aura.feed_states s using (feed)`;

/** Feeds as rows; every change is announced in its transaction. */
export class PostgresFeedStore implements FeedStore {
  readonly #pool: ConnectionPool;
  readonly #claimConfig: ClientConfig;

  constructor(pool: ConnectionPool, claimConfig: ClientConfig) {
    this.#pool = pool;
    this.#claimConfig = claimConfig;
  }

  put(document: Feed, actor: Actor): Promise<FeedRow & { readonly isNew: boolean }> {
    const sha256 = sha256Hex(canonicalJson(document));
    return this.#pool.transaction(async (tx) => {
      // Locked, so that it is not retired meanwhile.
      const [source] = await tx.query<{ key: number; isRetired: boolean }>(
        `select source_key as key, exists (select from aura.source_retirements r where r.source_key = l.source_key
           and r.version = (select max(version) from aura.source_versions v where v.source_key = l.source_key)) as "isRetired"
           from aura.live_sources l where source = $1 for update`,
        [document.source],
      );
      if (source === undefined)
        throw new PlatformError(
          "not_found",
          `declare feed ${document.name} [source ${document.source}]: there is no such source; declare it first`,
        );
      if (source.isRetired)
        throw new PlatformError(
          "source_retired",
          `declare feed ${document.name} [source ${document.source}]: the source is retired; declare it anew first`,
        );
      const [before] = await tx.query<{ document: Feed }>(
        "select document from aura.feeds where feed = $1 for update",
        [document.name],
      );
      if (before !== undefined && !keepsPosition(before.document.from, document.from))
        await tx.query("update aura.feed_states set position = null where feed = $1", [document.name]);
      const written = await tx.query(
        `insert into aura.feeds as f (feed, source_key, document, sha256, actor) values ($1, $2, $3, $4, $5)
         on conflict (feed) do update set source_key = excluded.source_key, document = excluded.document,
           sha256 = excluded.sha256, actor = excluded.actor, revision = f.revision + 1, changed_at = clock_timestamp()
         where f.sha256 <> excluded.sha256
         returning feed`,
        [document.name, source.key, json(document), sha256, actor.id],
      );
      const isNew = written.length > 0;
      if (isNew)
        await announce(tx, {
          actor,
          action: "feed.put",
          subject: `feed/${document.name}`,
          outcome: "ok",
          details: { sha256 },
        });
      return { ...(await one(tx, document.name)), isNew };
    });
  }

  async get(feed: string): Promise<FeedRow | undefined> {
    const [row] = await this.#pool.query<FeedRow>(`${SELECT} where f.feed = $1`, [feed]);
    return row;
  }

  list(): Promise<FeedRow[]> {
    return this.#pool.query(`${SELECT} order by f.feed`);
  }

  setPaused(feed: string, isPaused: boolean, audit: AuditEntry): Promise<FeedRow | undefined> {
    return this.#pool.transaction(async (tx) => {
      const found = await tx.query("select from aura.feeds where feed = $1 for update", [feed]);
      if (found.length === 0) return undefined;
      const changed = await tx.query(
        `update aura.feeds set is_paused = $2, revision = revision + 1, changed_at = clock_timestamp()
          where feed = $1 and is_paused <> $2 returning feed`,
        [feed, isPaused],
      );
      if (changed.length > 0) await announce(tx, audit);
      return one(tx, feed);
    });
  }

  remove(feed: string, audit: AuditEntry): Promise<boolean> {
    return this.#pool.transaction(async (tx) => {
      const removed = await tx.query("delete from aura.feeds where feed = $1 returning feed", [feed]);
      if (removed.length > 0) await announce(tx, audit);
      return removed.length > 0;
    });
  }

  /** A feed that was removed meanwhile has no state to write. */
  async report(
    feed: string,
    { state, reason, position, nWaiting, nMessages = 0 }: FeedReport,
  ): Promise<void> {
    await this.#pool.query(
      `insert into aura.feed_states as s (feed, state, reason, position, n_waiting, n_messages, last_batch_at)
       select f.feed, $2, $3, $4::json, $6, $8::bigint, case when $8::bigint > 0 then clock_timestamp() end
         from aura.feeds f where f.feed = $1
       on conflict (feed) do update set state = excluded.state, reason = excluded.reason, at = clock_timestamp(),
         position = case when $5 then excluded.position else s.position end,
         n_waiting = case when $7 then excluded.n_waiting else s.n_waiting end,
         n_messages = s.n_messages + excluded.n_messages,
         last_batch_at = coalesce(excluded.last_batch_at, s.last_batch_at)`,
      [
        feed,
        state,
        reason === null ? null : storableText(reason).slice(0, 500),
        position === undefined || position === null ? null : json(position),
        position !== undefined,
        nWaiting ?? null,
        nWaiting !== undefined,
        nMessages,
      ],
    );
  }

  async touch(feeds: readonly string[]): Promise<void> {
    await this.#pool.query("update aura.feed_states set at = clock_timestamp() where feed = any ($1)", [
      feeds,
    ]);
  }

  openClaims(options: ClaimOptions): FeedClaims {
    return new PostgresFeedClaims(this.#claimConfig, options);
  }
}

async function one(sql: Sql, feed: string): Promise<FeedRow> {
  const [row] = await sql.query<FeedRow>(`${SELECT} where f.feed = $1`, [feed]);
  if (row === undefined) throw new Error(`feed ${feed}: it was not written`);
  return row;
}

async function announce(tx: Transaction, audit: AuditEntry): Promise<void> {
  await appendAudit(tx, audit);
  await tx.query(`notify ${FEED_CHANNEL}`);
}
