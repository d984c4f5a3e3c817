// Fails for a critical advisory in what is shipped; says so where the registry has no audit.
import { readFileSync } from "node:fs";

let report;
try {
  report = JSON.parse(readFileSync(process.argv[2], "utf8"));
} catch {
  report = {};
}
const counts = report.metadata?.vulnerabilities;
if (counts === undefined) {
  const reason = report.error?.summary || report.message || "no answer";
  console.log(`npm audit: skipped, the registry does not answer it (${String(reason).split("\n")[0]})`);
} else {
  console.log(
    `npm audit: ${Object.entries(counts)
      .map(([level, count]) => `${count} ${level}`)
      .join(", ")}`,
  );
  for (const [name, finding] of Object.entries(report.vulnerabilities ?? {}))
    console.log(`  ${finding.severity}: ${name} ${finding.range}`);
  if (counts.critical > 0) process.exit(1);
}
