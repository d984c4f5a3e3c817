import { z } from "zod";
import { dataIdSchema } from "../../../schemas/names.ts";
import { limitQuery, listOf, sitesOf, siteViewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** An asset as replies give it. */
export const assetSchema = z.strictObject({
  asset: z.string(),
  site: z.string().nullable(),
  customer: z.string().nullable(),
  assetClass: z.string().nullable(),
  attributes: z.record(z.string(), z.unknown()),
  firstSeen: z.string(),
});

export const assetRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/assets",
    tag: "records",
    summary: "Assets and their sites, in the order of their ids; those of its sites for a limited key.",
    policy: siteViewer,
    query: z.strictObject({
      asset: dataIdSchema.optional(),
      site: dataIdSchema.optional(),
      limit: limitQuery(),
      after: dataIdSchema.optional().describe("Id of the last asset of the page before."),
    }),
    reply: listOf(assetSchema),
    async handle({ query: { site, ...filter }, actor }, { database }) {
      const seen = actor.sites === undefined || site === undefined || actor.sites.includes(site);
      if (!seen) return { items: [] };
      const { asset, after, limit } = filter;
      return {
        items: await database().assets.list({
          limit,
          ...sitesOf(actor),
          ...(site === undefined ? {} : { sites: [site] }),
          ...(asset === undefined ? {} : { asset }),
          ...(after === undefined ? {} : { after }),
        }),
      };
    },
  }),
];
