import type { z } from "zod";
import { operatorSchemas } from "../features.ts";
import { keysAt } from "./json-schema.ts";
import { withSuggestion } from "./nearest.ts";
import type { FieldPath, Problem } from "./yaml-document.ts";

type Issue = z.core.$ZodIssue;

/** Turns what zod found into problems a person can act on: path, what was expected, what stands there. */
export function problemsOf(issues: readonly Issue[], root: unknown, base: FieldPath = []): Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, root, [...base, ...issue.path.map(asStep)]));
}

function problemsOfIssue(issue: Issue, root: unknown, path: FieldPath): Problem[] {
  const value = valueAt(root, path);
  const found = describe(value);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(path, key, root));
    case "invalid_union":
      return unionProblems(issue, root, path);
    case "invalid_value":
      return [{ path, expected: expectedOneOf(issue.values.map(String), value), found }];
    case "invalid_type":
      return [{ path, expected: typeName(issue.expected), found }];
    case "invalid_key":
      return [
        {
          path,
          expected: issue.issues[0]?.message ?? "an allowed key",
          found: describe(path.at(-1)),
        },
      ];
    case "too_small":
      return [{ path, expected: bound("at least", issue.minimum, issue.inclusive, issue.origin), found }];
    case "too_big":
      return [{ path, expected: bound("at most", issue.maximum, issue.inclusive, issue.origin), found }];
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_element":
    case "custom":
      return [{ path, expected: issue.message.replace(/^expected /, ""), found }];
    default:
      return [{ path, expected: "a valid value", found }];
  }
}

function unknownKey(path: FieldPath, key: string, root: unknown): Problem {
  const known = keysAt(path, root).filter((k) => k !== key);
  const expected = known.length > 0 && known.length <= 20 ? `one of ${known.join(", ")}` : "a known key";
  // `{ formula: max(a, 1) }` is cut at its comma by YAML, which reads the rest as a key.
  const isCutFormula = path.at(-1) === "expression" && key.includes(")");
  const hint = isCutFormula ? "; put a formula with a comma in quotes" : "";
  return { path, key, expected: withSuggestion(expected, key, known) + hint, found: `unknown key ${key}` };
}

function unionProblems(
  issue: Extract<Issue, { code: "invalid_union" }>,
  root: unknown,
  path: FieldPath,
): Problem[] {
  const value = valueAt(root, path);
  if (path.length === 2 && path[0] === "features") return featureProblems(root, path);
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : undefined;
  if (issue.errors.length === 0) {
    return [
      {
        path,
        expected: options === undefined ? "a known kind" : expectedOneOf(options, value),
        found: describe(value),
      },
    ];
  }
  // A branch whose own type fits (no complaint about the value as a whole) is the one that was meant.
  const meant = issue.errors.filter((branch) => branch.every((i) => !isAboutWhole(i)));
  const nearestBranch = meant.sort((a, b) => a.length - b.length)[0];
  if (nearestBranch !== undefined) return problemsOf(nearestBranch, root, path);
  const expected = issue.errors
    .flatMap((branch) => problemsOf(branch.slice(0, 1), root, path))
    .map((p) => p.expected);
  return [{ path, expected: [...new Set(expected)].join(", or "), found: describe(value) }];
}

/** Whether an issue says that the value is of another type altogether, not that something in it is wrong. */
function isAboutWhole(issue: Issue): boolean {
  return (
    issue.path.length === 0 &&
    (issue.code === "invalid_type" || issue.code === "invalid_value" || issue.code === "invalid_format")
  );
}

/** The feature list is a union over all operators; only the one that the key names is of interest. */
function featureProblems(root: unknown, path: FieldPath): Problem[] {
  const value = valueAt(root, path);
  const operators = Object.keys(operatorSchemas);
  const keys = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  if (keys.length !== 1) {
    const expected = "an object with exactly one operator as its key, e.g. { lag: { steps: [1] } }";
    return [{ path, expected, found: keys.length > 1 ? `the keys ${keys.join(", ")}` : describe(value) }];
  }
  const key = keys[0] ?? "";
  if (!Object.hasOwn(operatorSchemas, key)) {
    const expected = withSuggestion(`an operator: ${operators.join(", ")}`, key, operators);
    return [{ path, key, expected, found: `unknown operator ${key}` }];
  }
  const result = operatorSchemas[key as keyof typeof operatorSchemas].safeParse(valueAt(value, [key]));
  return problemsOf(result.error?.issues ?? [], root, [...path, key]);
}

function expectedOneOf(values: readonly string[], value: unknown): string {
  const expected = values.length === 1 ? (values[0] ?? "") : `one of ${values.join(", ")}`;
  return typeof value === "string" ? withSuggestion(expected, value, values) : expected;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "an object",
  record: "an object",
};

function typeName(expected: string): string {
  return TYPE_NAMES[expected] ?? expected;
}

function bound(word: string, limit: number | bigint, inclusive: boolean | undefined, origin: string): string {
  const strict = inclusive === false ? (word === "at least" ? "more than" : "less than") : word;
  if (origin === "array") return Number(limit) === 1 ? `${strict} one value` : `${strict} ${limit} values`;
  if (origin === "string") return `${strict} ${limit} characters`;
  return `${strict} ${limit}`;
}

/** The value as one short piece of text. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "nothing (empty)";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object")
    return `an object with ${Object.keys(value).slice(0, 8).join(", ") || "no keys"}`;
  const text =
    typeof value === "string"
      ? `'${value}'`
      : typeof value === "number"
        ? String(value)
        : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function valueAt(root: unknown, path: FieldPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function asStep(step: PropertyKey): string | number {
  return typeof step === "symbol" ? String(step) : step;
}
