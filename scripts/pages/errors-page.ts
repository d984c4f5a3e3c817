import { ERROR_CODES } from "../../schemas/error-codes.ts";
import type { ErrorCodeRow } from "../../schemas/error-codes.ts";
import { markdownTable } from "./markdown-table.ts";

/** docs/errors.md: the table of error codes. */
export function errorsPage(): string {
  const rows = Object.entries<ErrorCodeRow>(ERROR_CODES).map(([code, row]) => {
    const retry = row.retryable ? "yes" : "no";
    return [`\`${code}\``, String(row.status), retry, row.cause, row.remedy];
  });
  return `# Error codes

Every error that leaves AURA has one of these codes: as \`code\` in the \`application/problem+json\` reply of the API, as
the \`type\` of a failure in Temporal, and in the last line of a failing command. Codes are stable and never reused;
messages may change. *Retry* says whether the same request can succeed later, unchanged.

The command line maps them to its exit codes: 2 for bad input, 3 for a refused gate, 4 for a rejected or expired
approval, 5 for a run that waits and has no terminal to ask on, 1 for everything else.

This page is made from \`schemas/error-codes.ts\` by \`npm run docs\`; a test compares the two.

${markdownTable(["code", "HTTP", "retry", "cause", "what to do"], rows)}
`;
}
