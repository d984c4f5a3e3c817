import { z } from "zod";
import { describeApi } from "../openapi/describe-api.ts";
import { renderDocsPage } from "../openapi/docs-page.ts";
import { anyObject } from "./parts.ts";
import { route } from "./route.ts";
import type { AnyRoute } from "./route.ts";

/** The page's own style is inline; it runs no script and loads nothing. */
const DOCS_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** The description of the API, for machines and for people; public, because it holds no data. */
export function descriptionRoutes(routes: readonly AnyRoute[]): readonly AnyRoute[] {
  const policy = { public: true, role: "viewer", scope: "any" } as const;
  const own: readonly AnyRoute[] = [
    route({
      method: "get",
      path: "/openapi.json",
      tag: "description",
      summary: "This API as an OpenAPI 3.1 document.",
      policy,
      reply: anyObject,
      handle: async (_request, { release }) => describeApi(all, release),
    }),
    route({
      method: "get",
      path: "/docs",
      tag: "description",
      summary: "This API as a page.",
      policy,
      reply: z.string(),
      handle: async ({ context }, { release }) =>
        context.html(renderDocsPage(describeApi(all, release)), 200, {
          "content-security-policy": DOCS_POLICY,
        }),
    }),
  ];
  const all = [...routes, ...own];
  return own;
}
