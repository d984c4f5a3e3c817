import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port/actor.ts";
import type {
  DocumentRow,
  DocumentSearch,
  DocumentStore,
  FoundDocument,
  NewDocument,
} from "../../port/documents.ts";

const COLUMNS = `d.document_id as id, d.title, d.kind, d.at,
  array(select a.asset_id::text from aura.document_assets a where a.document_id = d.document_id order by a.asset_id) as assets,
  json_build_object('key', d.object_key, 'sha256', d.object_sha256, 'bytes', d.object_bytes) as object,
  d.media_type as "mediaType", d.actor, d.created_at as "createdAt"`;

/** Around the words that were asked for; marked as plain text can be. */
const EXCERPT = "StartSel=«, StopSel=», MaxWords=30, MinWords=10, MaxFragments=2, FragmentDelimiter= … ";

/** Reports and logs, found by their words with PostgreSQL's own text search. */
export class PostgresDocumentStore implements DocumentStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  add(document: NewDocument, audit: AuditEntry): Promise<DocumentRow> {
    const { object } = document;
    return this.#pool.transaction(async (tx) => {
      const [made] = await tx.query<{ id: number }>(
        `insert into aura.documents (title, kind, at, object_key, object_sha256, object_bytes, media_type, body, actor)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning document_id as id`,
        [
          storableText(document.title),
          document.kind,
          document.at,
          object.key,
          object.sha256,
          object.bytes,
          document.mediaType,
          storableText(document.body),
          storableText(audit.actor.id),
        ],
      );
      const id = made?.id ?? 0;
      await tx.query(
        "insert into aura.document_assets (document_id, asset_id) select $1, unnest($2::text[]) on conflict do nothing",
        [id, document.assets],
      );
      await appendAudit(tx, { ...audit, subject: `document/${id}` });
      const [row] = await tx.query<DocumentRow>(
        `select ${COLUMNS} from aura.documents d where d.document_id = $1`,
        [id],
      );
      if (row === undefined) throw new Error(`document ${id}: it was not written`);
      return row;
    });
  }

  async get(id: number): Promise<(DocumentRow & { readonly body: string }) | undefined> {
    const [row] = await this.#pool.query<DocumentRow & { body: string }>(
      `select ${COLUMNS}, d.body from aura.documents d where d.document_id = $1`,
      [id],
    );
    return row;
  }

  search({ words, asset, kind, limit, offset }: DocumentSearch): Promise<FoundDocument[]> {
    return this.#pool.query(
      `with asked as (select websearch_to_tsquery('simple', coalesce($1, '')) as query)
       select ${COLUMNS},
              case when $1::text is null then null
                   else ts_headline('simple', left(d.body, 200000), asked.query, '${EXCERPT}') end as excerpt
         from aura.documents d, asked
        where ($1::text is null or d.words @@ asked.query) and ($2::text is null or d.kind = $2)
          and ($3::text is null or exists (select from aura.document_assets a
                                            where a.document_id = d.document_id and a.asset_id = $3))
        order by case when $1::text is null then 0 else ts_rank(d.words, asked.query) end desc, d.at desc, d.document_id desc
        limit $4 offset $5`,
      [words ?? null, kind ?? null, asset ?? null, limit, offset],
    );
  }

  async remove(id: number, audit: AuditEntry): Promise<void> {
    await this.#pool.transaction(async (tx) => {
      const removed = await tx.query("delete from aura.documents where document_id = $1 returning 1", [id]);
      if (removed.length === 0)
        throw new PlatformError("not_found", `remove document [${id}]: there is no such document`);
      await appendAudit(tx, audit);
    });
  }
}
