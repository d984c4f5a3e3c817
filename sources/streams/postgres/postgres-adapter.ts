import { Client, types } from "pg";
import { z } from "zod";
import { spanMs } from "../../../schemas/live/source.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { quoteIdentifier } from "../../../schemas/text/sql-quoting.ts";
import { pause } from "../pause.ts";
import type { Stream, StreamAdapter, StreamBatch, Subscription } from "../stream.ts";

const positionSchema = z.object({ after: z.string() });

const STATEMENT_WITHIN_MS = 60_000;
const CONNECT_WITHIN_MS = 10_000;
/** Columns that are added to those of the query. */
const AT = "aura at";
const IS_NEW = "aura is new";

/**
 * A query whose rows are read on by a column that only grows, in a session that can read alone.
 *
 * Rows of one value of the column come together (`with ties`), so that none is cut off by the end of a page. Rows that are committed
 * out of order are found by beginning each look `overlap` behind the newest row; those known already are stored once.
 */
export const postgresAdapter: StreamAdapter<"postgres"> = {
  kind: "postgres",
  async subscribe(subscription) {
    const client = new Client({
      connectionString: subscription.origin.url,
      application_name: "aura feed",
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      statement_timeout: STATEMENT_WITHIN_MS,
      types: { getTypeParser },
    });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.query("set session characteristics as transaction read only");
      await client.query("set timezone to 'UTC'");
    } catch (cause) {
      await client.end().catch(() => undefined);
      throw away(cause);
    }
    return new PostgresStream(subscription, client);
  },
};

type Row = Record<string, unknown>;

class PostgresStream implements Stream {
  readonly #subscription: Subscription<"postgres">;
  readonly #client: Client;
  /** The newest row so far. */
  #after: string;
  /** Where this look has come to; undefined: the next one begins. */
  #from: string | undefined;
  #isFirst = true;

  constructor(subscription: Subscription<"postgres">, client: Client) {
    this.#subscription = subscription;
    this.#client = client;
    const position = positionSchema.safeParse(subscription.position);
    this.#after = position.success ? position.data.after : String(subscription.origin.start);
  }

  async batch(): Promise<StreamBatch> {
    const { origin, signal } = this.#subscription;
    if (!this.#isFirst && this.#from === undefined) await pause(spanMs(origin.every), signal);
    this.#isFirst = false;
    if (signal.aborted) return { messages: [] };
    const rows = await this.#rows();
    const last = rows.at(-1);
    this.#from = rows.length >= origin.rows && last !== undefined ? String(last[AT]) : undefined;
    if (last?.[IS_NEW] === true) this.#after = String(last[AT]);
    const messages = rows.map(({ [AT]: at, [IS_NEW]: _isNew, ...body }) => ({ body, place: String(at) }));
    return messages.length === 0 ? { messages } : { messages, position: { after: this.#after } };
  }

  async commit(): Promise<void> {
    // The database keeps nothing of us.
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  async #rows(): Promise<Row[]> {
    const { origin } = this.#subscription;
    const column = `q.${quoteIdentifier(origin.column)}`;
    const isLookBegun = this.#from !== undefined;
    // A comment at the end of the query ends with its line.
    const text = `select q.*, ${column}::text as "${AT}", ${column} > $2 as "${IS_NEW}"
      from (${origin.query}\n) q
      where ${column} > ${isLookBegun ? "$1" : startOf(origin.overlap)}
      order by ${column} fetch first ${origin.rows} rows with ties`;
    try {
      // With parameters the server takes one statement alone.
      const { rows } = await this.#client.query<Row>(text, [this.#from ?? this.#after, this.#after]);
      return rows;
    } catch (cause) {
      throw isOfQuery(cause)
        ? new PlatformError("invalid_feed", `read query: ${(cause as Error).message}`, { cause })
        : away(cause);
    }
  }
}

function startOf(overlap: string | number): string {
  if (typeof overlap === "string") return `$1::timestamptz - interval '${spanMs(overlap)} milliseconds'`;
  return overlap === 0 ? "$1" : `$1::numeric - ${overlap}`;
}

/** SQLSTATE classes of what the query itself says: data, syntax, access; others are the server's state. */
function isOfQuery(error: unknown): boolean {
  const state = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^(0A|22|25|42)/.test(state) && state.length === 5;
}

function away(cause: unknown): PlatformError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PlatformError("source_unavailable", `PostgreSQL of the feed: ${reason}`, { cause });
}

const { INT8, NUMERIC, TIMESTAMPTZ, TIMESTAMP, DATE } = types.builtins;

/** Numbers as numbers where a double holds them, points in time as ISO 8601 with all their digits. */
const PARSERS = new Map<number, (text: string) => unknown>([
  [INT8, numberOf],
  [NUMERIC, numberOf],
  [TIMESTAMPTZ, (text) => text.replace(" ", "T").replace(/\+00$/, "Z")],
  // Without an offset it is no point in time: the query says which with `at time zone`.
  [TIMESTAMP, (text) => text],
  [DATE, (text) => text],
]);

function getTypeParser(oid: number, format?: "text" | "binary"): (text: string) => unknown {
  const own = format === "binary" ? undefined : PARSERS.get(oid);
  return own ?? (types.getTypeParser(oid, format ?? "text") as (text: string) => unknown);
}

function numberOf(text: string): unknown {
  const value = Number(text);
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? text : value;
}
