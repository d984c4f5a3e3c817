import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { ApiClient, apiPath } from "../../cli/client.ts";
import { savingsViewSchema } from "../../schemas/maintenance/savings.ts";
import { recommendationSchema } from "../../schemas/maintenance/recommendation.ts";
import { workOrderSchema } from "../../schemas/maintenance/work-order.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import { inMs, untilAnswered } from "../faults/patience.ts";
import { createCli } from "../support/cli.ts";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";

/** A trained model, its fleet scores, work orders by e-mail, keys of sites, and whether it pays. */

const LIMIT_MS = 170_000;
const PIPELINE = `
name: engines
sources:
  readings:
    files: engines.csv
    asset: engine
    site: plant
    time: { column: cycle, kind: cycle }
    columns: [{ name: heat, range: [0, 200] }, { name: plant, type: text, values: [north, south], use: ignore }]
label: { kind: end_of_life, ends: [{ at: last_reading }] }
task: { kind: failure_within, horizon: 10 }
candidates: [{ kind: linear }]
split: { holdout: { by: asset, share: 0.4 }, folds: 2 }
maintenance:
  when: { repeat: { hits: 2, of: 2 } }
  from: [fleet]
  leadTime: 2
  opportunity: 10
  costs: { failure: 10000, planned: 1000, inspection: 100 }
  channel: mail
  actions: [{ feature: "heat*", do: "Cool {asset}: {answer}." }]
`;
const HEADER = "engine,plant,cycle,heat\n";

/** Engines that get hot towards their end. */
function lives(): string {
  const random = createGenerator(3);
  const lines: string[] = [];
  for (let engine = 0; engine < 24; engine++) {
    const length = 40 + Math.floor(40 * random.next());
    for (let cycle = 1; cycle <= length; cycle++)
      lines.push(`e${engine},north,${cycle},${(100 - (length - cycle) + 3 * random.normal()).toFixed(2)}`);
  }
  return `${HEADER}${lines.join("\n")}\n`;
}

const fleet = (upTo: number) =>
  `${HEADER}${Array.from({ length: upTo }, (_, i) => [`f1,north,${i + 1},${97 - (upTo - i)}`, `f2,south,${i + 1},30`].join("\n")).join("\n")}\n`;

let test: TestPlatform;
let client: ApiClient;
/** Of an admin, once there are keys. */
let apiKey = "";
let person: PatientPerson;
let smtp: SMTPServer;
const mails: string[] = [];
const any = z.looseObject({});

beforeAll(async () => {
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
  test = await startTestPlatform({
    parts: ["postgres", "temporal", "worker", "api"],
    environment: {
      AURA_ALLOW_LOOPBACK_SOURCES: "true",
      AURA_INFERENCE_CHILDREN: "1",
      AURA_LOG_LEVEL: "warn",
    },
  });
  client = new ApiClient({ baseUrl: test.platform.urls.api });
  person = new PatientPerson(test.platform.urls.api, inMs(LIMIT_MS));
  const { port } = smtp.server.address() as AddressInfo;
  const to = {
    kind: "email",
    host: "localhost",
    port,
    tls: "none",
    from: "aura@example.org",
    to: ["shop@example.org"],
  };
  await client.put("/v1/alert-channels/mail", {
    reply: any,
    body: { name: "mail", rules: ["no-such-rule"], to },
  });
  const run = await person.startRun({ pipeline: PIPELINE, files: { "engines.csv": lives() } });
  await person.finishRun(run.runId);
}, LIMIT_MS);
afterAll(async () => {
  await test.dispose();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
});

const patiently = <T>(what: string, ask: () => Promise<T | undefined>): Promise<T> =>
  untilAnswered(what, inMs(60_000), ask);
const recommendations = async (of = client, query = {}) =>
  (
    await of.get("/v1/recommendations", z.object({ items: z.array(recommendationSchema) }), {
      state: "all",
      ...query,
    })
  ).items;

async function score(upTo: number): Promise<string> {
  const file = await person.upload("engines.csv", fleet(upTo));
  const started = z.looseObject({ scoreId: z.string() });
  const { scoreId } = await client.post("/v1/scores", {
    reply: started,
    body: { model: "engines", files: [file] },
  });
  await patiently("the score", () => client.get(apiPath`/v1/scores/${scoreId}`, any));
  return scoreId;
}

it(
  "opens recommendations from fleet scores, and mails the order",
  async () => {
    await score(60);
    const second = await score(62);
    const [row] = await patiently("the order", async () => {
      const rows = await recommendations();
      return rows[0]?.state === "ordered" ? rows : undefined;
    });
    expect(await recommendations()).toHaveLength(1);
    expect(row).toMatchObject({
      asset: "f1",
      assessment: { mode: "order", costs: { until: 10, advice: "act" }, due: { risk: 0.1 } },
    });
    expect(row?.evidence.map(({ t, scoreId }) => [t, scoreId === second])).toEqual([
      [60, false],
      [62, true],
    ]);
    expect(row?.assessment?.action).toMatch(/^Cool f1: failure within 10 cycles with probability 0\.\d+\.$/);
    const mail = await patiently("the mail", async () => mails[0]);
    expect(mail).toContain(`Subject: [aura] work order ${row?.workOrderId}: f1`);
    expect(mail).toContain("asset: f1 at north");
  },
  LIMIT_MS,
);

