import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { withFailures } from "../../../activities/failures.ts";
import { createHousekeepingActivities } from "../../../activities/housekeeping/activities.ts";
import { hashOf, sha256Hex } from "../../../schemas/canonical-json.ts";
import { putDocument } from "../../../stores/objects/documents.ts";
import { createObjectStore } from "../../../stores/objects/object-store.ts";
import type { ObjectStore } from "../../../stores/objects/port.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database, DatasetEntry } from "../../../stores/postgres/port.ts";
import { TASK_QUEUES } from "../../../temporal-config/constants.ts";
import { ensureHousekeeping } from "../../../workers/standing-schedules.ts";
import type { housekeepingWorkflow } from "../../../workflows/housekeeping/workflow.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { auditOf, datasetOf, runOf, versionOf } from "../../support/registry-samples.ts";
import { startWorkflowEnvironment } from "../../support/workflow-environment.ts";
import type { WorkflowEnvironment } from "../../support/workflow-environment.ts";

/** What goes away by itself, on a real database, object store and Temporal server. */

const DAY_MS = 86_400_000;

await describeWithServices("housekeeping", (services) => {
  let test: TestDatabase;
  let db: Database;
  let sql: pg.Client;
  let folder: string;
  let objects: ObjectStore;
  let environment: WorkflowEnvironment;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "aura-housekeeping-"));
    objects = createObjectStore({ objects: pathToFileURL(folder).href, cacheDir: folder });
    test = await createTestDatabase("housekeeping");
    db = await createDatabase(test.url);
    sql = new pg.Client({ connectionString: test.url });
    await sql.connect();
    // Queued two days ago: whatever is younger waits.
    await sql.query(
      "alter table aura.object_removals alter column queued_at set default clock_timestamp() - interval '2 days'",
    );
    const activities = createHousekeepingActivities({
      db,
      objects,
      replyRetentionMs: DAY_MS,
      alertRetentionMs: DAY_MS,
      reportRetentionMs: 30 * DAY_MS,
    });
    environment = await startWorkflowEnvironment(services, withFailures(activities));
  });
  afterAll(async () => {
    await environment.close();
    await sql.end();
    await db.close();
    await test.drop();
    await rm(folder, { recursive: true, force: true });
  });

  let nRuns = 0;
  const clean = (removeDatasets: boolean) =>
    environment.client.workflow.execute<typeof housekeepingWorkflow>("housekeepingWorkflow", {
      workflowId: `housekeeping/${(nRuns += 1)}`,
      taskQueue: TASK_QUEUES.control,
      args: [{ removeDatasets }],
    });
  /** What the Temporal UI shows beside the steps of the last run. */
  const summaries = async () => {
    const history = await environment.client.workflow.getHandle(`housekeeping/${nRuns}`).fetchHistory();
    return (history.events ?? []).flatMap(({ userMetadata }) => {
      const data = userMetadata?.summary?.data;
      return data == null ? [] : [JSON.parse(new TextDecoder().decode(data)) as string];
    });
  };
  /** A dataset with real objects, made `days` ago and kept for 30. */
  const register = async (seed: string, days: number, pipeline = "pump"): Promise<DatasetEntry> => {
    const base = datasetOf(seed, ["a1"]);
    const bytes = new TextEncoder().encode(`raw ${seed}`);
    const raw = await objects.put(`raw/sha256/${sha256Hex(bytes)}`, bytes);
    const manifest = {
      ...base.manifest,
      pipeline,
      retention: "30d",
      raw: [{ name: `${seed}.csv`, source: "readings", part: "", object: raw }],
    };
    const entry = {
      ...base,
      id: hashOf(manifest),
      manifest,
      manifestObject: await putDocument(objects, manifest),
    };
    await db.datasets.register(entry);
    await sql.query(
      "update aura.datasets set created_at = now() - make_interval(days => $2) where dataset_id = $1",
      [entry.id, days],
    );
    return entry;
  };
  const isStored = async ({ manifest, manifestObject }: DatasetEntry) => [
    (await objects.head(manifest.raw[0]!.object.key)) !== undefined,
    (await objects.head(manifestObject.key)) !== undefined,
  ];

  it("forgets replies past their retention and no other", async () => {
    const once = (key: string) =>
      db.idempotency.once({ actor: "ada", route: "POST /v1/runs", key, bodyHash: "h" }, async () => ({
        status: 202,
        body: key,
      }));
    await once("old");
    await once("new");
    await sql.query(
      "update aura.idempotency_keys set created_at = now() - interval '2 days', claimed_at = now() - interval '2 days' where idempotency_key = 'old'",
    );
    expect(await clean(false)).toMatchObject({ replies: 1 });
    expect((await once("new")).replayed).toBe(true);
    expect((await once("old")).replayed).toBe(false);
  });

  it("forgets alerts that have long been over, and none that is open or still to be told of", async () => {
    const raise = (key: string) =>
      db.alerts.raise({ key, kind: "drift", severity: "warning", subject: key, message: key });
    for (const key of ["open", "over", "untold", "recent", "ahead"]) await raise(key);
    for (const key of ["over", "untold", "recent", "ahead"]) await db.alerts.resolve("drift", key);
    await sql.query(
      "update aura.alerts set resolved_at = now() - interval '2 days' where subject <> 'recent' and resolved_at is not null",
    );
    const eventOf = async (key: string) =>
      (await db.alertEvents.since(0, 100)).find(({ alert }) => alert?.subject === key)?.id ?? 0;
    const [told] = await db.alertDeliveries.open(await eventOf("over"), ["ops"]);
    await db.alertDeliveries.attempted(told?.id ?? 0, { state: "delivered", status: 200, reason: null });
    await db.alertDeliveries.open(await eventOf("untold"), ["ops"]);
    // Those before the end of "recent" were given to their workflows.
    const { rows } = await sql.query(
      "update aura.alert_dispatch set event_id = (select max(event_id) - 1 from aura.alert_events) returning event_id",
    );
    expect(rows).toHaveLength(1);
    const counts = await db.alertDeliveries.counts();
    expect(await clean(false)).toMatchObject({ alerts: 1 });
    expect(await db.alertDeliveries.counts()).toEqual(counts);
    const left = (await db.alerts.list({ limit: 100 })).map(({ subject }) => subject);
    expect(left.sort()).toEqual(["ahead", "open", "recent", "untold"]);
    expect(await db.alertDeliveries.get(told?.id ?? 0)).toBeUndefined();
    expect(await eventOf("over")).toBe(0);
  });

  it("forgets old reports, and none that is a version's newest or that others refer to", async () => {
    const version = await db.registry.register(versionOf("aged", "aged"), auditOf("version.register"));
    const { model, digest } = version;
    const drift = (day: number, confirmed = false, of = 1) =>
      db.drift.put(
        {
          id: `aged/${of}/${day}`,
          model,
          version: of,
          digest,
          windowStart: `2020-01-0${day}T00:00:00.000Z`,
          windowEnd: `2020-01-0${day}T01:00:00.000Z`,
          state: confirmed ? "drift" : "ok",
          confirmed,
          rows: 500,
          report: {},
        },
        auditOf("drift.check"),
      );
    await drift(1);
    await drift(2, true);
    await drift(3, true);
    await drift(4);
    await drift(1, false, 2);
    const judged = (day: number) =>
      db.performance.put(
        {
          id: `aged/${day}`,
          model,
          version: 1,
          digest,
          checkedAt: `2020-01-0${day}T00:00:00.000Z`,
          state: "ok",
          confirmed: false,
          metric: "rmse",
          value: 1,
          labelled: 200,
          report: {},
        },
        auditOf("performance.check"),
      );
    await judged(1);
    await judged(2);
    // The third one's alert is gone already; a retrain came of it.
    await sql.query(
      "delete from aura.alert_events using aura.alerts a where a.alert_id = alert_events.alert_id and a.alert_key = 'drift/aged/1/3'",
    );
    await sql.query("delete from aura.alerts where alert_key = 'drift/aged/1/3'");
    for (const table of ["drift_reports", "performance_reports"])
      await sql.query(
        `update aura.${table} set created_at = now() - interval '31 days' where model = 'aged'`,
      );
    await sql.query(
      `insert into aura.retrains (model, time_window, trigger, reason, requested_by, requester_authenticated, request_key,
                                  asked_at, state, outcome, finished_at)
       select 'aged', 'w', 'drift', 'drift', 'aura', true, 'aged', created_at + interval '1 minute', 'finished', 'refused', now()
         from aura.drift_reports where report_id = 'aged/1/3'`,
    );
    await drift(3, false, 3);
    expect(await clean(false)).toMatchObject({ reports: 2 });
    expect((await db.drift.verdicts("aged", 10)).map(({ id }) => id).toSorted()).toEqual([
      "aged/1/2",
      "aged/1/3",
      "aged/1/4",
      "aged/2/1",
      "aged/3/3",
    ]);
    expect((await db.performance.verdicts("aged", 10)).map(({ id }) => id)).toEqual(["aged/2"]);
    expect(await clean(false)).toMatchObject({ reports: 0 });
  });

  it("removes a dataset past its retention with its objects, once that is asked for", async () => {
    const old = await register("old", 31);
    const young = await register("young", 29);
    await db.datasets.rememberStage({
      key: "ingest-old",
      stage: "ingest",
      runId: "run-old",
      result: { dataset: old.id, manifest: old.manifestObject },
    });
    expect(await clean(false)).toMatchObject({ expiredDatasets: 1, removedDatasets: 0, removedObjects: 0 });
    expect(await isStored(old)).toEqual([true, true]);
    expect(await clean(true)).toMatchObject({ expiredDatasets: 1, removedDatasets: 1 });
    expect(await summaries()).toEqual([`Dataset ${old.id.slice(0, 12)} of pump, owned by Jürgen, past 30d`]);
    expect(await db.datasets.get(old.id)).toBeUndefined();
    expect(await db.datasets.cachedStage("ingest-old")).toBeUndefined();
    expect(await isStored(old)).toEqual([false, false]);
    expect(await isStored(young)).toEqual([true, true]);
    const [removal] = await db.audit.list({ subject: `dataset/${old.id}`, limit: 9 });
    expect(removal).toMatchObject({
      action: "dataset.remove",
      details: { owner: "Jürgen", retention: "30d" },
    });
    // Nothing is left to do, and the same dataset can be made again.
    expect(await clean(true)).toMatchObject({ expiredDatasets: 0, removedDatasets: 0, removedObjects: 0 });
    await db.datasets.register(old);
    expect(await db.datasets.get(old.id)).toBeDefined();
  });

  it.each(["what a version was trained on", "what a run registered a version over", "read by an open run"])(
    "keeps a dataset that is %s",
    async (need) => {
      const name = `need-${need.replaceAll(/[^a-z]/g, "").slice(0, 12)}`;
      const kept = await register(name, 400, name);
      await db.runs.create({ ...runOf(`run-${name}`, name), pipeline: name });
      const version = { ...versionOf(name, name), runId: `run-${name}` };
      if (need.endsWith("trained on"))
        await db.registry.register({ ...version, dataset: kept.id }, auditOf("version.register"));
      if (need.startsWith("what a run")) {
        await db.registry.register(version, auditOf("version.register"));
        await db.runs.update(`run-${name}`, { dataset: kept.id });
      }
      if (!need.startsWith("read"))
        await db.runs.finish(
          `run-${name}`,
          { status: "finished", outcome: "promoted" },
          auditOf("run.finish"),
        );
      await clean(true);
      expect(await isStored(kept)).toEqual([true, true]);
      const expired = await db.retention.expired(100);
      expect(expired.find((one) => one.id === kept.id)?.neededBy).toHaveLength(1);
    },
  );

  it("deletes what an earlier run had only queued, and nothing that is needed again", async () => {
    const gone = await register("gone", 40, "later");
    expect(await db.retention.removeDataset(gone.id, [], auditOf("dataset.remove"))).toBe(true);
    expect(await isStored(gone)).toEqual([true, true]);
    const sharing = { ...gone, id: sha256Hex("sharing"), manifest: { ...gone.manifest, owner: "bea" } };
    await db.datasets.register({ ...sharing, manifestObject: await putDocument(objects, sharing.manifest) });
    await clean(true);
    expect(await isStored(gone)).toEqual([true, false]);
  });

  it("keeps for a day what somebody puts or names again, whoever has not written that down yet", async () => {
    const used = await register("used", 40, "used");
    const { key } = used.manifest.raw[0]!.object;
    expect(await db.retention.removeDataset(used.id, [], auditOf("dataset.remove"))).toBe(true);
    // A fleet score has begun: it is in no table before it ends.
    await db.retention.useObjects([key, "raw/sha256/unknown"]);
    await clean(true);
    expect(await isStored(used)).toEqual([true, false]);
    await sql.query("update aura.object_removals set queued_at = queued_at - interval '25 hours'");
    await clean(true);
    expect(await isStored(used)).toEqual([false, false]);
  });

  it("deletes an object before or after somebody's use of it, never between that and the put", async () => {
    const raced = await register("raced", 40, "raced");
    await db.retention.removeDataset(raced.id, [], auditOf("dataset.remove"));
    const { key } = raced.manifest.raw[0]!.object;
    let use: Promise<unknown> | undefined;
    const steps: string[] = [];
    await db.retention.removeObjects(9, async (one) => {
      if (one === key) use = db.retention.useObjects([key]).then(() => steps.push("used"));
      await objects.delete(one);
      steps.push("deleted");
    });
    await use;
    expect(steps.at(-1)).toBe("used");
    expect(await isStored(raced)).toEqual([false, false]);
  });

  it("runs by a schedule that follows the settings and stays paused", async () => {
    const { client } = environment;
    await ensureHousekeeping(client, { everyMs: 3_600_000, removeDatasets: false });
    await client.schedule.getHandle("housekeeping").pause("by hand");
    await ensureHousekeeping(client, { everyMs: 7_200_000, removeDatasets: true });
    const { spec, action, state } = await client.schedule.getHandle("housekeeping").describe();
    expect(spec.intervals?.[0]?.every).toBe(7_200_000);
    expect(action.args).toEqual([{ removeDatasets: true }]);
    expect(state.paused).toBe(true);
  });
});
