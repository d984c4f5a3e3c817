import { ScheduleNotFoundError } from "@temporalio/client";
import type { Client, ScheduleOptions, ScheduleSpec } from "@temporalio/client";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { longestCronGapMs } from "../../schemas/pipeline/cron.ts";
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

/** Labels come one by one and late: they are counted every hour. */
const LABELS_COUNTED_EVERY = { every: "1h" };

/** A shorter one would lose a tick to a server that is busy for a moment. */
const SHORTEST_CATCH_UP_MS = 60_000;

/** Something that is done again and again for a model. */
interface Standing {
  readonly scheduleId: string;
  /** Undefined: the pipeline file wants none. */
  readonly when: RetrainSchedule | undefined;
  readonly workflowType: string;
  readonly workflowId: string;
  readonly args: readonly unknown[];
  /** What people read of it in Temporal's list. */
  readonly summary: string;
}

/**
 * Brings the schedules of a model to what its pipeline file says: the checks of drift and of performance and, where declared, the
 * retrain. One that is declared no longer is deleted; one that a person has paused stays paused.
 */
export async function ensureModelSchedules(client: Client, model: string, pipeline: Pipeline): Promise<void> {
  for (const { when, ...standing } of standingOf(model, pipeline)) {
    if (when === undefined) await deleteSchedule(client, standing.scheduleId);
    else await upsertSchedule(client, scheduleOf({ ...standing, when }));
  }
}

/** The schedules of a model, with those that its file does not want. */
export function standingOf(model: string, { monitoring, performance, retraining }: Pipeline): Standing[] {
  const { newLabels, schedule } = retraining;
  return [
    {
      scheduleId: driftWorkflowId(model),
      when: monitoring.enabled ? { every: monitoring.every } : undefined,
      workflowType: "driftWorkflow",
      workflowId: driftWorkflowId(model),
      args: [{ model }],
      summary: `Check ${model} for drift`,
    },
    {
      scheduleId: performanceWorkflowId(model),
      when: { every: performance.every },
      workflowType: "performanceWorkflow",
      workflowId: performanceWorkflowId(model),
      args: [{ model }],
      summary: `Judge ${model} by its labels`,
    },
    {
      scheduleId: retrainScheduleId(model),
      when: schedule,
      workflowType: "retrainRequestWorkflow",
      workflowId: retrainRequestWorkflowId(model, "scheduled"),
      args: [{ model, trigger: "schedule", detail: "its schedule" }],
      summary: `Ask for a retrain of ${model}: its schedule`,
    },
    {
      scheduleId: labelsScheduleId(model),
      when: newLabels === undefined ? undefined : LABELS_COUNTED_EVERY,
      workflowType: "retrainRequestWorkflow",
      workflowId: retrainRequestWorkflowId(model, "labels"),
      args: [{ model, trigger: "labels", detail: `${newLabels} new labels` }],
      summary: `Count new labels of ${model}`,
    },
  ];
}

/** As Temporal takes it. What was missed while the platform was down is made up for once: the last tick, however long ago. */
export function scheduleOf({
  scheduleId,
  when,
  workflowType,
  workflowId,
  args,
  summary,
}: Standing & { readonly when: RetrainSchedule }): ScheduleOptions {
  return {
    scheduleId,
    spec: specOf(when),
    policies: {
      // Of several that were missed the first starts, and the others are skipped while it runs.
      overlap: "SKIP",
      catchupWindow: Math.max(SHORTEST_CATCH_UP_MS, longestGapMs(when)),
    },
    action: {
      type: "startWorkflow",
      workflowType,
      workflowId,
      taskQueue: TASK_QUEUES.control,
      staticSummary: summary.slice(0, 190),
      args: [...args],
    },
  };
}

/** Within so long there is a tick. */
function longestGapMs(when: RetrainSchedule): number {
  return "every" in when ? durationMs(when.every) : longestCronGapMs(when.cron);
}

function specOf(when: RetrainSchedule): ScheduleSpec {
  if ("every" in when) return { intervals: [{ every: durationMs(when.every) }] };
  return { cronExpressions: [when.cron], timezone: when.timezone };
}

async function deleteSchedule(client: Client, id: string): Promise<void> {
  try {
    await client.schedule.getHandle(id).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}
