import { expect, it } from "vitest";
import type { AlertEventKind, AlertEventRow } from "../stores/postgres/port/alerting.ts";
import { withoutPassing } from "./alarm-dispatcher.ts";

it("passes over what was pending and withdrawn at once, and nothing else", () => {
  const given = (
    [
      ["a", "pending"],
      ["b", "pending"],
      ["a", "withdrawn"],
      ["b", "raised"],
      ["c", "withdrawn"],
      ["a", "pending"],
    ] as const
  ).map(([alarmKey, kind], i) => eventOf(i + 1, alarmKey, kind));
  expect(withoutPassing(given).map(({ id }) => id)).toEqual([2, 4, 5, 6]);
});

function eventOf(id: number, alarmKey: string, kind: AlertEventKind): AlertEventRow {
  return { id, at: "", kind, rule: "r", asset: alarmKey, alarmKey, alert: null };
}
