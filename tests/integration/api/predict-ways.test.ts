import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiFixture, until } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { MemoryObjects } from "../../support/memory-objects.ts";
import { putTinyVersion } from "../../support/served-versions.ts";

const ADMIN = "bootstrap-admin-key-0123456789abcdef";
let fixture: ApiFixture;
beforeAll(async () => {
  const objects = new MemoryObjects();
  const champions = [await putTinyVersion(objects)];
  fixture = await startApiFixture({ objects, champions, environment: { AURA_BOOTSTRAP_ADMIN_KEY: ADMIN } });
  await until(async () => (await fixture.request("/readyz")).ok);
});
afterAll(() => fixture.close());

interface Answer {
  readonly status: number | undefined;
  readonly headers: readonly string[];
  readonly body: unknown;
}

/** A body with a length goes the short way, a chunked one through Hono. */
function ask(body: string, given: { isChunked: boolean; path: string; headers: object }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = given.isChunked ? {} : { "content-length": Buffer.byteLength(body) };
    const sent = request(`${fixture.api.url}${given.path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...length, ...given.headers },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () =>
        resolve({
          status: response.statusCode,
          // How the reply is framed is Node's business; its own id and time differ.
          headers: Object.entries(response.headers)
            .filter(
              ([name]) => !["date", "x-request-id", "content-length", "transfer-encoding"].includes(name),
            )
            .map(([name, value]) => `${name}: ${String(value)}`)
            .toSorted(),
          body: JSON.parse(text.replaceAll(/"(predictionId|requestId)":"[^"]+"/g, '"$1":"id"')),
        }),
      );
    });
    if (given.isChunked) sent.write(body.slice(0, 5));
    sent.end(given.isChunked ? body.slice(5) : body);
  });
}

const ROWS = '{"rows":[{"voltage":10,"current":0.5}]}';
const KEY = { authorization: `Bearer ${ADMIN}` };
test.each([
  ["plain rows", ROWS, "/predict", KEY, 200],
  ["the model's own path", ROWS, "/v1/models/pump/predict", KEY, 200],
  ["another order of fields", '{"rows":[{"current":0.5,"voltage":10}]}', "/predict", KEY, 200],
  ["assets", ROWS.replace("{", '{"assets":["unit-7"],'), "/predict", KEY, 200],
  ["no key", ROWS, "/predict", {}, 401],
  ["a wrong key", ROWS, "/predict", { authorization: "Bearer wrong" }, 401],
  ["another media type", ROWS, "/predict", { ...KEY, "content-type": "text/plain" }, 415],
  ["a compressed body", ROWS, "/predict", { ...KEY, "content-encoding": "gzip" }, 415],
  ["a query", ROWS, "/predict?key=x", KEY, 422],
  ["an unknown model", ROWS, "/v1/models/other/predict", KEY, 404],
  ["a missing field", '{"rows":[{"voltage":10}]}', "/predict", KEY, 422],
  ["no JSON", "{", "/predict", KEY, 400],
])("the short way and Hono answer alike: %s", async (_name, body, path, headers, status) => {
  const short = await ask(body, { isChunked: false, path, headers });
  const long = await ask(body, { isChunked: true, path, headers });
  expect(short).toEqual(long);
  expect(short.status).toBe(status);
});
