import { LINEAGE_LISTS } from "../../../../schemas/data/lineage.ts";
import type { Lineage, LineageItem, LineageList, LineagePage } from "../../../../schemas/data/lineage.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import type { LineagePageRequest, LineageStore, LineageSubject } from "../../port/lineage.ts";
import { LINEAGE_SQL, Parameters } from "./lineage-lists.ts";
import type { LineageCursor } from "./lineage-lists.ts";
import { scopeOf } from "./lineage-scope.ts";
import type { LineageScope } from "./lineage-scope.ts";

/** Walks prediction, fleet score or drift report → version → run and approval → dataset → original, and back. */
export class PostgresLineageStore implements LineageStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async of(subject: LineageSubject, limit: number): Promise<Lineage | undefined> {
    const scope = await scopeOf(this.#pool, subject);
    if (scope === undefined) return undefined;
    const counts: [LineageList, number][] = [];
    const lists: [LineageList, LineageItem[]][] = [];
    // Two statements at a time: a page for people must not take the pool from those who serve.
    for (const list of LINEAGE_LISTS) {
      const [{ items }, count] = await Promise.all([
        this.#page(scope, list, { limit }),
        this.#count(scope, list),
      ]);
      lists.push([list, items]);
      counts.push([list, count]);
    }
    const { kind, id } = subject;
    return {
      kind,
      id,
      counts: Object.fromEntries(counts) as Lineage["counts"],
      lists: Object.fromEntries(lists) as Lineage["lists"],
    };
  }

  async page(
    subject: LineageSubject,
    list: LineageList,
    { limit, after }: LineagePageRequest,
  ): Promise<LineagePage | undefined> {
    const scope = await scopeOf(this.#pool, subject);
    if (scope === undefined) return undefined;
    return this.#page(scope, list, { limit, ...(after === undefined ? {} : { cursor: readCursor(after) }) });
  }

  async #page(
    scope: LineageScope,
    list: LineageList,
    { limit, cursor }: { readonly limit: number; readonly cursor?: LineageCursor },
  ): Promise<LineagePage> {
    const parameters = new Parameters();
    // One more than asked for tells whether there is a page after.
    const bounds = { limit: limit + 1, ...(cursor === undefined ? {} : { cursor }) };
    const sql = LINEAGE_SQL[list](scope, parameters, bounds);
    const after =
      cursor === undefined
        ? ""
        : `where (l.at, l.key) < (${parameters.add(cursor.at)}::timestamptz, ${parameters.add(cursor.key)})`;
    const exact = `to_char(l.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
    const rows = await this.#pool.query<LineageItem & LineageCursor & { readonly exact: string }>(
      `select l.*, ${exact} as exact from (${sql}) l ${after}
        order by l.at desc, l.key desc limit ${parameters.add(limit + 1)}`,
      parameters.values,
    );
    const items = rows.slice(0, limit).map(({ key: _key, exact: _exact, ...item }) => item);
    const last = rows[limit - 1];
    const next = rows.length > limit && last !== undefined ? writeCursor(last.exact, last.key) : null;
    return { items, next };
  }

  async #count(scope: LineageScope, list: LineageList): Promise<number> {
    const parameters = new Parameters();
    const sql = LINEAGE_SQL[list](scope, parameters);
    const [row] = await this.#pool.query<{ n: number }>(
      `select count(*) as n from (${sql}) l`,
      parameters.values,
    );
    return row?.n ?? 0;
  }
}

/** Times in microseconds, as PostgreSQL orders by them; the items have milliseconds. */
function writeCursor(at: string, key: string): string {
  return Buffer.from(`${at} ${key}`).toString("base64url");
}

function readCursor(text: string): LineageCursor {
  const decoded = Buffer.from(text, "base64url").toString();
  const [, at, key] =
    /^(\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{6}Z) ([^\0]{1,1000})$/s.exec(decoded) ?? [];
  if (at !== undefined && key !== undefined && Number.isFinite(Date.parse(at))) return { at, key };
  throw new PlatformError("invalid_query", "read lineage: expected `next` of the page before as `after`", {
    locations: [{ field: "after", expected: "`next` of the page before", found: text.slice(0, 100) }],
  });
}
