import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

/** The gate's last line and exit code: what cannot be counted is a failure. */

const SCRIPT = fileURLToPath(new URL("../../.ci/count-tests.mjs", import.meta.url));
const report = (failed: number, testResults: unknown[] = []): string =>
  JSON.stringify({
    numPassedTests: 3,
    numFailedTests: failed,
    numPendingTests: 1,
    numTodoTests: 1,
    testResults,
  });

it.each<[string, string | undefined, string, number]>([
  ["no report", undefined, "0 passed, 1 failed, 0 skipped", 1],
  ["half a report", "{", "0 passed, 1 failed, 0 skipped", 1],
  ["a report of another form", '{"testResults":[]}', "0 passed, 1 failed, 0 skipped", 1],
  ["a failed test", report(1), "3 passed, 1 failed, 2 skipped", 1],
  [
    "a file that was not loaded",
    report(0, [{ name: "a.test.ts", status: "failed", assertionResults: [] }]),
    "3 passed, 1 failed, 2 skipped",
    1,
  ],
  ["no failure", report(0), "3 passed, 0 failed, 2 skipped", 0],
])("%s", (_name, text, last, code) => {
  const folder = mkdtempSync(join(tmpdir(), "aura-counts-"));
  const file = join(folder, "tests.json");
  if (text !== undefined) writeFileSync(file, text);
  const { stdout, status } = spawnSync(process.execPath, [SCRIPT, file], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect([stdout.trimEnd().split("\n").at(-1), status]).toEqual([last, code]);
});
