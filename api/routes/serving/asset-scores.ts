import { z } from "zod";
import { dataIdSchema, nameSchema, sha256Schema } from "../../../schemas/names.ts";
import { predictionSchema } from "../../../schemas/serving/prediction.ts";
import { limitQuery, listOf, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const assetScoreSchema = z.strictObject({
  model: nameSchema,
  asset: dataIdSchema,
  version: z.int(),
  digest: sha256Schema,
  prediction: predictionSchema,
  headline: z.number().describe("The one number of the answer."),
  source: nameSchema,
  epoch: z.int(),
  ts: z.int().describe("Time of the reading, in microseconds since 1970, or the cycle."),
  seq: z.int(),
  receivedAt: z.string().describe("When the reading was committed."),
  scoredAt: z.string(),
  unfit: z.array(z.string()).describe("Features that were stale or unfit."),
});

/** What the champions say of assets now. */
export const assetScoreRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/asset-scores",
    tag: "scores",
    summary: "The champions' present answers for assets with live readings, by model and asset.",
    policy: viewer,
    query: z.strictObject({
      model: nameSchema.optional(),
      asset: dataIdSchema.optional(),
      limit: limitQuery(100),
    }),
    reply: listOf(assetScoreSchema),
    async handle({ query: { model, asset, limit } }, { database }) {
      const scores = await database().online.scores({
        limit,
        ...(model === undefined ? {} : { model }),
        ...(asset === undefined ? {} : { asset }),
      });
      return { items: scores.map(({ values: _values, ...score }) => score) };
    },
  }),
];
