import { ScheduleNotFoundError } from "@temporalio/client";
import type { Client, ScheduleOptions, ScheduleSpec } from "@temporalio/client";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { RetrainSchedule } from "../../schemas/pipeline/retraining.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import {
  driftWorkflowId,
  performanceWorkflowId,
  labelsScheduleId,
  retrainRequestWorkflowId,
  retrainScheduleId,
  TASK_QUEUES,
} from "../../temporal-config/constants.ts";
import { upsertSchedule } from "../upsert-schedule.ts";

/**
 * Brings the schedules of a model to what its pipeline file says: the checks of drift and of performance and, where declared, the
 * retrain. One that is declared no longer is deleted; one that a person has paused stays paused.
 */
export async function ensureModelSchedules(client: Client, model: string, pipeline: Pipeline): Promise<void> {
  const { monitoring, performance, retraining } = pipeline;
  if (monitoring.enabled) await upsertSchedule(client, driftSchedule(model, monitoring.every));
  else await deleteSchedule(client, driftWorkflowId(model));
  await upsertSchedule(client, performanceSchedule(model, performance.every));
  if (retraining.schedule === undefined) await deleteSchedule(client, retrainScheduleId(model));
  else await upsertSchedule(client, retrainSchedule(model, retraining.schedule));
  if (retraining.newLabels === undefined) await deleteSchedule(client, labelsScheduleId(model));
  else await upsertSchedule(client, labelsSchedule(model, retraining.newLabels));
}

async function deleteSchedule(client: Client, id: string): Promise<void> {
  try {
    await client.schedule.getHandle(id).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

function driftSchedule(model: string, every: string): ScheduleOptions {
  return {
    scheduleId: driftWorkflowId(model),
    spec: { intervals: [{ every: durationMs(every) }] },
    policies: { overlap: "SKIP", catchupWindow: "1h" },
    action: {
      type: "startWorkflow",
      workflowType: "driftWorkflow",
      workflowId: driftWorkflowId(model),
      taskQueue: TASK_QUEUES.control,
      args: [{ model }],
    },
  };
}

function performanceSchedule(model: string, every: string): ScheduleOptions {
  return {
    scheduleId: performanceWorkflowId(model),
    spec: { intervals: [{ every: durationMs(every) }] },
    policies: { overlap: "SKIP", catchupWindow: "1h" },
    action: {
      type: "startWorkflow",
      workflowType: "performanceWorkflow",
      workflowId: performanceWorkflowId(model),
      taskQueue: TASK_QUEUES.control,
      args: [{ model }],
    },
  };
}

/** Labels come one by one and late: they are counted every hour. */
const LABELS_COUNTED_EVERY = "1h";

function labelsSchedule(model: string, newLabels: number): ScheduleOptions {
  return {
    scheduleId: labelsScheduleId(model),
    spec: { intervals: [{ every: LABELS_COUNTED_EVERY }] },
    policies: { overlap: "SKIP", catchupWindow: "1h" },
    action: {
      type: "startWorkflow",
      workflowType: "retrainRequestWorkflow",
      workflowId: retrainRequestWorkflowId(model, "labels"),
      taskQueue: TASK_QUEUES.control,
      args: [{ model, trigger: "labels", detail: `${newLabels} new labels` }],
    },
  };
}

function retrainSchedule(model: string, schedule: RetrainSchedule): ScheduleOptions {
  return {
    scheduleId: retrainScheduleId(model),
    spec: specOf(schedule),
    policies: { overlap: "SKIP", catchupWindow: "1h" },
    action: {
      type: "startWorkflow",
      workflowType: "retrainRequestWorkflow",
      workflowId: retrainRequestWorkflowId(model, "scheduled"),
      taskQueue: TASK_QUEUES.control,
      args: [{ model, trigger: "schedule", detail: "its schedule" }],
    },
  };
}

function specOf(schedule: RetrainSchedule): ScheduleSpec {
  if ("every" in schedule) return { intervals: [{ every: durationMs(schedule.every) }] };
  return { cronExpressions: [schedule.cron], timezone: schedule.timezone };
}
