import { ApplicationFailure } from "@temporalio/common";
import { MockActivityEnvironment } from "@temporalio/testing";
import { describe, expect, it } from "vitest";
import { PlatformError } from "../schemas/platform-error.ts";
import { toFailure, withFailures } from "./failures.ts";

describe("failures", () => {
  it.each([
    ["bad input", new PlatformError("bad_file", "x"), 1, "bad_file", true],
    [
      "a dependency that is away",
      new PlatformError("database_unavailable", "x"),
      500,
      "database_unavailable",
      false,
    ],
    ["a defect that does not go away", new TypeError("x"), 10, "internal", true],
  ] as const)("%s", (_name, error, attempt, type, nonRetryable) => {
    expect(toFailure(error, attempt)).toMatchObject({ type, nonRetryable });
  });

  it("leaves a defect retryable at first, so that a mended worker can finish", () => {
    const error = new TypeError("x");
    expect(toFailure(error, 1)).toBe(error);
  });

  it("refuses a result that should travel by reference", async () => {
    const { large } = withFailures({ large: async () => "x".repeat(200_000) });
    const run = new MockActivityEnvironment().run(large);
    await expect(run).rejects.toThrow(ApplicationFailure);
    await expect(run).rejects.toThrow(/200002 bytes/);
  });
});
