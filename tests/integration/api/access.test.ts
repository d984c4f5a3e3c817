import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ROLES } from "../../../api/http/auth.ts";
import type { Route } from "../../../api/routes/route.ts";
import { ROUTES } from "../../../api/routes/table.ts";
import { routeProblems } from "../../../scripts/check-routes.ts";
import { startApiFixture, until } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { MemoryObjects } from "../../support/memory-objects.ts";
import { putTinyVersion } from "../../support/served-versions.ts";

const JSON_TYPE = { "content-type": "application/json" };
const ADMIN = "admin-key-of-at-least-32-characters";
const routes = ROUTES as unknown as readonly Route[];

async function startServing(environment: Record<string, string> = {}): Promise<ApiFixture> {
  const objects = new MemoryObjects();
  const fixture = await startApiFixture({ objects, champions: [await putTinyVersion(objects)], environment });
  await until(async () => (await fixture.request("/readyz")).ok);
  return fixture;
}

/** A path of the route with plausible ids. */
function examplePath({ path }: Route): string {
  return path
    .replace("{model}", "pump")
    .replace("{version}", "1")
    .replace("{kind}", "prediction")
    .replace("{list}", "files")
    .replace("{id}", path.includes("datasets") ? "d".repeat(64) : "x1");
}

interface RawReply {
  readonly status: number;
  readonly body: string;
  readonly headers: Record<string, unknown>;
}

