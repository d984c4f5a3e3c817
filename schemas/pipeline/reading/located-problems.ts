import { PlatformError } from "../../platform-error.ts";
import type { ErrorLocation } from "../../platform-error.ts";
import type { Problem, YamlFile } from "./yaml-document.ts";

/** Problems of a file with their lines. */
export function located(problems: readonly Problem[], file: YamlFile, fileName: string): ErrorLocation[] {
  // A misspelt key often leaves another one missing in the same line: the cause first.
  const causesFirst = [...problems].sort((a, b) => Number(b.key !== undefined) - Number(a.key !== undefined));
  return causesFirst.map((p) => ({
    file: fileName,
    line: file.lineOf(p.path, p.key),
    field: fieldName(p),
    expected: p.expected,
    found: p.found,
  }));
}

/** `sources.readings.columns.2.unit`; the whole file is `(file)`. */
function fieldName(problem: Problem): string {
  const steps = problem.key === undefined ? problem.path : [...problem.path, problem.key];
  return steps.length === 0 ? "(file)" : steps.join(".");
}

/** One error for everything wrong with a file, in line order. */
export function invalidFile(
  code: "invalid_pipeline" | "invalid_source" | "invalid_feed" | "invalid_alert_rule",
  fileName: string,
  locations: readonly ErrorLocation[],
): PlatformError {
  const sorted = [...locations].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const first = sorted[0];
  const more = sorted.length > 1 ? ` (and ${sorted.length - 1} more)` : "";
  const at = `${fileName}:${first?.line ?? 1}: ${first?.field === undefined ? "" : `${first.field}: `}`;
  return new PlatformError(
    code,
    `${at}expected ${first?.expected ?? "a valid file"}, found ${first?.found ?? "nothing"}${more}`,
    { locations: sorted },
  );
}
