import { randomBytes } from "node:crypto";
import { sha256Hex } from "../../../../schemas/canonical-json.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { AuditEntry, KeyRow, KeyStore, NewKey } from "../../port.ts";

const KEY_COLUMNS = `key_id as id, name, owner, role, sites, created_at as "createdAt", expires_at as "expiresAt",
  revoked_at as "revokedAt"`;

/**
 * API keys. A secret is 256 random bits, so its plain SHA-256 is enough: there is nothing to guess, and the
 * look-up by hash takes the same time for every wrong secret.
 */
export class PostgresKeyStore implements KeyStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async isEnabled(): Promise<boolean> {
    const [row] = await this.#pool.query<{ enabled: boolean }>(
      "select exists (select from aura.api_keys) as enabled",
    );
    return row?.enabled === true;
  }

  /** A given `secret` (the bootstrap key) that is stored already gives the stored key, so every start may call this. */
  create(k: NewKey, audit: AuditEntry): Promise<{ key: KeyRow; secret: string }> {
    const secret = k.secret ?? `aura_${randomBytes(32).toString("base64url")}`;
    const hash = sha256Hex(secret);
    return this.#pool.transaction(async (tx) => {
      const [created] = await tx.query<KeyRow>(
        `insert into aura.api_keys (key_id, name, role, sites, secret_sha256, expires_at, owner)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (secret_sha256) do nothing returning ${KEY_COLUMNS}`,
        [
          `key_${randomBytes(9).toString("base64url")}`,
          storableText(k.name),
          k.role,
          k.sites === undefined ? null : json(k.sites),
          hash,
          k.expiresAt ?? null,
          storableText(k.owner ?? k.name),
        ],
      );
      if (created !== undefined) {
        await appendAudit(tx, audit);
        return { key: created, secret };
      }
      const [present] = await tx.query<KeyRow>(
        `select ${KEY_COLUMNS} from aura.api_keys where secret_sha256 = $1`,
        [hash],
      );
      if (present === undefined) throw new PlatformError("not_found", "create key: the key is gone");
      return { key: present, secret };
    });
  }

  async verify(secret: string): Promise<KeyRow | undefined> {
    const [key] = await this.#pool.query<KeyRow>(
      `select ${KEY_COLUMNS} from aura.api_keys
        where secret_sha256 = $1 and revoked_at is null and (expires_at is null or expires_at > clock_timestamp())`,
      [sha256Hex(secret)],
    );
    return key;
  }

  list(): Promise<KeyRow[]> {
    return this.#pool.query(`select ${KEY_COLUMNS} from aura.api_keys order by created_at, key_id`);
  }

  async revoke(id: string, audit: AuditEntry): Promise<void> {
    await this.#pool.transaction(async (tx) => {
      // All that may make others are locked, in one order: two admins who revoke each other cannot both succeed.
      const masters = await tx.query<{ id: string }>(
        `select key_id as id from aura.api_keys
          where role = 'admin' and sites is null and revoked_at is null
            and (expires_at is null or expires_at > clock_timestamp())
          order by key_id for update`,
      );
      const [key] = await tx.query<{ revoked: boolean }>(
        "select revoked_at is not null as revoked from aura.api_keys where key_id = $1 for update",
        [id],
      );
      if (key === undefined) throw new PlatformError("not_found", `revoke key [${id}]: there is none`);
      if (key.revoked) return;
      if (masters.length === 1 && masters[0]?.id === id)
        throw new PlatformError("last_admin_key", `revoke key [${id}]: no other admin key is valid`);
      await tx.query("update aura.api_keys set revoked_at = clock_timestamp() where key_id = $1", [id]);
      await appendAudit(tx, audit);
    });
  }
}
