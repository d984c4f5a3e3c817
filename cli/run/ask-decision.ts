import { createInterface } from "node:readline";
import { userInfo } from "node:os";
import type { Decision } from "./approval.ts";

/** The two ends of a conversation; `process` has them. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  /** Questions go here like all that is not the result. */
  readonly stderr: NodeJS.WritableStream;
}

/**
 * Asks on the terminal: approve, reject or later, and why. Lines typed or pasted ahead answer the questions that follow.
 *
 * @returns null for later, also when the input ends
 * @throws what `signal` was aborted with
 */
export async function askDecision(
  by: string,
  signal: AbortSignal,
  { stdin, stderr }: Terminal = process,
): Promise<Decision | null> {
  const reader = createInterface({ input: stdin, output: stderr, signal });
  // From the first moment on: a line that comes between two questions would be lost to `question`.
  const lines = reader[Symbol.asyncIterator]();
  let isClosed = false;
  reader.once("close", () => (isClosed = true));
  const ask = async (question: string): Promise<string | null> => {
    if (!isClosed) {
      reader.setPrompt(question);
      reader.prompt();
    }
    const { value, done } = await lines.next();
    signal.throwIfAborted();
    return done === true ? null : value.trim();
  };
  try {
    for (;;) {
      const answer = (await ask("Approve, reject or later? [a/r/l] "))?.toLowerCase();
      if (answer === undefined || answer === "l" || answer === "later") return null;
      const isApproval = answer === "a" || answer === "approve";
      if (!isApproval && answer !== "r" && answer !== "reject") continue;
      const reason = await ask("Why? ");
      if (reason === null) return null;
      return { decision: isApproval ? "approve" : "reject", by, reason };
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
