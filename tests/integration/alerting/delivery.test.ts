import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { withFailures } from "../../../activities/failures.ts";
import { createAlarmActivities } from "../../../activities/alarms/activities.ts";
import { alertChannelSchema } from "../../../schemas/alerts/alert-channel.ts";
import { alertSilenceSchema } from "../../../schemas/alerts/alert-silence.ts";
import { alertRuleSchema } from "../../../schemas/alerts/alert-rule.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import type { AlarmEvent } from "../../../stores/postgres/port/alerting.ts";
import { alarmWorkflowId, channelTestWorkflowId, TASK_QUEUES } from "../../../temporal-config/constants.ts";
import { AlarmDispatcher } from "../../../workers/alarm-dispatcher.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { startWorkflowEnvironment } from "../../support/workflow-environment.ts";
import type { WorkflowEnvironment } from "../../support/workflow-environment.ts";

/** Alerts from their rows to those who are told, over a real database, Temporal, HTTP and SMTP. */

const actor = { id: "ana", role: "operator", authenticated: true } as const;
const audit = { actor, action: "test", subject: "test", outcome: "ok" } as const;
const SECRET = "s3cret";
const OWNER = "00000000-0000-4000-8000-000000000001";

interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** Timers of seconds, on a machine that may be busy. */
const until = (check: () => boolean | Promise<boolean>) =>
  vi.waitUntil(check, { timeout: 15_000, interval: 20 });

