import type { Client } from "@temporalio/client";
import pg from "pg";
import { z } from "zod";
import { ApiClient } from "../../cli/client.ts";
import type { FaultyPlatform } from "./faulty-platform.ts";
import { untilAnswered } from "./patience.ts";
import type { DeadlineMs } from "./patience.ts";

/** How the violation reads that --prove must find. */
export const PROMOTED_TWICE = "promoted more than once";

/** What must be equal after an undisturbed and a disturbed run, as text by name. */
export type Outcome = Readonly<Record<string, string>>;

/** Tables whose number of rows a crash must not change. Those of requests and traces may hold repeated attempts. */
const COUNTED_TABLES = [
  "assets",
  "datasets",
  "dataset_files",
  "dataset_assets",
  "batches",
  "source_counts",
  "quarantine",
  "staged_sources",
  "staged_rows",
  "labels",
  "feature_sets",
  "feature_store",
  "stage_cache",
  "runs",
  "run_stages",
  "trials",
  "models",
  "model_versions",
  "run_versions",
  "holdouts",
  "approvals",
  "approval_decisions",
  "alias_events",
  "aliases",
  "alerts",
  "drift_reports",
  "retrains",
  "rollouts",
  "rollout_events",
  "observed_labels",
  "recommendations",
  "work_orders",
  "work_order_events",
  "score_jobs",
  "scores",
  "pipeline_files",
  "run_files",
  "object_removals",
] as const;

/**
 * Actions that a person's repeated request may record again, because its first reply was lost: at least once. All other
 * audit rows belong to exactly one effect and are counted.
 */
const REPEATABLE_ACTIONS = ["upload", "run.start", "score.start", "pipeline.files.add", "housekeeping.start"];

/**
 * A note about a request whose effect has an audit row of its own (`version.promote`): an API killed between the two
 * leaves it out, and the repeated request is refused, as it is done.
 */
const NOTED_ACTIONS = ["model.rollback"];

const QUERIES: Readonly<Record<string, string>> = {
  runs: `select pipeline, model, status, outcome, error::text, dataset_id, version, digest, metrics::text
    from aura.runs order by started_at`,
  versions:
    "select version, v.digest, s.stage from aura.model_versions v join aura.version_stages s using (model, version) order by version",
  "alias events":
    "select alias, position, version, digest, previous_version from aura.alias_events order by position",
  alias: "select alias, position, version from aura.aliases order by alias",
  decisions: "select decision_id, decision, decided_by, channel from aura.approval_decisions order by at",
  approvals: "select subject, digest, state from aura.approvals order by approval_id",
  stages:
    "select stage, position, state from aura.run_stages join aura.runs using (run_id) order by runs.started_at, position",
  trials: `select candidate, number, state, parameters::text, loss, folds::text
    from aura.trials join aura.runs using (run_id) order by runs.started_at, candidate, number`,
  "drift reports":
    "select model, version, digest, state, confirmed from aura.drift_reports order by window_end",
  retrains: "select model, trigger, requested_by, state, outcome from aura.retrains order by asked_at",
  scores: `select j.model, j.version, j.digest, j.dataset_id, s.rank, s.asset_id, s.value, s.at
    from aura.scores s join aura.score_jobs j using (job_id) order by job_id, rank`,
  quarantine: "select file, line, code from aura.quarantine order by dataset_id, position",
  "staged rows":
    "select md5(string_agg(seq || asset_id || t || row_values::text, ';' order by staged_key, seq)) from aura.staged_rows",
  "audit rows": `select action, outcome, count(*)::int as n from aura.audit_log
    where action <> all ('{${[...REPEATABLE_ACTIONS, ...NOTED_ACTIONS].join(",")}}') group by action, outcome order by action, outcome`,
  // A repeat whose first reply was lost may be refused, on the record.
  "audit of requests": `select distinct action from aura.audit_log
    where action = any ('{${REPEATABLE_ACTIONS.join(",")}}') and outcome = 'ok' order by action`,
};

/** Reads what a life on a platform of its own has left. */
export async function readOutcome(databaseUrl: string): Promise<Outcome> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on("error", () => undefined); // told by the query that fails
  await client.connect();
  try {
    const outcome: Record<string, string> = {};
    for (const table of COUNTED_TABLES) {
      const { rows } = await client.query<{ n: number }>(`select count(*)::int as n from aura.${table}`);
      outcome[`rows of ${table}`] = String(rows[0]?.n);
    }
    for (const [name, sql] of Object.entries(QUERIES)) {
      outcome[name] = JSON.stringify((await client.query(sql)).rows);
    }
    return outcome;
  } finally {
    await client.end();
  }
}

/** @returns one sentence per difference; empty when nothing was lost, doubled or changed */
export function compareOutcomes(expected: Outcome, found: Outcome): readonly string[] {
  return Object.keys({ ...expected, ...found })
    .filter((name) => expected[name] !== found[name])
    .map((name) => `${name}: expected ${expected[name]}, got ${found[name]}`);
}

/** What holds by itself, without an undisturbed run beside it. */
export async function checkInvariants(
  platform: Pick<FaultyPlatform, "apiUrl" | "databaseUrl" | "client">,
  deadline: DeadlineMs,
): Promise<readonly string[]> {
  return [
    ...(await checkAliases(platform.databaseUrl)),
    ...(await checkAudit(platform.apiUrl, deadline)),
    ...(await checkWorkflows(platform.client, deadline)),
  ];
}

const auditSchema = z.looseObject({ ok: z.boolean(), unsealed: z.int(), firstBad: z.int().optional() });

/** The chain holds, and the sealer has come to its end. */
async function checkAudit(apiUrl: string, deadline: DeadlineMs): Promise<readonly string[]> {
  const client = new ApiClient({ baseUrl: apiUrl });
  const audit = await untilAnswered("all audit rows sealed", deadline, async () => {
    const reply = await client.get("/v1/audit/verify", auditSchema);
    return reply.unsealed === 0 || !reply.ok ? reply : undefined;
  });
  return audit.ok ? [] : [`audit chain is broken at row ${audit.firstBad}`];
}

async function checkAliases(databaseUrl: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on("error", () => undefined); // told by the query that fails
  await client.connect();
  try {
    const { rows } = await client.query<{ model: string; version: number }>(
      `select model, version from aura.alias_events where request_id not like 'rollback/%'
        group by model, version having count(*) > 1`,
    );
    return rows.map(({ model, version }) => `${PROMOTED_TWICE}: ${model}@${version}`);
  } finally {
    await client.end();
  }
}

/** Every workflow that was started has completed: none waits for ever, none failed. */
async function checkWorkflows(client: Client, deadline: DeadlineMs): Promise<readonly string[]> {
  const counted = async (status: string) =>
    (await client.workflow.count(status === "" ? "" : `ExecutionStatus = '${status}'`)).count;
  try {
    await untilAnswered("no workflow runs any more", deadline, async () =>
      (await counted("Running")) === 0 ? true : undefined,
    );
  } catch (error) {
    return [`stuck: ${error instanceof Error ? error.message : String(error)}`];
  }
  const [all, completed] = [await counted(""), await counted("Completed")];
  return all === completed ? [] : [`workflows: ${all} were started, ${completed} completed`];
}
