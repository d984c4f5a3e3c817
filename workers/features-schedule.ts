import type { Client } from "@temporalio/client";
import { upsertSchedule } from "../activities/upsert-schedule.ts";
import { FEATURES_REFRESH_ID, TASK_QUEUES } from "../temporal-config/constants.ts";

/** The schedule of the refresh of live features: every quarter of an hour. Paused by hand, it stays paused. */
export function ensureFeaturesRefresh(client: Client): Promise<void> {
  return upsertSchedule(client, {
    scheduleId: FEATURES_REFRESH_ID,
    spec: { intervals: [{ every: "15m", offset: "2m" }] },
    policies: { overlap: "SKIP", catchupWindow: "15m" },
    action: {
      type: "startWorkflow",
      workflowType: "featuresRefreshWorkflow",
      workflowId: FEATURES_REFRESH_ID,
      taskQueue: TASK_QUEUES.control,
      args: [{}],
    },
  });
}
