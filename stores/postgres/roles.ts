import type { ClientBase } from "pg";
import { sqlStateOf } from "./connection/database-errors.ts";

export const APP_ROLE = "aura_app";
export const READER_ROLE = "aura_reader";
export const MIGRATOR_ROLE = "aura_migrator";

/** Tables whose rows the application may add but never change: history is only appended to. */
const APPEND_ONLY = [
  "audit_log",
  "audit_seals",
  "audit_anchors",
  "alias_events",
  "threshold_events",
  "rollout_events",
  "approval_decisions",
  "source_versions",
  "work_order_events",
  "source_retirements",
] as const;

export interface UsableRoles {
  /** Connections may take `aura_app`. */
  readonly app: boolean;
  /** All three roles are there for the grants, and migrations may run as `aura_migrator`. */
  readonly migrator: boolean;
}

/**
 * Makes the three group roles where the login user may, and lets the login user act as them.
 *
 * Roles belong to the whole server, so two databases migrating at once may meet here: "already exists" and
 * "tuple concurrently updated" are tried again, and a user without CREATEROLE goes on without roles.
 *
 * @returns which of them the login user may take
 */
export async function ensureRoles(client: ClientBase): Promise<UsableRoles> {
  const app = await ensureRole(client, APP_ROLE);
  const reader = await ensureRole(client, READER_ROLE);
  const migrator = await ensureRole(client, MIGRATOR_ROLE);
  // The grants name all of them.
  return { app, migrator: migrator && app && reader };
}

async function ensureRole(client: ClientBase, role: string): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const { rows } = await client.query<{ present: boolean; usable: boolean }>(
      `select exists (select from pg_roles where rolname = $1) as present,
              coalesce((select pg_has_role(current_user, oid, 'MEMBER') from pg_roles where rolname = $1), false)
                as usable`,
      [role],
    );
    if (rows[0]?.usable === true) return true;
    try {
      if (rows[0]?.present !== true) await client.query(`create role ${role} nologin`);
      await client.query(`grant ${role} to current_user`);
    } catch (error) {
      const state = sqlStateOf(error);
      if (state === "42501") return false;
      if (!isRace(state) || attempt === 10) throw error;
    }
    if (attempt === 10) return false;
  }
}

/** duplicate_object, unique_violation, "tuple concurrently updated" (reported as internal_error). */
function isRace(state: string | undefined): boolean {
  return state === "42710" || state === "23505" || state === "XX000";
}

/** Statements that give the roles what they need on the present tables; run after every migration. */
export function grantStatements(): string[] {
  const appendOnly = APPEND_ONLY.map((t) => `aura.${t}`).join(", ");
  return [
    `revoke all on schema aura from public`,
    `grant usage on schema aura to ${APP_ROLE}, ${READER_ROLE}`,
    `grant select, insert, update, delete on all tables in schema aura to ${APP_ROLE}`,
    `grant usage, select on all sequences in schema aura to ${APP_ROLE}`,
    `grant execute on function aura.ensure_reading_month(date), aura.drop_reading_month(date) to ${APP_ROLE}`,
    `revoke update, delete, truncate on ${appendOnly} from ${APP_ROLE}`,
    `revoke insert, update, delete on aura.schema_migrations from ${APP_ROLE}`,
    `grant select on all tables in schema aura to ${READER_ROLE}`,
    `revoke select on aura.api_keys, aura.idempotency_keys, aura.scorers from ${READER_ROLE}`,
  ];
}
