import { expect, it } from "vitest";
import { alertRuleSchema } from "../schemas/alerts/alert-rule.ts";
import { liveSourceSchema } from "../schemas/live/source.ts";
import { compileRule } from "./compiled-rule.ts";

const sourceOf = (more: object) =>
  liveSourceSchema.parse({ name: "pumps", owner: "tests", columns: [{ name: "heat" }], ...more });
const absence = (more: object) =>
  alertRuleSchema.parse({ name: "silent", source: "pumps", when: { kind: "absence", ...more } });

it.each([
  ["its own time before that of the source", { after: "5m" }, { silentAfter: "1h" }, ["5m", 300_000, true]],
  ["the source's", {}, { silentAfter: "1h" }, ["1h", 3_600_000, true]],
  ["no last wills", { after: "5m", lastWill: "ignore" }, {}, ["5m", 300_000, false]],
])("takes %s for silence", (_, when, source, [after, afterMs, hearsWills]) => {
  expect(compileRule(absence(when), sourceOf(source)).silence).toEqual({ after, afterMs, hearsWills });
});

it("refuses a silence of no time", () => {
  expect(() => compileRule(absence({}), sourceOf({}))).toThrow("declares no silentAfter");
});

it("looks for no deviation among fewer than eleven values", () => {
  const rule = (minSamples: number) =>
    alertRuleSchema.safeParse({ name: "far", source: "pumps", when: { kind: "zscore", minSamples } });
  expect([10, 11].map((n) => rule(n).success)).toEqual([false, true]);
});
