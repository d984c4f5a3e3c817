import type { z } from "zod";
import { invalidFile, located } from "../pipeline/reading/located-problems.ts";
import { problemsOf } from "../pipeline/reading/schema-problems.ts";
import { readYaml } from "../pipeline/reading/yaml-document.ts";
import type { Problem } from "../pipeline/reading/yaml-document.ts";
import { liveSourceSchema } from "./source.ts";
import type { LiveSource } from "./source.ts";

/**
 * Reads the declaration of a live source.
 *
 * @param fileName as the user gave it; stands in every location
 * @throws {PlatformError} invalid_source: every problem, with line, field, expected and found
 */
export function parseLiveSource(text: string, fileName: string): LiveSource {
  const file = readYaml(text);
  if (file.problems.length > 0)
    throw invalidFile(
      "invalid_source",
      fileName,
      file.problems.map((problem) => ({ file: fileName, ...problem })),
    );
  const checked = liveSourceSchema.safeParse(file.value);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.flatMap((issue) => problemsOfIssue(issue, file.value));
  throw invalidFile("invalid_source", fileName, located(problems, file, fileName));
}

/** Suggestions for unknown keys elsewhere are those of the pipeline file. */
function problemsOfIssue(issue: z.core.$ZodIssue, value: unknown): Problem[] {
  if (issue.code !== "unrecognized_keys") return problemsOf([issue], value);
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  return issue.keys.map((key) => ({ path, key, expected: "a known key", found: `unknown key ${key}` }));
}
