import type { IncomingMessage } from "node:http";
import type { HeaderReader } from "./auth.ts";
import { incomingOf } from "./context.ts";
import type { ApiContext } from "./context.ts";

/** On every reply: nothing of the API is to be framed, sniffed, cached or sent along as a referrer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/**
 * One header of the request. Node has parsed them already; a `Headers` object, which Hono would build from
 * them, costs more than all else that happens to a small request.
 */
export function headerOf(c: ApiContext, name: string): string | undefined {
  const incoming = incomingOf(c);
  return incoming === undefined ? c.req.header(name) : incomingHeader(incoming, name);
}

export function incomingHeader(incoming: IncomingMessage, name: string): string | undefined {
  const value = incoming.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** Node drops the second of two Authorization headers silently; its list of distinct ones still has both. */
export function headersOfIncoming(incoming: IncomingMessage): HeaderReader {
  return {
    one: (name) => incomingHeader(incoming, name),
    all: (name) => incoming.headersDistinct[name] ?? [],
  };
}

export function headersOf(c: ApiContext): HeaderReader {
  const incoming = incomingOf(c);
  if (incoming !== undefined) return headersOfIncoming(incoming);
  return {
    one: (name) => c.req.header(name),
    all: (name) => {
      const joined = c.req.header(name);
      return joined === undefined ? [] : [joined];
    },
  };
}

/** A JSON reply with all headers in one plain object, which is the fast way through node-server. */
export function jsonResponse(c: ApiContext, body: unknown, status: number): Response {
  const text = JSON.stringify(body);
  return new Response(text, {
    status,
    headers: {
      ...SECURITY_HEADERS,
      "content-type": "application/json",
      // Said here: the adapter sends an answer that had to be awaited in chunks, which plain clients need not read.
      "content-length": String(Buffer.byteLength(text)),
      "x-request-id": c.get("requestId") ?? "",
    },
  });
}

/** Adds what is missing to a reply that a handler made itself. */
export function secure(c: ApiContext, response: Response): Response {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  response.headers.set("x-request-id", c.get("requestId") ?? "");
  return response;
}
