import type { CaseResult } from "./run-case.ts";
import { describeKill } from "./schedule.ts";
import type { Kill } from "./schedule.ts";

/** One line for a case; further ones for what is wrong. */
export function caseLines(title: string, kills: readonly Kill[], result: CaseResult): readonly string[] {
  const missed = result.missed.length === 0 ? "" : `; not met: ${result.missed.map(describeKill).join(", ")}`;
  const seconds = (result.ms / 1000).toFixed(1);
  return storyLines(
    `${title} ${seconds} s, ${result.restarts} restarts [${kills.map(describeKill).join(", ")}${missed}]`,
    result.violations,
  );
}

export function storyLines(title: string, violations: readonly string[]): readonly string[] {
  const verdict = violations.length === 0 ? "ok  " : "FAIL";
  return [`${verdict} ${title}`, ...violations.map((violation) => `       ${violation}`)];
}
