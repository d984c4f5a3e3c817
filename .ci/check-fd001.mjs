// Asserts what an FD001 run must end with: exit code 0, a promoted model, an RMSE that is good and not leaked.
import { readFileSync } from "node:fs";

const [path, code] = process.argv.slice(2);
const text = readFileSync(path, "utf8");
const problems = [];
if (code !== "0") problems.push(`exit code: expected 0, got ${code}`);
let report = {};
try {
  report = JSON.parse(text);
} catch {
  problems.push("stdout: expected one JSON document");
}
if (report.promoted !== true)
  problems.push(`promoted: expected true, got ${report.promoted} (outcome ${report.outcome})`);
const rmse = report.metrics?.test?.rmse;
// Below 9 is leakage; above 13 the features or the trainer are broken.
if (!(rmse >= 9 && rmse <= 13)) problems.push(`metrics.test.rmse: expected 9 to 13, got ${rmse}`);
if (problems.length > 0) {
  console.log(text.slice(-4_000));
  for (const problem of problems) console.log(`FD001: ${problem}`);
  process.exit(1);
}
const stages = Object.entries(report.timingsMs ?? {}).map(
  ([stage, ms]) => `${stage} ${Math.round(ms / 100) / 10} s`,
);
console.log(
  `FD001: ${report.outcome}, model ${report.model} version ${report.version}, rmse ${rmse.toFixed(3)}; ${stages.join(", ")}`,
);
