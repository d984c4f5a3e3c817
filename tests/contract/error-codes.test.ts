import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { toFailure } from "../../activities/failures.ts";
import { problemOf } from "../../api/http/on-error.ts";
import { ERROR_CODES } from "../../schemas/error-codes.ts";
import type { ErrorCode, ErrorCodeRow } from "../../schemas/error-codes.ts";
import { PlatformError } from "../../schemas/platform-error.ts";

/**
 * The table of codes against the code: none is dead, none is missing, and each maps the same way out of an activity
 * and out of the API. That docs/errors.md has them all is held by tests/integration/docs.test.ts.
 */

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const NOT_THE_PRODUCT = ["benchmarks", "dist", "node_modules", "scripts", "tests"];

/** The codes that some file raises: the text literals in the first argument of `new PlatformError(…)`, and of `invalidFile(…)`, which makes one. */
function raisedCodes(): Set<string> {
  const rooms = readdirSync(ROOT).filter((room) => existsSync(join(ROOT, room, "tsconfig.json")));
  const files = rooms
    .filter((room) => !NOT_THE_PRODUCT.includes(room))
    .flatMap((room) =>
      readdirSync(join(ROOT, room), { recursive: true, encoding: "utf8" }).map((path) =>
        join(ROOT, room, path),
      ),
    )
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"));
  const firstArguments = files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/(?:new PlatformError|invalidFile)\(\s*([^,]*),/g)].map(
      (match) => match[1] ?? "",
    ),
  );
  return new Set(
    firstArguments.flatMap((text) => [...text.matchAll(/"(\w+)"/g)].map((match) => match[1] ?? "")),
  );
}

it("every code of the table is raised somewhere, and every raised code is in the table", () => {
  expect([...raisedCodes()].sort()).toEqual(Object.keys(ERROR_CODES).sort());
});

describe.each(Object.entries<ErrorCodeRow>(ERROR_CODES))("%s", (code, row) => {
  const error = new PlatformError(code as ErrorCode, "operation [fact]: expected a, got b");

  it("says why and what to do, each in a sentence", () => {
    expect(row.cause).toMatch(/^[A-Z].*\.$/);
    expect(row.remedy).toMatch(/^[A-Z].*\.$/);
  });

  it("becomes a Temporal failure of its type that is retried only where that can help", () => {
    expect(toFailure(error, 1)).toMatchObject({ type: code, nonRetryable: !row.retryable });
  });

  it("becomes a problem document with its status, and tells nothing of a fault of ours", () => {
    const problem = problemOf(error, "r1");
    expect(problem).toMatchObject({ code, status: row.status, remedy: row.remedy });
    expect(problem.detail.includes("[fact]")).toBe(row.status < 500 && row.status !== 401);
  });
});
