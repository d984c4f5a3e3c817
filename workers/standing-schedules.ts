import type { Client } from "@temporalio/client";
import type { HousekeepingInput } from "../activities/housekeeping/messages.ts";
import { upsertSchedule } from "../activities/upsert-schedule.ts";
import {
  FEATURES_REFRESH_ID,
  HOUSEKEEPING_ID,
  READINGS_UPKEEP_ID,
  TASK_QUEUES,
} from "../temporal-config/constants.ts";

interface Standing {
  /** Of the schedule and of its workflow. */
  readonly id: string;
  readonly workflowType: string;
  readonly interval: { readonly every: "15m" | "1h" | number; readonly offset?: "2m" | "5m" };
  readonly catchupWindow: "15m" | "1h";
  readonly input?: object;
  /** What people read of it in Temporal's list. */
  readonly summary: string;
}

/**
 * The schedule of housekeeping, created or brought up to date with this worker's settings. Like the others here it
 * stays paused where it was paused by hand.
 */
export function ensureHousekeeping(
  client: Client,
  settings: { readonly everyMs: number } & HousekeepingInput,
): Promise<void> {
  const { everyMs, removeDatasets } = settings;
  return ensure(client, {
    id: HOUSEKEEPING_ID,
    workflowType: "housekeepingWorkflow",
    interval: { every: everyMs },
    catchupWindow: "1h",
    input: { removeDatasets },
    summary: "What goes away by itself",
  });
}

/** The schedule of the refresh of live features: every quarter of an hour. */
export function ensureFeaturesRefresh(client: Client): Promise<void> {
  return ensure(client, {
    id: FEATURES_REFRESH_ID,
    workflowType: "featuresRefreshWorkflow",
    interval: { every: "15m", offset: "2m" },
    catchupWindow: "15m",
    summary: "Bring features of live readings up to date",
  });
}

/** The schedule of what is done with stored readings: every hour, five minutes after it. */
export function ensureReadingsUpkeep(client: Client): Promise<void> {
  return ensure(client, {
    id: READINGS_UPKEEP_ID,
    workflowType: "readingsUpkeepWorkflow",
    interval: { every: "1h", offset: "5m" },
    catchupWindow: "1h",
    summary: "Look after stored readings",
  });
}

function ensure(client: Client, standing: Standing): Promise<void> {
  const { id, workflowType, interval, catchupWindow, summary, input = {} } = standing;
  return upsertSchedule(client, {
    scheduleId: id,
    spec: { intervals: [interval] },
    policies: { overlap: "SKIP", catchupWindow },
    action: {
      type: "startWorkflow",
      workflowType,
      workflowId: id,
      taskQueue: TASK_QUEUES.control,
      staticSummary: summary,
      args: [input],
    },
  });
}
