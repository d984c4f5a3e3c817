import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SETTINGS_TABLE } from "../../config/settings-table.ts";
import type { SettingRow } from "../../config/settings-table.ts";
import { ERROR_CODES } from "../../schemas/error-codes.ts";
import type { ErrorCodeRow } from "../../schemas/error-codes.ts";

/**
 * The pages that repeat a table of the code are made from it here and compared with what is in docs/;
 * `npx vitest run tests/integration/docs.test.ts -u` writes them anew.
 */

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const cell = (text: string): string => text.replaceAll("|", "\\|");
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows.map((row) => row.map(cell))]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");

function errorsPage(): string {
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

This page is made from \`schemas/error-codes.ts\`; a test compares the two.

${table(["code", "HTTP", "retry", "cause", "what to do"], rows)}
`;
}

function settingsPage(): string {
  const rows = Object.entries<SettingRow<unknown>>(SETTINGS_TABLE).map(([name, row]) => {
    const unset = row.default === null ? (row.whenUnset ?? "") : `\`${row.default}\``;
    const meaning = row.isSecret === true ? `${row.meaning} Secret: never printed.` : row.meaning;
    return [`\`${name}\``, meaning, row.unit, unset, row.range, `\`${row.example}\``];
  });
  return `# Settings

AURA reads environment variables, over those of a \`.env\` file in the working directory. None is needed to start: what
is not set is embedded. An empty variable counts as unset. A wrong one ends the start with its name, what was expected
and what was found.

Temporal's own variables and profile file (\`TEMPORAL_*\`: TLS, API key, profile) and the usual AWS credentials are read
by their own libraries and work as documented there.

This page is made from \`config/settings-table.ts\`; a test compares the two.

${table(["variable", "meaning", "unit", "when unset", "range", "example"], rows)}
`;
}

test("docs/errors.md is the table of error codes", async () => {
  await expect(errorsPage()).toMatchFileSnapshot("../../docs/errors.md");
});

test("docs/settings.md is the table of settings", async () => {
  await expect(settingsPage()).toMatchFileSnapshot("../../docs/settings.md");
});

const pages = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].filter((page) => existsSync(join(ROOT, page))),
  ...["docs", "examples"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".md"))
      .map((path) => join(folder, path)),
  ),
];

test.each(pages)("%s: every link inside the repository leads somewhere", (page) => {
  const text = readFileSync(join(ROOT, page), "utf8").replaceAll(/```[\s\S]*?```/g, "");
  const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? "");
  const dead = targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !existsSync(resolve(ROOT, dirname(page), target)));
  expect(dead, relative(ROOT, page)).toEqual([]);
});

test("every page of docs/ can be reached from its index", () => {
  const index = readFileSync(join(ROOT, "docs/README.md"), "utf8");
  const unlisted = pages
    .filter((page) => page.startsWith("docs/") && page !== "docs/README.md")
    .map((page) => relative("docs", page))
    .filter((page) => !index.includes(`(${page})`));
  expect(unlisted).toEqual([]);
});
