import type { ObjectRef } from "../../../../schemas/object-ref.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import { RUN_STAGES } from "../../../../schemas/runs/run.ts";
import type { RunView, StageState } from "../../../../schemas/runs/run.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql, SqlValue } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import { raiseAlert } from "../serving/alert-store.ts";
import type { AuditEntry, NewRun, RunEnd, NewAlert, RunPatch, RunStore } from "../../port.ts";

const RUN_COLUMNS = `run_id, workflow_id, pipeline, model, status, outcome, dataset_id, version, digest, approval_id,
  metrics, evaluation, gates, error, requested_by, started_at, finished_at`;

interface EndedRun {
  readonly pipeline: string;
  readonly schedule_key: string | null;
}

/**
 * Runs and their stages. The first end of a run stays; a second `finish` changes and audits nothing.
 * `setStage`, `update` and `finish` throw PlatformError `not_found` for a run that was never created.
 */
export class PostgresRunStore implements RunStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async create(run: NewRun): Promise<void> {
    // The files also as rows: from a bad one to the runs that were given it.
    await this.#pool.query(
      `with created as (
         insert into aura.runs (run_id, workflow_id, pipeline, model, pipeline_text, spec_hash, files, schedule_key,
                                requested_by, requester_authenticated)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (run_id) do nothing returning run_id)
       insert into aura.run_files (run_id, name, object_key, sha256)
       select created.run_id, f.* from created, unnest($11::text[], $12::text[], $13::text[]) f
       on conflict do nothing`,
      [
        run.runId,
        run.workflowId,
        run.pipeline,
        run.model,
        storableText(run.pipelineText),
        run.specHash,
        json(run.files),
        run.scheduleKey ?? null,
        storableText(run.requestedBy),
        run.requesterAuthenticated,
        run.files.map(({ name }) => storableText(name)),
        run.files.map(({ object }) => object.key),
        run.files.map(({ object }) => object.sha256),
      ],
    );
    const [row] = await this.#pool.query<{ workflow_id: string }>(
      "select workflow_id from aura.runs where run_id = $1",
      [run.runId],
    );
    if (row?.workflow_id === run.workflowId) return;
    throw new PlatformError(
      "conflict",
      `create run [${run.runId}]: belongs to workflow ${row?.workflow_id}, got ${run.workflowId}`,
    );
  }

  async setStage(runId: string, stage: StageState): Promise<void> {
    const changed = await this.#pool.query(
      `insert into aura.run_stages (run_id, stage, position, state, progress, detail, started_at, duration_ms)
       select run_id, $2, $3, $4, $5, $6, $7, $8 from aura.runs where run_id = $1
       on conflict (run_id, stage) do update set
         state = excluded.state, progress = excluded.progress, detail = excluded.detail,
         started_at = coalesce(excluded.started_at, run_stages.started_at),
         duration_ms = coalesce(excluded.duration_ms, run_stages.duration_ms), updated_at = clock_timestamp()
       returning run_id`,
      [
        runId,
        stage.stage,
        RUN_STAGES.indexOf(stage.stage),
        stage.state,
        stage.progress ?? null,
        stage.detail === undefined ? null : storableText(stage.detail),
        stage.startedAt ?? null,
        stage.ms ?? null,
      ],
    );
    if (changed.length === 0) throw unknownRun(runId);
  }

  async update(runId: string, patch: RunPatch): Promise<void> {
    const changed = await this.#pool.query(
      `update aura.runs set
         dataset_id = coalesce($2, dataset_id), version = coalesce($3, version), digest = coalesce($4, digest),
         approval_id = coalesce($5, approval_id), metrics = coalesce($6, metrics),
         evaluation = coalesce($7, evaluation), gates = coalesce($8, gates),
         status = case when status not in ('running', 'waiting') or $9::boolean is null then status
                       when $9 then 'waiting' else 'running' end
       where run_id = $1 returning run_id`,
      [
        runId,
        patch.dataset ?? null,
        patch.version ?? null,
        patch.digest ?? null,
        patch.approvalId ?? null,
        document(patch.metrics),
        document(patch.evaluation),
        document(patch.gates),
        patch.waiting ?? null,
      ],
    );
    if (changed.length === 0) throw unknownRun(runId);
  }

  async finish(runId: string, end: RunEnd, audit: AuditEntry): Promise<void> {
    await this.#pool.transaction(async (tx) => {
      const changed = await tx.query<EndedRun>(
        `update aura.runs set status = $2, outcome = $3, error = $4, finished_at = clock_timestamp()
          where run_id = $1 and finished_at is null returning pipeline, schedule_key`,
        [
          runId,
          end.status,
          end.status === "finished" ? end.outcome : null,
          end.status === "finished" ? null : json(end.error),
        ],
      );
      const [ended] = changed;
      if (ended !== undefined) {
        const alert = alertOf(runId, end, ended);
        if (alert !== undefined) await raiseAlert(tx, alert);
        return appendAudit(tx, audit);
      }
      const known = await tx.query("select run_id from aura.runs where run_id = $1", [runId]);
      if (known.length === 0) throw unknownRun(runId);
    });
  }

  async get(runId: string): Promise<RunView | undefined> {
    const [run] = await this.#views(`where run_id = $1`, [runId]);
    return run;
  }

  list(filter: { pipeline?: string; model?: string; limit: number; before?: string }): Promise<RunView[]> {
    return this.#views(
      `where ($1::text is null or pipeline = $1) and ($2::text is null or model = $2)
         and ($3::text is null
              or (started_at, run_id) < (select b.started_at, b.run_id from aura.runs b where b.run_id = $3))
       order by started_at desc, run_id desc limit $4`,
      [filter.pipeline ?? null, filter.model ?? null, filter.before ?? null, filter.limit],
    );
  }

  async inputOf(
    runId: string,
  ): Promise<
    { pipeline: string; specHash: string; files: { name: string; object: ObjectRef }[] } | undefined
  > {
    const [row] = await this.#pool.query<{
      pipeline_text: string;
      spec_hash: string;
      files: { name: string; object: ObjectRef }[];
    }>("select pipeline_text, spec_hash, files from aura.runs where run_id = $1", [runId]);
    if (row === undefined) return undefined;
    return { pipeline: row.pipeline_text, specHash: row.spec_hash, files: row.files };
  }

  async latestStanding(model: string, digest: string): Promise<{ runId: string } | undefined> {
    const [run] = await this.#pool.query<{ runId: string }>(
      `select run_id as "runId" from aura.runs
        where model = $1 and digest = $2 and status <> 'failed'
        order by coalesce(outcome in ('promoted', 'unchanged'), false) desc, coalesce(finished_at, started_at) desc,
                 run_id desc
        limit 1`,
      [model, digest],
    );
    return run;
  }

  async latestApproved(model: string, digest: string): Promise<{ runId: string } | undefined> {
    const [run] = await this.#pool.query<{ runId: string }>(
      `select r.run_id as "runId"
         from aura.approvals a join aura.runs r on r.approval_id = a.approval_id
        where a.model = $1 and a.digest = $2 and a.state = 'approved'
        order by a.decided_at desc, r.started_at limit 1`,
      [model, digest],
    );
    return run;
  }

  async byApproval(approvalId: string): Promise<{ runId: string } | undefined> {
    const [run] = await this.#pool.query<{ runId: string }>(
      `select run_id as "runId" from aura.runs where approval_id = $1 order by started_at limit 1`,
      [approvalId],
    );
    return run;
  }

  async latestPromoted(model: string): Promise<RunView | undefined> {
    const [run] = await this.#views(
      `where model = $1 and outcome = 'promoted' order by finished_at desc, run_id desc limit 1`,
      [model],
    );
    return run;
  }

  async #views(condition: string, values: readonly SqlValue[]): Promise<RunView[]> {
    const rows = await this.#pool.query<RunRow>(`select ${RUN_COLUMNS} from aura.runs ${condition}`, values);
    const stages = await stagesOf(
      this.#pool,
      rows.map((r) => r.run_id),
    );
    return rows.map((row) => viewOf(row, stages.get(row.run_id) ?? []));
  }
}

