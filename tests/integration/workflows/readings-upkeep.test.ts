import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { withFailures } from "../../../activities/failures.ts";
import { createReadingsActivities } from "../../../activities/readings/activities.ts";
import { ReadingIntake } from "../../../intake/reading-intake.ts";
import { sha256Hex } from "../../../schemas/canonical-json.ts";
import { liveSourceSchema } from "../../../schemas/live/source.ts";
import { createDuckDb } from "../../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../../stores/duckdb/duckdb.ts";
import { createObjectStore } from "../../../stores/objects/object-store.ts";
import type { ObjectStore } from "../../../stores/objects/port.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import { TASK_QUEUES } from "../../../temporal-config/constants.ts";
import { reconcile } from "../../../workers/intake-reconciler.ts";
import type { readingsUpkeepWorkflow } from "../../../workflows/readings-upkeep/workflow.ts";
import type { readingsUploadWorkflow } from "../../../workflows/readings-upload/workflow.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { until } from "../../support/api-fixture.ts";
import { startWorkflowEnvironment } from "../../support/workflow-environment.ts";
import type { WorkflowEnvironment } from "../../support/workflow-environment.ts";

/** What is done with stored readings, on a real database, object store and Temporal server. */

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const actor = { id: "ana", role: "operator", authenticated: true } as const;

