import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { shortenRepeated } from "./request-socket.ts";
import type { RepeatedRequests } from "./request-socket.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

interface Echo {
  readonly server: Server;
  readonly port: number;
  readonly repeated: RepeatedRequests;
  /** Bodies that went the short way. */
  readonly short: string[];
  /** The short way waits for this before it answers. */
  gate: Promise<void>;
}

/** Answers every request with what it asked for; the short way and Node's give the same body. */
async function startEcho(): Promise<Echo> {
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const body = `${incoming.method} ${incoming.url} ${Buffer.concat(chunks).toString("latin1")}`;
      outgoing.writeHead(200, { "content-length": Buffer.byteLength(body) });
      outgoing.end(body);
    });
  });
  const echo = { server, short: [] as string[], gate: Promise.resolve() };
  const repeated = shortenRepeated(server, ({ head, body }) => {
    if (head.method !== "POST") return undefined;
    const text = body.toString("latin1");
    echo.short.push(text);
    const reply = `${head.method} ${head.url} ${text}`;
    return echo.gate.then(() => `HTTP/1.1 200 OK\r\ncontent-length: ${reply.length}\r\n\r\n${reply}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => (server.closeAllConnections(), server.close()));
  return Object.assign(echo, { port: (server.address() as AddressInfo).port, repeated });
}

interface Client {
  readonly socket: Socket;
  readonly statuses: number[];
  readonly bodies: string[];
  isClosed: boolean;
}

async function openClient(port: number): Promise<Client> {
  const socket = connect(port, "127.0.0.1").setNoDelay(true);
  const client: Client = { socket, statuses: [], bodies: [], isClosed: false };
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    for (;;) {
      const head = /^HTTP\/1\.1 (\d+)[^]*?\r\n\r\n/.exec(text);
      const length = Number(/content-length: (\d+)/i.exec(head?.[0] ?? "")?.[1] ?? 0);
      if (head === null || text.length < head[0].length + length) return;
      client.statuses.push(Number(head[1]));
      client.bodies.push(text.slice(head[0].length, head[0].length + length));
      text = text.slice(head[0].length + length);
    }
  });
  socket.on("error", () => undefined);
  socket.on("close", () => (client.isClosed = true));
  cleanups.push(() => void socket.destroy());
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return client;
}

async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (check()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`not reached: ${check.toString()}`);
}

const post = (body: string, extra = ""): string =>
  `POST /p HTTP/1.1\r\nHost: x\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`;

/** Sends one text after the other, each once the one before is answered. */
async function inTurn(client: Client, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    const nAnswers = client.statuses.length + 1;
    client.socket.write(text, "latin1");
    await until(() => client.statuses.length >= nAnswers || client.isClosed);
  }
}

describe("requests that repeat on their connection", () => {
  test("go the short way from the second on, whatever the length of the body", async () => {
    const echo = await startEcho();
    const client = await openClient(echo.port);
    const bodies = ["a", "b", "c".repeat(9), "d".repeat(10), "e".repeat(20_000), "f"];
    await inTurn(
      client,
      bodies.map((body) => post(body)),
    );
    expect(client.bodies).toEqual(bodies.map((body) => `POST /p ${body}`));
    expect(echo.short.filter((body) => body.length < 100)).toEqual(
      bodies.slice(1).filter((body) => body.length < 100),
    );
  });

  const unusual: [string, string][] = [
    ["another path", post("2").replace("/p", "/q")],
    ["another method", "GET /p HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["one more header", post("2", "X: 1\r\n")],
    ["another case of a name", post("2").replace("Host", "host")],
    ["another version", post("2").replace("HTTP/1.1", "HTTP/1.0")],
    ["a length with a zero in front", post("2").replace("Length: 1", "Length: 01")],
    ["a length with a sign", post("2").replace("Length: 1", "Length: +1")],
    ["two lengths", post("2", "Content-Length: 1\r\n")],
    ["two lengths that differ", post("2", "Content-Length: 3\r\n")],
    ["a length and chunks", post("2", "Transfer-Encoding: chunked\r\n")],
    ["a body without an end", post("2").replace("Length: 1", "Length: 5")],
    ["a bare line feed", post("2").replace("Host: x\r\n", "Host: x\n")],
    ["no host", post("2").replace("Host: x\r\n", "")],
  ];
  test.each(unusual)("%s goes to Node, which answers as it does alone", async (_name, text) => {
    const echo = await startEcho();
    const alone = createServer(echo.server.listeners("request")[0] as never);
    await new Promise<void>((resolve) => alone.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => (alone.closeAllConnections(), alone.close()));
    const seen: object[] = [];
    for (const port of [echo.port, (alone.address() as AddressInfo).port]) {
      const client = await openClient(port);
      await inTurn(client, [post("1"), post("1")]);
      client.socket.write(text, "latin1");
      await until(() => client.statuses.length >= 3 || client.isClosed || text.includes("Length: 5"));
      client.socket.end(post("4"));
      await until(() => client.isClosed);
      seen.push({ statuses: client.statuses, bodies: client.bodies });
    }
    // What is sent together with the end of the connection may be cut off in either case.
    expect(JSON.stringify(seen[0]).slice(0, 60)).toBe(JSON.stringify(seen[1]).slice(0, 60));
    expect(echo.short).not.toContain("2");
  });

  test("keep their order when they are sent without waiting, and may be cut anywhere", async () => {
    const echo = await startEcho();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            extra: fc.constantFrom("", "", "X: 1\r\n"),
            body: fc.stringMatching(/^[a-z]{1,12}$/),
            cut: fc.option(fc.nat(80)),
            isJoined: fc.boolean(),
          }),
          { minLength: 1, maxLength: 8 },
        ),
        fc.boolean(),
        async (requests, isSlow) => {
          echo.gate = isSlow ? new Promise((resolve) => setTimeout(resolve, 3)) : Promise.resolve();
          const client = await openClient(echo.port);
          await inTurn(client, [post("first")]);
          for (const { extra, body, cut, isJoined } of requests) {
            const text = post(body, extra);
            client.socket.write(text.slice(0, cut ?? text.length), "latin1");
            if (!isJoined) await new Promise((resolve) => setTimeout(resolve, 1));
            client.socket.write(text.slice(cut ?? text.length), "latin1");
          }
          await until(() => client.bodies.length > requests.length);
          const expected = ["first", ...requests.map(({ body }) => body)].map((body) => `POST /p ${body}`);
          expect(client.bodies).toEqual(expected);
          client.socket.destroy();
        },
      ),
      { numRuns: 60, seed: 5 },
    );
    expect(echo.short.length).toBeGreaterThan(5);
  });

  test("what waits behind one in flight is not given to Node once the connection is gone", async () => {
    const echo = await startEcho();
    const client = await openClient(echo.port);
    await inTurn(client, [post("1")]);
    let open: () => void = () => undefined;
    echo.gate = new Promise((resolve) => (open = resolve));
    client.socket.write(post("2"));
    await until(() => echo.short.length === 1);
    client.socket.write(post("3", "X: 1\r\n"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.socket.resetAndDestroy();
    echo.server.closeAllConnections();
    await new Promise((resolve) => setTimeout(resolve, 20));
    open();
    const other = await openClient(echo.port);
    await inTurn(other, [post("4"), post("5")]);
    expect(other.bodies).toEqual(["POST /p 4", "POST /p 5"]);
  });

  test("who asks without reading the answers has to wait, and then gets all of them", async () => {
    const echo = await startEcho();
    let served: Socket | undefined;
    echo.server.once("connection", (socket: Socket) => (served = socket));
    const client = await openClient(echo.port);
    await inTurn(client, [post("1")]);
    client.socket.pause();
    const body = "x".repeat(30_000);
    let nSent = 0;
    // The system keeps some megabytes in both directions.
    for (; client.socket.writableLength === 0 && nSent < 5_000; nSent++) {
      client.socket.write(post(body));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(nSent).toBeLessThan(5_000);
    expect(served?.writableLength).toBeLessThan(2 * body.length);
    client.socket.resume();
    await until(() => client.bodies.length === nSent + 1);
    expect(client.bodies.slice(1).every((answer) => answer === `POST /p ${body}`)).toBe(true);
  });

  test("stopping waits for what is in flight; what comes then is Node's", async () => {
    const echo = await startEcho();
    const client = await openClient(echo.port);
    await inTurn(client, [post("1")]);
    let open: () => void = () => undefined;
    echo.gate = new Promise((resolve) => (open = resolve));
    client.socket.write(post("2"));
    await until(() => echo.short.length === 1);
    let isStopped = false;
    const stopping = echo.repeated.stop().then(() => (isStopped = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isStopped).toBe(false);
    open();
    await stopping;
    await inTurn(client, [post("3")]);
    await until(() => client.bodies.length === 3);
    expect(client.bodies.at(-1)).toBe("POST /p 3");
    expect(echo.short).toEqual(["2"]);
  });
});
