import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import type { Actor } from "../../stores/postgres/port.ts";

/** What every handler finds in its Hono context. */
export interface ApiEnv {
  Variables: {
    /** Who calls; set by the guard before any handler runs. */
    actor: Actor;
    /** Also sent as `x-request-id`; log lines and 5xx replies carry it. */
    requestId: string;
  };
}
export type ApiContext = Context<ApiEnv>;

/** The socket's request under node-server; absent under `app.request()`. */
export function incomingOf(c: ApiContext): IncomingMessage | undefined {
  return (c.env as { incoming?: IncomingMessage } | undefined)?.incoming;
}
