import { describe, expect, it } from "vitest";
import { retrainScheduleSchema } from "../../schemas/pipeline/retraining.ts";
import { isScheduledIn } from "./scheduled-times.ts";

const at = (text: string) => Date.parse(text);

describe("times of a schedule", () => {
  const cases: [name: string, schedule: object, from: string, to: string, due: boolean][] = [
    ["an interval that ends with the span", { every: "7d" }, "2024-01-05T00:00Z", "2024-01-11T00:00Z", true],
    ["one that ended where it begins", { every: "7d" }, "2024-01-11T00:00Z", "2024-01-17T23:59Z", false],
    ["a weekly time", { cron: "0 3 * * 1" }, "2024-01-01T03:00Z", "2024-01-08T03:00Z", true],
    ["just not", { cron: "0 3 * * 1" }, "2024-01-01T03:00Z", "2024-01-08T02:59Z", false],
    [
      "a time of another zone",
      { cron: "0 3 1 * *", timezone: "Europe/Berlin" },
      "2024-05-31T00:00Z",
      "2024-06-01T01:00Z",
      true,
    ],
    [
      "that zone in winter",
      { cron: "0 3 1 * *", timezone: "Europe/Berlin" },
      "2024-01-31T00:00Z",
      "2024-02-01T01:59Z",
      false,
    ],
    [
      "the day the clock changes",
      { cron: "30 5 31 3 *", timezone: "Europe/Berlin" },
      "2024-03-31T03:29Z",
      "2024-03-31T03:30Z",
      true,
    ],
    [
      "a zone of quarters",
      { cron: "0 6 * * *", timezone: "Asia/Kathmandu" },
      "2024-01-01T00:10Z",
      "2024-01-01T00:15Z",
      true,
    ],
    [
      "behind UTC",
      { cron: "0 22 * * sun", timezone: "America/New_York" },
      "2024-01-08T02:59Z",
      "2024-01-08T03:00Z",
      true,
    ],
    [
      "lists, steps and names",
      { cron: "5/20 0-4/2 * jan-mar,dec mon" },
      "2024-02-05T02:25Z",
      "2024-02-05T02:45Z",
      true,
    ],
    ["days that both must match", { cron: "0 0 13 * fri" }, "2024-01-13T00:00Z", "2024-09-12T00:00Z", false],
    ["Sunday as the seventh day", { cron: "0 0 * * 7" }, "2024-01-06T00:00Z", "2024-01-07T00:00Z", true],
  ];
  it.each(cases)("%s", (_, schedule, from, to, due) => {
    expect(isScheduledIn(retrainScheduleSchema.parse(schedule), { from: at(from), to: at(to) })).toBe(due);
  });
});
