import { z } from "zod";
import {
  featureFeedsSchema,
  featureHistoryReplySchema,
  featureHistorySchema,
  featuresReplySchema,
  featuresRequestSchema,
  onlineFeaturesSchema,
} from "../../../schemas/live/online-features.ts";
import { dataIdSchema, nameSchema } from "../../../schemas/names.ts";
import type { Actor, Database } from "../../../stores/postgres/port.ts";
import { found, sitesOf, siteViewer, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** Features of live readings, as the champion sees them. */
export const featureRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/features/{asset}",
    tag: "features",
    summary:
      "The champion's features of an asset at its newest reading, each with its age and status: present, null, stale, unfit or not_found.",
    policy: siteViewer,
    params: z.strictObject({ asset: dataIdSchema }),
    query: z.strictObject({
      model: nameSchema.optional().describe("May be left out where one model serves."),
    }),
    reply: onlineFeaturesSchema,
    async handle({ params: { asset }, query: { model }, actor }, { database, features }) {
      await requireVisible(asset, actor, database);
      return features.features({ asset, model });
    },
  }),
  route({
    method: "post",
    path: "/v1/features",
    tag: "features",
    summary: "The same of several assets, in the order in which they were asked for.",
    policy: siteViewer,
    body: { kind: "json", schema: featuresRequestSchema },
    reply: featuresReplySchema,
    async handle({ body: { assets, model }, actor }, { database, features }) {
      await Promise.all(assets.map((asset) => requireVisible(asset, actor, database)));
      return { items: await Promise.all(assets.map((asset) => features.features({ asset, model }))) };
    },
  }),
  route({
    method: "get",
    path: "/v1/feature-feeds",
    tag: "features",
    summary: "Every champion: the live source that feeds its features, or why none does.",
    policy: viewer,
    reply: featureFeedsSchema,
    handle: (_, { features }) => features.feeds(),
  }),
  route({
    method: "post",
    path: "/v1/features/history",
    tag: "features",
    summary:
      "Features of assets as they were at given times: of the stored readings up to then, late ones included.",
    policy: viewer,
    body: { kind: "json", schema: featureHistorySchema },
    reply: featureHistoryReplySchema,
    handle: ({ body }, { features }) => features.history(body),
  }),
];

/** To a key that is limited to sites an asset elsewhere is not there; any other key costs no look. */
export async function requireVisible(asset: string, actor: Actor, database: () => Database): Promise<void> {
  if (actor.sites === undefined) return;
  const [row] = await database().assets.list({ ...sitesOf(actor), asset, limit: 1 });
  found(row, "asset", asset);
}
