import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql, SqlValue } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { ApprovalRow, ApprovalStore, AuditEntry, DecisionRow, ListedApproval } from "../../port.ts";
import { checkDecision, isOwnDecision, policyDecision, stateAfter } from "./decision-rules.ts";

/** Approvals and their decisions; every change locks the approval's row first and writes its audit row. */
export class PostgresApprovalStore implements ApprovalStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  open(
    a: Omit<ApprovalRow, "state" | "decisions" | "createdAt" | "decidedAt">,
    audit: AuditEntry,
  ): Promise<ApprovalRow> {
    return this.#pool.transaction(async (tx) => {
      const isNew = await insertApproval(tx, a);
      if (isNew) await appendAudit(tx, audit);
      return one(tx, a.id);
    });
  }

  async get(id: string): Promise<ApprovalRow | undefined> {
    return find(this.#pool, id);
  }

  list(filter: { state?: ApprovalRow["state"]; limit: number }): Promise<ListedApproval[]> {
    return selectListed(
      this.#pool,
      `where ($1::text is null or a.state = $1) order by a.created_at desc, a.approval_id limit $2`,
      [filter.state ?? null, filter.limit],
    );
  }

  decide(
    id: string,
    digest: string,
    decision: Omit<DecisionRow, "at">,
    audit: AuditEntry,
  ): Promise<ApprovalRow> {
    return this.#pool.transaction(async (tx) => {
      const gate = await lock(tx, id);
      const approval = await one(tx, id);
      const context = { approval, digest, decision, caller: audit.actor, ...gate };
      const verdict = checkDecision(context);
      if (verdict === "repeated") return approval;
      const isOwn = isOwnDecision(context);
      await tx.query(
        `insert into aura.approval_decisions
           (approval_id, decision_id, decision, decided_by, authenticated, channel, reason, position, self_approved)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [
          id,
          decision.decisionId,
          decision.decision,
          decision.by,
          decision.authenticated,
          decision.channel,
          storableText(decision.reason),
          approval.decisions.length + 1,
          isOwn,
        ],
      );
      const state = stateAfter(approval, decision.decision);
      if (state !== "waiting") await setState(tx, id, state);
      await appendAudit(tx, isOwn ? { ...audit, details: { ...audit.details, selfApproved: true } } : audit);
      return one(tx, id);
    });
  }

  async escalate(
    id: string,
    to: { approvers: readonly string[]; deadline: string },
    audit: AuditEntry,
  ): Promise<void> {
    await this.#pool.transaction(async (tx) => {
      await lock(tx, id);
      const changed = await tx.query(
        `update aura.approvals set deadline = $2, escalated_to = $3
          where approval_id = $1 and state = 'waiting' and escalated_to is null returning approval_id`,
        [id, to.deadline, json(to.approvers)],
      );
      if (changed.length > 0) await appendAudit(tx, audit);
    });
  }

  approveByPolicy(id: string, audit: AuditEntry): Promise<ApprovalRow> {
    return this.#pool.transaction(async (tx) => {
      await lock(tx, id);
      const approval = await one(tx, id);
      if (approval.state !== "waiting") return approval;
      const decision = policyDecision(approval);
      await tx.query(
        `insert into aura.approval_decisions
           (approval_id, decision_id, decision, decided_by, authenticated, channel, reason, position, self_approved)
         values ($1, 'policy', 'approve', $2, true, 'policy', $3, $4, false)`,
        [id, decision.by, storableText(decision.reason), approval.decisions.length + 1],
      );
      await setState(tx, id, "approved");
      await appendAudit(tx, { ...audit, reason: decision.reason });
      return one(tx, id);
    });
  }

  async givenFor(model: string, digest: string): Promise<ApprovalRow | undefined> {
    const [row] = await this.#pool.query<{ id: string }>(
      `select approval_id as id from aura.approvals where model = $1 and digest = $2 and kind = 'promotion' and state = 'approved'
        order by decided_at desc limit 1`,
      [model, digest],
    );
    return row === undefined ? undefined : this.get(row.id);
  }

  close(id: string, state: "expired" | "rejected", audit: AuditEntry): Promise<ApprovalRow> {
    return this.#pool.transaction(async (tx) => {
      await lock(tx, id);
      const approval = await one(tx, id);
      if (approval.state !== "waiting") return approval;
      await setState(tx, id, state);
      await appendAudit(tx, audit);
      return one(tx, id);
    });
  }
}

/** @returns whether there was none of that id */
export async function insertApproval(
  sql: Sql,
  a: Omit<ApprovalRow, "state" | "decisions" | "createdAt" | "decidedAt">,
): Promise<boolean> {
  const inserted = await sql.query(
    `insert into aura.approvals (approval_id, kind, subject, digest, model, version, workflow_id, requested_by,
                                 requester_authenticated, policy, evidence, deadline)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     on conflict (approval_id) do nothing returning approval_id`,
    [
      a.id,
      a.kind,
      storableText(a.subject),
      a.digest,
      a.model,
      a.version,
      a.workflowId,
      storableText(a.requestedBy),
      a.requesterAuthenticated,
      json(a.policy),
      json(a.evidence ?? null),
      a.deadline,
    ],
  );
  return inserted.length > 0;
}

/** Locks the approval and reads, on the database's clock, what only the database knows of it. */
async function lock(
  sql: Sql,
  id: string,
): Promise<{ isLate: boolean; escalatedTo: readonly string[]; hasKeys: boolean }> {
  const [row] = await sql.query<{ late: boolean; escalated_to: string[] | null; keys: boolean }>(
    `select deadline <= clock_timestamp() as late, escalated_to,
            exists (select from aura.api_keys) as keys
       from aura.approvals where approval_id = $1 for update`,
    [id],
  );
  if (row === undefined) throw new PlatformError("not_found", `approval [${id}]: there is none`);
  return { isLate: row.late, escalatedTo: row.escalated_to ?? [], hasKeys: row.keys };
}

async function setState(sql: Sql, id: string, state: ApprovalRow["state"]): Promise<void> {
  await sql.query(
    "update aura.approvals set state = $2, decided_at = clock_timestamp() where approval_id = $1",
    [id, state],
  );
}

async function one(sql: Sql, id: string): Promise<ApprovalRow> {
  const row = await find(sql, id);
  if (row === undefined) throw new PlatformError("not_found", `approval [${id}]: there is none`);
  return row;
}

async function find(sql: Sql, id: string): Promise<ApprovalRow | undefined> {
  const [row] = await selectListed(sql, "where a.approval_id = $1", [id]);
  if (row === undefined) return undefined;
  const [held] = await sql.query<Pick<ApprovalRow, "evidence">>(
    "select evidence from aura.approvals where approval_id = $1",
    [id],
  );
  return { ...row, evidence: held?.evidence };
}

/** Approvals without their evidence, which is most of them and of no use in a list. */
async function selectListed(
  sql: Sql,
  condition: string,
  values: readonly SqlValue[],
): Promise<ListedApproval[]> {
  const rows = await sql.query<Omit<ListedApproval, "decisions">>(
    `select a.approval_id as id, a.kind, a.subject, a.digest, a.model, a.version, a.workflow_id as "workflowId",
            a.requested_by as "requestedBy", a.requester_authenticated as "requesterAuthenticated", a.policy, a.state, a.deadline,
            a.created_at as "createdAt", a.decided_at as "decidedAt"
       from aura.approvals a ${condition}`,
    values,
  );
  const decisions = await sql.query<DecisionRow & { approval_id: string }>(
    `select approval_id, decision_id as "decisionId", decision, decided_by as by, authenticated, channel, reason, at,
            self_approved as "selfApproved"
       from aura.approval_decisions where approval_id = any ($1::text[]) order by position`,
    [rows.map((r) => r.id)],
  );
  return rows.map((row) => ({
    ...row,
    decisions: decisions
      .filter((d) => d.approval_id === row.id)
      .map(({ approval_id: _approvalId, ...decision }) => decision),
  }));
}
