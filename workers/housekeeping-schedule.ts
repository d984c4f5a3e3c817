import type { Client } from "@temporalio/client";
import type { HousekeepingInput } from "../activities/housekeeping/messages.ts";
import { upsertSchedule } from "../activities/upsert-schedule.ts";
import { HOUSEKEEPING_ID, TASK_QUEUES } from "../temporal-config/constants.ts";

/**
 * The schedule of housekeeping, created or brought up to date with this worker's settings. Paused by hand, it stays
 * paused.
 */
export function ensureHousekeeping(
  client: Client,
  settings: { readonly everyMs: number } & HousekeepingInput,
): Promise<void> {
  const { everyMs, removeDatasets } = settings;
  return upsertSchedule(client, {
    scheduleId: HOUSEKEEPING_ID,
    spec: { intervals: [{ every: everyMs }] },
    policies: { overlap: "SKIP", catchupWindow: "1h" },
    action: {
      type: "startWorkflow",
      workflowType: "housekeepingWorkflow",
      workflowId: HOUSEKEEPING_ID,
      taskQueue: TASK_QUEUES.control,
      args: [{ removeDatasets }],
    },
  });
}