await describeWithServices("readings that are stored", (services) => {
  let test: TestDatabase;
  let db: Database;
  let sql: pg.Client;
  let folder: string;
  let objects: ObjectStore;
  let duckdb: DuckDb;
  let environment: WorkflowEnvironment;
  let intake: ReadingIntake;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "aura-upkeep-"));
    objects = createObjectStore({ objects: pathToFileURL(folder).href, cacheDir: folder });
    duckdb = await createDuckDb({ directories: [folder] });
    test = await createTestDatabase("upkeep");
    db = await createDatabase(test.url);
    sql = new pg.Client({ connectionString: test.url });
    await sql.connect();
    intake = new ReadingIntake({ sources: () => db.liveSources, readings: () => db.readings });
    const activities = createReadingsActivities({ db, objects, duckdb, scratchDir: folder });
    environment = await startWorkflowEnvironment(services, withFailures(activities));
    const columns = [{ name: "x" }, { name: "mode", type: "text", values: ["a"] }, { name: "y" }];
    for (const source of [
      { name: "pumps", owner: "tests", retention: "30d", columns },
      { name: "engines", owner: "tests", retention: "30d", time: { kind: "cycle" }, columns },
    ])
      await db.liveSources.put(liveSourceSchema.parse(source), actor);
  });
  afterAll(async () => {
    await environment.close();
    duckdb.close();
    await sql.end();
    await db.close();
    await test.drop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Transactions of other tests hold the last batches back for a moment. */
  const reconcileAll = () =>
    until(async () => {
      await reconcile(db);
      const { rows } = await sql.query<{ is: boolean }>(
        `select (select max(batch_id) from aura.reading_batches) =
                (select batch_id from aura.reading_positions where follower = 'reconcile') as is`,
      );
      return rows[0]?.is === true;
    });
  let nRuns = 0;
  const upkeep = async (archiveNow: boolean) => {
    await untilDecided();
    return environment.client.workflow.execute<typeof readingsUpkeepWorkflow>("readingsUpkeepWorkflow", {
      workflowId: `readings/upkeep/${(nRuns += 1)}`,
      taskQueue: TASK_QUEUES.control,
      args: [{ archiveNow }],
    });
  };
  /** Followers wait for transactions that were open at a commit, also those of other databases of the server. */
  const untilDecided = () =>
    vi.waitFor(async () => {
      const { rows } = await sql.query(
        "select 1 from aura.reading_batches where tx >= pg_snapshot_xmin(pg_current_snapshot())",
      );
      expect(rows).toEqual([]);
    }, 20_000);
  const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - HOUR_MS;
  const reading = (asset: string, ms: number, values: object) => ({
    asset,
    time: new Date(ms).toISOString(),
    values,
  });
  const buckets = async () =>
    (
      await sql.query(
        `select asset_id as asset, column_name as "column", n_readings::int as n, mean, minimum, maximum
           from aura.telemetry_aggregates where bucket_start = $1 order by asset_id, column_name`,
        [hour * 1_000],
      )
    ).rows as object[];

  it("are aggregated by hour, also when one comes late", async () => {
    await intake.submit("pumps", "http", [
      reading("p1", hour, { x: 1, y: 5, mode: "a" }),
      reading("p1", hour + 60_000, { x: 3 }),
      reading("p1", hour + HOUR_MS, { x: 100 }),
    ]);
    await intake.submit("engines", "http", [{ asset: "e1", time: 7, values: { x: 1 } }]);
    await upkeep(false);
    expect(await buckets()).toEqual([
      { asset: "p1", column: "x", n: 2, mean: 2, minimum: 1, maximum: 3 },
      { asset: "p1", column: "y", n: 1, mean: 5, minimum: 5, maximum: 5 },
    ]);
    await intake.submit("pumps", "http", [reading("p1", hour + 30_000, { x: 8 })]);
    await upkeep(false);
    expect(await buckets()).toMatchObject([{ column: "x", n: 3, mean: 4, maximum: 8 }, { column: "y" }]);
  });

  it("are put into the archive once, as Parquet that says what was stored", async () => {
    expect(await upkeep(true)).toMatchObject({ archivedRows: 5 });
    expect(await upkeep(true)).toMatchObject({ archivedRows: 0 });
    const archives = await db.readingUpkeep.archives({ limit: 10 });
    expect(archives.map(({ source, rows }) => [source, rows])).toEqual([
      ["pumps", 4],
      ["engines", 1],
    ]);
    const path = await objects.fetch((archives[0] as (typeof archives)[0]).object);
    const rows = await duckdb.query(
      `SELECT asset, ts::DOUBLE AS ts, values[1] AS x, values[3] AS y FROM ${await duckdb.parquet([path])} ORDER BY ts`,
    );
    expect(rows.map(({ ts, x, y }) => [ts, x, y])).toEqual([
      [hour * 1_000, 1, 5],
      [(hour + 30_000) * 1_000, 8, null],
      [(hour + 60_000) * 1_000, 3, null],
      [(hour + HOUR_MS) * 1_000, 100, null],
    ]);
  });

  it("come out of an uploaded file once, from where an attempt before ended", async () => {
    const lines = Array.from(
      { length: 7_000 },
      (_, i) => `${i === 5 ? "nowhen" : new Date(hour + i).toISOString()};u1;${i}`,
    );
    const bytes = Buffer.from(["time;asset;x", ...lines].join("\n"));
    const object = await objects.put(`raw/sha256/${sha256Hex(bytes)}`, bytes);
    const source = await db.liveSources.get("pumps");
    await db.readingUploads.create(
      {
        id: "u-1",
        secretSha256: "0".repeat(64),
        sourceKey: source?.sourceKey ?? 0,
        fileName: "june.csv",
        maxBytes: 1e6,
        expiresAt: new Date().toISOString(),
      },
      { actor, action: "readings.upload", subject: "upload/u-1", outcome: "ok", details: {} },
    );
    await db.readingUploads.received("u-1", object);
    const take = () =>
      environment.client.workflow.execute<typeof readingsUploadWorkflow>("readingsUploadWorkflow", {
        workflowId: `readings/upload/u-1/${(nRuns += 1)}`,
        taskQueue: TASK_QUEUES.control,
        args: [{ id: "u-1" }],
      });
    expect(await take()).toEqual({ received: 7_000, stored: 6_999 });
    expect(await db.readingUploads.get("u-1")).toMatchObject({
      state: "done",
      rows: 7_000,
      counts: { quarantined: 1 },
    });
    // Killed before it was done: what is through is not read again, and what was stored is known.
    await sql.query(
      "update aura.reading_uploads set state = 'received', n_rows = 5000 where upload_id = 'u-1'",
    );
    expect(await take()).toMatchObject({ received: 9_000 });
    const { rows } = await sql.query(
      "select count(*)::int as n from aura.readings join aura.reading_series using (series_key) join aura.assets using (asset_key) where asset_id = 'u1'",
    );
    expect(rows).toEqual([{ n: 6_999 }]);
    await upkeep(true);
  });

  it("are removed past the retention of their source, but not before they are archived", async () => {
    const old = Date.now() - 100 * DAY_MS;
    await intake.submit("pumps", "http", [reading("p1", old, { x: 1 }), reading("p1", old + 1, { x: 2 })]);
    expect(await upkeep(false)).toMatchObject({ archivedRows: 0, expiredRows: 0 });
    // Nor before they are reconciled: what is gone cannot be counted.
    expect(await upkeep(true)).toMatchObject({ archivedRows: 2, expiredRows: 0 });
    await reconcileAll();
    expect(await upkeep(true)).toMatchObject({ archivedRows: 0, expiredRows: 2 });
    const { rows } = await sql.query("select count(*)::int as n from aura.readings");
    expect(rows).toEqual([{ n: 5 + 6_999 }]);
    const name = `readings_${new Date(old).toISOString().slice(0, 7).replace("-", "_")}`;
    expect((await sql.query("select to_regclass($1) as found", [`aura.${name}`])).rows).toEqual([
      { found: null },
    ]);
    // What was kept about readings goes two months after them, but not what somebody has still to follow.
    for (const days of [80, 100])
      await sql.query(
        `with l as (select source_key, now() - make_interval(days => $1) as at from aura.live_sources where source = 'pumps'),
              b as (insert into aura.reading_batches (source_key, adapter, n_stored, committed_at) select source_key, 'old', 0, at from l)
         insert into aura.dead_letters (source_key, adapter, code, message, body, received_at)
         select source_key, 'old', 'bad_time', 'old', '1', at from l`,
        [days],
      );
    const nOld = async (table: string) =>
      (await sql.query<{ n: number }>(`select count(*)::int as n from aura.${table} where adapter = 'old'`))
        .rows[0]?.n;
    await db.readingUpkeep.expire("archive");
    expect([await nOld("dead_letters"), await nOld("reading_batches")]).toEqual([1, 2]);
    await reconcileAll();
    await upkeep(true);
    expect([await nOld("dead_letters"), await nOld("reading_batches")]).toEqual([1, 1]);
    // A month that was removed is made again where a reading needs it.
    expect(await intake.submit("pumps", "http", [reading("p1", old, { x: 1 })])).toMatchObject({ stored: 1 });
  });

  it("find their months made ahead", async () => {
    const months = [0, 1, 2].map((ahead) => {
      const now = new Date();
      return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1)).toISOString().slice(0, 7);
    });
    for (const month of months) {
      const found = await sql.query("select to_regclass($1) as found", [
        `aura.readings_${month.replace("-", "_")}`,
      ]);
      expect(found.rows[0]).not.toEqual({ found: null });
    }
  });

  it("are held against the ledger, and one that is missing is an alert", async () => {
    await reconcileAll();
    for (const { ledger, found } of await db.readingUpkeep.reconciliations()) expect(found).toBe(ledger);
    await intake.submit("pumps", "http", [reading("p9", hour, { x: 1 }), reading("p9", hour + 1, { x: 1 })]);
    await sql.query("delete from aura.readings where ts = $1", [(hour + 1) * 1_000]);
    await reconcile(db);
    const [alert] = await db.alerts.list({ limit: 1 });
    expect(alert).toMatchObject({
      severity: "critical",
      subject: "source/pumps",
      details: { ledger: 2, found: 1 },
    });
  });

  it("are added to their hour once: of two lives, of what no square holds, and where the others are gone", async () => {
    const early = hour - 5 * HOUR_MS;
    const bucket = async () =>
      (
        await sql.query(
          `select column_name as "column", n_readings::int as n, mean, minimum, maximum, stddev
             from aura.telemetry_aggregates where asset_id = 'h1' and bucket_start = $1 order by column_name`,
          [early * 1_000],
        )
      ).rows as object[];
    const send = async (epoch: number, values: readonly { x: number; y?: number }[]) => {
      const sent = values.map((own, seq) => ({ ...reading("h1", early, own), epoch, seq }));
      expect(await intake.submit("pumps", "http", sent)).toMatchObject({ stored: values.length });
      await upkeep(false);
    };
    const xs = [1, 3, 8, 5, -1, 20];
    await send(0, [{ x: 1, y: 1e200 }, { x: 3, y: -1e200 }, { x: 8 }]);
    await send(1, [{ x: 5, y: 1e-200 }, { x: -1 }]);
    await sql.query(
      "delete from aura.readings r using aura.reading_series s, aura.assets a where s.series_key = r.series_key and a.asset_key = s.asset_key and a.asset_id = 'h1'",
    );
    await send(2, [{ x: 20 }]);
    const mean = xs.reduce((sum, x) => sum + x, 0) / xs.length;
    const stddev = Math.sqrt(xs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / xs.length);
    expect(await bucket()).toEqual([
      {
        column: "x",
        n: 6,
        mean: expect.closeTo(mean, 12) as number,
        minimum: -1,
        maximum: 20,
        stddev: expect.closeTo(stddev, 12) as number,
      },
      expect.objectContaining({ column: "y", n: 3, minimum: -1e200, maximum: 1e200 }),
    ]);
  });
});
