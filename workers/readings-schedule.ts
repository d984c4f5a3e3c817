import type { Client } from "@temporalio/client";
import { upsertSchedule } from "../activities/upsert-schedule.ts";
import { READINGS_UPKEEP_ID, TASK_QUEUES } from "../temporal-config/constants.ts";

/** The schedule of what is done with stored readings: every hour, five minutes after it. Paused by hand, it stays paused. */
export function ensureReadingsUpkeep(client: Client): Promise<void> {
  return upsertSchedule(client, {
    scheduleId: READINGS_UPKEEP_ID,
    spec: { intervals: [{ every: "1h", offset: "5m" }] },
    policies: { overlap: "SKIP", catchupWindow: "1h" },
    action: {
      type: "startWorkflow",
      workflowType: "readingsUpkeepWorkflow",
      workflowId: READINGS_UPKEEP_ID,
      taskQueue: TASK_QUEUES.control,
      args: [{}],
    },
  });
}
