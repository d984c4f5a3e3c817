// Prints `N passed, N failed, N skipped` from vitest's JSON report, alone on its line, and ends with 1 unless none failed.
// A test file that could not even be loaded has no tests in the report and counts as one failure, as does a report that
// is missing or cannot be read: a run that nobody can count has proved nothing.
import { readFileSync } from "node:fs";

let counts;
try {
  const report = JSON.parse(readFileSync(process.argv[2], "utf8"));
  const unloadable = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  for (const file of unloadable) console.log(`not loaded: ${file.name}`);
  counts = {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloadable.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
  if (!Object.values(counts).every(Number.isInteger)) throw new TypeError("its counts are no numbers");
} catch (error) {
  console.log(`the test run left no report that can be read: ${error.message}`);
  counts = { passed: 0, failed: 1, skipped: 0 };
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
