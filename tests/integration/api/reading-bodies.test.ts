import { once } from "node:events";
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import {
  makeVector,
  Table,
  tableFromArrays,
  tableToIPC,
  TimestampSecond,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { IntakeReply } from "../../../schemas/live/intake.ts";
import { until } from "../../support/api-fixture.ts";
import { at, reading, readingsClient, startReadingsBench } from "../../support/readings-bench.ts";
import type { ReadingsBench } from "../../support/readings-bench.ts";
import { describeWithServices } from "../../support/platform.ts";

await describeWithServices("bodies of readings", () => {
  let bench: ReadingsBench;
  beforeAll(async () => {
    bench = await startReadingsBench("readingbodies");
  });
  afterAll(() => bench.close());
  const { call, page, post } = readingsClient(() => bench.fixture);

  it("takes lines of JSON, gzip and Arrow", async () => {
    const lines = [
      JSON.stringify(reading("p6", 0, { pressure: 1 })),
      "{broken",
      JSON.stringify(reading("p6", 1, { pressure: null })),
    ];
    const headers = { "content-type": "application/x-ndjson", "content-encoding": "gzip" };
    const packed = await post(gzipSync(lines.join("\n")), headers, "?source=pumps");
    expect(await packed.json()).toMatchObject({ received: 3, stored: 2, quarantined: 1 });
    const table = tableFromArrays({
      asset: ["p6", "p6"],
      time: [new Date(at(5)), new Date(at(6))],
      pressure: Float64Array.of(4.5, NaN),
    });
    const arrow = await post(
      tableToIPC(table, "stream"),
      { "content-type": "application/vnd.apache.arrow.stream" },
      "?source=pumps",
    );
    expect(await arrow.json()).toMatchObject({ received: 2, stored: 2 });
    const hostile = new Table({
      asset: vectorFromArray(["p6", "p6", "p6"], new Utf8()),
      time: makeVector({
        type: new TimestampSecond("UTC"),
        data: BigInt64Array.of(2n ** 62n, -(2n ** 62n), BigInt(Date.parse(at(7)) / 1_000)),
      }),
      pressure: makeVector(Float64Array.of(1, 1, Infinity)),
    });
    const aside = await post(
      tableToIPC(hostile, "stream"),
      { "content-type": "application/vnd.apache.arrow.stream" },
      "?source=pumps",
    );
    const { problems } = (await aside.json()) as IntakeReply;
    expect(problems.map(({ code }) => code)).toEqual(["bad_time", "bad_time", "not_finite"]);
    const { items } = await page(`asset=p6&since=${at(5)}`);
    expect(items.map(({ time, values }) => [time, values])).toEqual([
      [at(5), { pressure: 4.5 }],
      [at(6), {}],
    ]);
  });

  it.each([
    ["no source", "{}", 422],
    ["no readings", JSON.stringify({ source: "pumps", readings: [] }), 422],
    ["too many", JSON.stringify({ source: "pumps", readings: Array(10_001).fill(0) }), 422],
    ["an unknown source", JSON.stringify({ source: "none", readings: [1] }), 404],
    ["broken JSON", "{", 400],
  ])("refuses %s, and stores nothing", async (_, body, status) => {
    expect((await post(body)).status).toBe(status);
  });

  it("refuses a gzip bomb and what only says that it is gzip", async () => {
    const bomb = await post(gzipSync(Buffer.alloc(64 * 2 ** 20)), { "content-encoding": "gzip" });
    expect(bomb.status).toBe(413);
    expect((await post("{}", { "content-encoding": "gzip" })).status).toBe(422);
    // A million readings that are none, in a body of 3 KB: read, they would hold up predictions for seconds.
    const empty = gzipSync(`{"source":"pumps","readings":[${"{},".repeat(1_000_000)}{}]}`);
    expect((await post(empty, { "content-encoding": "gzip" })).status).toBe(400);
    const lines = `[${"{},".repeat(500)}{}]\n`.repeat(300);
    const asLines = { "content-type": "application/x-ndjson", "content-encoding": "gzip" };
    const aside = await post(gzipSync(lines), asLines, "?source=pumps");
    expect(await aside.json()).toMatchObject({ received: 300, quarantined: 300 });
  });

  it("takes a file with a ticket and no key, once", async () => {
    const made = await call("POST", "/v1/readings/uploads", {
      source: "pumps",
      fileName: "june.csv",
      maxBytes: 40,
    });
    expect(made.status).toBe(201);
    const { url, upload } = (await made.json()) as { url: string; upload: { id: string } };
    const putFile = (path: string, text: string) =>
      bench.fixture.request(path, {
        method: "PUT",
        headers: { "content-type": "application/octet-stream" },
        body: text,
      });
    expect((await putFile("/uploads/" + "x".repeat(43), "a")).status).toBe(404);
    expect((await putFile(url, "x".repeat(41))).status).toBe(413);
    const received = await putFile(url, "asset,time,pressure");
    expect([received.status, await received.json()]).toMatchObject([
      202,
      { id: upload.id, state: "received", bytes: 19 },
    ]);
    expect(bench.fixture.started).toContain(`upload ${upload.id}`);
    expect((await putFile(url, "asset,time,pressure")).status).toBe(202);
    expect((await putFile(url, "another")).status).toBe(409);
    expect(JSON.stringify(await (await call("GET", "/v1/readings/uploads")).json())).not.toContain(
      url.slice(9),
    );
    const expired = await call("POST", "/v1/readings/uploads", {
      source: "pumps",
      fileName: "a.csv",
      expiresIn: "1s",
    });
    const late = ((await expired.json()) as { url: string }).url;
    await until(async () => (await putFile(late, "a")).status === 409);
    expect((await call("POST", "/v1/readings/uploads", { source: "pumps", fileName: "a.exe" })).status).toBe(
      422,
    );
  });

  it("stores nothing of a body that is not as long as Content-Length says", async () => {
    const { hostname, port } = new URL(bench.fixture.api.url);
    const body = JSON.stringify({ source: "pumps", readings: [reading("liar", 0, { pressure: 1 })] });
    const sentWith = async (length: number): Promise<string> => {
      const socket = connect(Number(port), hostname);
      await once(socket, "connect");
      socket.write(
        `POST /readings HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\n` +
          `Connection: close\r\nContent-Length: ${length}\r\n\r\n${body}`,
      );
      if (length !== body.length) socket.end();
      return textOf(socket);
    };
    // What comes behind a body that is said to be shorter is no request.
    expect(await sentWith(body.length - 1)).toMatch(/^HTTP\/1\.1 400 /);
    // Of one that is said to be longer the rest never comes; nobody is there to be answered.
    expect(await sentWith(body.length + 1)).toMatch(/^$|^HTTP\/1\.1 400 /);
    expect(await sentWith(1e15)).toMatch(/^HTTP\/1\.1 413 /);
    expect((await page("asset=p6")).items).not.toEqual([]);
    expect((await call("GET", "/readings?asset=liar")).status).toBe(404);
    expect(await sentWith(body.length)).toMatch(/^HTTP\/1\.1 200 /);
  });
});
