import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { PlatformError } from "../../schemas/platform-error.ts";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { clientConfig } from "./connection/connection-pool.ts";
import { asDatabaseError, sqlStateOf } from "./connection/database-errors.ts";
import { APP_ROLE, ensureRoles, grantStatements, MIGRATOR_ROLE } from "./roles.ts";
import type { UsableRoles } from "./roles.ts";

/** First word of "aura" as the advisory lock's key; any constant that nobody else uses will do. */
const MIGRATION_LOCK = 0x61757261;
const FILE_NAME = /^(\d{3})-[a-z0-9-]+\.sql$/;
const OLDEST_SERVER = 150_000;

export interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

export interface MigrationResult {
  /** Names applied now, in order. */
  readonly applied: readonly string[];
  /** Role the application's connections take; undefined where the login user may not make roles. */
  readonly role: string | undefined;
}

/** The migrations of this release, in order of their numbers. The folder is `migrations/` beside this file. */
export async function readMigrations(): Promise<Migration[]> {
  const folder = new URL("./migrations/", import.meta.url);
  const names = (await readdir(fileURLToPath(folder))).filter((n) => FILE_NAME.test(n)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), "utf8");
      return { name, sql, sha256: sha256Hex(sql) };
    }),
  );
}

/**
 * Brings a database to this release's schema. Any number of processes may call it at once: an advisory lock
 * lets one work while the others wait and then find nothing to do. All pending migrations are one transaction.
 *
 * @throws {PlatformError} integrity when an applied migration's text has changed, or the database is newer
 * @throws {PlatformError} config_invalid when the server is older than PostgreSQL 15, or the login may not migrate
 * @throws {PlatformError} database_unavailable when the server does not answer
 */
export async function migrate(
  databaseUrl: string,
  migrations?: readonly Migration[],
): Promise<MigrationResult> {
  const wanted = migrations ?? (await readMigrations());
  const client = new Client(
    clientConfig(databaseUrl, {
      maxConnections: 1,
      statementTimeoutMs: 0,
      connectTimeoutMs: 10_000,
      role: undefined,
    }),
  );
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select pg_advisory_lock($1)", [MIGRATION_LOCK]);
    return await underLock(client, wanted);
  } catch (error) {
    if (sqlStateOf(error) !== "42501") throw asDatabaseError(error);
    throw new PlatformError(
      "config_invalid",
      "migrate: the login of DATABASE_URL may not change the schema",
      {
        cause: error,
      },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function underLock(client: Client, wanted: readonly Migration[]): Promise<MigrationResult> {
  await refuseOldServer(client);
  const roles = await ensureRoles(client);
  const role = roles.app ? APP_ROLE : undefined;
  await takeMigratingRole(client, roles);
  const pending = pendingAfter(await appliedMigrations(client), wanted);
  const hasToGrant = roles.migrator && (pending.length > 0 || !(await isGranted(client)));
  if (pending.length > 0 || hasToGrant) await apply(client, pending, hasToGrant);
  return { applied: pending.map((m) => m.name), role };
}

async function apply(client: Client, pending: readonly Migration[], hasToGrant: boolean): Promise<void> {
  await client.query("begin");
  try {
    for (const migration of pending) {
      await client.query(migration.sql);
      await client.query("insert into aura.schema_migrations (name, sha256) values ($1, $2)", [
        migration.name,
        migration.sha256,
      ]);
    }
    if (hasToGrant) for (const statement of grantStatements()) await client.query(statement);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

async function refuseOldServer(client: Client): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    "select current_setting('server_version_num')::int as version",
  );
  const version = rows[0]?.version ?? 0;
  if (version >= OLDEST_SERVER) return;
  throw new PlatformError("config_invalid", `DATABASE_URL: expected PostgreSQL 15 or newer, got ${version}`);
}

/**
 * Makes the schema where it is missing, owned by the migrator role where there is one, and acts as that role.
 * A database first migrated without roles keeps its owner; a login that may only use the application's role
 * reads the ledger as that role and finds nothing to do.
 */
async function takeMigratingRole(client: Client, roles: UsableRoles): Promise<void> {
  const { rows } = await client.query<{ owner: string }>(
    "select pg_get_userbyid(nspowner) as owner from pg_namespace where nspname = 'aura'",
  );
  const owner = rows[0]?.owner;
  if (owner === undefined) {
    await client.query(`create schema aura ${roles.migrator ? `authorization ${MIGRATOR_ROLE}` : ""}`);
  }
  if (roles.migrator && (owner === undefined || owner === MIGRATOR_ROLE)) {
    await client.query(`set role ${MIGRATOR_ROLE}`);
  } else if (roles.app && owner === MIGRATOR_ROLE) {
    await client.query(`set role ${APP_ROLE}`);
  }
}

async function appliedMigrations(client: Client): Promise<{ name: string; sha256: string }[]> {
  const { rows } = await client.query<{ present: boolean }>(
    "select to_regclass('aura.schema_migrations') is not null as present",
  );
  if (rows[0]?.present !== true) {
    await client.query(`create table aura.schema_migrations (
      name text primary key,
      sha256 text not null,
      applied_at timestamptz not null default clock_timestamp()
    )`);
  }
  const applied = await client.query<{ name: string; sha256: string }>(
    "select name, sha256 from aura.schema_migrations order by name",
  );
  return applied.rows;
}

async function isGranted(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ granted: boolean }>(
    "select has_schema_privilege($1, 'aura', 'USAGE') as granted",
    [APP_ROLE],
  );
  return rows[0]?.granted === true;
}

/** Checks what is applied against what is wanted, and returns what is missing. */
export function pendingAfter(
  applied: readonly { name: string; sha256: string }[],
  wanted: readonly Migration[],
): Migration[] {
  const done = new Map(applied.map((m) => [m.name, m.sha256]));
  for (const name of done.keys()) {
    if (wanted.some((m) => m.name === name)) continue;
    throw new PlatformError(
      "integrity",
      `migrate [${name}]: applied to the database but unknown here; it belongs to a newer release`,
    );
  }
  for (const migration of wanted) {
    const sha256 = done.get(migration.name);
    if (sha256 === undefined || sha256 === migration.sha256) continue;
    throw new PlatformError(
      "integrity",
      `migrate [${migration.name}]: applied with SHA-256 ${sha256}, now ${migration.sha256}; migrations never change`,
    );
  }
  const pending = wanted.filter((m) => !done.has(m.name));
  const last = applied
    .map((m) => m.name)
    .sort()
    .at(-1);
  const late = pending.find((m) => last !== undefined && m.name < last);
  if (late !== undefined) {
    throw new PlatformError("integrity", `migrate [${late.name}]: comes before ${last}, which is applied`);
  }
  return pending;
}