it(
  "shows a key of other sites nothing, and takes what its own site says",
  async () => {
    const [row] = await recommendations();
    const orderId = row?.workOrderId ?? "";
    const key = z.looseObject({ secret: z.string() });
    const make = async (name: string, role: string, sites?: string[]) => {
      const body = { name, role, ...(sites === undefined ? {} : { sites }) };
      const { secret } = await client.post("/v1/keys", { reply: key, body });
      if (role === "admin") apiKey = secret;
      return new ApiClient({ baseUrl: test.platform.urls.api, apiKey: secret });
    };
    const admin = await make("root", "admin");
    client = admin;
    const south = await make("south", "operator", ["south"]);
    const north = await make("north", "operator", ["north"]);
    const viewer = await make("guest", "viewer");
    expect(await recommendations(south)).toEqual([]);
    await expect(south.get(apiPath`/v1/work-orders/${orderId}`, any)).rejects.toMatchObject({
      code: "not_found",
    });
    const path = apiPath`/v1/work-orders/${orderId}/events`;
    const outcome = { result: "confirmed", failedAt: 64, cost: 8_400 };
    const body = { eventId: "1", kind: "closed", outcome };
    await expect(south.post(path, { reply: any, body })).rejects.toMatchObject({ code: "not_found" });
    await expect(viewer.post(path, { reply: any, body })).rejects.toMatchObject({ code: "forbidden" });
    const dated = { ...body, outcome: { ...outcome, failedAt: "2026-01-01T00:00:00Z" } };
    await expect(north.post(path, { reply: any, body: dated })).rejects.toMatchObject({
      code: "invalid_body",
    });
    expect(await north.post(path, { reply: workOrderSchema, body })).toMatchObject({ state: "closed" });
    const labels = await patiently("the label", async () => {
      const { items } = await admin.get("/v1/labels", z.object({ items: z.array(any) }), { asset: "f1" });
      return items.length > 0 ? items : undefined;
    });
    expect(labels).toMatchObject([{ kind: "failure", t: 64, source: "work_order" }]);
  },
  LIMIT_MS,
);

it(
  "says whether it pays, with what orders came to",
  async () => {
    const path = "/v1/models/engines/savings";
    await client.post(path, { reply: any });
    const savings = await patiently(
      "savings",
      async () => (await client.get(path, savingsViewSchema)).savings ?? undefined,
    );
    const { lives: of, modelled, runToFailure, overRunToFailure, realized, timeline, policy } = savings;
    expect(of).toMatchObject({ total: 10, assets: 10, failed: 10 });
    expect(policy).toMatchObject({ lead: 2, horizon: 10, hits: 2, of: 2 });
    expect(modelled.prevented + modelled.missed + modelled.late).toBe(10);
    expect(modelled.prevented).toBeGreaterThanOrEqual(8);
    expect(runToFailure).toMatchObject({ cost: 100_000, failures: 10, works: 0 });
    expect(overRunToFailure.value).toBeGreaterThan(0.5);
    expect(overRunToFailure.low).toBeLessThanOrEqual(overRunToFailure.value ?? 0);
    expect(timeline).toHaveLength(10);
    expect(realized).toMatchObject({
      outcomes: { confirmed: 1 },
      byOutcome: [
        { result: "confirmed", orders: 1, declaredCost: 10_000, reporting: 1, reportedCost: 8_400 },
      ],
      precision: 1,
      reporting: 1,
      reportedCost: 8_400,
      declaredOfReporting: 10_000,
      cost: 10_000,
      costIfNothingWasDone: 10_000,
    });
    const { api } = test.platform.urls;
    const env = { ...process.env, AURA_API_URL: api, AURA_API_KEY: apiKey } as Record<string, string>;
    const aura = createCli({ cwd: tmpdir(), env });
    const told = await aura("maintenance", "savings", "engines", "--last");
    expect(told.stdout, told.stderr).toMatch(/^confirmed +1 +10,000 +8,400 +1$/m);
    expect(told.stdout).toContain("1 of 1 orders say what they came to: 8,400");
    const page = Buffer.from(await client.getBytes(`${path}/page`)).toString();
    expect(page).toContain("8,400");
    expect(page).toContain("<svg");
    expect(page.length).toBeLessThan(1_000_000);
    expect(page).not.toMatch(/<script|https?:/);
  },
  LIMIT_MS,
);
