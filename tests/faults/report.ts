import type { CaseResult } from "./run-case.ts";

/** One line for a case; further ones for what is wrong. */
export function caseLines(title: string, kills: readonly string[], result: CaseResult): readonly string[] {
  const verdict = result.violations.length === 0 ? "ok  " : "FAIL";
  const missed = result.missed.length === 0 ? "" : `; not reached: ${result.missed.join(", ")}`;
  const seconds = (result.ms / 1000).toFixed(1);
  return [
    `${verdict} ${title} ${seconds} s, ${result.restarts} restarts [${kills.join(", ")}${missed}]`,
    ...result.violations.map((violation) => `       ${violation}`),
  ];
}
