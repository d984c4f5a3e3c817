import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createObjectStore } from "../../../stores/objects/object-store.ts";
import { ObjectAnchors } from "../../../stores/postgres/audit/object-anchors.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { AuditAnchor, Database } from "../../../stores/postgres/port.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { auditOf } from "../../support/registry-samples.ts";

await describeWithServices("audit log on PostgreSQL", () => {
  let test: TestDatabase;
  let db: Database;
  let administrator: Client;
  const anchors: AuditAnchor[] = [];
  beforeAll(async () => {
    test = await createTestDatabase("audit");
    db = await createDatabase(test.url, {
      onAuditAnchor: (anchor) => {
        anchors.push(anchor);
        return Promise.resolve();
      },
    });
    administrator = new Client({ connectionString: test.url });
    await administrator.connect();
  });
  afterAll(async () => {
    await administrator.end();
    await db.close();
    await test.drop();
  });

  /** Does what only someone with the server's own rights can do, and takes it back afterwards. */
  async function tampered<T>(statements: readonly string[], look: () => Promise<T>): Promise<T> {
    const tables = ["audit_log", "audit_seals", "audit_anchors", "audit_unsealed"];
    for (const t of tables) await administrator.query(`create table keep_${t} as table aura.${t}`);
    await administrator.query("set session_replication_role = replica");
    try {
      for (const statement of statements) await administrator.query(statement);
      return await look();
    } finally {
      for (const t of tables) {
        await administrator.query(`delete from aura.${t}`);
        await administrator.query(`insert into aura.${t} overriding system value select * from keep_${t}`);
        await administrator.query(`drop table keep_${t}`);
      }
      await administrator.query("set session_replication_role = origin");
    }
  }

  it("chains rows written by many at once and finds them whole", async () => {
    await Promise.all(Array.from({ length: 60 }, (_, i) => db.audit.append(auditOf(`a${i}`, "chain"))));
    expect(await db.audit.verify()).toMatchObject({ ok: true, rows: 60, unsealed: 60 });
    const sealed = await Promise.all([db.audit.seal(), db.audit.seal()]);
    expect(sealed.reduce((a, b) => a + b)).toBe(60);
    expect(await db.audit.seal()).toBe(0);
    const result = await db.audit.verify(anchors.at(-1));
    expect(result).toEqual({ ok: true, rows: 60, unsealed: 0, head: anchors.at(-1)?.head });
    await db.audit.append({
      ...auditOf("tail", "chain"),
      reason: "'; drop table \0 ü",
      details: { ключ: [1] },
    });
    expect(await db.audit.verify(anchors.at(-1))).toMatchObject({ ok: true, unsealed: 1 });
    expect(await db.audit.seal()).toBe(1);
    expect(anchors.map((a) => a.position)).toEqual([60, 61]);
  });

  it("lists rows by subject, newest first, by page", async () => {
    const page = await db.audit.list({ subject: "chain", limit: 5 });
    const next = await db.audit.list({ subject: "chain", limit: 100, after: page.at(-1)?.seq ?? 0 });
    expect([page.length, next.length]).toEqual([5, 56]);
    expect(page[0]).toMatchObject({ action: "tail", details: { ключ: [1] } });
    const seqs = [...page, ...next].map((row) => row.seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => b - a));
  });

  it.each([
    ["an edited row", ["update aura.audit_log set action = 'other' where seq = 7"], 7],
    ["edited details", [`update aura.audit_log set details = '{}' where seq = 8`], 8],
    ["a deleted row", ["delete from aura.audit_log where seq = 9"], 9],
    [
      "a deleted row with its seal",
      ["delete from aura.audit_log where seq = 9", "delete from aura.audit_seals where seq = 9"],
      10,
    ],
    ["a deleted seal", ["delete from aura.audit_seals where seq = 11"], 12],
    [
      "reordered rows",
      [
        "update aura.audit_seals set seq = -seq where seq in (20, 21)",
        "update aura.audit_seals set seq = 41 + seq where seq < 0",
      ],
      21,
    ],
    [
      "a row kept from the sealer",
      [
        "insert into aura.audit_log (actor_id, actor_role, actor_authenticated, action, subject, outcome) values ('x', 'system', false, 'a', 's', 'ok')",
      ],
      62,
    ],
    [
      "a lost tail",
      ["delete from aura.audit_log where seq > 55", "delete from aura.audit_seals where seq > 55"],
      56,
    ],
  ] as const)("names the first bad row of %s", async (_name, statements, firstBad) => {
    const result = await tampered(statements, () => db.audit.verify());
    expect(result).toMatchObject({ ok: false, firstBad });
  });

  it("finds a lost tail with all its anchors by the anchor kept outside", async () => {
    const cut = [
      "delete from aura.audit_log where seq > 55",
      "delete from aura.audit_seals where seq > 55",
      "delete from aura.audit_anchors",
    ];
    const [inside, outside] = await tampered(cut, async () => [
      await db.audit.verify(),
      await db.audit.verify(anchors.at(-1)),
    ]);
    expect(inside).toMatchObject({ ok: true });
    expect(outside).toMatchObject({ ok: false, firstBad: 56 });
  });

  it("keeps anchors in the object store, not more often than asked, and finds the newest", async () => {
    const folder = await mkdtemp(join(tmpdir(), "aura-anchors-"));
    const objects = createObjectStore({
      objects: pathToFileURL(folder).href,
      cacheDir: join(folder, "cache"),
    });
    const rare = new ObjectAnchors(objects);
    expect(await rare.newest()).toBeUndefined();
    for (const anchor of anchors) await rare.keep(anchor);
    expect(await rare.newest()).toEqual(anchors[0]);
    for (const anchor of anchors) await new ObjectAnchors(objects).keep(anchor);
    expect(await rare.newest()).toEqual(anchors.at(-1));
    const forked = { position: anchors[0]?.position ?? 1, head: "0".repeat(64) };
    await expect(new ObjectAnchors(objects).keep(forked)).rejects.toMatchObject({ code: "conflict" });
    await objects.put("logs/audit/anchors/9999999999999999.json", new TextEncoder().encode("{"));
    await expect(rare.newest()).rejects.toMatchObject({ code: "integrity" });
    await rm(folder, { recursive: true });
  });

  it("lets nobody change it: not the application's role, not its owner", async () => {
    const changes = [
      "update aura.audit_log set action = 'x'",
      "delete from aura.audit_log",
      "truncate aura.audit_log cascade",
      "update aura.audit_seals set hash = ''",
      "delete from aura.audit_anchors",
      "update aura.alias_events set reason = ''",
      "delete from aura.approval_decisions",
    ];
    for (const role of ["aura_app", "aura_migrator"]) {
      await administrator.query(`set role ${role}`);
      for (const change of changes) {
        const failure = await administrator.query(change).catch((error: unknown) => error);
        const touched = failure instanceof Error ? undefined : (failure as { rowCount: number }).rowCount;
        expect([change, touched ?? 0]).toEqual([change, 0]);
        if (change.includes("audit_")) expect(failure).toMatchObject({ code: "42501" });
      }
      await administrator.query("reset role");
    }
    await administrator.query("set role aura_app");
    await expect(administrator.query("create table aura.mine ()")).rejects.toMatchObject({ code: "42501" });
    await expect(administrator.query("update aura.schema_migrations set sha256 = ''")).rejects.toMatchObject({
      code: "42501",
    });
    await administrator.query("set role aura_reader");
    await expect(administrator.query("select * from aura.api_keys")).rejects.toMatchObject({ code: "42501" });
    await expect(administrator.query("delete from aura.runs")).rejects.toMatchObject({ code: "42501" });
    await administrator.query("reset role");
  });

  it("writes an entry with a key once, and every entry without", async () => {
    const entry = { ...auditOf("remind", "keyed"), key: "workflow/run/7" };
    await Promise.all(Array.from({ length: 5 }, () => db.audit.append(entry)));
    await db.audit.append({ ...entry, key: "workflow/run/8" });
    for (let i = 0; i < 2; i++) await db.audit.append(auditOf("plain", "keyed"));
    const rows = await db.audit.list({ subject: "keyed", limit: 9 });
    expect(rows.map((row) => row.action)).toEqual(["plain", "plain", "remind", "remind"]);
    await db.audit.seal();
    expect(await db.audit.verify(anchors.at(-1))).toMatchObject({ ok: true, unsealed: 0 });
  });
});
