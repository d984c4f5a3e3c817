import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scheduleOf } from "../../../activities/retraining/schedules.ts";
import { upsertSchedule } from "../../../activities/upsert-schedule.ts";
import { describeWithServices } from "../../support/platform.ts";

/** Schedules on a real Temporal server: made, left alone, changed. */

await describeWithServices("schedules of a model", (services) => {
  let connection: Connection;
  let client: Client;
  beforeAll(async () => {
    connection = await Connection.connect({ address: services.temporalAddress });
    client = new Client({ connection });
  });
  afterAll(() => connection.close());

  const standing = {
    scheduleId: `drift/schedules-${process.pid}`,
    workflowType: "driftWorkflow",
    workflowId: `drift/schedules-${process.pid}`,
    args: [{ model: "pump" }],
    summary: "Check pump for drift",
  };
  const hourly = scheduleOf({ ...standing, when: { every: "1h" } });
  const found = () => client.schedule.getHandle(hourly.scheduleId).describe();
  const lastChange = async () => (await found()).info.lastUpdatedAt?.getTime();

  describe("upsertSchedule", () => {
    test("makes one, of two at once too", async () => {
      await Promise.all([upsertSchedule(client, hourly), upsertSchedule(client, hourly)]);
      expect((await found()).spec.intervals).toMatchObject([{ every: 3_600_000 }]);
    });

    test("leaves one alone that is as wanted", async () => {
      await upsertSchedule(client, hourly);
      const before = await lastChange();
      await upsertSchedule(client, hourly);
      expect(await lastChange()).toBe(before);
    });

    test.each([
      ["its time", scheduleOf({ ...standing, when: { every: "2h" } })],
      ["its argument", scheduleOf({ ...standing, when: { every: "2h" }, args: [{ model: "fan" }] })],
      ["what people read", scheduleOf({ ...standing, when: { every: "2h" }, summary: "Look after the fan" })],
      ["a cron line", scheduleOf({ ...standing, when: { cron: "0 6 * * 1", timezone: "Europe/Berlin" } })],
      ["back to a period", hourly],
    ])("changes %s, and it stays paused", async (_what, wanted) => {
      const handle = client.schedule.getHandle(hourly.scheduleId);
      await handle.pause("somebody looks at it");
      const before = await lastChange();
      await upsertSchedule(client, wanted);
      const { info, state, action } = await found();
      expect(info.lastUpdatedAt?.getTime()).toBeGreaterThan(before ?? 0);
      expect(action.args).toEqual(wanted.action.args);
      expect(action.staticSummary).toBe(wanted.action.staticSummary);
      expect(state).toMatchObject({ paused: true, note: "somebody looks at it" });
    });

    test("brings back what was changed by hand", async () => {
      const handle = client.schedule.getHandle(hourly.scheduleId);
      await handle.update((now) => ({ ...now, spec: { intervals: [{ every: "7h" }] } }));
      await upsertSchedule(client, hourly);
      expect((await found()).spec.intervals).toMatchObject([{ every: 3_600_000 }]);
      await handle.delete();
    });
  });
});
