import { ScheduleAlreadyRunning } from "@temporalio/client";
import type { Client, ScheduleOptions } from "@temporalio/client";

/** Creates a schedule, or brings an existing one up to date without touching whether it is paused. */
export async function upsertSchedule(client: Client, options: ScheduleOptions): Promise<void> {
  try {
    await client.schedule.create(options);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { scheduleId, spec, action, policies } = options;
    await client.schedule.getHandle(scheduleId).update(({ state }) => ({
      spec,
      action,
      state,
      ...(policies === undefined ? {} : { policies }),
    }));
  }
}
