import { expect, test } from "vitest";
import type { AliasEvent } from "../../../stores/postgres/port.ts";
import { championLine } from "./champion-history.ts";

/** `3` was approved, `-3` came back by a rollback. */
function eventOf(move: number): AliasEvent {
  return {
    model: "pump",
    alias: "champion",
    version: Math.abs(move),
    digest: "d",
    previousVersion: null,
    at: "2026-01-01T00:00:00.000Z",
    actor: "ann",
    reason: "",
    approvalId: move < 0 ? null : `ap-${move}`,
  };
}

test.each([
  [[], undefined],
  [[1], undefined],
  [[1, 2], 1],
  [[1, 2, 3], 2],
  [[1, 2, 3, -2], 1],
  [[1, 2, 3, -2, -1], undefined],
  [[1, 2, 3, -2, 4], 2],
  [[1, 2, 3, -1], undefined],
  [[1, 2, -1, -2], 1],
  [[1, 2, 3, -2, -3], 2],
])("after %j a rollback goes to %j", (moves, previous) => {
  const history = moves.map(eventOf);
  expect(championLine(history)).toEqual({ position: moves.length, previous });
  const others = history.map((event) => ({ ...event, alias: "shadow" }));
  expect(championLine([...others, ...history])).toEqual({ position: moves.length, previous });
});
