import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConnectionPool } from "../../../stores/postgres/connection/connection-pool.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import { migrate, readMigrations } from "../../../stores/postgres/migrate.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { approve, auditOf, runOf, versionOf } from "../../support/registry-samples.ts";

const OPTIONS = { maxConnections: 4, statementTimeoutMs: 300, connectTimeoutMs: 2_000, role: undefined };

await describeWithServices("connection to PostgreSQL", ({ databaseUrl }) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await createTestDatabase("connection");
  });
  afterAll(() => test.drop());

  it("migrates once when ten processes start together, in many databases at once", async () => {
    const tests = await Promise.all(["one", "two"].map((name) => createTestDatabase(`migrate_${name}`)));
    const results = await Promise.all(tests.flatMap((t) => Array.from({ length: 5 }, () => migrate(t.url))));
    const all = (await readMigrations()).map((m) => m.name);
    expect(results.filter((r) => r.applied.length === all.length)).toHaveLength(2);
    expect(results.filter((r) => r.applied.length === 0)).toHaveLength(8);
    expect(results.every((r) => r.role === "aura_app")).toBe(true);
    await Promise.all(tests.map((t) => t.drop()));
  });

  it("refuses a changed migration and a database of a newer release", async () => {
    const own = await createTestDatabase("changed");
    const all = await readMigrations();
    await migrate(own.url, all);
    const changed = all.map((m, i) => (i === 1 ? { ...m, sha256: "0".repeat(64) } : m));
    await expect(migrate(own.url, changed)).rejects.toMatchObject({ code: "integrity" });
    await expect(migrate(own.url, all.slice(0, -1))).rejects.toMatchObject({ code: "integrity" });
    const broken = [
      ...all,
      { name: "999-broken.sql", sql: "create table aura.half (); select 1/0;", sha256: "x" },
    ];
    await expect(migrate(own.url, broken)).rejects.toMatchObject({ code: "22012" });
    expect((await migrate(own.url)).applied).toEqual([]);
    await own.drop();
  });

  it("works for a user that may not make roles", async () => {
    const own = await createTestDatabase("plain_user");
    const admin = new Client({ connectionString: databaseUrl });
    await admin.connect();
    const user = `plain_${process.pid}`;
    await admin.query(`create role ${user} login password 'pw'`);
    await admin.query(`grant create on database ${new URL(own.url).pathname.slice(1)} to ${user}`);
    const url = new URL(own.url);
    url.username = user;
    url.password = "pw";
    const db = await createDatabase(url.href);
    await db.runs.create(runOf("plain"));
    expect((await db.runs.get("plain"))?.status).toBe("running");
    await db.close();
    await own.drop();
    await admin.query(`drop role ${user}`);
    await admin.end();
  });

  it("opens for a login that may only use the application's role, once the schema is there", async () => {
    const own = await createTestDatabase("app_user");
    const admin = new Client({ connectionString: databaseUrl });
    await admin.connect();
    const user = `app_${process.pid}`;
    await admin.query(`create role ${user} login password 'pw' noinherit`);
    const url = new URL(own.url);
    url.username = user;
    url.password = "pw";
    await expect(createDatabase(url.href)).rejects.toMatchObject({ code: "config_invalid" });
    await migrate(own.url);
    await admin.query(`grant aura_app to ${user}`);
    const db = await createDatabase(url.href);
    await db.runs.create(runOf("app"));
    expect((await db.runs.get("app"))?.status).toBe("running");
    await db.close();
    await own.drop();
    await admin.query(`drop role ${user}`);
    await admin.end();
  });

  it("says unavailable for an ended session, a slow statement and a closed port, and recovers", async () => {
    const pool = new ConnectionPool(test.url, OPTIONS);
    await expect(pool.query("select pg_sleep(5)")).rejects.toMatchObject({ code: "database_unavailable" });
    await expect(
      pool.transaction(async (tx) => {
        await tx.query("select 1");
        await killOthers(databaseUrl, test.url);
        await tx.query("select 1");
      }),
    ).rejects.toMatchObject({ code: "database_unavailable" });
    expect(await pool.query("select 1 as one")).toEqual([{ one: 1 }]);
    await pool.close();
    const gone = new ConnectionPool("postgresql://u@127.0.0.1:9/x", OPTIONS);
    await expect(gone.query("select 1")).rejects.toMatchObject({ code: "database_unavailable" });
    await gone.close();
  });

  it("leaves what the work of a transaction throws unchanged", async () => {
    const pool = new ConnectionPool(test.url, OPTIONS);
    const failure = Object.assign(new Error("no such file"), { code: "ENOENT" });
    await expect(pool.transaction(() => Promise.reject(failure))).rejects.toBe(failure);
    await pool.close();
  });

  it("listens again after its connection was ended, and tells of every champion", async () => {
    const own = await createTestDatabase("listener");
    const db = await createDatabase(own.url);
    const v = await db.registry.register(versionOf("pump", "1"), auditOf("version.register"));
    const { model, version, digest } = v;
    await db.registry.promote(
      { model, version, digest, requestId: "r", approvalId: await approve(db, v), reason: "" },
      auditOf("promote"),
    );
    let unsubscribe = async (): Promise<void> => {};
    const heard = new Promise<string>((resolve) => {
      void db.registry.onAliasChange(resolve).then(async (off) => {
        unsubscribe = off;
        await killOthers(databaseUrl, own.url);
      });
    });
    expect(await heard).toBe("pump");
    await unsubscribe();
    await db.close();
    await own.drop();
  });

  it("runs a transaction again after a deadlock", async () => {
    const pool = new ConnectionPool(test.url, { ...OPTIONS, statementTimeoutMs: 10_000 });
    await pool.query("create table t (id int primary key, n int not null)");
    await pool.query("insert into t values (1, 0), (2, 0)");
    const move = (first: number, second: number): Promise<void> =>
      pool.transaction(async (tx) => {
        await tx.query("set local deadlock_timeout = '50ms'");
        await tx.query("update t set n = n + 1 where id = $1", [first]);
        await tx.query("select pg_sleep(0.05)");
        await tx.query("update t set n = n + 1 where id = $1", [second]);
      });
    await Promise.all([move(1, 2), move(2, 1)]);
    expect(await pool.query("select n from t order by id")).toEqual([{ n: 2 }, { n: 2 }]);
    await pool.close();
  });
});

describe("connection to a server that is not PostgreSQL", () => {
  it("gives up on one that never answers", async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const pool = new ConnectionPool(`postgresql://u@127.0.0.1:${port}/x`, {
      ...OPTIONS,
      connectTimeoutMs: 600,
    });
    await expect(pool.probe(200)).rejects.toMatchObject({ code: "database_unavailable" });
    for (const socket of sockets) socket.destroy();
    await expect(pool.query("select 1")).rejects.toMatchObject({ code: "database_unavailable" });
    await pool.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});

async function killOthers(adminUrl: string, url: string): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [
    new URL(url).pathname.slice(1),
  ]);
  await admin.end();
}