await describeWithServices("alerts that are told", (services) => {
  let test: TestDatabase;
  let db: Database;
  let environment: WorkflowEnvironment;
  let dispatcher: AlarmDispatcher;
  let receiver: Server;
  let smtp: SMTPServer;
  let url = "";
  const received: Received[] = [];
  const mails: string[] = [];
  /** Statuses to answer with, by path, before 200. */
  const answers = new Map<string, number[]>();
  beforeAll(async () => {
    test = await createTestDatabase("delivery");
    db = await createDatabase(test.url);
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const path = request.url ?? "";
        received.push({ path, headers: request.headers, body: Buffer.concat(chunks).toString() });
        const status = answers.get(path)?.shift() ?? 200;
        response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS", "AUTH"],
      onData(stream, _session, done) {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          mails.push(Buffer.concat(chunks).toString());
          done();
        });
      },
    });
    await new Promise<void>((resolve) => smtp.listen(0, "127.0.0.1", () => resolve()));
    const alerting = {
      policy: { allowLoopback: true, hosts: [] },
      secrets: { environment: { AURA_ALERT_SECRET: SECRET }, folder: "/nowhere" },
    };
    environment = await startWorkflowEnvironment(
      services,
      withFailures(createAlarmActivities({ db, alerting })),
    );
    dispatcher = new AlarmDispatcher(db, environment.client, pino({ level: "silent" }));
    await dispatcher.start();
    const secret = "${env:AURA_ALERT_SECRET}";
    const { port } = smtp.server.address() as AddressInfo;
    for (const channel of [
      { name: "hook", to: { kind: "webhook", url: `${url}/hook`, secret } },
      { name: "chat", rules: ["hot*"], to: { kind: "slack", url: `${url}/slack` } },
      { name: "manager", rules: ["hot*"], to: { kind: "alertmanager", url } },
      {
        name: "mail",
        rules: ["hot*"],
        to: {
          kind: "email",
          host: "localhost",
          port,
          tls: "none",
          from: "aura@example.org",
          to: ["ops@example.org"],
        },
      },
      { name: "boss", rules: ["nothing"], to: { kind: "webhook", url: `${url}/boss`, secret } },
    ])
      await db.alertChannels.put(alertChannelSchema.parse(channel), actor);
  });
  afterAll(async () => {
    await dispatcher.close();
    await environment.close();
    receiver.close();
    await new Promise<void>((resolve) => smtp.close(() => resolve()));
    await db.close();
    await test.drop();
  });

  const declare = (name: string, notify: object = {}) =>
    db.alertRules.put(
      alertRuleSchema.parse({
        name,
        severity: "critical",
        source: "pumps",
        labels: { team: "heat" },
        when: { kind: "threshold", column: "heat", above: 90 },
        notify,
      }),
      actor,
    );
  /** As the evaluator writes it. */
  async function happen(change: AlarmEvent["change"], rule: string, asset: string): Promise<void> {
    const lease = await db.alertEvaluation.claim(OWNER, { ttlMs: 60_000, pauseMs: 10_000 });
    if (lease === undefined) throw new Error("nobody else evaluates here");
    const event = { change, rule, asset, severity: "critical", labels: { team: "heat" } } as const;
    await db.alertEvaluation.commit({
      owner: OWNER,
      ttlMs: 60_000,
      from: lease,
      position: { tx: lease.position.tx, batch: lease.position.batch + 1 },
      places: [],
      states: [],
      scans: [],
      events: [{ ...event, message: `${asset}: heat of 95 is above 90`, details: { value: 95 } }],
    });
  }
  const at = (path: string) => received.filter((one) => one.path === path);
  const eventsAt = (path: string, asset: string) =>
    at(path)
      .map(({ body }) => JSON.parse(body) as { event: string; alert: { asset: string } })
      .filter(({ alert }) => alert.asset === asset)
      .map(({ event }) => event);
  const alertOf = async (rule: string) => (await db.alerts.list({ rule, limit: 1 }))[0]?.id ?? 0;

  it("reach every channel in its form, in order, each once", async () => {
    await declare("hot-1");
    await happen("pending", "hot-1", "p1");
    await happen("raised", "hot-1", "p1");
    await until(() => at("/hook").length === 1);
    await db.alerts.acknowledge(await alertOf("hot-1"), { name: "ben", comment: "on <my> way" }, audit);
    await happen("cleared", "hot-1", "p1");
    await until(() => at("/hook").length === 3 && at("/slack").length === 3 && mails.length === 3);
    await until(() => at("/api/v2/alerts").length === 2);
    expect(eventsAt("/hook", "p1")).toEqual(["raised", "acknowledged", "cleared"]);
    const { headers, body } = at("/hook")[0] as Received;
    const signed = `${String(headers["x-aura-timestamp"])}.${body}`;
    expect(headers["x-aura-signature"]).toBe(
      `v1=${createHmac("sha256", SECRET).update(signed).digest("hex")}`,
    );
    expect(new Set(at("/hook").map((one) => one.headers["idempotency-key"])).size).toBe(3);
    expect(JSON.parse(at("/slack")[1]?.body ?? "")).toMatchObject({
      text: "ben looks at critical: p1: heat of 95 is above 90 (on &lt;my&gt; way)",
    });
    const posted = at("/api/v2/alerts").map((one) => (JSON.parse(one.body) as { endsAt: string }[])[0]);
    expect(posted[0]).toMatchObject({
      labels: { alertname: "hot-1", asset: "p1", severity: "critical", team: "heat" },
    });
    expect(Date.parse(posted[0]?.endsAt ?? "")).toBeGreaterThan(Date.now());
    expect(Date.parse(posted[1]?.endsAt ?? "")).toBeLessThanOrEqual(Date.now());
    expect(mails[0]).toContain("Subject: [aura] critical: p1: heat of 95 is above 90");
    const done = environment.client.workflow.getHandle(
      alarmWorkflowId((await db.alertEvents.since(0, 1))[0]?.alarmKey ?? ""),
    );
    await done.result();
  });

  it("are tried again with the same key, given up where it is no use, and replayed with another key", async () => {
    await declare("slow");
    answers.set("/hook", [503]);
    const before = at("/hook").length;
    await happen("raised", "slow", "p2");
    await until(
      async () =>
        (await db.alertDeliveries.list({ state: "delivered", alert: await alertOf("slow"), limit: 1 }))
          .length === 1,
    );
    const keys = at("/hook")
      .slice(before)
      .map((one) => one.headers["idempotency-key"]);
    expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
    answers.set("/hook", [302]);
    await happen("cleared", "slow", "p2");
    await until(async () => (await db.alertDeliveries.list({ state: "failed", limit: 1 })).length === 1);
    const [failed] = await db.alertDeliveries.list({ state: "failed", limit: 1 });
    expect(failed).toMatchObject({
      channel: "hook",
      event: "cleared",
      attempts: 1,
      status: 302,
      reason: "it answers 302",
    });
    expect(at("/elsewhere")).toEqual([]);
    await db.alertDeliveries.replay(failed?.id ?? 0, audit);
    await until(async () => (await db.alertDeliveries.list({ limit: 1 }))[0]?.state === "delivered");
    expect((await db.alertDeliveries.list({ limit: 1 }))[0]).toMatchObject({ replay: 1, event: "cleared" });
    expect(
      new Set(
        at("/hook")
          .slice(-2)
          .map((one) => one.headers["idempotency-key"]),
      ).size,
    ).toBe(2);
  });

  it("remind and escalate until somebody acknowledges, also through Temporal itself", async () => {
    await declare("nagging", { again: "1s", escalate: { after: "1s", channels: ["boss"] } });
    await happen("raised", "nagging", "p3");
    await until(() => at("/boss").length === 1 && eventsAt("/hook", "p3").length >= 2);
    expect(eventsAt("/boss", "p3")).toEqual(["escalated"]);
    expect(eventsAt("/hook", "p3").slice(0, 2)).toEqual(["raised", "reminded"]);
    const [{ alarmKey } = { alarmKey: "" }] = (await db.alertEvents.since(0, 100)).filter(
      ({ rule }) => rule === "nagging",
    );
    const handle = environment.client.workflow.getHandle(alarmWorkflowId(alarmKey));
    await handle.signal("acknowledge", { by: "eve", comment: "seen" });
    await until(() => eventsAt("/boss", "p3").includes("acknowledged"));
    expect(await db.alerts.get(await alertOf("nagging"))).toMatchObject({
      state: "acknowledged",
      acknowledgedBy: "eve",
      comment: "seen",
    });
    expect(await handle.query("state")).toMatchObject({ phase: "acknowledged" });
    await happen("cleared", "nagging", "p3");
    await handle.result();
  });

  it("are kept back under a silence, and told at its end where they are still open", async () => {
    const silence = {
      name: "works",
      comment: "overhaul of line 2",
      rules: ["muted"],
      assets: ["p5*"],
      until: new Date(Date.now() + 3_600_000).toISOString(),
    };
    await db.alertSilences.put(alertSilenceSchema.parse(silence), actor);
    await declare("muted");
    for (const asset of ["p5-open", "p5-over", "p5-seen", "p6"]) await happen("raised", "muted", asset);
    await until(() => eventsAt("/hook", "p6").length === 1);
    await until(async () => (await db.alertDeliveries.list({ state: "silenced", limit: 9 })).length === 3);
    await happen("cleared", "muted", "p5-over");
    const seen = (await db.alerts.list({ rule: "muted", asset: "p5-seen", limit: 1 }))[0]?.id ?? 0;
    await db.alerts.acknowledge(seen, { name: "ben" }, audit);
    expect((await db.alertDeliveries.list({ state: "silenced", limit: 1 }))[0]?.reason).toBe("silence works");
    await db.alertSilences.remove("works", audit);
    await until(() => eventsAt("/hook", "p5-open").length === 1);
    await happen("cleared", "muted", "p5-open");
    await until(() => eventsAt("/hook", "p5-open").length === 2);
    expect(eventsAt("/hook", "p5-open")).toEqual(["raised", "cleared"]);
    expect([...eventsAt("/hook", "p5-over"), ...eventsAt("/hook", "p5-seen")]).toEqual([]);
  });

  it("are told to a channel that works, as its test says beforehand", async () => {
    const tell = (channel: string) =>
      environment.client.workflow.execute("channelTestWorkflow", {
        workflowId: channelTestWorkflowId(channel),
        taskQueue: TASK_QUEUES.control,
        args: [{ channel, by: "ana" }],
      });
    expect(await tell("hook")).toMatchObject({ outcome: "delivered", status: 200 });
    expect(JSON.parse(at("/hook").at(-1)?.body ?? "")).toMatchObject({ alert: { kind: "test" } });
    answers.set("/hook", [404]);
    expect(await tell("hook")).toMatchObject({ outcome: "refused", status: 404 });
    answers.set("/hook", [503]);
    expect(await tell("hook")).toMatchObject({ outcome: "unavailable", status: 503 });
  });

  it("of the platform itself are told and not followed; what must not be reached is not", async () => {
    await db.alertChannels.put(
      alertChannelSchema.parse({
        name: "inside",
        rules: ["serving"],
        to: { kind: "webhook", url: "http://169.254.169.254/latest", secret: "${env:AURA_ALERT_SECRET}" },
      }),
      actor,
    );
    await db.alerts.raise({
      key: "k",
      kind: "serving",
      severity: "critical",
      subject: "model/x@1",
      message: "cannot be served",
    });
    await until(
      async () =>
        (await db.alertDeliveries.list({ channel: "inside", state: "failed", limit: 1 })).length === 1,
    );
    expect((await db.alertDeliveries.list({ channel: "inside", limit: 1 }))[0]?.reason).toContain(
      "169.254.169.254",
    );
    expect(await db.alertDeliveries.counts()).toContainEqual({ channel: "inside", state: "failed", n: 1 });
  });
});
