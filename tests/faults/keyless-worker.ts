import { randomUUID } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Runtime, Worker } from "@temporalio/worker";
import pg from "pg";
import pino from "pino";
import { createActivities } from "../../activities/index.ts";
import type { PromoteInput, PromoteResult } from "../../activities/registry/messages.ts";
import { packageRoot } from "../../config/package-root.ts";
import { readSettings } from "../../config/settings.ts";
import type { Settings } from "../../config/settings.ts";
import { connectNative } from "../../temporal-config/connection.ts";
import { TASK_QUEUES, WORKER_TUNING } from "../../temporal-config/constants.ts";
import type { TaskQueueName } from "../../temporal-config/constants.ts";
import { startAuditSealer } from "../../workers/audit-sealer.ts";
import { openWorkerDeps } from "../../workers/dependencies.ts";

/**
 * The pipeline worker with one idempotency key removed: the fault harness must find what it does.
 *
 * Its promotion writes an alias event per attempt, as one would without the request id, and the first attempt ends
 * the process after its transaction and before Temporal hears of it.
 */

const settings = readSettings(process.env, process.cwd());
const databaseUrl = settings.databaseUrl ?? "";
const marker = join(settings.stateDir, "keyless-worker-died");

async function promoteKeyless(input: PromoteInput): Promise<PromoteResult> {
  const { model, version, digest, approvalId, reason, actor } = input;
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query<{ position: number; at: Date }>(
      `insert into aura.alias_events (model, alias, position, previous_position, version, digest, request_id,
                                      approval_id, actor_id, actor_authenticated, reason)
       select $1::text, 'champion', coalesce(max(position), 0) + 1, max(position), $2::int, $3, $4,
              case when count(*) = 0 then $5 end, $6, false, $7
         from aura.alias_events where model = $1::text and alias = 'champion'
       returning position, at`,
      [model, version, digest, randomUUID(), approvalId, actor?.id ?? "approvers", reason],
    );
    const [event] = rows;
    if (event === undefined) throw new Error("no alias event");
    await client.query(
      `insert into aura.aliases (model, alias, position, version) values ($1, 'champion', $2, $3)
       on conflict (model, alias) do update set position = excluded.position`,
      [model, event.position, version],
    );
    await client.query("commit");
    return { model, version, previousVersion: null, at: event.at.toISOString() };
  } finally {
    await client.end();
  }
}

async function promoteAndDieOnce(input: PromoteInput): Promise<PromoteResult> {
  const result = await promoteKeyless(input);
  if (!existsSync(marker)) {
    writeFileSync(marker, "");
    process.kill(process.pid, "SIGKILL");
  }
  return result;
}

async function main(from: Settings): Promise<void> {
  Runtime.install({ telemetryOptions: { logging: { forward: {}, filter: "WARN" } } });
  const log = pino({ level: "warn" });
  const deps = await openWorkerDeps(from, log);
  const sealer = startAuditSealer(deps.db, log);
  const connection = await connectNative(from);
  const activities = createActivities(deps);
  const withoutKey = {
    ...activities,
    control: { ...activities.control, promoteVersion: promoteAndDieOnce },
  };
  const workers = await Promise.all(
    (Object.keys(TASK_QUEUES) as TaskQueueName[]).map((queue) =>
      Worker.create({
        connection,
        taskQueue: TASK_QUEUES[queue],
        activities: withoutKey[queue],
        ...(queue === "control"
          ? { workflowBundle: { codePath: join(packageRoot(), "dist/workflows/bundle.js") } }
          : {}),
        ...WORKER_TUNING,
      }),
    ),
  );
  process.once("SIGTERM", () => workers.forEach((worker) => worker.shutdown()));
  try {
    await Promise.all(workers.map((worker) => worker.run()));
  } finally {
    sealer.stop();
    await deps.close();
    await connection.close();
  }
}

await main(settings);
process.exit(0);
