import { z } from "zod";
import {
  LINEAGE_KINDS,
  LINEAGE_LISTS,
  lineagePageSchema,
  lineageSchema,
} from "../../../schemas/data/lineage.ts";
import { found, limitQuery, siteViewer, sitesOf } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** Ids of this server, and names of files, which are any text. */
const subjectParams = z.strictObject({
  kind: z.enum(LINEAGE_KINDS),
  id: z
    .string()
    .min(1)
    .max(512)
    .refine((text) => !/[\0\p{Surrogate}]/u.test(text), { message: "expected text without NUL" }),
});
const listParams = subjectParams.extend({ list: z.enum(LINEAGE_LISTS) });

/** Where something came from, and what came of it. */
export const lineageRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/lineage/{kind}/{id}",
    tag: "records",
    summary:
      "From a prediction, model (`name@version`), dataset, file (SHA-256 or name), fleet score or drift report to what it came from and what came of it: how many of each, and the newest.",
    policy: siteViewer,
    params: subjectParams,
    query: z.strictObject({ limit: limitQuery(20).describe("Lines of each list.") }),
    reply: lineageSchema,
    handle: async ({ params, query, actor }, { database }) =>
      found(await database().lineage.of({ ...params, ...sitesOf(actor) }, query.limit), params.kind),
  }),
  route({
    method: "get",
    path: "/v1/lineage/{kind}/{id}/{list}",
    tag: "records",
    summary: "One of these lists whole, by page, newest first.",
    policy: siteViewer,
    params: listParams,
    query: z.strictObject({
      limit: limitQuery(100),
      after: z.string().max(2_000).optional().describe("`next` of the page before."),
    }),
    reply: lineagePageSchema,
    handle: async ({ params: { list, ...subject }, query: { limit, after }, actor }, { database }) =>
      found(
        await database().lineage.page({ ...subject, ...sitesOf(actor) }, list, {
          limit,
          ...(after === undefined ? {} : { after }),
        }),
        subject.kind,
      ),
  }),
];
