import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { describeWithServices } from "../support/platform.ts";
import { until } from "./support/until.ts";
import { openIntakeBench, readingOf } from "./support/intake-bench.ts";
import type { IntakeBench } from "./support/intake-bench.ts";

await describeWithServices("an HTTP server that is asked", () => {
  let bench: IntakeBench;
  let server: Server;
  let url: string;
  let answer: (query: URLSearchParams, request: IncomingMessage, response: ServerResponse) => void;
  const asked: string[] = [];
  beforeEach(async () => {
    asked.length = 0;
    bench = await openIntakeBench("http");
    server = createServer((request, response) => {
      const { search, searchParams } = new URL(request.url ?? "", "http://x");
      asked.push(search);
      answer(searchParams, request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/readings`;
  });
  afterEach(async () => {
    await bench.close();
    server.closeAllConnections();
    server.close();
  });
  const feed = (more: object = {}) => ({
    name: "plant",
    source: "pumps",
    from: { kind: "http", url, every: "1s", ...more },
  });
  const isStored = (count: number) =>
    until(
      () => bench.stored(),
      (stored) => stored >= count,
    );

  it("follows pages and asks for what is newer, with a secret that nobody sees", async () => {
    let nReadings = 250;
    const tokens: (string | undefined)[] = [];
    answer = (query, request, response) => {
      tokens.push(request.headers.authorization);
      const since = Date.parse(query.get("since") ?? "");
      const from = Number(query.get("page") ?? 0);
      const all = Array.from({ length: nReadings }, (_, n) => readingOf("p1", n)).filter(
        ({ time }) => Date.parse(time) >= since,
      );
      const data = all.slice(from, from + 100);
      response.end(
        JSON.stringify({ data: { items: data }, next: from + 100 < all.length ? from + 100 : null }),
      );
    };
    await bench.startIngestor({ AURA_FEED_TOKEN: "s3cret" });
    await bench.putFeed({
      ...feed({
        headers: { authorization: "Bearer ${env:AURA_FEED_TOKEN}" },
        since: { parameter: "since", field: "time", start: "2026-01-01T00:00:00Z" },
        cursor: { parameter: "page", field: "next" },
      }),
      reading: { items: "data.items" },
    });
    await isStored(250);
    nReadings = 300;
    await isStored(300);
    expect(asked.slice(0, 3)).toEqual([
      "?since=2026-01-01T00%3A00%3A00Z",
      "?since=2026-01-01T00%3A00%3A00Z&page=100",
      "?since=2026-01-01T00%3A00%3A00Z&page=200",
    ]);
    expect(asked).toContain("?since=2026-01-01T00%3A04%3A09.000Z");
    expect(new Set(tokens)).toEqual(new Set(["Bearer s3cret"]));
    answer = (_query, _request, response) => response.writeHead(401).end("s3cret");
    const row = await until(
      () => bench.db.feeds.get("plant"),
      (one) => one?.state === "failing",
    );
    expect(JSON.stringify(row) + bench.output()).not.toContain("s3cret");
    expect(await bench.letters()).toEqual([]);
  });

  it("does not set the same bad answer aside again and again, and waits out a server that is away", async () => {
    let isAway = true;
    answer = (_query, _request, response) =>
      isAway ? response.writeHead(503).end() : response.end("{broken");
    await bench.startIngestor();
    await bench.putFeed(feed());
    await until(
      () => bench.db.feeds.get("plant"),
      (row) => row?.reason?.includes("503") === true,
    );
    isAway = false;
    await until(
      () => bench.letters(),
      (letters) => letters.length === 1,
    );
    const before = asked.length;
    await until(
      async () => asked.length,
      (count) => count >= before + 3,
    );
    expect(await bench.letters()).toHaveLength(1);
  });

  it("reads tables, and is killed between the pages without losing one", async () => {
    answer = (query, _request, response) => {
      const from = Number(query.get("n") ?? 0);
      const rows = Array.from({ length: 500 }, (_, i) => readingOf("t", from + 1 + i)).filter(
        ({ values }) => values.n <= 5_000,
      );
      response.end(
        rows.length === 0
          ? ""
          : `asset,time,pressure,n\n${rows.map(({ asset, time, values }) => `${asset},${time},${values.pressure},${values.n}\n`).join("")}`,
      );
    };
    await bench.putFeed(feed({ format: "csv", since: { parameter: "n", field: "n", start: 0 } }));
    for (let kills = 0; kills < 3; kills++) {
      const ingestor = await bench.startIngestor();
      const before = await bench.stored();
      await until(
        () => bench.stored(),
        (stored) => stored > before,
      );
      await ingestor.kill();
    }
    await bench.startIngestor();
    await isStored(5_000);
    expect(await bench.stored()).toBe(5_000);
  });

  it("asks nobody who is not to be asked", async () => {
    answer = (_query, _request, response) => response.end("[]");
    await bench.startIngestor({ AURA_ALLOW_LOOPBACK_SOURCES: "false" });
    await bench.putFeed(feed());
    const row = await until(
      () => bench.db.feeds.get("plant"),
      (one) => one?.state === "failing",
    );
    expect(row?.reason).toContain("invalid_feed");
    expect(asked).toEqual([]);
  });
});
