import { Hono } from "hono";
import { PlatformError } from "../schemas/platform-error.ts";
import type { ApiDeps } from "./deps.ts";
import type { ApiEnv } from "./http/context.ts";
import { createOnError } from "./http/on-error.ts";
import { mountRoutes } from "./routes/mount.ts";
import { ROUTES } from "./routes/table.ts";

/**
 * The API as one Hono app: the route table, one error mapping, security headers. Owns no sockets and no
 * process; `api/main.ts` gives it both, tests call `app.request()`.
 */
export function createApp(deps: ApiDeps): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.onError(createOnError(deps.logger));
  app.notFound(() => {
    throw new PlatformError("not_found", "route: there is no such path or method");
  });
  mountRoutes(app, ROUTES, deps);
  return app;
}
