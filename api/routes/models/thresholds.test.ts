import { expect, it } from "vitest";
import { choiceSchema, requirePossible } from "./thresholds.ts";

it.each<["binary" | "anomaly", number, boolean]>([
  ["binary", 0.4, true],
  ["binary", 1.1, false],
  ["binary", -0.1, false],
  ["anomaly", 17, true],
  ["anomaly", 0, true],
  ["anomaly", -5, false],
])("of a %s version %d as a threshold: %s", (problem, threshold, isPossible) => {
  const set = () => requirePossible(problem, threshold);
  if (isPossible) expect(set).not.toThrow();
  else expect(set).toThrow(expect.objectContaining({ code: "invalid_body" }));
});

it.each([
  [{ share: 2 }, "a share above 0, at most 1, got 2"],
  [{ share: 0 }, "a share above 0, at most 1, got 0"],
  [{ perAssetMonth: 40 }, "days above 0, at most 31, got 40"],
])("tells what was expected instead of %j", (given, message) => {
  const { error } = choiceSchema.safeParse({ ...given, reason: "why" });
  expect(error?.issues.map((issue) => issue.message)).toContain(message);
});
