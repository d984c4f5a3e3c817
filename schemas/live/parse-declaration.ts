import type { z } from "zod";
import { invalidFile, located } from "../pipeline/reading/located-problems.ts";
import { problemsOf } from "../pipeline/reading/schema-problems.ts";
import { readYaml } from "../pipeline/reading/yaml-document.ts";
import type { Problem } from "../pipeline/reading/yaml-document.ts";
import type { ErrorLocation, PlatformError } from "../platform-error.ts";
import { alertChannelSchema } from "../alerts/alert-channel.ts";
import type { AlertChannel } from "../alerts/alert-channel.ts";
import { alertRuleSchema } from "../alerts/alert-rule.ts";
import type { AlertRule } from "../alerts/alert-rule.ts";
import { alertSilenceSchema } from "../alerts/alert-silence.ts";
import type { AlertSilence } from "../alerts/alert-silence.ts";
import { feedSchema } from "./feed.ts";
import type { Feed } from "./feed.ts";
import { liveSourceSchema } from "./source.ts";
import type { LiveSource } from "./source.ts";

/**
 * Reads the declaration of a live source.
 *
 * @param fileName as the user gave it; stands in every location
 * @throws {PlatformError} invalid_source: every problem, with line, field, expected and found
 */
export function parseLiveSource(text: string, fileName: string): LiveSource {
  return parse(liveSourceSchema, { text, fileName }, (problems) =>
    invalidFile("invalid_source", fileName, problems),
  );
}

/**
 * Reads the declaration of a feed.
 *
 * @throws {PlatformError} invalid_feed, as `parseLiveSource`
 */
export function parseFeed(text: string, fileName: string): Feed {
  return parse(feedSchema, { text, fileName }, (problems) => invalidFile("invalid_feed", fileName, problems));
}

/**
 * Reads the declaration of an alert rule.
 *
 * @throws {PlatformError} invalid_alert_rule, as `parseLiveSource`
 */
export function parseAlertRule(text: string, fileName: string): AlertRule {
  return parse(alertRuleSchema, { text, fileName }, (problems) =>
    invalidFile("invalid_alert_rule", fileName, problems),
  );
}

/**
 * Reads the declaration of a channel of alerts.
 *
 * @throws {PlatformError} invalid_alert_rule, as `parseLiveSource`
 */
export function parseAlertChannel(text: string, fileName: string): AlertChannel {
  return parse(alertChannelSchema, { text, fileName }, (problems) =>
    invalidFile("invalid_alert_rule", fileName, problems),
  );
}

/**
 * Reads the declaration of a silence.
 *
 * @throws {PlatformError} invalid_alert_rule, as `parseLiveSource`
 */
export function parseAlertSilence(text: string, fileName: string): AlertSilence {
  return parse(alertSilenceSchema, { text, fileName }, (problems) =>
    invalidFile("invalid_alert_rule", fileName, problems),
  );
}

function parse<T>(
  schema: z.ZodType<T>,
  { text, fileName }: { readonly text: string; readonly fileName: string },
  invalid: (problems: readonly ErrorLocation[]) => PlatformError,
): T {
  const file = readYaml(text);
  if (file.problems.length > 0)
    throw invalid(file.problems.map((problem) => ({ file: fileName, ...problem })));
  const checked = schema.safeParse(file.value);
  if (checked.success) return checked.data;
  const problems = checked.error.issues
    .flatMap((issue) => problemsOfIssue(issue, file.value))
    .map(withoutSecret);
  throw invalid(located(problems, file, fileName));
}

/** What was found may be the very secret that should not stand there. */
function withoutSecret(problem: Problem): Problem {
  return problem.expected.includes("a secret is never stored")
    ? { ...problem, found: "(not shown)" }
    : problem;
}

/** Suggestions for unknown keys elsewhere are those of the pipeline file. */
function problemsOfIssue(issue: z.core.$ZodIssue, value: unknown): Problem[] {
  if (issue.code !== "unrecognized_keys") return problemsOf([issue], value);
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  return issue.keys.map((key) => ({ path, key, expected: "a known key", found: `unknown key ${key}` }));
}