/** For what fetch does not allow: Host, doubled headers, odd methods. */
function raw(
  fixture: ApiFixture,
  path: string,
  options: { method?: string; headers?: Record<string, string | string[]>; body?: string } = {},
) {
  return new Promise<RawReply>((resolve, reject) => {
    const { method = "GET", headers = {}, body } = options;
    const call = httpRequest(
      { host: "127.0.0.1", port: fixture.api.port, path, method, headers },
      (reply) => {
        const chunks: Buffer[] = [];
        reply.on("data", (chunk: Buffer) => chunks.push(chunk));
        reply.on("end", () =>
          resolve({
            status: reply.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            headers: reply.headers,
          }),
        );
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

test("every route has a sound policy, and the check finds one that has not", () => {
  expect(routeProblems(routes)).toEqual([]);
  const bare = [
    { method: "get", path: "/a" },
    { method: "post", path: "/b", policy: { role: "viewer", scope: "any" } },
    { method: "get", path: "/c", policy: { public: true, role: "viewer", scope: "any" } },
  ] as unknown as Route[];
  expect(routeProblems(bare)).toHaveLength(3);
});

describe("without keys", () => {
  let fixture: ApiFixture;
  beforeAll(async () => (fixture = await startServing()));
  afterAll(() => fixture.close());

  test.each([
    ["a foreign Host", { host: "evil.example" }],
    ["a Host that ends like loopback", { host: "127.0.0.1.evil.example" }],
    ["another Origin", { origin: "https://evil.example" }],
    ["another loopback port as Origin", { origin: "http://127.0.0.1:1" }],
    ["the null Origin", { origin: "null" }],
    ["a cross-site fetch", { "sec-fetch-site": "cross-site" }],
    ["a same-site fetch", { "sec-fetch-site": "same-site" }],
  ])("refuses %s", async (_name, headers) => {
    const body = JSON.stringify({ rows: [{ voltage: 1, current: 1 }] });
    const reply = await raw(fixture, "/predict", {
      method: "POST",
      headers: { ...JSON_TYPE, ...headers },
      body,
    });
    expect(reply).toMatchObject({ status: 403, body: expect.stringContaining('"forbidden_origin"') });
    expect((await raw(fixture, "/v1/models", { headers })).status).toBe(403);
    const isPublic = (route: (typeof routes)[number]): boolean => route.policy.public === true;
    for (const path of ["/nowhere", ...routes.filter(isPublic).map(({ path: p }) => p)])
      expect([path, (await raw(fixture, path, { headers })).status]).toEqual([path, 403]);
  });

  test.each(["localhost", "127.0.0.1", "[::1]"])("accepts Host %s with its own Origin", async (name) => {
    const host = `${name}:${fixture.api.port}`;
    const reply = await raw(fixture, "/v1/models", { headers: { host, origin: `http://${host}` } });
    expect(reply.status).toBe(200);
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])(
    "refuses a body of type '%s'",
    async (type) => {
      const headers = type === "" ? {} : { "content-type": type };
      expect((await raw(fixture, "/predict", { method: "POST", headers, body: "{}" })).status).toBe(415);
    },
  );

  const nested = (n: number): string => "[".repeat(n);
  test.each([
    ["NaN", '{"rows":[{"voltage":NaN,"current":1}]}'],
    ["1e400", '{"rows":[{"voltage":1e400,"current":1}]}'],
    ["a duplicate key", '{"rows":[{"voltage":1,"voltage":2,"current":1}]}'],
    ["__proto__", '{"__proto__":{},"rows":[]}'],
    ["1 M nesting", nested(1_000_000)],
    ["a forged log line", '{"rows":"\\n{\\"level\\":60,\\"msg\\":\\"forged\\"}\\n"}'],
  ])("refuses %s as a problem within 100 ms, on every route with a body", async (_name, body) => {
    for (const path of ["/predict", "/v1/runs", "/v1/scores", "/v1/models/pump/rollback"]) {
      // The best of three: on a busy machine a request waits for its turn.
      const times: number[] = [];
      let reply = await raw(fixture, path, { method: "POST", headers: JSON_TYPE, body });
      for (let i = 0; i < 3; i++) {
        const began = performance.now();
        reply = await raw(fixture, path, { method: "POST", headers: JSON_TYPE, body });
        times.push(performance.now() - began);
      }
      expect(Math.min(...times)).toBeLessThan(100);
      expect([400, 422]).toContain(reply.status);
      expect(reply.headers["content-type"]).toBe("application/problem+json");
    }
    for (const line of fixture.log) expect(() => JSON.parse(line)).not.toThrow();
    expect(fixture.log.some((line) => line.includes('"msg":"forged"'))).toBe(false);
  });

  test("bounds bodies: announced, chunked, compressed", async () => {
    const large = "x".repeat(2_000_000);
    const announced = await raw(fixture, "/predict", {
      method: "POST",
      headers: { ...JSON_TYPE, "content-length": "2000000" },
      body: large,
    }).catch(() => undefined);
    if (announced !== undefined) expect(announced.status).toBe(413);
    const chunked = await fixture
      .request("/predict", {
        method: "POST",
        headers: JSON_TYPE,
        body: Readable.toWeb(Readable.from([large])) as never,
        duplex: "half",
      })
      .catch(() => undefined);
    if (chunked !== undefined) expect(chunked.status).toBe(413);
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const headers = { ...JSON_TYPE, "content-encoding": "gzip" };
    expect((await fixture.request("/predict", { method: "POST", headers, body: bomb })).status).toBe(415);
    expect((await fixture.request("/livez")).status).toBe(200);
  });

  test("unknown and doubled query parameters, odd methods, encoded paths", async () => {
    expect((await raw(fixture, "/v1/runs?limit=1&limit=2")).status).toBe(422);
    expect((await raw(fixture, "/v1/runs?limit=-1")).status).toBe(422);
    expect((await raw(fixture, "/v1/runs?api_key=x")).status).toBe(422);
    expect((await raw(fixture, "/v1/models/..%2f..%2fetc")).status).toBe(422);
    expect((await raw(fixture, "/v1/models/%252e%252e%252f")).status).toBe(422);
    for (const method of ["TRACE", "PATCH", "OPTIONS"]) {
      const reply = await raw(fixture, "/v1/keys", { method, headers: { "x-http-method-override": "GET" } });
      expect(reply.status).toBeGreaterThanOrEqual(400);
    }
    expect((await raw(fixture, "/v1/models", { method: "HEAD" })).body).toBe("");
  });

  test("security headers on every reply, the docs page without scripts", async () => {
    for (const path of ["/livez", "/nowhere", "/v1/models", "/docs"]) {
      const reply = await raw(fixture, path);
      expect(reply.headers).toMatchObject({ "x-content-type-options": "nosniff", "x-frame-options": "DENY" });
    }
    const docs = await raw(fixture, "/docs");
    expect(docs.body).toContain("/v1/models/{model}/promote");
    expect(docs.body).not.toContain("<script");
    const api = JSON.parse((await raw(fixture, "/openapi.json")).body) as { paths: Record<string, object> };
    expect(Object.values(api.paths).flatMap((p) => Object.keys(p))).toHaveLength(routes.length);
  });

  test("uploads are stored under their hash; runs take nothing else", async () => {
    const reply = await fixture.request("/v1/uploads?name=a/b.csv", {
      method: "PUT",
      headers: { "content-type": "application/octet-stream" },
      body: "a,b\n1,2\n",
    });
    const file = (await reply.json()) as {
      name: string;
      object: { key: string; sha256: string; bytes: number };
    };
    expect(file).toMatchObject({
      name: "a/b.csv",
      object: { bytes: 8, key: `raw/sha256/${file.object.sha256}` },
    });
    const elsewhere = { ...file, object: { ...file.object, key: "models/pump/x" } };
    const body = JSON.stringify({ pipeline: "x", files: [elsewhere] });
    const refused = await fixture.request("/v1/runs", { method: "POST", headers: JSON_TYPE, body });
    expect(await refused.json()).toMatchObject({
      code: "invalid_body",
      errors: [{ field: "files.0.object.key" }],
    });
  });

  test("a slow sender of headers is dropped within ten seconds", async () => {
    const began = performance.now();
    await new Promise<void>((resolve) => {
      const socket = connect(fixture.api.port, "127.0.0.1", () =>
        socket.write("GET /livez HTTP/1.1\r\nHost: x"),
      );
      socket.on("error", () => undefined);
      socket.on("close", () => resolve());
      socket.resume();
    });
    expect(performance.now() - began).toBeLessThan(11_000);
  }, 15_000);
});

describe("the first key", () => {
  let fixture: ApiFixture;
  beforeEach(async () => (fixture = await startApiFixture()));
  afterEach(() => fixture.close());

  const create = (body: object) =>
    fixture.request("/v1/keys", { method: "POST", headers: JSON_TYPE, body: JSON.stringify(body) });

  test.each([
    ["a viewer's", { role: "viewer" }, "role"],
    ["an approver's", { role: "approver" }, "role"],
    ["an admin's of one site", { role: "admin", sites: ["s1"] }, "sites"],
  ])("is refused when it is %s, which would lock its maker out", async (_name, key, field) => {
    const reply = await create({ name: "first", ...key });
    expect(reply.status).toBe(422);
    expect(await reply.json()).toMatchObject({
      code: "invalid_body",
      detail: expect.stringContaining("the first key must have the role admin"),
      errors: [{ field }],
    });
    // Nothing was made: the API still answers without a key.
    expect((await fixture.request("/v1/models")).status).toBe(200);
  });

  test("is an admin's, who then makes the others", async () => {
    const { secret } = (await (await create({ name: "ana", role: "admin" })).json()) as { secret: string };
    expect((await create({ name: "g", role: "viewer" })).status).toBe(401);
    const headers = { ...JSON_TYPE, authorization: `Bearer ${secret}` };
    const body = JSON.stringify({ name: "g", role: "viewer" });
    expect((await fixture.request("/v1/keys", { method: "POST", headers, body })).status).toBe(201);
  });
});

describe("with keys", () => {
  let fixture: ApiFixture;
  const secrets = new Map<string, string>();
  const bearer = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });

  beforeAll(async () => {
    fixture = await startServing({ AURA_BOOTSTRAP_ADMIN_KEY: ADMIN });
    for (const role of ROLES) {
      const body = JSON.stringify({ name: role, role });
      const reply = await fixture.request("/v1/keys", {
        method: "POST",
        headers: { ...JSON_TYPE, ...bearer(ADMIN) },
        body,
      });
      expect(reply.status).toBe(201);
      secrets.set(role, ((await reply.json()) as { secret: string }).secret);
    }
    const site = JSON.stringify({ name: "site", role: "admin", sites: ["site1"] });
    const reply = await fixture.request("/v1/keys", {
      method: "POST",
      headers: { ...JSON_TYPE, ...bearer(ADMIN) },
      body: site,
    });
    secrets.set("site", ((await reply.json()) as { secret: string }).secret);
  });
  afterAll(() => fixture.close());

  test("401 with one body for every way to have no key", async () => {
    const attempts = [
      {},
      { authorization: "" },
      { authorization: "Bearer" },
      { authorization: `Basic ${ADMIN}` },
      { authorization: "Bearer wrong" },
      { authorization: [`Bearer ${ADMIN}`, `Bearer ${ADMIN}`] },
    ];
    const bodies = new Set<string>();
    for (const headers of attempts) {
      const reply = await raw(fixture, "/v1/models", { headers });
      expect(reply.status).toBe(401);
      bodies.add(reply.body);
    }
    expect((await raw(fixture, `/v1/models?key=${ADMIN}`)).status).toBe(401);
    expect(bodies.size).toBe(1);
  });

  test("every route: 401 without a key unless public, 403 below its role, never 401 or 403 from it on", async () => {
    for (const route of routes) {
      const method = route.method.toUpperCase();
      const path = examplePath(route);
      const isPublic = route.policy.public === true;
      expect([path, (await raw(fixture, path, { method })).status === 401]).toEqual([path, !isPublic]);
      if (isPublic) continue;
      for (const role of ROLES) {
        const isEnough = ROLES.indexOf(role) >= ROLES.indexOf(route.policy.role);
        const { status } = await raw(fixture, path, { method, headers: bearer(secrets.get(role) ?? "") });
        expect([method, path, role, status === 403]).toEqual([method, path, role, !isEnough]);
        if (isEnough) expect(status).not.toBe(401);
      }
    }
  });

  test("a key limited to sites gets 404 on what concerns all", async () => {
    const headers = bearer(secrets.get("site") ?? "");
    expect((await raw(fixture, "/v1/runs", { headers })).status).toBe(404);
    expect((await raw(fixture, "/v1/models", { headers })).status).toBe(200);
  });

  test("a revoked key ends at once, an unknown database does not", async () => {
    const headers = bearer(secrets.get("viewer") ?? "");
    fixture.setDatabaseDown(true);
    const body = JSON.stringify({ rows: [{ voltage: 1, current: 1 }] });
    const reply = await raw(fixture, "/predict", {
      method: "POST",
      headers: { ...JSON_TYPE, ...headers },
      body,
    });
    expect(reply.status).toBe(200);
    fixture.setDatabaseDown(false);
    const id = [...fixture.keys.values()].find((key) => key.name === "viewer")?.id ?? "";
    expect((await raw(fixture, `/v1/keys/${id}`, { method: "DELETE", headers: bearer(ADMIN) })).status).toBe(
      204,
    );
    expect((await raw(fixture, "/v1/models", { headers })).status).toBe(401);
  });

  test("Idempotency-Key: same reply, other body refused, effect once", async () => {
    const headers = { ...JSON_TYPE, ...bearer(secrets.get("operator") ?? ""), "idempotency-key": "k1" };
    const score = (files: unknown[]) =>
      fixture.request("/v1/scores", {
        method: "POST",
        headers,
        body: JSON.stringify({ model: "pump", files }),
      });
    const object = await fixture.objects.put(
      "raw/sha256/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      Buffer.from("abc"),
    );
    const before = fixture.started.length;
    const first = await score([{ name: "a", object }]);
    const second = await score([{ name: "a", object }]);
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(await second.text()).toBe(await first.text());
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect((await score([{ name: "b", object }])).status).toBe(422);
    expect(fixture.started.length).toBe(before + 1);
    const long = await fixture.request("/v1/scores", {
      method: "POST",
      headers: { ...headers, "idempotency-key": "k".repeat(256) },
      body: JSON.stringify({ model: "pump", files: [{ name: "a", object }] }),
    });
    expect(long.status).toBe(422);
  });

  test("a server beyond loopback needs keys", async () => {
    await expect(startApiFixture({ environment: { AURA_API_HOST: "0.0.0.0" } })).rejects.toMatchObject({
      code: "config_invalid",
    });
  });
});
