import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import type { IdempotencyStore } from "../../port.ts";

interface RequestKey {
  readonly actor: string;
  readonly route: string;
  readonly key: string;
  readonly bodyHash: string;
}
interface Reply<T> {
  readonly status: number;
  readonly body: T;
}

/** A claim this old with no reply belongs to a process that died; the next request takes it over. */
const CLAIM_SECONDS = 60;
/** How long a second request waits for the first one's reply. */
const WAIT_MS = 10_000;
const POLL_MS = 100;

/**
 * One reply per (actor, route, key): the first request claims the key, works, and stores its reply.
 *
 * A failure, thrown or a 5xx, gives the claim back, so that a retry works again. A crash leaves the claim for
 * a minute. Work done twice across such a crash is harmless because every effect has a unique key of its own.
 */
export class PostgresIdempotencyStore implements IdempotencyStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  /**
   * @throws {PlatformError} idempotency_mismatch when the key came before with another body
   * @throws {PlatformError} not_ready when another request with this key still works after 10 s
   */
  async once<T>(k: RequestKey, work: () => Promise<Reply<T>>): Promise<Reply<T> & { replayed: boolean }> {
    const claim = randomUUID();
    for (let waitedMs = 0; ; waitedMs += POLL_MS) {
      if (await this.#claim(k, claim)) return { ...(await this.#work(k, claim, work)), replayed: false };
      const stored = await this.#stored<T>(k);
      if (stored !== undefined) return { ...stored, replayed: true };
      if (waitedMs >= WAIT_MS) {
        throw new PlatformError("not_ready", `request [${k.route}]: the first one with this key still works`);
      }
      await delay(POLL_MS);
    }
  }

  async #claim(k: RequestKey, claim: string): Promise<boolean> {
    const rows = await this.#pool.query(
      `insert into aura.idempotency_keys as i (actor, route, idempotency_key, body_hash, claim)
       values ($1, $2, $3, $4, $5)
       on conflict (actor, route, idempotency_key) do update
         set claim = excluded.claim, claimed_at = clock_timestamp()
       where i.status is null and i.body_hash = excluded.body_hash
         and i.claimed_at < clock_timestamp() - make_interval(secs => $6)
       returning claim`,
      [k.actor, k.route, k.key, k.bodyHash, claim, CLAIM_SECONDS],
    );
    return rows.length > 0;
  }

  async #stored<T>(k: RequestKey): Promise<Reply<T> | undefined> {
    const [row] = await this.#pool.query<{ body_hash: string; status: number | null; body: T }>(
      `select body_hash, status, body from aura.idempotency_keys
        where actor = $1 and route = $2 and idempotency_key = $3`,
      [k.actor, k.route, k.key],
    );
    if (row === undefined) return undefined;
    if (row.body_hash !== k.bodyHash) {
      throw new PlatformError(
        "idempotency_mismatch",
        `request [${k.route}]: the key was used with another body`,
      );
    }
    return row.status === null ? undefined : { status: row.status, body: row.body };
  }

  async #work<T>(k: RequestKey, claim: string, work: () => Promise<Reply<T>>): Promise<Reply<T>> {
    let reply: Reply<T>;
    try {
      reply = await work();
    } catch (error) {
      await this.#release(k, claim);
      throw error;
    }
    if (reply.status >= 500) {
      await this.#release(k, claim);
      return reply;
    }
    await this.#pool.query(
      `update aura.idempotency_keys set status = $5, body = $6
        where actor = $1 and route = $2 and idempotency_key = $3 and claim = $4`,
      [k.actor, k.route, k.key, claim, reply.status, json(reply.body ?? null)],
    );
    return reply;
  }

  /** Best effort: without it the claim ends by its age, and the failure of the work is what the caller must see. */
  async #release(k: RequestKey, claim: string): Promise<void> {
    await this.#pool
      .query(
        `delete from aura.idempotency_keys
          where actor = $1 and route = $2 and idempotency_key = $3 and claim = $4`,
        [k.actor, k.route, k.key, claim],
      )
      .catch(() => undefined);
  }
}
