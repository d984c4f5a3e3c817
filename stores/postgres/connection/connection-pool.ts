import { setTimeout as delay } from "node:timers/promises";
import { Pool } from "pg";
import type { ClientBase, ClientConfig, PoolClient } from "pg";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { readConnectionUrl } from "./connection-url.ts";
import { asDatabaseError, isRetriedByTransaction } from "./database-errors.ts";
import { rowTypes } from "./row-types.ts";

/** A parameter: text, number, boolean, null, bytes, or an array of them for `unnest`. Documents go through `json()`. */
export type SqlValue =
  | string
  | number
  | boolean
  | bigint
  | null
  | Uint8Array
  | Date
  | readonly (string | number | boolean | bigint | null)[];

/** Where statements run: the pool (each on its own) or one transaction. */
export interface Sql {
  /** Rows of one statement. `Row` is what the statement's column list gives; int8 comes as number. */
  query<Row extends object>(text: string, values?: readonly SqlValue[]): Promise<Row[]>;
}

/** One open transaction; `client` is for COPY and cursors, which need the connection itself. */
export interface Transaction extends Sql {
  readonly client: PoolClient;
}

export interface PoolOptions {
  readonly maxConnections: number;
  /** Milliseconds after which the server ends a statement; 0 = never. */
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Role taken by every connection, or undefined to stay the login user. */
  readonly role: string | undefined;
}

const MAX_ATTEMPTS = 8;

/** `pg`'s configuration of one connection of AURA. */
export function clientConfig(databaseUrl: string, options: PoolOptions): ClientConfig {
  return {
    ...readConnectionUrl(databaseUrl),
    application_name: "aura",
    connectionTimeoutMillis: options.connectTimeoutMs,
    statement_timeout: options.statementTimeoutMs === 0 ? false : options.statementTimeoutMs,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    types: rowTypes,
  };
}

/**
 * The pool every repository shares.
 *
 * Every failure of the connection or the server leaves as PlatformError `database_unavailable`; a transaction
 * that lost a serialization race or a deadlock is run again, so its body must have no effects outside SQL.
 */
export class ConnectionPool implements Sql {
  readonly #pool: Pool;

  constructor(databaseUrl: string, options: PoolOptions) {
    const { role } = options;
    // The pool waits for what this returns, which its types do not say.
    const onConnect = (client: ClientBase): unknown => role !== undefined && takeRole(client, role);
    this.#pool = new Pool({
      ...clientConfig(databaseUrl, options),
      max: options.maxConnections,
      idleTimeoutMillis: 30_000,
      maxLifetimeSeconds: 3_600,
      allowExitOnIdle: true,
      onConnect,
    });
    // An idle connection that breaks is replaced by the next request; without a listener it would end the process.
    this.#pool.on("error", () => undefined);
  }

  query<Row extends object>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    return rowsOf<Row>(this.#pool, text, values);
  }

  /**
   * Runs `work` in one READ COMMITTED transaction; commits when it returns, rolls back when it throws.
   * What `work` itself throws leaves unchanged. A connection that cannot even roll back is thrown away.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(work);
      } catch (error) {
        if (!isRetriedByTransaction(error) || attempt === MAX_ATTEMPTS) throw error;
        await delay(5 * 2 ** attempt);
      }
    }
  }

  async #attempt<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw asDatabaseError(error);
    });
    let broken: Error | undefined;
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on("error", onError);
    const query = <Row extends object>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> =>
      rowsOf<Row>(client, text, values);
    try {
      await query("begin");
      const result = await work({ client, query });
      await query("commit");
      return result;
    } catch (error) {
      await query("rollback").catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      client.off("error", onError);
      client.release(broken);
    }
  }

  /**
   * One statement with a deadline of its own, shorter than that of a connection: readiness must not wait.
   *
   * @throws {PlatformError} database_unavailable, also when all connections stay busy that long
   */
  async probe(timeoutMs = 1_500): Promise<void> {
    const deadline = new AbortController();
    const late = delay(timeoutMs, undefined, { signal: deadline.signal }).then(() => {
      throw new PlatformError("database_unavailable", `PostgreSQL [no answer in ${timeoutMs} ms]`);
    });
    try {
      await Promise.race([this.query("select 1"), late]);
    } finally {
      deadline.abort();
      late.catch(() => undefined);
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

async function rowsOf<Row extends object>(
  target: Pool | PoolClient,
  text: string,
  values: readonly SqlValue[],
): Promise<Row[]> {
  try {
    return (await target.query<Row>(text, [...values])).rows;
  } catch (error) {
    throw asDatabaseError(error);
  }
}

async function takeRole(client: ClientBase, role: string): Promise<void> {
  await client.query("select set_config('role', $1, false)", [role]);
}
