import { Readable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ApiClient, apiPath } from "./client.ts";
import { problem, startFakeApi } from "./fake-api.ts";
import type { FakeApi, FakeRoutes } from "./fake-api.ts";

const open: FakeApi[] = [];
const reply = z.object({ ok: z.boolean() });

async function client(routes: FakeRoutes, options: { apiKey?: string } = {}) {
  const api = await startFakeApi(routes);
  open.push(api);
  return { api, client: new ApiClient({ baseUrl: api.url, ...options }) };
}

afterEach(async () => {
  for (const api of open.splice(0)) await api.close();
});

describe("ApiClient", () => {
  it("escapes what it puts into paths and queries", async () => {
    const { api, client: c } = await client({ "GET /v1/a%2F..%2Fb": () => ({ body: { ok: true } }) });
    await c.get(apiPath`/v1/${"a/../b"}`, reply, { asset: "Ω & co", left: undefined });
    expect(api.requests[0]?.path).toBe("/v1/a%2F..%2Fb?asset=%CE%A9+%26+co");
  });

  it("sends key and idempotency key", async () => {
    const { api, client: c } = await client(
      { "POST /v1/runs": () => ({ status: 202, body: { ok: true } }) },
      { apiKey: "secret" },
    );
    await c.post("/v1/runs", { reply, body: { a: 1 }, idempotencyKey: "k1" });
    await c.post("/v1/runs", { reply });
    const [first, second] = api.requests;
    expect(first).toMatchObject({
      body: '{"a":1}',
      headers: {
        authorization: "Bearer secret",
        "content-type": "application/json",
        "idempotency-key": "k1",
      },
    });
    expect(second?.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("turns a problem document back into the error it was", async () => {
    const errors = [{ line: 4, field: "task.kind", expected: "rul", found: "rlu" }];
    const { client: c } = await client({
      "POST /v1/runs": () => problem("invalid_pipeline", 422, { errors }),
    });
    await expect(c.post("/v1/runs", { reply })).rejects.toMatchObject({
      name: "PlatformError",
      code: "invalid_pipeline",
      message: "detail of invalid_pipeline",
      locations: errors,
    });
  });

  it.each([
    ["a code of a newer release", problem("from_the_future", 422), "internal"],
    ["a gateway's page", { status: 502, body: "<html>" }, "api_unavailable"],
    ["a reply of another shape", { body: { ok: "yes" } }, "internal"],
  ])("reads %s", async (_name, answer, code) => {
    const { client: c } = await client({ "GET /v1/x": () => answer });
    await expect(c.get("/v1/x", reply)).rejects.toMatchObject({ code });
  });

  it("says that nobody answers", async () => {
    const api = await startFakeApi({});
    await api.close();
    const c = new ApiClient({ baseUrl: api.url });
    await expect(c.get("/v1/x", reply)).rejects.toMatchObject({ code: "api_unavailable" });
  });

  it("goes where the API is now, once", async () => {
    const gone = await startFakeApi({});
    await gone.close();
    const { api } = await client({ "GET /v1/x": () => ({ body: { ok: true } }) });
    const asked: string[] = [];
    const relocate = async () => {
      asked.push("where");
      return api.url;
    };
    const c = new ApiClient({ baseUrl: gone.url, relocate });
    expect(await c.get("/v1/x", reply)).toEqual({ ok: true });
    expect(await c.get("/v1/x", reply)).toEqual({ ok: true });
    expect(asked).toEqual(["where"]);
  });

  it("finds nothing where there is nothing", async () => {
    const { client: c } = await client({});
    await expect(c.find("/v1/x", reply)).resolves.toBeNull();
  });

  it("streams bytes with their length", async () => {
    const { api, client: c } = await client({ "PUT /v1/uploads": () => ({ body: { ok: true } }) });
    const bytes = Readable.from([Buffer.from("ab"), Buffer.from("c")]);
    await c.putStream("/v1/uploads", { bytes, length: 3, query: { name: "f.csv" }, reply });
    expect(api.requests[0]).toMatchObject({
      body: "abc",
      path: "/v1/uploads?name=f.csv",
      headers: { "content-length": "3", "content-type": "application/octet-stream" },
    });
  });
});
