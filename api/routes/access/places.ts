import { z } from "zod";
import { dataIdSchema } from "../../../schemas/names.ts";
import { auditOf, found, limitQuery, listOf, operator, siteViewer, viewer } from "../parts.ts";
import { assetSchema } from "./assets.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const nameField = z.string().min(1).max(200).nullable().default(null);
const attributesField = z
  .record(z.string().max(128), z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]))
  .refine((attributes) => Object.keys(attributes).length <= 200, "expected at most 200 attributes")
  .default({});
const idField = z.strictObject({ id: dataIdSchema });
const placeSchema = z.strictObject({ id: z.string(), name: z.string().nullable(), createdAt: z.string() });
const siteSchema = placeSchema.extend({ customer: z.string().nullable() });
const deviceSchema = z.strictObject({
  device: z.string(),
  asset: z.string(),
  site: z.string().nullable(),
  customer: z.string().nullable(),
  name: z.string().nullable(),
  attributes: z.record(z.string(), z.unknown()),
  createdAt: z.string(),
});
const page = {
  after: dataIdSchema.optional().describe("Id of the last one of the page before."),
  limit: limitQuery(),
};
const pageOf = ({ after, limit }: { after?: string | undefined; limit: number }) => ({
  limit,
  ...(after === undefined ? {} : { after }),
});

/** Removing is the same everywhere: what others still belong to stays. */
const removal = (what: "customer" | "site" | "asset" | "device", path: string): AnyRoute =>
  route({
    method: "delete",
    path,
    tag: "places",
    summary: `Remove a ${what}; refused while others belong to it.`,
    policy: operator,
    params: idField,
    status: 204,
    reply: z.null(),
    async handle(request, { database }) {
      const { id } = request.params;
      await database().devices.remove(what, id, auditOf(request, `${what}.remove`, `${what}/${id}`));
      return null;
    },
  });

/** Customers, sites, assets and devices as people enter them; datasets name more of them. */
export const placeRoutes: readonly AnyRoute[] = [
  route({
    method: "put",
    path: "/v1/customers/{id}",
    tag: "places",
    summary: "Enter or change a customer.",
    policy: operator,
    params: idField,
    body: { kind: "json", schema: z.strictObject({ name: nameField }) },
    reply: placeSchema,
    handle(request, { database }) {
      const { id } = request.params;
      return database().devices.putCustomer(
        { id, name: request.body.name },
        auditOf(request, "customer.put", `customer/${id}`),
      );
    },
  }),
  route({
    method: "get",
    path: "/v1/customers",
    tag: "places",
    summary: "Customers in the order of their ids.",
    policy: viewer,
    query: z.strictObject(page),
    reply: listOf(placeSchema),
    handle: async ({ query }, { database }) => ({ items: await database().devices.customers(pageOf(query)) }),
  }),
  route({
    method: "get",
    path: "/v1/customers/{id}",
    tag: "places",
    summary: "A customer.",
    policy: viewer,
    params: idField,
    reply: placeSchema,
    handle: async ({ params: { id } }, { database }) =>
      found(await database().devices.customer(id), "customer", id),
  }),
  removal("customer", "/v1/customers/{id}"),
  route({
    method: "put",
    path: "/v1/sites/{id}",
    tag: "places",
    summary: "Enter or change a site and whose it is.",
    policy: operator,
    params: idField,
    body: {
      kind: "json",
      schema: z.strictObject({ name: nameField, customer: dataIdSchema.nullable().default(null) }),
    },
    reply: siteSchema,
    handle(request, { database }) {
      const { id } = request.params;
      return database().devices.putSite(
        { site: id, ...request.body },
        auditOf(request, "site.put", `site/${id}`),
      );
    },
  }),
  route({
    method: "get",
    path: "/v1/sites",
    tag: "places",
    summary: "Sites in the order of their ids.",
    policy: viewer,
    query: z.strictObject({ ...page, customer: dataIdSchema.optional() }),
    reply: listOf(siteSchema),
    handle: async ({ query }, { database }) => ({
      items: await database().devices.sites({
        ...pageOf(query),
        ...(query.customer === undefined ? {} : { customer: query.customer }),
      }),
    }),
  }),
  route({
    method: "get",
    path: "/v1/sites/{id}",
    tag: "places",
    summary: "A site and whose it is.",
    policy: viewer,
    params: idField,
    reply: siteSchema,
    handle: async ({ params: { id } }, { database }) => found(await database().devices.site(id), "site", id),
  }),
  removal("site", "/v1/sites/{id}"),
  route({
    method: "put",
    path: "/v1/assets/{id}",
    tag: "places",
    summary: "Enter an asset or change what is given of it: where it is, of which class, and its attributes.",
    policy: operator,
    params: idField,
    body: {
      kind: "json",
      schema: z.strictObject({
        site: dataIdSchema.nullable().optional().describe("Left out: as it is; null: none."),
        assetClass: nameField.unwrap().optional().describe("Left out: as it is; null: none."),
        attributes: attributesField.unwrap().optional().describe("All of them; left out: as they are."),
      }),
    },
    status: 204,
    reply: z.null(),
    async handle(request, { database }) {
      const { id } = request.params;
      await database().devices.putAsset(
        { asset: id, ...request.body },
        auditOf(request, "asset.put", `asset/${id}`),
      );
      return null;
    },
  }),
  route({
    method: "get",
    path: "/v1/assets/{id}",
    tag: "places",
    summary: "An asset: where it is, of which class, and its attributes.",
    policy: siteViewer,
    params: idField,
    reply: assetSchema,
    async handle({ params: { id }, actor }, { database }) {
      const asset = await database().devices.asset(id);
      // To a key of some sites what is elsewhere is not there.
      const isSeen = actor.sites === undefined || actor.sites.includes(asset?.site ?? "");
      return found(isSeen ? asset : undefined, "asset", id);
    },
  }),
  removal("asset", "/v1/assets/{id}"),
  ...["/devices/{id}", "/v1/devices/{id}"].map((path) =>
    route({
      method: "get",
      path,
      tag: "places",
      summary: "A device and where it is.",
      policy: viewer,
      params: idField,
      reply: deviceSchema,
      handle: async ({ params: { id } }, { database }) =>
        found(await database().devices.device(id), "device", id),
    }),
  ),
  route({
    method: "put",
    path: "/v1/devices/{id}",
    tag: "places",
    summary: "Enter or change a device: readings that name it are of its asset.",
    policy: operator,
    params: idField,
    body: {
      kind: "json",
      schema: z.strictObject({ asset: dataIdSchema, name: nameField, attributes: attributesField }),
    },
    reply: deviceSchema,
    handle(request, { database }) {
      const { id } = request.params;
      return database().devices.putDevice(
        { device: id, ...request.body },
        auditOf(request, "device.put", `device/${id}`, { asset: request.body.asset }),
      );
    },
  }),
  route({
    method: "get",
    path: "/v1/devices",
    tag: "places",
    summary: "Devices in the order of their ids.",
    policy: viewer,
    query: z.strictObject({ ...page, asset: dataIdSchema.optional() }),
    reply: listOf(deviceSchema),
    handle: async ({ query }, { database }) => ({
      items: await database().devices.devices({
        ...pageOf(query),
        ...(query.asset === undefined ? {} : { asset: query.asset }),
      }),
    }),
  }),
  removal("device", "/v1/devices/{id}"),
];
