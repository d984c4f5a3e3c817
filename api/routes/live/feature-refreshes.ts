import { z } from "zod";
import { hashOf } from "../../../schemas/canonical-json.ts";
import {
  featuresRefreshedSchema,
  featuresRefreshSchema,
  scheduleSchema,
} from "../../../schemas/live/online-features.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { FEATURES_REFRESH_ID, featuresRefreshWorkflowId } from "../../../temporal-config/constants.ts";
import { auditOf, operator, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const ID_LENGTH = 16;
const refreshId = z.string().regex(/^[0-9a-f]{16}$/, "expected the id of a refresh");

/** Features of live readings brought up to date, by hand and by schedule. */
export const featureRefreshRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/feature-refreshes",
    tag: "features",
    summary:
      "Have features and scores of live readings computed anew now, beside the schedule. The same that runs already is joined.",
    policy: operator,
    body: { kind: "json", schema: featuresRefreshSchema, mayBeEmpty: true },
    reply: z.strictObject({ id: refreshId, workflowId: z.string(), runId: z.string(), isNew: z.boolean() }),
    status: 202,
    async handle(request, { database, workflows }) {
      const { model, isWhole, since } = request.body;
      if (model !== undefined && (await database().registry.champion(model)) === undefined)
        throw new PlatformError("no_champion", `refresh features [model ${model}]: there is no champion`);
      const input = {
        isWhole,
        ...(model === undefined ? {} : { model }),
        ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
      };
      const id = hashOf(input).slice(0, ID_LENGTH);
      const started = await workflows.startFeaturesRefresh(id, input);
      await database().audit.append(
        auditOf(request, "features.refresh", "features", { ...input, isNew: started.isNew }),
      );
      return { id, ...started };
    },
  }),
  route({
    method: "get",
    path: "/v1/feature-refreshes/{id}",
    tag: "features",
    summary: "What a refresh came to; 404 where none was asked for, its error where it failed.",
    policy: viewer,
    params: z.strictObject({ id: refreshId }),
    reply: z.strictObject({
      workflowId: z.string(),
      runId: z.string(),
      status: z.enum(["running", "finished"]),
      result: featuresRefreshedSchema.optional(),
    }),
    async handle({ params: { id } }, { workflows }) {
      const workflowId = featuresRefreshWorkflowId(id);
      const outcome = await workflows.outcomeOf("refresh features", workflowId);
      const { runId, status } = outcome;
      if (outcome.status === "running") return { workflowId, runId, status };
      return { workflowId, runId, status, result: featuresRefreshedSchema.parse(outcome.result) };
    },
  }),
  route({
    method: "get",
    path: "/v1/feature-schedule",
    tag: "features",
    summary: "The schedule by which features of live readings are brought up to date.",
    policy: viewer,
    reply: scheduleSchema,
    handle: (_, { workflows }) => workflows.schedule(FEATURES_REFRESH_ID),
  }),
  route({
    method: "put",
    path: "/v1/feature-schedule",
    tag: "features",
    summary: "Pause the schedule, or go on with it.",
    policy: operator,
    body: { kind: "json", schema: z.strictObject({ isPaused: z.boolean() }) },
    reply: scheduleSchema,
    async handle(request, { database, workflows }) {
      const { body, actor } = request;
      const note = `${body.isPaused ? "paused" : "resumed"} by ${actor.id}`;
      await workflows.pauseSchedule(FEATURES_REFRESH_ID, { isPaused: body.isPaused, note });
      await database().audit.append(
        auditOf(
          request,
          body.isPaused ? "schedule.pause" : "schedule.resume",
          `schedule/${FEATURES_REFRESH_ID}`,
        ),
      );
      return workflows.schedule(FEATURES_REFRESH_ID);
    },
  }),
];
