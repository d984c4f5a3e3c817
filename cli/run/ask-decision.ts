import { createInterface } from "node:readline/promises";
import { userInfo } from "node:os";
import type { Decision } from "./approval.ts";

/**
 * Asks on the terminal: approve, reject or later, and why.
 *
 * @returns null for later, also when the input ends
 */
export async function askDecision(by: string, signal: AbortSignal): Promise<Decision | null> {
  // Questions go to stderr like all that is not the result.
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<null>((resolve) => reader.once("close", () => resolve(null)));
  const ask = (question: string) => Promise.race([reader.question(question, { signal }), ended]);
  try {
    for (;;) {
      const answer = (await ask("Approve, reject or later? [a/r/l] "))?.trim().toLowerCase();
      if (answer === undefined || answer === "l" || answer === "later") return null;
      const isApproval = answer === "a" || answer === "approve";
      if (!isApproval && answer !== "r" && answer !== "reject") continue;
      const reason = await ask("Why? ");
      if (reason === null) return null;
      return { decision: isApproval ? "approve" : "reject", by, reason: reason.trim() };
    }
  } finally {
    reader.close();
  }
}

/** Name of the person at this terminal, where no other is given. */
export function personHere(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an account, as in some containers.
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}
