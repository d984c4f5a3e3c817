import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { freezeReference } from "../../../numerics/drift/reference.ts";
import type { DriftColumn } from "../../../numerics/drift/reference.ts";
import { compareWithReference } from "../../../numerics/drift/verdict.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database, DriftReportRow } from "../../../stores/postgres/port.ts";
import { startApiFixture, until } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { MemoryObjects } from "../../support/memory-objects.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { approve, auditOf, runOf, versionOf } from "../../support/registry-samples.ts";

/** Alerts from what raises them to who reads them, over HTTP and a real database. */

await describeWithServices("alerts", () => {
  let test: TestDatabase;
  let db: Database;
  let fixture: ApiFixture;
  beforeAll(async () => {
    test = await createTestDatabase("alerts");
    db = await createDatabase(test.url);
    // A champion whose files are not in the object store: it cannot be served, now or later.
    const bare = await db.registry.register(versionOf("bare", "1"), auditOf("version.register"));
    const approvalId = await approve(db, bare);
    const { model, version, digest } = bare;
    await db.registry.promote(
      { model, version, digest, requestId: "q", approvalId, reason: "test" },
      auditOf("promote"),
    );
    fixture = await startApiFixture({ objects: new MemoryObjects(), database: db });
  });
  afterAll(async () => {
    await fixture.close();
    await test.drop();
  });

  const list = async (query = ""): Promise<Record<string, unknown>[]> => {
    const reply = await fixture.request(`/v1/alerts${query}`);
    return ((await reply.json()) as { items: Record<string, unknown>[] }).items;
  };
  const subjects = async (query = "") => (await list(query)).map(({ subject }) => subject);
  const acknowledge = (id: unknown) =>
    fixture.request(`/v1/alerts/${String(id)}/acknowledge`, {
      method: "POST",
      headers: { "content-type": "application/json" },
    });
  const check = (n: number, state: DriftReportRow["state"], report: unknown = {}) =>
    db.drift.put(
      {
        id: `pump/${n}`,
        model: "pump",
        version: 1,
        digest: "d".repeat(64),
        windowStart: `2026-01-0${n}T00:00:00.000Z`,
        windowEnd: `2026-01-0${n + 1}T00:00:00.000Z`,
        state,
        confirmed: state === "drift",
        rows: 9,
        report,
      },
      auditOf("drift.check"),
    );

  it("tells of a champion that cannot be served, once", async () => {
    await until(async () => (await list()).length === 1);
    expect(await list()).toMatchObject([
      { kind: "serving", severity: "critical", subject: "model/bare@1", acknowledgedBy: null },
    ]);
    const metrics = await (await fixture.request("/metrics")).text();
    expect(metrics).toContain('aura_alerts_open{severity="critical"} 1');
  });

  it("tells of bad data, and of runs that nobody started", async () => {
    const end = (code: "quality_gate" | "bad_file") =>
      ({ status: "failed", error: { code, message: "30 % of the rows are bad" } }) as const;
    for (const [id, scheduled, code] of [
      ["by-hand", false, "bad_file"],
      ["bad-data", false, "quality_gate"],
      ["scheduled", true, "bad_file"],
    ] as const) {
      await db.runs.create({ ...runOf(id, id), ...(scheduled ? { scheduleKey: "retrain/1" } : {}) });
      await db.runs.finish(id, end(code), auditOf("run.finish"));
      await db.runs.finish(id, end(code), auditOf("run.finish"));
    }
    expect((await list()).slice(0, 2)).toMatchObject([
      { kind: "run", subject: "pipeline/scheduled", details: { run: "scheduled", code: "bad_file" } },
      { kind: "quarantine", subject: "pipeline/bad-data", severity: "warning" },
    ]);
    expect(await list()).toHaveLength(3);
  });

  it("tells of confirmed drift until a check finds none", async () => {
    await check(1, "drift");
    await check(1, "drift");
    expect(await subjects("?limit=1")).toEqual(["model/pump"]);
    await check(2, "insufficient_data");
    expect(await subjects("?limit=1")).toEqual(["model/pump"]);
    await check(3, "ok");
    expect(await subjects("?limit=1")).not.toContain("model/pump");
    expect(await subjects("?state=resolved")).toEqual(["model/pump"]);
  });

  it("shows drift as lists, pages and metrics", async () => {
    const columns = (shift: number): DriftColumn[] => {
      const values = Float64Array.from({ length: 600 }, (_, row) => shift + (row % 10));
      return [{ name: "s1", kind: "numeric", values }];
    };
    const report = compareWithReference(freezeReference(columns(0)), columns(5));
    const [found] = report.features;
    await check(4, "drift", report);
    const lines = (await (await fixture.request("/metrics")).text()).split("\n");
    for (const line of [
      'aura_drift_state{model="pump",version="1",state="drift"} 1',
      'aura_drift_confirmed{model="pump"} 1',
      `aura_drift_effect{model="pump",column="s1"} ${found?.effect}`,
      `aura_drift_psi{model="pump",column="s1"} ${found?.psiCorrected}`,
    ])
      expect(lines).toContain(line);
    const shown = await fixture.request("/v1/drift/pump/page");
    expect(shown.headers.get("content-security-policy")).toContain("sandbox");
    expect(await shown.text()).toContain("<h1>pump@1: drift</h1>");
    const before = await fixture.request("/v1/drift/pump/page?id=pump/3");
    expect(await before.json()).toMatchObject({ code: "not_found", status: 404 });
    expect((await fixture.request("/v1/drift/fan/report?id=pump/4")).status).toBe(404);
    const one = await fixture.request("/v1/drift/pump/report?id=pump/4");
    expect(await one.json()).toMatchObject({ id: "pump/4", report: { nDrifted: 1 } });
    const { items } = (await (await fixture.request("/v1/drift/pump?summary=true&limit=1")).json()) as {
      items: unknown[];
    };
    expect(items).toMatchObject([{ id: "pump/4", state: "drift" }]);
    expect(items[0]).not.toHaveProperty("report");
    await check(5, "ok");
  });

  it("is raised again once it was over and comes again, acknowledged or not", async () => {
    const alert = {
      key: "again",
      kind: "serving",
      severity: "warning",
      subject: "again",
      message: "m",
    } as const;
    const raised = async () => (await list("?state=all")).filter(({ subject }) => subject === "again");
    await db.alerts.raise(alert);
    await acknowledge((await raised())[0]?.["id"]);
    await db.alerts.raise(alert);
    expect(await raised()).toHaveLength(1);
    await db.alerts.resolve("serving", "again");
    await db.alerts.raise(alert);
    await db.alerts.raise(alert);
    expect(await raised()).toMatchObject([
      { acknowledgedBy: null, resolvedAt: null },
      { acknowledgedBy: "local" },
    ]);
    await db.alerts.resolve("serving", "again");
    const late = await acknowledge((await raised())[0]?.["id"]);
    expect([late.status, await late.json()]).toMatchObject([409, { code: "conflict" }]);
    expect((await raised())[0]).toMatchObject({ acknowledgedBy: null });
  });

  it("is read by page, and acknowledged by one person once", async () => {
    const all = await list("?state=all");
    expect(await list(`?state=all&after=${String(all[0]?.["id"])}&limit=1`)).toEqual([all[1]]);
    const [first] = await list();
    const looked = (await (await acknowledge(first?.["id"])).json()) as Record<string, unknown>;
    expect(looked).toMatchObject({ acknowledgedBy: "local", message: first?.["message"] });
    expect(await (await acknowledge(first?.["id"])).json()).toEqual(looked);
    expect(await list("?state=acknowledged")).toEqual([looked]);
    expect(await db.audit.list({ subject: `alert/${String(first?.["id"])}`, limit: 9 })).toHaveLength(1);
    expect((await acknowledge(999_999)).status).toBe(404);
    expect((await acknowledge("x")).status).toBe(422);
  });

  const put = (path: string, document: object) =>
    fixture.request(path, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(document),
    });

  it("takes rules as documents, and refuses those that could never fire", async () => {
    const columns = [
      { name: "heat", range: [-20, 150] },
      { name: "mode", type: "text", values: ["run"] },
    ];
    await put("/v1/sources/pumps", { name: "pumps", owner: "tests", columns });
    const hot = {
      name: "hot",
      severity: "critical",
      source: "pumps",
      when: { kind: "threshold", column: "heat", above: 90, clear: 85 },
    };
    const path = "/v1/alert-rules/hot";
    const declared = (await (await put(path, hot)).json()) as Record<string, unknown>;
    expect(declared).toMatchObject({ name: "hot", isNew: true, declaredBy: "local" });
    expect(await (await put(path, hot)).json()).toMatchObject({ isNew: false });
    const shown = (await (await fixture.request(path)).json()) as object;
    expect({ ...shown, isNew: true, warnings: [] }).toEqual(declared);
    const doubtful = {
      ...hot,
      name: "doubtful",
      when: { ...hot.when, above: 150 },
      notify: { channels: ["ops"], escalate: { after: "1h", channels: ["boss"] } },
    };
    expect(await (await put("/v1/alert-rules/doubtful", doubtful)).json()).toMatchObject({
      warnings: [/channel ops/, /channel boss/, /never fire/].map((text) => expect.stringMatching(text)),
    });
    const scored = {
      name: "scored",
      when: { kind: "threshold", prediction: { model: "nosuch" }, above: 0.5 },
    };
    expect(await (await put("/v1/alert-rules/scored", scored)).json()).toMatchObject({
      warnings: [expect.stringContaining("nosuch")],
    });
    const boss = {
      name: "boss",
      to: { kind: "slack", url: "${file:slack-url}" },
    };
    expect((await put("/v1/alert-channels/boss", boss)).status).toBe(200);
    const kept = await fixture.request("/v1/alert-channels/boss", { method: "DELETE" });
    expect([kept.status, await kept.json()]).toMatchObject([
      409,
      { code: "conflict", detail: expect.stringContaining("[doubtful]") },
    ]);
    for (const gone of ["alert-rules/doubtful", "alert-rules/scored", "alert-channels/boss"])
      expect((await fixture.request(`/v1/${gone}`, { method: "DELETE" })).status).toBe(204);
    for (const [when, code] of [
      [{ ...hot.when, column: "cold" }, "invalid_alert_rule"],
      [{ ...hot.when, column: "mode" }, "invalid_alert_rule"],
      [{ ...hot.when, clear: 91 }, "invalid_body"],
      [{ ...hot.when, below: 1 }, "invalid_body"],
      [{ ...hot.when, repeat: { hits: 3, of: 2 } }, "invalid_body"],
    ] as const) {
      const refused = await put(path, { ...hot, when });
      expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([422, code]);
    }
    expect((await put(path, { ...hot, source: "nobody" })).status).toBe(404);
    const owner = "00000000-0000-4000-8000-000000000001";
    const lease = await db.alertEvaluation.claim(owner, { ttlMs: 60_000, pauseMs: 10_000 });
    if (lease === undefined) throw new Error("nobody else evaluates here");
    const raised = { change: "raised", rule: "hot", asset: "p1", severity: "critical" } as const;
    const step = { owner, ttlMs: 60_000, from: lease, position: lease.position };
    const events = [{ ...raised, labels: {}, message: "m", details: {} }];
    await db.alertEvaluation.commit({ ...step, places: [], states: [], scans: [], events });
    const shownAlert = 'predictive_alert{asset="p1",rule="hot",severity="critical"} 1';
    expect(await (await fixture.request("/metrics")).text()).toContain(shownAlert);
    expect((await fixture.request(path, { method: "DELETE" })).status).toBe(204);
    expect((await fixture.request(path)).status).toBe(404);
    expect(await (await fixture.request("/metrics")).text()).not.toContain(shownAlert);
  });

  it("are told to sockets as they happen, and go on by a cursor where nobody listened", async () => {
    interface Frame {
      readonly cursor: string;
      readonly event: string;
      readonly alert: { readonly id: number; readonly subject: string; readonly comment: string | null };
    }
    const open = async (query: string) => {
      const socket = new WebSocket(`${fixture.api.url.replace("http", "ws")}/alerts${query}`);
      const frames: Frame[] = [];
      socket.on("message", (data: Buffer) => frames.push(JSON.parse(data.toString()) as Frame));
      await new Promise((resolve, reject) => {
        socket.once("open", resolve);
        socket.once("error", reject);
      });
      return { socket, frames };
    };
    const alert = { kind: "serving", severity: "warning", message: "m" } as const;
    const first = await open("");
    const critical = await open("?severity=critical");
    await until(async () => {
      await db.alerts.raise({ ...alert, key: "told", subject: "told" });
      return first.frames.length > 0;
    });
    expect(first.frames).toMatchObject([{ event: "raised", alert: { subject: "told" } }]);
    first.socket.close();
    const [{ cursor, alert: told } = { cursor: "", alert: { id: 0 } }] = first.frames;
    const acknowledged = await fixture.request(`/v1/alerts/${told.id}/acknowledge`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "ben", comment: "on my way" }),
    });
    expect(await acknowledged.json()).toMatchObject({ state: "acknowledged", acknowledgedBy: "ben" });
    await db.alerts.raise({ ...alert, severity: "critical", key: "worse", subject: "worse" });
    await db.alerts.resolve("serving", "told");
    const second = await open(`?cursor=${cursor}`);
    await until(() => second.frames.length === 3 && critical.frames.length === 1);
    expect(
      second.frames.map(({ event, alert: of }) => `${event} ${of.subject} ${of.comment ?? "-"}`),
    ).toEqual(["acknowledged told on my way", "raised worse -", "cleared told on my way"]);
    expect(critical.frames[0]?.cursor).toBe(second.frames[1]?.cursor);
    second.socket.close();
    critical.socket.close();
    expect(await (await fixture.request("/alerts?severity=critical&limit=1")).json()).toMatchObject({
      items: [{ subject: "worse", state: "raised" }],
    });
  });
});
