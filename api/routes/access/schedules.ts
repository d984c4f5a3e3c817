import { z } from "zod";
import { scheduleSchema } from "../../../schemas/live/online-features.ts";
import { driftWorkflowId, retrainScheduleId } from "../../../temporal-config/constants.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import { listOf, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** Retrains looked through for the last one of each model. */
const RETRAINS = 1_000;

const listedSchema = scheduleSchema.extend({
  last: z
    .string()
    .nullable()
    .describe("What the last one came to: the verdict of a drift check, the outcome of a retrain."),
});

/** What happens by itself, and when. */
export const scheduleRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/schedules",
    tag: "records",
    summary: "Every schedule: when it acts next, when it did last, and what that came to.",
    policy: viewer,
    reply: listOf(listedSchema),
    async handle(_request, { database, workflows }) {
      const [schedules, last] = await Promise.all([workflows.schedules(), lastByScheduleId(database())]);
      return { items: schedules.map((schedule) => ({ ...schedule, last: last.get(schedule.id) ?? null })) };
    },
  }),
];

async function lastByScheduleId({ drift, retrains }: Database): Promise<ReadonlyMap<string, string>> {
  const [verdicts, newest] = await Promise.all([drift.newest(), retrains.list({ limit: RETRAINS })]);
  const last = new Map<string, string>();
  for (const { model, state, confirmed } of verdicts)
    last.set(driftWorkflowId(model), confirmed ? `${state}, confirmed` : state);
  // Newest first: the first of a model is its last.
  for (const { model, state, outcome } of newest) {
    const id = retrainScheduleId(model);
    if (!last.has(id)) last.set(id, outcome ?? state);
  }
  return last;
}
