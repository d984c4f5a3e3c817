import { createServer } from "node:http";
import type { Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { runClosedLoop } from "./closed-loop.ts";
import { encodePost } from "./http-connection.ts";
import { percentile } from "./load-result.ts";
import { runOpenLoop } from "./open-loop.ts";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Echoes the body after `delayMs` of each request; the nth request may be slower. */
async function startEcho(delayMs: (nth: number) => number): Promise<number> {
  let nth = 0;
  const started = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      const send = () => response.writeHead(200, { "content-length": body.length }).end(body);
      const delay = delayMs(nth++);
      if (delay === 0) send();
      else setTimeout(send, delay);
    });
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const address = started.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

const requestsFor = (port: number) =>
  ["a", "b".repeat(100_000), "c"].map((body) => encodePost(`127.0.0.1:${port}`, "/", body));

test("a closed loop answers every request with its own body", async () => {
  const port = await startEcho(() => 0);
  const first = ["a", "b", "c"];
  const result = await runClosedLoop({
    port,
    connections: 4,
    seconds: 0.3,
    requests: requestsFor(port),
    check: (answer, index) =>
      String.fromCodePoint(answer.body[0] ?? 0) === first[index] ? undefined : "mixed",
  });
  expect(result.reasons).toEqual([]);
  // Each body at least once, also where the machine is busy.
  expect(result.answered).toBeGreaterThanOrEqual(3);
});

test("an open loop charges a stall to every request that was due meanwhile", async () => {
  const port = await startEcho((nth) => (nth === 20 ? 200 : 0));
  const result = await runOpenLoop({
    port,
    rate: 200,
    seconds: 0.5,
    connections: 1,
    requests: [encodePost(`127.0.0.1:${port}`, "/", "x")],
  });
  expect(result.answered).toBe(100);
  // One connection stood still for 200 ms at 200/s: about forty requests waited, the longest about 200 ms.
  expect(result.latenciesMs.filter((ms) => ms > 20).length).toBeGreaterThan(25);
  expect(percentile(result.latenciesMs, 1)).toBeGreaterThan(180);
});

test("a broken server is counted, not waited for", async () => {
  const port = await startEcho(() => 0);
  const running = runClosedLoop({ port, connections: 2, seconds: 5, requests: requestsFor(port) });
  setTimeout(() => server?.closeAllConnections(), 100);
  const result = await running;
  expect(result.failed).toBe(2);
});

test.each([
  ["the median of four is the second", [1, 2, 3, 4], 0.5, 2],
  ["p99 of a hundred is the 99th", Array.from({ length: 100 }, (_, i) => i + 1), 0.99, 99],
  ["p99 of one is itself", [7], 0.99, 7],
])("percentile: %s", (_name, values, share, expected) => {
  expect(percentile(Float64Array.from(values), share)).toBe(expected);
});
