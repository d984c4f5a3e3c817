import { Hono } from "hono";
import { PlatformError } from "../schemas/platform-error.ts";
import type { ApiDeps } from "./deps.ts";
import type { ApiEnv } from "./http/context.ts";
import { createOnError } from "./http/on-error.ts";
import { mountRoutes } from "./routes/mount.ts";
import { ROUTES } from "./routes/table.ts";

/** On every reply: nothing of the API is to be framed, sniffed, cached or sent along as a referrer. */
const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-resource-policy", "same-origin"],
  ["cache-control", "no-store"],
];

/**
 * The API as one Hono app: the route table, one error mapping, security headers. Owns no sockets and no
 * process; `api/main.ts` gives it both, tests call `app.request()`.
 */
export function createApp(deps: ApiDeps): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.use((c, next) => {
    for (const [name, value] of SECURITY_HEADERS) c.header(name, value);
    return next();
  });
  app.onError(createOnError(deps.logger));
  app.notFound(() => {
    throw new PlatformError("not_found", "route: there is no such path or method");
  });
  mountRoutes(app, ROUTES, deps);
  return app;
}
