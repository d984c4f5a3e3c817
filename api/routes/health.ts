import { z } from "zod";
import { route } from "./route.ts";
import type { AnyRoute } from "./route.ts";

const publicPolicy = { public: true, role: "viewer", scope: "any" } as const;

export const healthRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/livez",
    tag: "health",
    summary: "Whether the process answers at all.",
    policy: publicPolicy,
    reply: z.strictObject({ live: z.literal(true) }),
    handle: async () => ({ live: true }),
  }),
  route({
    method: "get",
    path: "/readyz",
    tag: "health",
    summary: "Whether every needed part works; 503 when one does not. False within 2 s after a part dies.",
    policy: publicPolicy,
    reply: z.strictObject({
      ready: z.boolean(),
      parts: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), at: z.string() })),
    }),
    handle: async ({ context }, { readiness }) => {
      const ready = readiness.isReady;
      return context.json({ ready, parts: readiness.parts() }, ready ? 200 : 503);
    },
  }),
  route({
    method: "get",
    path: "/health",
    tag: "health",
    summary: "State of the parts, the served versions, the inference children and the trace spool.",
    policy: { role: "viewer", scope: "any" },
    reply: z.record(z.string(), z.unknown()),
    handle: async (_request, { readiness, predictor, release }) => ({
      release,
      ready: readiness.isReady,
      parts: readiness.parts(),
      models: predictor.versions().map(({ model, version, digest }) => ({ model, version, digest })),
      ...predictor.status(),
    }),
  }),
  route({
    method: "get",
    path: "/metrics",
    tag: "health",
    summary: "Metrics in Prometheus' text format.",
    policy: { role: "viewer", scope: "any" },
    reply: z.string(),
    handle: async ({ context }, { metrics }) => {
      const { registry } = metrics;
      return context.body(await registry.metrics(), 200, { "content-type": registry.contentType });
    },
  }),
];
