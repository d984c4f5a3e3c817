import type { IntakeCounts } from "../../../../schemas/live/intake.ts";
import type { ObjectRef } from "../../../../schemas/object-ref.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, SqlValue } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port/actor.ts";
import type { NewReadingUpload, ReadingUploadRow, ReadingUploadStore } from "../../port/reading-uploads.ts";

const COLUMNS = `u.upload_id as id, l.source, u.file_name as "fileName", u.max_bytes as "maxBytes",
  u.expires_at as "expiresAt", u.created_by as "createdBy", u.created_at as "createdAt", u.state,
  case when u.object_key is not null
       then json_build_object('key', u.object_key, 'sha256', u.object_sha256, 'bytes', u.object_bytes) end as object,
  u.n_rows as rows, u.counts, u.message, u.ended_at as "endedAt"`;
const UPLOADS = "aura.reading_uploads u join aura.live_sources l using (source_key)";

/** Tickets for files of readings. */
export class PostgresReadingUploadStore implements ReadingUploadStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async create(upload: NewReadingUpload, audit: AuditEntry): Promise<ReadingUploadRow> {
    await this.#pool.transaction(async (tx) => {
      await tx.query(
        `insert into aura.reading_uploads (upload_id, secret_sha256, source_key, file_name, max_bytes, expires_at, created_by)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [
          upload.id,
          upload.secretSha256,
          upload.sourceKey,
          storableText(upload.fileName),
          upload.maxBytes,
          upload.expiresAt,
          storableText(audit.actor.id),
        ],
      );
      await appendAudit(tx, audit);
    });
    return this.#there(upload.id);
  }

  bySecret(secretSha256: string): Promise<ReadingUploadRow | undefined> {
    return this.#one("u.secret_sha256 = $1", [secretSha256]);
  }

  get(id: string): Promise<ReadingUploadRow | undefined> {
    return this.#one("u.upload_id = $1", [id]);
  }

  list({ limit }: { readonly limit: number }): Promise<ReadingUploadRow[]> {
    return this.#pool.query(
      `select ${COLUMNS} from ${UPLOADS} order by u.created_at desc, u.upload_id limit $1`,
      [limit],
    );
  }

  async received(id: string, { key, sha256, bytes }: ObjectRef): Promise<ReadingUploadRow> {
    const [taken] = await this.#pool.query<object>(
      `update aura.reading_uploads set object_key = $2, object_sha256 = $3, object_bytes = $4,
              state = case when state = 'waiting' then 'received' else state end
        where upload_id = $1 and (object_sha256 is null or object_sha256 = $3) returning 1`,
      [id, key, sha256, bytes],
    );
    if (taken === undefined)
      throw new PlatformError("conflict", `upload [${id}]: another file came with this ticket already`);
    return this.#there(id);
  }

  async progress(id: string, rows: number, counts: IntakeCounts): Promise<void> {
    await this.#pool.query("update aura.reading_uploads set n_rows = $2, counts = $3 where upload_id = $1", [
      id,
      rows,
      json(counts),
    ]);
  }

  async end(id: string, state: "done" | "failed", message: string | null): Promise<void> {
    await this.#pool.query(
      "update aura.reading_uploads set state = $2, message = $3, ended_at = clock_timestamp() where upload_id = $1",
      [id, state, message === null ? null : storableText(message)],
    );
  }

  async #there(id: string): Promise<ReadingUploadRow> {
    const row = await this.get(id);
    if (row === undefined)
      throw new PlatformError("not_found", `read upload [${id}]: there is no such upload`);
    return row;
  }

  async #one(condition: string, values: readonly SqlValue[]): Promise<ReadingUploadRow | undefined> {
    const [row] = await this.#pool.query<ReadingUploadRow>(
      `select ${COLUMNS} from ${UPLOADS} where ${condition}`,
      values,
    );
    return row;
  }
}
