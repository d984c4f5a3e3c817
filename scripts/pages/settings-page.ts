import { SETTINGS_TABLE } from "../../config/settings-table.ts";
import type { SettingRow } from "../../config/settings-table.ts";
import { markdownTable } from "./markdown-table.ts";

/** docs/settings.md: the table of settings. */
export function settingsPage(): string {
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

This page is made from \`config/settings-table.ts\` by \`npm run docs\`; a test compares the two.

${markdownTable(["variable", "meaning", "unit", "when unset", "range", "example"], rows)}
`;
}
