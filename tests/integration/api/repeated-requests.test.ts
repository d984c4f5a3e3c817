import { Agent, request as httpRequest } from "node:http";
import { afterEach, expect, test } from "vitest";
import { startApiFixture, until } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { MemoryObjects } from "../../support/memory-objects.ts";
import { putTinyVersion } from "../../support/served-versions.ts";

const ADMIN = "admin-key-of-at-least-32-characters";
const ROW = '{"rows":[{"voltage":10,"current":0.5}]}';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(environment: Record<string, string> = {}): Promise<ApiFixture> {
  const objects = new MemoryObjects();
  const fixture = await startApiFixture({ objects, champions: [await putTinyVersion(objects)], environment });
  cleanups.push(() => fixture.close());
  await until(async () => (await fixture.request("/readyz")).ok);
  return fixture;
}

interface Reply {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Record<string, unknown>;
}

/** A client whose requests all go over one connection. */
function client({ api }: ApiFixture, headers: Record<string, string> = {}) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  cleanups.push(() => agent.destroy());
  return (body: string, path = "/predict"): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const { port } = api;
      const length = String(Buffer.byteLength(body));
      const all = { "content-type": "application/json", "content-length": length, ...headers };
      const call = httpRequest(
        { host: "127.0.0.1", port, path, method: "POST", headers: all, agent },
        (reply) => {
          const chunks: Buffer[] = [];
          reply.on("data", (chunk: Buffer) => chunks.push(chunk));
          reply.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            const parsed = JSON.parse(text) as Record<string, unknown>;
            resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: parsed });
          });
        },
      );
      call.on("error", reject);
      call.end(body);
    });
}

/** What must not depend on how often a connection has asked: all but ids and times. */
function comparable({ status, headers, body }: Reply): object {
  const { date, "x-request-id": requestId, "content-length": length, ...rest } = headers;
  const { predictions, ...others } = body as { predictions?: { predictionId: string }[] };
  expect([typeof date, typeof requestId]).toEqual(["string", "string"]);
  expect(Number(length)).toBeGreaterThan(0);
  const answers = predictions?.map(({ predictionId: _id, ...answer }) => answer);
  return { status, headers: rest, others, answers };
}

const BODIES: [string, string][] = [
  ["a row", ROW],
  [
    "two rows with assets",
    '{"assets":["a","é"],"rows":[{"voltage":1,"current":2},{"voltage":3,"current":4}]}',
  ],
  ["a field too many", '{"rows":[{"voltage":10,"current":0.5,"more":1}]}'],
  ["a field missing", '{"rows":[{"voltage":10}]}'],
  ["NaN", '{"rows":[{"voltage":NaN,"current":1}]}'],
  ["1e400", '{"rows":[{"voltage":1e400,"current":1}]}'],
  ["a duplicate key", '{"rows":[{"voltage":1,"voltage":2,"current":1}]}'],
  ["__proto__", '{"rows":[{"voltage":1,"current":1,"__proto__":{"x":1}}]}'],
  ["a thousand levels", "[".repeat(1_000)],
  ["bytes after the end", `${ROW} x`],
  ["another model", '{"model":"nobody","rows":[{"voltage":1,"current":1}]}'],
];

test("the same body has the same reply, headers included, however often its connection has asked", async () => {
  const fixture = await start();
  const repeating = client(fixture);
  await repeating(ROW);
  for (const [name, body] of BODIES) {
    const first = comparable(await client(fixture)(body));
    const repeated = comparable(await repeating(body));
    expect({ name, ...repeated }).toEqual({ name, ...first });
  }
  const ids = new Set<unknown>();
  for (let i = 0; i < 20; i++) {
    const { headers, body } = await repeating(ROW);
    ids
      .add(headers["x-request-id"])
      .add((body["predictions"] as { predictionId: string }[])[0]?.predictionId);
  }
  expect(ids.size).toBe(40);
});

test("a key that ends is refused on a connection that had answers with it", async () => {
  const fixture = await start({ AURA_BOOTSTRAP_ADMIN_KEY: ADMIN });
  const admin = { "content-type": "application/json", authorization: `Bearer ${ADMIN}` };
  const made = await fixture.request("/v1/keys", {
    method: "POST",
    headers: admin,
    body: JSON.stringify({ name: "reader", role: "viewer" }),
  });
  const { secret, ...key } = (await made.json()) as { secret: string; id?: string; key?: { id: string } };
  const ask = client(fixture, { authorization: `Bearer ${secret}` });
  for (let i = 0; i < 3; i++) expect((await ask(ROW)).status).toBe(200);
  const id = key.id ?? key.key?.id ?? "";
  const ended = await fixture.request(`/v1/keys/${id}`, { method: "DELETE", headers: admin });
  expect(ended.ok).toBe(true);
  expect((await ask(ROW)).status).toBe(401);
});

test("closing waits for repeated requests in flight", async () => {
  const fixture = await start();
  const clients = Array.from({ length: 8 }, () => client(fixture));
  await Promise.all(clients.map((ask) => ask(ROW)));
  const { inference } = (await (await fixture.request("/health")).json()) as {
    inference: { children: { pid: number }[] };
  };
  const pid = inference.children[0]?.pid ?? 0;
  process.kill(pid, "SIGSTOP");
  const asked = clients.map((ask) => ask(ROW).then(({ status }) => status));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const closing = fixture.api.close();
  await new Promise((resolve) => setTimeout(resolve, 200));
  process.kill(pid, "SIGCONT");
  expect(await Promise.all(asked)).toEqual(clients.map(() => 200));
  await closing;
});
