// Prints `N passed, N failed, N skipped` from vitest's JSON report, alone on its line.
// A test file that could not even be loaded has no tests in the report and counts as one failure.
import { existsSync, readFileSync } from "node:fs";

const path = process.argv[2];
if (!existsSync(path)) {
  console.log("the test run left no report");
  console.log("0 passed, 1 failed, 0 skipped");
} else {
  const report = JSON.parse(readFileSync(path, "utf8"));
  const unloadable = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  for (const file of unloadable) console.log(`not loaded: ${file.name}`);
  const failed = report.numFailedTests + unloadable.length;
  const skipped = report.numPendingTests + report.numTodoTests;
  console.log(`${report.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
}
