import { SETTINGS_TABLE } from "./settings-table.ts";
import type { SettingName, SettingRow } from "./settings-table.ts";

/** docs/settings.md: one table, in the order of the rows. The same input gives the same bytes. */
export function renderSettingsPage(): string {
  const names = Object.keys(SETTINGS_TABLE) as SettingName[];
  const rows = names.map((name) => {
    const row: SettingRow<unknown> = SETTINGS_TABLE[name];
    const unset = row.default === null ? (row.whenUnset ?? "") : `\`${row.default}\``;
    const secret = row.isSecret === true ? " Secret: never printed." : "";
    return cells([`\`${name}\``, row.meaning + secret, row.unit, unset, row.range, `\`${row.example}\``]);
  });
  return [
    "# Settings",
    "",
    "Read once at the start, from the environment and from `.env` in the working directory (the environment goes first).",
    "An empty variable counts as unset. Temporal's own variables (`TEMPORAL_*`) and the AWS credentials are read as their libraries define them.",
    "",
    cells(["variable", "meaning", "unit", "default", "range", "example"]),
    cells(["---", "---", "---", "---", "---", "---"]),
    ...rows,
    "",
  ].join("\n");
}

function cells(texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
}
