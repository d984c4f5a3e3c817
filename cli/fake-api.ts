import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** For tests: an API whose answers are written down, and that remembers what it was asked. */
export interface FakeApi {
  readonly url: string;
  readonly requests: readonly FakeRequest[];
  close(): Promise<void>;
}

export interface FakeRequest {
  readonly method: string;
  /** Path with query, as sent. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface FakeReply {
  readonly status?: number;
  readonly body: unknown;
}

/** `METHOD /path` without query → answer to the n-th request of that kind, from 0. */
export type FakeRoutes = Readonly<Record<string, (request: FakeRequest, n: number) => FakeReply>>;

export async function startFakeApi(routes: FakeRoutes): Promise<FakeApi> {
  const requests: FakeRequest[] = [];
  const counts = new Map<string, number>();
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const { method = "GET", url: path = "/", headers } = incoming;
      const chunks: Buffer[] = [];
      for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
      const request = { method, path, headers, body: Buffer.concat(chunks).toString() };
      requests.push(request);
      const name = `${method} ${path.split("?")[0]}`;
      const n = counts.get(name) ?? 0;
      counts.set(name, n + 1);
      const { status = 200, body } = routes[name]?.(request, n) ?? problem("not_found", 404);
      outgoing.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A problem document as the API sends it. */
export function problem(
  code: string,
  status: number,
  more: Readonly<Record<string, unknown>> = {},
): FakeReply {
  const type = `urn:aura:error:${code}`;
  return {
    status,
    body: { type, title: code, status, code, detail: `detail of ${code}`, remedy: "-", ...more },
  };
}
