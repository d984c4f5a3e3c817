import { z } from "zod";
import { nameSchema } from "../../schemas/names.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import type { Actor, AuditEntry, Database } from "../../stores/postgres/port.ts";
import type { RouteRequest } from "./route.ts";

/** Ids that the server makes: run ids, approvals, keys, predictions. They are looked up, never part of a path. */
export const serverIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,255}$/, "expected an id");

export const idParams = z.strictObject({ id: serverIdSchema });
export const modelParams = z.strictObject({ model: nameSchema });
export const versionParams = z.strictObject({
  model: nameSchema,
  version: z.coerce
    .number()
    .int()
    .min(1)
    .max(2 ** 31 - 1),
});

/** A run that was asked for; `isNew` is false where the same one was there already. */
export const startedRunSchema = z.strictObject({
  runId: z.string(),
  workflowId: z.string(),
  pipeline: nameSchema,
  model: nameSchema,
  isNew: z.boolean(),
});

/** `limit` of a list. */
export const limitQuery = (fallback = 50) => z.coerce.number().int().min(1).max(1_000).default(fallback);

/** ISO 8601 with offset, given on in UTC. */
export const timeQuery = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());

/** The found thing, or 404; `id` is what was asked for, where the message shall name it. */
export function found<T>(thing: T | undefined, what: string, id?: string): T {
  const named = id === undefined ? what : `${what} [${id}]`;
  if (thing === undefined) throw new PlatformError("not_found", `read ${named}: there is no such ${what}`);
  return thing;
}

/** @throws {PlatformError} invalid_body: what is declared has another name than where it is put */
export function checkDeclaredName(
  what: string,
  { path, body }: { readonly path: string; readonly body: string },
): void {
  if (body === path) return;
  throw new PlatformError("invalid_body", `declare ${what} [name]: expected ${path}, got ${body}`);
}

/** Who acts, as said in a body; `asNamed` tells when it counts. */
export const bySchema = z
  .string()
  .regex(/^\P{Cc}{1,128}$/u, "expected 1 to 128 characters, none of them a control character")
  .optional()
  .describe("Without keys nobody is known: the name the person gives, recorded as unauthenticated.");

/** The request as of whom it names. With keys it is the key's owner, whatever it names. */
export function asNamed<
  T extends { readonly actor: Actor; readonly body: { readonly by?: string | undefined } },
>(request: T): T {
  const { actor, body } = request;
  if (actor.authenticated || body.by === undefined) return request;
  return { ...request, actor: { ...actor, id: body.by } };
}

/** Audit entry of what a caller did. */
export function auditOf(
  { actor }: Pick<RouteRequest<unknown, unknown, unknown>, "actor">,
  action: string,
  subject: string,
  details: Readonly<Record<string, unknown>> = {},
): AuditEntry {
  return { actor, action, subject, outcome: "ok", details };
}

/**
 * Does what `entry` tells of. A refusal leaves an audit row as well; one because something is away does not, as it is
 * no answer yet.
 */
export async function orAuditRefusal<T>(
  { audit }: Pick<Database, "audit">,
  entry: AuditEntry,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isPlatformError(error) && !error.isRetryable) {
      await audit.append({ ...entry, outcome: "refused", reason: error.message });
    }
    throw error;
  }
}

/** Rows of a list as the API gives them. */
export const listOf = (row: z.ZodType) => z.strictObject({ items: z.array(row) });

/** The sites of a limited key, as stores take them; nothing for one that sees all. */
export function sitesOf({ sites }: Actor): { readonly sites?: readonly string[] } {
  return sites === undefined ? {} : { sites };
}

/** For replies whose inner form is the store's own; the description says "object". */
export const anyObject = z.record(z.string(), z.unknown());

/** Also for keys that are limited to some sites: the handler shows what is at those alone. */
export const siteViewer = { role: "viewer", scope: "any" } as const;
export const viewer = { role: "viewer", scope: "all-sites" } as const;
export const operator = { role: "operator", scope: "all-sites" } as const;
export const approver = { role: "approver", scope: "all-sites" } as const;
export const admin = { role: "admin", scope: "all-sites" } as const;
