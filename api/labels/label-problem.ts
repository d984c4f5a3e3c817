import type { z } from "zod";
import { nearest } from "../../schemas/pipeline/reading/nearest.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ErrorLocation } from "../../schemas/platform-error.ts";
import { LABEL_COLUMNS } from "../../schemas/serving/label-table.ts";

const MOST_LOCATIONS = 20;

/**
 * What is wrong with a label that was sent. Members that no label has come first: mistyped, they are the very ones that are told as
 * missing after them.
 */
export function labelProblem(sent: unknown, error: z.ZodError): PlatformError {
  const known: readonly string[] = LABEL_COLUMNS;
  const strangers = membersOf(sent)
    .filter((key) => !known.includes(key))
    .map((key): ErrorLocation => {
      const near = nearest(key, known);
      const expected = `unknown key ${key.slice(0, 64)}${near === undefined ? "" : `; did you mean ${near}?`}`;
      return { field: key.slice(0, 64), expected };
    });
  const others = error.issues.flatMap((issue): ErrorLocation[] => {
    if (issue.code !== "unrecognized_keys")
      return [{ field: issue.path.map(String).join(".") || "(label)", expected: issue.message }];
    return issue.keys
      .filter((key) => known.includes(key))
      .map((key) => ({ field: key, expected: "a label of this kind has no such key" }));
  });
  const locations = [...strangers, ...others].slice(0, MOST_LOCATIONS);
  const text = locations.map(({ field, expected }) => `[${field}]: ${expected}`).join("; ");
  return new PlatformError("invalid_body", `read label ${text}`, { locations });
}

function membersOf(sent: unknown): string[] {
  return typeof sent === "object" && sent !== null && !Array.isArray(sent) ? Object.keys(sent) : [];
}
