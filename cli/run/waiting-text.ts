import type { PendingFailure } from "../../schemas/runs/run.ts";

/** What a code means to somebody who waits. */
const AWAITED: Readonly<Record<string, string>> = {
  objects_unavailable: "the object store",
  database_unavailable: "PostgreSQL",
  temporal_unavailable: "Temporal",
  source_unavailable: "a remote source",
  api_unavailable: "the API",
};

/** What is waited for, and why, in a line: `waiting for the object store: put x: disk full (attempt 3)`. */
export function waitingText({ code, message, attempt }: PendingFailure): string {
  return `${awaitedText(code, message)} (attempt ${attempt})`;
}

/** The same of something that is merely asked again. */
export function awaitedText(code: string | null, message: string): string {
  return `waiting for ${AWAITED[code ?? ""] ?? "another try"}: ${message}`;
}
