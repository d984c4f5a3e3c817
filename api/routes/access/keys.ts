import { z } from "zod";
import { dataIdSchema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { KeyStore } from "../../../stores/postgres/port.ts";
import { ROLES } from "../../http/auth.ts";
import { admin, auditOf, idParams, listOf, orAuditRefusal, timeQuery } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const keySchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  role: z.enum(ROLES),
  sites: z.array(z.string()).nullable(),
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
});
const createKeySchema = z.strictObject({
  name: z.string().min(1).max(128),
  owner: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("The person it belongs to, as approval policies name them. Default: the name."),
  role: z.enum(ROLES),
  sites: z.array(dataIdSchema).min(1).max(1_000).optional().describe("Default: all sites."),
  expiresAt: timeQuery.optional(),
});

export const keyRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/keys",
    tag: "keys",
    summary:
      "Make a key. The secret is shown once. From the first key on every request needs one, so the first must be an admin's.",
    policy: admin,
    body: { kind: "json", schema: createKeySchema },
    reply: z.strictObject({ key: keySchema, secret: z.string() }),
    status: 201,
    async handle(request, { database, auth }) {
      const { name, owner = name, role, sites, expiresAt } = request.body;
      await requireUsableFirstKey(request.body, database().keys);
      const created = await database().keys.create(
        {
          name,
          owner,
          role,
          ...(sites === undefined ? {} : { sites }),
          ...(expiresAt === undefined ? {} : { expiresAt }),
        },
        auditOf(request, "key.create", `key/${name}`, { owner, role, sites: sites ?? null }),
      );
      auth.keysTurnedOn();
      return created;
    },
  }),
  route({
    method: "get",
    path: "/v1/keys",
    tag: "keys",
    summary: "All keys, without their secrets.",
    policy: admin,
    reply: listOf(keySchema),
    handle: async (_request, { database }) => ({ items: await database().keys.list() }),
  }),
  route({
    method: "delete",
    path: "/v1/keys/{id}",
    tag: "keys",
    summary:
      "Revoke a key; the last admin key is refused. Other API processes believe it for at most five seconds more.",
    policy: admin,
    params: idParams,
    reply: z.null(),
    status: 204,
    async handle(request, { database, auth }) {
      const { id } = request.params;
      const db = database();
      const audit = auditOf(request, "key.revoke", `key/${id}`);
      await orAuditRefusal(db, audit, () => db.keys.revoke(id, audit));
      auth.forget();
      return null;
    },
  }),
];

/**
 * From the first key on nobody may do anything without one: a first key that may not make others locks its maker out.
 * Once any key was ever made this holds nothing back.
 *
 * @throws {PlatformError} invalid_body, naming what the first key must be
 */
async function requireUsableFirstKey(
  { role, sites }: z.infer<typeof createKeySchema>,
  keys: KeyStore,
): Promise<void> {
  const locations = [
    ...(role === "admin" ? [] : [{ field: "role", expected: "admin", found: role }]),
    ...(sites === undefined ? [] : [{ field: "sites", expected: "all sites", found: sites.join(", ") }]),
  ];
  if (locations.length === 0 || (await keys.isEnabled())) return;
  throw new PlatformError(
    "invalid_body",
    "create key: the first key must have the role admin and no sites, as from then on every request needs a key and only such a key makes others; make that one first, then this one with its secret in AURA_API_KEY",
    { locations },
  );
}
