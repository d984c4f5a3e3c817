import type { IncomingMessage } from "node:http";
import { json as jsonOf } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { createDatabase } from "../../../stores/postgres/database.ts";
import { startApiFixture, until } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";

interface Frame {
  readonly cursor?: string;
  readonly readings: readonly { readonly asset: string; readonly values: { readonly x: number } }[];
}

await describeWithServices("live sockets", () => {
  let test: TestDatabase;
  let fixture: ApiFixture;
  beforeAll(async () => {
    test = await createTestDatabase("sockets");
    fixture = await startApiFixture({ database: await createDatabase(test.url) });
    await json("PUT", "/v1/sources/pumps", { name: "pumps", owner: "tests", columns: [{ name: "x" }] });
  });
  afterAll(async () => {
    await fixture.close();
    await test.drop();
  });

  const json = (method: string, path: string, body: unknown) =>
    fixture.request(path, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  let second = 0;
  const send = async (asset: string, values: readonly number[]): Promise<void> => {
    const readings = values.map((x) => ({
      asset,
      time: new Date(Date.UTC(2026, 0, 1) + (second += 1) * 1_000).toISOString(),
      values: { x },
    }));
    expect((await json("POST", "/readings", { source: "pumps", readings })).status).toBe(200);
  };
  async function open(query: string, protocols: string[] = []) {
    const socket = new WebSocket(`${fixture.api.url.replace("http", "ws")}/readings?${query}`, protocols);
    const frames: Frame[] = [];
    socket.on("message", (data: Buffer) => frames.push(JSON.parse(data.toString()) as Frame));
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    const values = () => frames.flatMap(({ readings }) => readings.map(({ values: { x } }) => x));
    return {
      socket,
      frames,
      values,
      cursor: () => frames.findLast(({ cursor }) => cursor !== undefined)?.cursor,
    };
  }

  it("give readings as they are committed, and go on by a cursor where nobody listened", async () => {
    const all = await open("source=pumps");
    const one = await open("source=pumps&asset=b", ["aura.v1"]);
    await send("a", [1, 2]);
    await send("b", [3]);
    await until(() => all.values().length === 3 && one.values().length === 1);
    expect([all.values(), one.values()]).toEqual([[1, 2, 3], [3]]);
    const cursor = all.cursor();
    all.socket.close();
    await send(
      "a",
      Array.from({ length: 1_200 }, (_, i) => 100 + i),
    );
    const again = await open(`source=pumps&cursor=${cursor}`);
    await until(() => again.values().length === 1_200);
    expect(again.frames.length).toBeGreaterThan(1);
    await send("b", [4]);
    await until(() => again.values().length === 1_201);
    expect(again.values().at(-1)).toBe(4);
    again.socket.close();
    one.socket.close();
  });

  it("serve plain requests on the same port before and after", async () => {
    expect((await fixture.request("/livez")).status).toBe(200);
  });

  it.each([
    ["another path", "/v1/nothing", 404, "there is no such channel"],
    ["no source", "/readings", 422, "[source]"],
    [
      "a cursor that is none",
      "/readings?source=pumps&cursor=x",
      422,
      "[cursor]: expected the cursor of a frame",
    ],
  ])("refuse %s before they open, as any request", async (_, path, status, detail) => {
    const socket = new WebSocket(`${fixture.api.url.replace("http", "ws")}${path}`);
    const answered = await new Promise<IncomingMessage>((resolve, reject) => {
      socket.once("unexpected-response", (__, response) => resolve(response));
      socket.once("open", () => reject(new Error("it opened")));
    });
    expect(answered.statusCode).toBe(status);
    expect(answered.headers["content-type"]).toBe("application/problem+json");
    const problem = (await jsonOf(answered)) as { detail: string; remedy: string; errors?: unknown };
    expect(problem).toMatchObject({ status, detail: expect.stringContaining(detail) as string });
    expect(problem.remedy).not.toBe("");
    expect(problem.errors !== undefined).toBe(status === 422);
  });

  it("close with a reason where there is no such source, and on what is too large", async () => {
    const unknown = await open("source=nowhere").catch((error: unknown) => error as Error);
    if (unknown instanceof Error) throw unknown;
    const closed = await new Promise((resolve) =>
      unknown.socket.once("close", (code, reason) => resolve(`${code} ${reason.toString()}`)),
    );
    expect(closed).toBe("4404 not_found: read readings [source nowhere]: there is no such source");
    const chatty = await open("source=pumps");
    chatty.socket.send("x".repeat(2_000));
    expect(await new Promise((resolve) => chatty.socket.once("close", resolve))).toBe(1009);
  });

  it("need a page of the same origin while there are no keys", async () => {
    const socket = new WebSocket(`${fixture.api.url.replace("http", "ws")}/readings?source=pumps`, {
      headers: { origin: "https://elsewhere.example" },
    });
    const status = await new Promise<number>((resolve) =>
      socket.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0)),
    );
    expect(status).toBe(403);
  });
});
