import { canonicalJson, sha256Hex } from "../../../../schemas/canonical-json.ts";
import { incompatibilities } from "../../../../schemas/live/compatibility.ts";
import type { LiveSource } from "../../../../schemas/live/source.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { Actor, AuditEntry } from "../../port/actor.ts";
import type { LiveSourceRow, LiveSourceStore } from "../../port/live.ts";

const COLUMNS = `v.source_key as "sourceKey", v.version, v.document, v.sha256, v.actor, v.created_at as "createdAt",
  (select r.retired_at from aura.source_retirements r where r.source_key = v.source_key and r.version = v.version) as "retiredAt"`;
const NEWEST_COLUMNS = `${COLUMNS}, (select coalesce(json_agg(distinct one), '[]'::json)
  from aura.source_versions e, jsonb_array_elements_text(e.document::jsonb->'pii') one
  where e.source_key = v.source_key) as "everPersonal"`;

type NewestRow = LiveSourceRow & { readonly everPersonal: readonly string[] };

/** Declared sources; versions and retirements are only ever added. */
export class PostgresLiveSourceStore implements LiveSourceStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  put(document: LiveSource, actor: Actor): Promise<LiveSourceRow & { readonly isNew: boolean }> {
    const sha256 = sha256Hex(canonicalJson(document));
    return this.#pool.transaction(async (tx) => {
      await tx.query("insert into aura.live_sources (source) values ($1) on conflict do nothing", [
        document.name,
      ]);
      // One declares at a time, so that versions have no gaps.
      await tx.query("select from aura.live_sources where source = $1 for update", [document.name]);
      const before = await newest(tx, document.name);
      if (before?.sha256 === sha256 && before.retiredAt === null)
        return { ...withAllPersonal(before), isNew: false };
      refuseIncompatible(before, document);
      const noLongerPersonal = before?.document.pii.filter((name) => !document.pii.includes(name)) ?? [];
      refuseUnmasking(document.name, noLongerPersonal, actor);
      const [row] = await tx.query<LiveSourceRow>(
        `insert into aura.source_versions as v (source_key, version, document, sha256, owner, actor)
         select source_key, $2, $3, $4, $5, $6 from aura.live_sources where source = $1 returning ${COLUMNS}`,
        [
          document.name,
          (before?.version ?? 0) + 1,
          json(document),
          sha256,
          storableText(document.owner),
          actor.id,
        ],
      );
      if (row === undefined) throw new Error(`source ${document.name}: it was not written`);
      await appendAudit(tx, {
        actor,
        action: "source.put",
        subject: `source/${document.name}`,
        outcome: "ok",
        details: {
          version: row.version,
          sha256,
          ...(before?.retiredAt == null ? {} : { wasRetired: true }),
          ...(noLongerPersonal.length === 0 ? {} : { noLongerPersonal }),
        },
      });
      return { ...withAllPersonal({ ...row, everPersonal: before?.everPersonal ?? [] }), isNew: true };
    });
  }

  async get(source: string): Promise<LiveSourceRow | undefined> {
    const row = await newest(this.#pool, source);
    return row === undefined ? undefined : withAllPersonal(row);
  }

  versions(source: string): Promise<LiveSourceRow[]> {
    return this.#pool.query(
      `select ${COLUMNS} from aura.source_versions v join aura.live_sources l using (source_key)
        where l.source = $1 order by v.version desc`,
      [source],
    );
  }

  async list({ hasRetired = false }: { readonly hasRetired?: boolean } = {}): Promise<LiveSourceRow[]> {
    const rows = await this.#pool.query<NewestRow>(
      `select distinct on (l.source) ${NEWEST_COLUMNS} from aura.source_versions v join aura.live_sources l using (source_key)
        order by l.source, v.version desc`,
    );
    return rows.map(withAllPersonal).filter(({ retiredAt }) => hasRetired || retiredAt === null);
  }

  retire(source: string, audit: AuditEntry): Promise<LiveSourceRow> {
    return this.#pool.transaction(async (tx) => {
      // As in `put`: no version comes between.
      await tx.query("select from aura.live_sources where source = $1 for update", [source]);
      const row = await newest(tx, source);
      if (row === undefined)
        throw new PlatformError("not_found", `retire source ${source}: there is no such source`);
      if (row.retiredAt !== null) return withAllPersonal(row);
      await refuseInUse(tx, source, row.sourceKey);
      const [retired] = await tx.query<{ at: string }>(
        "insert into aura.source_retirements (source_key, version, actor) values ($1, $2, $3) returning retired_at as at",
        [row.sourceKey, row.version, audit.actor.id],
      );
      await appendAudit(tx, audit);
      return withAllPersonal({ ...row, retiredAt: retired?.at ?? null });
    });
  }
}

/** What fills a source, and what would take its silence for a fault, goes first. */
async function refuseInUse(tx: Sql, source: string, sourceKey: number): Promise<void> {
  const users = await tx.query<{ what: string; name: string }>(
    `select 'feed' as what, feed as name from aura.feeds where source_key = $1
     union all select 'alert rule', rule from aura.alert_rules where document::jsonb->>'source' = $2
     order by 1, 2 limit 20`,
    [sourceKey, source],
  );
  if (users.length === 0) return;
  const names = users.map(({ what, name }) => `${what} ${name}`).join(", ");
  throw new PlatformError("conflict", `retire source ${source}: it is in use [${names}]; remove those first`);
}

async function newest(sql: Sql, source: string): Promise<NewestRow | undefined> {
  const [row] = await sql.query<NewestRow>(
    `select ${NEWEST_COLUMNS} from aura.source_versions v join aura.live_sources l using (source_key)
      where l.source = $1 order by v.version desc limit 1`,
    [source],
  );
  return row;
}

/** What was written while a column was personal is masked for good, whatever a later version says. */
function withAllPersonal({ everPersonal, document, ...row }: NewestRow): LiveSourceRow {
  return { ...row, document: { ...document, pii: [...new Set([...document.pii, ...everPersonal])] } };
}

function refuseUnmasking(source: string, columns: readonly string[], { role }: Actor): void {
  if (columns.length === 0 || role === "admin" || role === "system") return;
  const names = columns.join(", ");
  throw new PlatformError(
    "forbidden",
    `declare source ${source} [pii]: ${names} is declared as personal, and only the role admin may take that back; leave it in pii`,
  );
}

function refuseIncompatible(before: LiveSourceRow | undefined, document: LiveSource): void {
  const problems = before === undefined ? [] : incompatibilities(before.document, document);
  if (problems.length === 0) return;
  throw new PlatformError(
    "conflict",
    `declare source ${document.name}: version ${before?.version} cannot be followed by this: ${problems.join("; ")}`,
    {
      locations: problems.map((problem) => {
        const [field = "", rest = ""] = problem.split(/: expected /);
        const [expected = "", found = ""] = rest.split(", got ");
        return { field, expected, found };
      }),
    },
  );
}
