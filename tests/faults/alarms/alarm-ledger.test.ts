import { expect, it } from "vitest";
import { AlarmLedger } from "./alarm-ledger.ts";

/** The judge itself: it must not pass what is lost, repeated or made up. */

function ledger(): AlarmLedger {
  const judge = new AlarmLedger();
  [70, 95, 70, 70, 95].forEach((heat, i) => judge.acknowledged("a1", (i + 1) * 500, heat));
  return judge;
}
const hot = (...changes: string[]) => new Map([["hot a1", changes]]);

it.each([
  ["what the readings say", hot("raised", "cleared", "raised"), 0],
  ["a lost alert", hot("raised", "cleared"), 1],
  ["a repeated alert", hot("raised", "raised", "cleared", "raised"), 1],
  ["another order", hot("cleared", "raised", "raised"), 1],
  ["an alert of nothing", new Map([...hot("raised", "cleared", "raised"), ["held a1", ["raised"]]]), 1],
])("judges %s", (_, found, nViolations) => {
  expect(ledger().judge(found)).toHaveLength(nViolations);
});
