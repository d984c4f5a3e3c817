import { expect, it } from "vitest";
import { stateAfterEvent, workOrderEventSchema } from "./work-order.ts";

it.each([
  ["created", "acknowledged", "acknowledged"],
  ["undelivered", "acknowledged", "acknowledged"],
  ["sent", "started", "in_progress"],
  ["in_progress", "acknowledged", "in_progress"],
  ["created", "closed", "closed"],
  ["closed", "started", undefined],
  ["closed", "closed", undefined],
] as const)("%s, %s → %s", (state, kind, next) => expect(stateAfterEvent(state, kind)).toBe(next));

it.each([
  [{ eventId: "1", kind: "started" }, true],
  [{ eventId: "1", kind: "closed" }, false],
  [{ eventId: "1", kind: "started", outcome: { result: "confirmed" } }, false],
  [
    { eventId: "1", kind: "closed", outcome: { result: "confirmed", failedAt: "2026-01-01T00:00:00Z" } },
    true,
  ],
  [{ eventId: "1", kind: "closed", outcome: { result: "replaced_part", failedAt: 7 } }, false],
  [{ eventId: "a b", kind: "started" }, false],
])("%o is an event: %s", (event, isOne) => expect(workOrderEventSchema.safeParse(event).success).toBe(isOne));
