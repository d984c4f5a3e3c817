import type { z } from "zod";
import type { ApiDeps } from "../deps.ts";
import type { RoutePolicy } from "../http/auth.ts";
import type { ApiContext } from "../http/context.ts";
import type { Actor } from "../../stores/postgres/port.ts";

/** How a route takes its body. */
export type RouteBody<B> =
  | {
      readonly kind: "json";
      readonly schema: z.ZodType<B>;
      readonly limitBytes?: number;
      /** A request without a body has the schema's answer to `{}`. */
      readonly mayBeEmpty?: boolean;
    }
  /** The handler reads the stream itself, and bounds it. `types` are the accepted media types. */
  | { readonly kind: "raw"; readonly types: readonly string[]; readonly description: string };

/** What a handler is given: everything parsed. */
export interface RouteRequest<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly actor: Actor;
  readonly requestId: string;
  /** For raw bodies and special replies. */
  readonly context: ApiContext;
}

/** One route: what it is called, who may call it, what goes in and out, and what it does. */
export interface Route<P = unknown, Q = unknown, B = unknown> {
  readonly method: "get" | "post" | "put" | "delete";
  /** OpenAPI form: `/v1/models/{model}`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly policy: RoutePolicy;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: RouteBody<B>;
  /** Shape of the 200 (or `status`) reply, for the description of the API. */
  readonly reply: z.ZodType;
  readonly status?: 200 | 201 | 202 | 204;
  /** Honours `Idempotency-Key`: a repeat gives the first reply. */
  readonly idempotent?: boolean;
  /** Returns the reply's JSON value, or a whole Response. */
  handle(request: RouteRequest<P, Q, B>, deps: ApiDeps): Promise<unknown>;
}

/** A route whose types were checked where it was written. */
export type AnyRoute = Route<never, never, never>;

/** States a route; the types of params, query and body follow from its schemas. */
export function route<P = undefined, Q = undefined, B = undefined>(definition: Route<P, Q, B>): AnyRoute {
  return definition as unknown as AnyRoute;
}