function document(value: unknown): string | null {
  return value === undefined ? null : json(value);
}

function unknownRun(runId: string): PlatformError {
  return new PlatformError("not_found", `run [${runId}]: was never created`);
}

interface RunRow {
  readonly run_id: string;
  readonly workflow_id: string;
  readonly pipeline: string;
  readonly model: string;
  readonly status: RunView["status"];
  readonly outcome: RunView["outcome"] | null;
  readonly dataset_id: string | null;
  readonly version: number | null;
  readonly digest: string | null;
  readonly approval_id: string | null;
  readonly metrics: RunView["metrics"] | null;
  readonly evaluation: RunView["evaluation"] | null;
  readonly gates: RunView["gates"] | null;
  readonly error: RunView["error"] | null;
  readonly requested_by: string;
  readonly started_at: string;
  readonly finished_at: string | null;
}

function viewOf(row: RunRow, stages: StageState[]): RunView {
  return {
    runId: row.run_id,
    workflowId: row.workflow_id,
    pipeline: row.pipeline,
    model: row.model,
    status: row.status,
    ...(row.outcome === null ? {} : { outcome: row.outcome }),
    ...(row.dataset_id === null ? {} : { dataset: row.dataset_id }),
    ...(row.version === null ? {} : { version: row.version }),
    ...(row.digest === null ? {} : { digest: row.digest }),
    ...(row.approval_id === null ? {} : { approvalId: row.approval_id }),
    stages,
    ...(row.metrics === null ? {} : { metrics: row.metrics }),
    ...(row.evaluation === null ? {} : { evaluation: row.evaluation }),
    ...(row.gates === null ? {} : { gates: row.gates }),
    ...(row.error === null ? {} : { error: row.error }),
    requestedBy: row.requested_by,
    startedAt: row.started_at,
    ...(row.finished_at === null ? {} : { finishedAt: row.finished_at }),
  };
}

