import { isDeepStrictEqual } from "node:util";
import { ScheduleAlreadyRunning, ScheduleNotFoundError } from "@temporalio/client";
import type { Client, ScheduleDescription, ScheduleOptions } from "@temporalio/client";
import { msToNumber } from "@temporalio/common/lib/time.js";

/**
 * Creates a schedule, or brings an existing one up to date without touching whether it is paused. One that is as wanted is only
 * looked at: a promotion asks for schedules that nearly always stand already, and a change costs the server ten times as much.
 */
export async function upsertSchedule(client: Client, options: ScheduleOptions): Promise<void> {
  const { scheduleId, spec, action, policies } = options;
  const handle = client.schedule.getHandle(scheduleId);
  try {
    if (isAsWanted(await handle.describe(), options)) return;
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    if (await create(client, options)) return;
  }
  await handle.update(({ state }) => ({
    spec,
    action,
    state,
    ...(policies === undefined ? {} : { policies }),
  }));
}

/** @returns false where somebody else was first */
async function create(client: Client, options: ScheduleOptions): Promise<boolean> {
  try {
    await client.schedule.create(options);
    return true;
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning) return false;
    throw error;
  }
}

/** Whether it was found so. Of a cron line it cannot be told: the server keeps what it made of it. */
function isAsWanted(found: ScheduleDescription, { spec, action, policies }: ScheduleOptions): boolean {
  const { intervals, ...others } = spec;
  if (intervals === undefined || Object.keys(others).length > 0) return false;
  const { calendars, skip, startAt, endAt, jitter } = found.spec;
  const isOfIntervals =
    (calendars?.length ?? 0) === 0 && (skip?.length ?? 0) === 0 && !startAt && !endAt && !jitter;
  return (
    isOfIntervals &&
    isDeepStrictEqual(found.spec.intervals?.map(inMs), intervals.map(inMs)) &&
    isDeepStrictEqual(partsOf(found.action), partsOf(action)) &&
    (policies?.overlap === undefined || found.policies.overlap === policies.overlap) &&
    (policies?.catchupWindow === undefined ||
      found.policies.catchupWindow === msToNumber(policies.catchupWindow))
  );
}

type Interval = NonNullable<ScheduleOptions["spec"]["intervals"]>[number];

function inMs({ every, offset = 0 }: Interval): readonly number[] {
  return [msToNumber(every), msToNumber(offset)];
}

type Action = ScheduleOptions["action"] | ScheduleDescription["action"];

/** What is ever said of an action; arguments as they travel. */
function partsOf({ workflowType, workflowId, taskQueue, args, staticSummary }: Action): readonly unknown[] {
  return [workflowType, workflowId, taskQueue, JSON.stringify(args ?? []), staticSummary];
}
