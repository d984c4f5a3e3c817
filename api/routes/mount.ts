import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { z } from "zod";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { Actor } from "../../stores/postgres/port.ts";
import type { ApiDeps } from "../deps.ts";
import { checkPolicy } from "../http/auth.ts";
import { checkMediaType, DEFAULT_BODY_BYTES, readBody } from "../http/body.ts";
import type { ApiContext, ApiEnv } from "../http/context.ts";
import { headerOf, headersOf, jsonResponse, secure } from "../http/headers.ts";
import { invalidInput, problemOf, toPlatformError } from "../http/on-error.ts";
import { parseStrictJson } from "../../schemas/json/strict-json.ts";
import type { AnyRoute, Route, RouteRequest } from "./route.ts";

const PUBLIC_ACTOR: Actor = { id: "public", role: "viewer", authenticated: false };
const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, "expected 1 to 255 visible ASCII characters");

/** Hangs every route of the table into the app; no route exists elsewhere. */
export function mountRoutes(app: Hono<ApiEnv>, routes: readonly AnyRoute[], deps: ApiDeps): void {
  for (const anyRoute of routes) {
    const route = anyRoute as unknown as Route;
    const honoPath = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.on(route.method.toUpperCase(), honoPath, (c: ApiContext) => answer(route, c, deps));
  }
}

/** Guard → parse → handle. The order matters: nothing of a request is read before its sender is known. */
async function answer(route: Route, c: ApiContext, deps: ApiDeps): Promise<Response> {
  c.set("requestId", randomUUID());
  const actor = await guard(route, c, deps);
  c.set("actor", actor);
  const params =
    route.params === undefined ? undefined : parsePart(route.params, c.req.param(), "invalid_name");
  const query = readQuery(route, c);
  const { body, bytes } = await readRouteBody(route, c);
  const request = { params, query, body, actor, requestId: c.get("requestId"), context: c };
  if (route.idempotent === true) return answerOnce(route, request, { deps, bytes });
  return toResponse(route, c, await route.handle(request, deps));
}

async function guard(route: Route, c: ApiContext, deps: ApiDeps): Promise<Actor> {
  if (route.policy.public === true) {
    deps.auth.guardPublic(headersOf(c));
    return PUBLIC_ACTOR;
  }
  const actor = await deps.auth.identify(headersOf(c));
  checkPolicy(route.policy, actor);
  return actor;
}

/** Query parameters are strict as well: unknown and repeated ones are refused, so no key can hide there. */
function readQuery(route: Route, c: ApiContext): unknown {
  if (!c.req.url.includes("?"))
    return route.query === undefined ? undefined : parsePart(route.query, {}, "invalid_query");
  const values: Record<string, string> = {};
  for (const [name, list] of Object.entries(c.req.queries())) {
    if (list.length !== 1)
      throw new PlatformError("invalid_query", "read query: expected each parameter once");
    values[name] = list[0] ?? "";
  }
  return parsePart(route.query ?? z.strictObject({}), values, "invalid_query");
}

function parsePart(
  schema: z.ZodType,
  value: unknown,
  code: "invalid_name" | "invalid_query" | "invalid_body",
): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidInput(code, code === "invalid_body" ? "read body" : "read request", parsed.error);
}

async function readRouteBody(route: Route, c: ApiContext): Promise<{ body: unknown; bytes: Uint8Array }> {
  const none = { body: undefined, bytes: new Uint8Array(0) };
  if (route.body === undefined) return none;
  const isRaw = route.body.kind === "raw";
  const mediaTypes = route.body.kind === "json" ? ["application/json"] : route.body.types;
  const checkType = (): void => checkMediaType(headerOf(c, "content-type"), mediaTypes);
  if (isRaw || route.body.mayBeEmpty !== true) checkType();
  if (route.body.kind === "raw") return none;
  const bytes = await readBody(c, route.body.limitBytes ?? DEFAULT_BODY_BYTES);
  if (route.body.mayBeEmpty === true) {
    if (bytes.length === 0) return { ...none, body: parsePart(route.body.schema, {}, "invalid_body") };
    checkType();
  }
  return { body: parsePart(route.body.schema, parseStrictJson(bytes), "invalid_body"), bytes };
}

/** Effect once per (API key or actor, route, key); refusals of a first attempt are replayed as well. */
async function answerOnce(
  route: Route,
  request: RouteRequest<unknown, unknown, unknown>,
  { deps, bytes }: { deps: ApiDeps; bytes: Uint8Array },
): Promise<Response> {
  const c = request.context;
  const header = headerOf(c, "idempotency-key");
  if (header === undefined) return toResponse(route, c, await route.handle(request, deps));
  const parsed = idempotencyKeySchema.safeParse(header);
  if (!parsed.success) throw invalidInput("invalid_body", "read Idempotency-Key", parsed.error);
  const key = {
    actor: request.actor.keyId ?? request.actor.id,
    route: `${route.method} ${c.req.path}`,
    key: parsed.data,
    bodyHash: sha256Hex(bytes),
  };
  const reply = await deps.database().idempotency.once(key, async () => {
    try {
      return { status: route.status ?? 200, body: await route.handle(request, deps) };
    } catch (thrown) {
      const error = toPlatformError(thrown);
      const problem = problemOf(error, request.requestId);
      if (problem.status >= 500 || error.isRetryable) throw error;
      return { status: problem.status, body: problem };
    }
  });
  const response = jsonResponse(c, reply.body, reply.status);
  if (reply.status >= 400) response.headers.set("content-type", "application/problem+json");
  if (reply.replayed) response.headers.set("idempotency-replayed", "true");
  return response;
}

function toResponse(route: Route, c: ApiContext, result: unknown): Response {
  if (result instanceof Response) return secure(c, result);
  if (route.status === 204) return secure(c, new Response(null, { status: 204 }));
  return jsonResponse(c, result, route.status ?? 200);
}