interface StageRow {
  readonly run_id: string;
  readonly stage: StageState["stage"];
  readonly state: StageState["state"];
  readonly progress: number | null;
  readonly detail: string | null;
  readonly started_at: string | null;
  readonly duration_ms: number | null;
}

async function stagesOf(sql: Sql, runIds: readonly string[]): Promise<Map<string, StageState[]>> {
  const byRun = new Map<string, StageState[]>();
  if (runIds.length === 0) return byRun;
  const rows = await sql.query<StageRow>(
    `select run_id, stage, state, progress, detail, started_at, duration_ms from aura.run_stages
      where run_id = any ($1::text[]) order by position`,
    [runIds],
  );
  for (const row of rows) {
    const stages = byRun.get(row.run_id) ?? [];
    stages.push({
      stage: row.stage,
      state: row.state,
      ...(row.progress === null ? {} : { progress: row.progress }),
      ...(row.detail === null ? {} : { detail: row.detail }),
      ...(row.started_at === null ? {} : { startedAt: row.started_at }),
      ...(row.duration_ms === null ? {} : { ms: row.duration_ms }),
    });
    byRun.set(row.run_id, stages);
  }
  return byRun;
}

/** Bad data concerns whoever delivers it; any other failure is seen by who started the run, unless nobody did. */
function alertOf(runId: string, end: RunEnd, { pipeline, schedule_key }: EndedRun): NewAlert | undefined {
  if (end.status !== "failed") return undefined;
  const { code, message } = end.error;
  const isQuality = code === "quality_gate";
  if (!isQuality && schedule_key === null) return undefined;
  return {
    key: `run/${runId}`,
    kind: isQuality ? "quarantine" : "run",
    severity: "warning",
    subject: `pipeline/${pipeline}`,
    message: `a run of ${pipeline} failed: ${message}`,
    details: { run: runId, code },
  };
}
