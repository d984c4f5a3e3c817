import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { PlatformError } from "../schemas/platform-error.ts";
import type { ApiDeps } from "./deps.ts";
import type { ApiEnv } from "./http/context.ts";
import { headersOf } from "./http/headers.ts";
import type { Listener } from "./http/listen.ts";
import { createPredictListener, createRepeatedPredict } from "./http/predict-listener.ts";
import { createOnError } from "./http/on-error.ts";
import { mountRoutes } from "./routes/mount.ts";
import { ROUTES } from "./routes/table.ts";

/** The whole API as a listener of Node's server: `predict` on the short way, all else through Hono. */
export function createListener(deps: ApiDeps): Listener {
  // Its own light Request and Response save a quarter of the work of a small reply.
  const hono = getRequestListener(createApp(deps).fetch, { overrideGlobalObjects: true });
  const request = createPredictListener(deps, (incoming, outgoing) => void hono(incoming, outgoing));
  return { request, repeated: createRepeatedPredict(deps) };
}

/**
 * The API as one Hono app: the route table, one error mapping, security headers. Owns no sockets and no
 * process; `api/main.ts` gives it both, tests call `app.request()`.
 */
export function createApp(deps: ApiDeps): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.onError(createOnError(deps.logger));
  app.notFound((c) => {
    deps.auth.guardPublic(headersOf(c));
    throw new PlatformError("not_found", "route: there is no such path or method");
  });
  mountRoutes(app, ROUTES, deps);
  return app;
}
