import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { Sql } from "../../connection/connection-pool.ts";
import { storableText } from "../../connection/row-types.ts";
import type { AliasEvent, AuditEntry } from "../../port.ts";
import { freezeHoldout } from "./holdouts.ts";
import { selectEvents } from "./version-rows.ts";

/** Channel on which every API process learns that a champion changed; the payload is the model's name. */
export const ALIAS_CHANNEL = "aura_alias";

export interface Promotion {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly requestId: string;
  /** Null for a rollback only: to a version that an approval made champion once before. */
  readonly approvalId: string | null;
  readonly reason: string;
}

/**
 * Moves the champion alias inside the caller's transaction.
 *
 * The model's row is locked first, so promotions of one model are one after the other and each sees the
 * champion the one before left. Order after that: the same request again → its event; the version and its
 * approval are checked; the champion already → its event, nothing written; another champion than the approval's
 * evidence compared with → refused; else event, alias, audit row and NOTIFY, which PostgreSQL
 * sends at commit only.
 */
export async function moveChampion(sql: Sql, p: Promotion, audit: AuditEntry): Promise<AliasEvent> {
  await sql.query("select model from aura.models where model = $1 for update", [p.model]);
  const repeated = await eventOfRequest(sql, p);
  if (repeated !== undefined) return repeated;
  await requireVersion(sql, p);
  await requireOpenRollout(sql, p);
  const [current] = await selectEvents(
    sql,
    `join aura.aliases a using (model, alias, position) where e.model = $1 and e.alias = 'champion'`,
    [p.model],
  );
  if (p.approvalId === null) await requireEarlierChampion(sql, p);
  else await requireApproval(sql, p, p.approvalId, current?.approvalId ?? null);
  if (current?.version === p.version) return shown(current);
  await requireSameChampion(sql, p, current);
  const position = (current?.position ?? 0) + 1;
  await sql.query(
    `insert into aura.alias_events (model, alias, position, previous_position, version, digest, previous_version,
                                    request_id, approval_id, actor_id, actor_authenticated, reason)
     values ($1, 'champion', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      p.model,
      position,
      current?.position ?? null,
      p.version,
      p.digest,
      current?.version ?? null,
      p.requestId,
      p.approvalId,
      storableText(audit.actor.id),
      audit.actor.authenticated,
      storableText(p.reason),
    ],
  );
  await pointAlias(sql, p, position);
  await freezeHoldout(sql, p);
  await appendAudit(sql, audit);
  await sql.query("select pg_notify($1, $2)", [ALIAS_CHANNEL, p.model]);
  const event = await eventOfRequest(sql, p);
  if (event === undefined) throw new Error(`promote [${p.model}]: the event just written is gone`);
  return event;
}

async function eventOfRequest(sql: Sql, p: Promotion): Promise<AliasEvent | undefined> {
  const [event] = await selectEvents(
    sql,
    "where e.model = $1 and e.alias = 'champion' and e.request_id = $2",
    [p.model, p.requestId],
  );
  if (event === undefined) return undefined;
  if (event.version === p.version && event.digest === p.digest) return shown(event);
  throw new PlatformError(
    "conflict",
    `promote [${p.model}, request ${p.requestId}]: used for version ${event.version}, got ${p.version}`,
  );
}

async function requireVersion(sql: Sql, p: Promotion): Promise<void> {
  const [row] = await sql.query<{ digest: string }>(
    "select digest from aura.model_versions where model = $1 and version = $2",
    [p.model, p.version],
  );
  if (row === undefined)
    throw new PlatformError("not_found", `promote [${p.model}]: no version ${p.version}`);
  if (row.digest === p.digest) return;
  throw new PlatformError(
    "conflict",
    `promote [${p.model} ${p.version}]: expected digest ${row.digest}, got ${p.digest}`,
  );
}

/** Prefix of the request ids of promotions that end a rollout; its id follows. */
const ROLLOUT_REQUEST = "rollout/";

/** The last step of a rollout that somebody has ended meanwhile is not taken: breaking the glass would come to nothing. */
async function requireOpenRollout(sql: Sql, { model, version, requestId }: Promotion): Promise<void> {
  if (!requestId.startsWith(ROLLOUT_REQUEST)) return;
  const id = requestId.slice(ROLLOUT_REQUEST.length);
  const [rollout] = await sql.query<{ state: string }>(
    "select state from aura.rollouts where rollout_id = $1",
    [id],
  );
  if (rollout === undefined || rollout.state === "promoting") return;
  throw new PlatformError("conflict", `promote [${model} ${version}]: its rollout is ${rollout.state}`);
}

/** Without an approval a version comes back only; whoever starts the workflow by hand is held to that as well. */
async function requireEarlierChampion(sql: Sql, p: Promotion): Promise<void> {
  const [earlier] = await sql.query(
    `select position from aura.alias_events
      where model = $1 and alias = 'champion' and version = $2 and digest = $3 limit 1`,
    [p.model, p.version, p.digest],
  );
  if (earlier !== undefined) return;
  throw new PlatformError(
    "gate_refused",
    `promote [${p.model} ${p.version}]: it never was champion and no approval is named`,
  );
}

/** An approval is applied once, to the digest it names, and only when it was given. */
async function requireApproval(
  sql: Sql,
  p: Promotion,
  approvalId: string,
  currentApproval: string | null,
): Promise<void> {
  const [approval] = await sql.query<{
    kind: string;
    model: string;
    digest: string;
    state: string;
    used: boolean;
  }>(
    `select kind, model, digest, state,
            exists (select from aura.alias_events e where e.approval_id = a.approval_id) as used
       from aura.approvals a where approval_id = $1 for update`,
    [approvalId],
  );
  if (approval === undefined)
    throw new PlatformError("not_found", `promote [${p.model}]: no approval ${approvalId}`);
  const refuse = (found: string): PlatformError =>
    new PlatformError(
      "already_decided",
      `promote [${p.model} ${p.version}, approval ${approvalId}]: ${found}`,
    );
  if (approval.kind !== "promotion") throw refuse(`expected a promotion, got a ${approval.kind}`);
  if (approval.state !== "approved") throw refuse(`expected it approved, got ${approval.state}`);
  if (approval.model !== p.model || approval.digest !== p.digest)
    throw refuse(`it names ${approval.model} ${approval.digest}, got ${p.digest}`);
  if (approval.used && currentApproval !== approvalId) throw refuse("it was applied before");
}

/**
 * People approved against the champion that the gates compared with, which stands in the approval's evidence. When
 * another run was promoted meanwhile, that comparison says nothing any more: a new run decides anew.
 *
 * @throws {PlatformError} conflict
 */
export async function requireSameChampion(
  sql: Sql,
  p: Pick<Promotion, "model" | "version" | "approvalId">,
  current: Pick<AliasEvent, "version" | "digest"> | undefined,
): Promise<void> {
  if (p.approvalId === null) return;
  const [seen] = await sql.query<{ champion: { version?: number; digest?: string } | null }>(
    `select evidence -> 'champion' as champion from aura.approvals
      where approval_id = $1 and (evidence -> 'champion') is not null`,
    [p.approvalId],
  );
  if (seen === undefined) return;
  const { champion } = seen;
  const isSame =
    champion?.version === current?.version && (champion?.digest ?? current?.digest) === current?.digest;
  if (isSame) return;
  const name = (version?: number): string => (version === undefined ? "none" : `version ${version}`);
  throw new PlatformError(
    "conflict",
    `promote [${p.model} ${p.version}]: the gates compared with ${name(champion?.version)} as champion, now it is ${name(current?.version)}`,
  );
}

async function pointAlias(sql: Sql, p: Promotion, position: number): Promise<void> {
  await sql.query(
    `insert into aura.aliases (model, alias, position, version) values ($1, 'champion', $2, $3)
     on conflict (model, alias) do update set position = excluded.position, version = excluded.version`,
    [p.model, position, p.version],
  );
}

/** The event without what only this room uses. */
function shown(event: AliasEvent & { position: number; requestId: string }): AliasEvent {
  const { position: _position, requestId: _requestId, ...rest } = event;
  return rest;
}
