import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { shortenRepeated } from "./request-socket.ts";
import type { AnswerRepeated, RepeatedRequests } from "./request-socket.ts";

/** Sockets at once; beyond it new ones are refused by the system. */
const MAX_CONNECTIONS = 2_000;
/** Headers must be whole within this; looked at every second, so a slow sender is gone within 10 s. */
const HEADERS_TIMEOUT_MS = 8_500;
/** A whole request, uploads included. Bodies that are kept in memory have their own, shorter deadline. */
const REQUEST_TIMEOUT_MS = 60 * 60_000;
/** A socket on which nothing moves: idle keep-alive, stalled uploads, readers that do not read. */
export const IDLE_TIMEOUT_MS = 30_000;

/** What a server answers with. */
export interface Listener {
  readonly request: RequestListener;
  /** Requests that repeat on their connection; they may be handed back to `request`. */
  readonly repeated: AnswerRepeated;
  /** Connections that are to become sockets; without it an upgrade is answered as a plain request. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Stops accepting, lets running requests end for at most `graceMs`, then closes what is left. */
  close(graceMs: number): Promise<void>;
}

/**
 * Listens with every limit explicit: Node's own defaults (a minute for headers, five for a request, no cap on
 * connections) let a few hundred slow sockets hold a server.
 */
export async function listen(listener: Listener, host: string, port: number): Promise<Listening> {
  const server = createServer(
    { connectionsCheckingInterval: 1_000, maxHeaderSize: 16_384, joinDuplicateHeaders: false },
    listener.request,
  );
  const repeated = shortenRepeated(server, listener.repeated);
  if (listener.upgrade !== undefined) server.on("upgrade", listener.upgrade);
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = IDLE_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(IDLE_TIMEOUT_MS);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve());
  });
  const address = server.address() as AddressInfo;
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${name}:${address.port}`,
    port: address.port,
    close: (graceMs) => closeServer(server, repeated, graceMs),
  };
}

async function closeServer(server: Server, repeated: RepeatedRequests, graceMs: number): Promise<void> {
  // Node takes a connection with a repeated request in flight for an idle one, and would close it.
  await Promise.race([repeated.stop(), new Promise((resolve) => setTimeout(resolve, graceMs).unref())]);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  // A keep-alive socket becomes idle after its last answer; nobody else closes it then.
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  await closed;
  clearTimeout(timer);
  clearInterval(sweep);
}
