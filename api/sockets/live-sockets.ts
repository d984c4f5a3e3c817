/**
 * WebSockets of the API: a path is a channel, a socket reads it from a cursor on.
 *
 * A key comes as `Authorization`, or from a browser, which cannot send that, as the subprotocol `aura.key.<secret>` beside
 * `aura.v1`. Sockets that do not read are closed, and go on where they stopped by their cursor.
 */
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import type { z } from "zod";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { Actor } from "../../stores/postgres/port.ts";
import { checkPolicy } from "../http/auth.ts";
import type { Authenticator, HeaderReader, RoutePolicy } from "../http/auth.ts";
import { errorReply, invalidInput, problemOf, toPlatformError } from "../http/on-error.ts";

/** One open socket of a channel. */
export interface ChannelSocket<Q> {
  readonly query: Q;
  readonly actor: Actor;
  /** Sends a frame. A socket that does not read is closed, and false says so. */
  send(frame: string): boolean;
  /** Ends it with a reason for people. */
  close(code: number, reason: string): void;
}

/** What sockets of one path are given. */
export interface Channel<Q = unknown> {
  readonly paths: readonly string[];
  readonly policy: RoutePolicy;
  readonly query: z.ZodType<Q>;
  /** @returns what is called when the socket is gone */
  open(socket: ChannelSocket<Q>): Promise<() => void>;
  close(): Promise<void>;
}

/** A channel whose query was parsed by its own schema. */
export type AnyChannel = Channel<never>;

/** States a channel for the table of channels. */
export function asChannel<Q>(definition: Channel<Q>): AnyChannel {
  return definition as unknown as AnyChannel;
}

export interface LiveSocketsOptions {
  readonly channels: readonly AnyChannel[];
  readonly auth: Pick<Authenticator, "identify">;
  readonly logger: Logger;
}

export const PROTOCOL = "aura.v1";
const KEY_PROTOCOL = "aura.key.";
const MAX_SOCKETS = 1_000;
/** Clients only say that they are there. */
const MAX_PAYLOAD_BYTES = 1_024;
/** A socket that lets so much pile up does not read. */
const MAX_BUFFERED_BYTES = 4 * 2 ** 20;
const PING_EVERY_MS = 20_000;
const TRY_AGAIN_LATER = 1013;
const GOING_AWAY = 1001;
/** An open socket that is refused closes with 4000 and the status that a request would be answered with. */
const CLOSED_AS = 4_000;
/** A close frame holds no more. */
const MAX_REASON_BYTES = 123;

export class LiveSockets {
  readonly #options: LiveSocketsOptions;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  readonly #answering = new WeakSet<WebSocket>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: LiveSocketsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#ping(), PING_EVERY_MS).unref();
  }

  /** Listener of `upgrade`. */
  readonly upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on("error", () => socket.destroy());
    this.#upgrade(request, socket, head).catch((error: unknown) => this.#refuse(request, socket, error));
  };

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const socket of this.#server.clients) socket.close(GOING_AWAY, "the server stops");
    await Promise.all(this.#options.channels.map((channel) => channel.close()));
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const channel = this.#options.channels.find(({ paths }) => paths.includes(url.pathname)) as
      | Channel
      | undefined;
    if (channel === undefined) throw new PlatformError("not_found", "socket: there is no such channel");
    const actor = await this.#options.auth.identify(headersOf(request));
    checkPolicy(channel.policy, actor);
    const query = channel.query.safeParse(Object.fromEntries(url.searchParams));
    if (!query.success) throw invalidInput("invalid_query", "read request", query.error);
    if (this.#server.clients.size >= MAX_SOCKETS)
      throw new PlatformError("overloaded", `socket: ${MAX_SOCKETS} are open already`);
    this.#server.handleUpgrade(
      request,
      socket,
      head,
      (client) => void this.#open(channel, client, { query: query.data, actor }),
    );
  }

  async #open(channel: Channel, client: WebSocket, given: { query: unknown; actor: Actor }): Promise<void> {
    this.#answering.add(client);
    client.on("pong", () => this.#answering.add(client));
    client.on("error", () => client.terminate());
    const gone = new Promise<void>((resolve) => client.once("close", () => resolve()));
    try {
      const onGone = await channel.open({
        ...given,
        send: (frame) => sendOrClose(client, frame),
        close: (code, reason) => client.close(code, reason),
      });
      await gone;
      onGone();
    } catch (err) {
      this.#options.logger.debug({ err }, "a socket could not be served");
      const { status, code, detail } = problemOf(toPlatformError(err), "");
      if (status >= 500) client.close(TRY_AGAIN_LATER, "it cannot be served now");
      else client.close(CLOSED_AS + status, closeReason(`${code}: ${detail}`));
    }
  }

  /** As any request is answered. */
  #refuse({ url = "/" }: IncomingMessage, socket: Duplex, error: unknown): void {
    const where = { requestId: randomUUID(), path: url.split("?")[0] ?? "/" };
    const { status, headers, body } = errorReply(this.#options.logger, error, where);
    const lines = Object.entries({
      ...headers,
      connection: "close",
      "content-length": Buffer.byteLength(body),
    });
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\n` +
        `${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`,
    );
  }

  /** One that did not answer the last ping is gone. */
  #ping(): void {
    for (const client of this.#server.clients) {
      if (!this.#answering.has(client)) client.terminate();
      else {
        this.#answering.delete(client);
        client.ping();
      }
    }
  }
}

function sendOrClose(client: WebSocket, frame: string): boolean {
  if (client.readyState !== client.OPEN) return false;
  if (client.bufferedAmount > MAX_BUFFERED_BYTES) {
    client.close(TRY_AGAIN_LATER, "it reads too slowly; go on by the last cursor");
    return false;
  }
  client.send(frame);
  return true;
}

/** A key among the subprotocols counts as the header that a browser cannot send. */
function headersOf({ headers }: IncomingMessage): HeaderReader {
  const all = (name: string): readonly string[] => {
    const value = headers[name];
    const given = value === undefined ? [] : Array.isArray(value) ? value : [value];
    if (name !== "authorization" || given.length > 0) return given;
    const key = (headers["sec-websocket-protocol"] ?? "")
      .split(",")
      .map((protocol) => protocol.trim())
      .find((protocol) => protocol.startsWith(KEY_PROTOCOL));
    return key === undefined ? [] : [`Bearer ${key.slice(KEY_PROTOCOL.length)}`];
  };
  return { all, one: (name) => all(name)[0] };
}

function closeReason(text: string): string {
  let reason = text;
  while (Buffer.byteLength(reason) > MAX_REASON_BYTES) reason = reason.slice(0, -1);
  return reason;
}
