import type { Command } from "commander";
import { z } from "zod";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { itemsOf, showList, timeText } from "../../list-view.ts";

const entrySchema = z.looseObject({
  kind: z.string(),
  name: z.string(),
  owner: z.string(),
  description: z.string().nullable(),
  retention: z.string(),
  version: z.string(),
  updatedAt: z.string(),
  rows: z.int(),
  schemaDrift: z.number().nullable(),
  columns: z.array(
    z.looseObject({
      table: z.string(),
      name: z.string(),
      type: z.string(),
      unit: z.string().nullable(),
      isPersonal: z.boolean(),
      description: z.string().nullable(),
    }),
  ),
});
type Entry = z.infer<typeof entrySchema>;

interface CatalogOptions {
  readonly markdown?: boolean;
  readonly json?: boolean;
}

/** `aura catalog`: what data there is, whose it is, and what its columns are. */
export function registerCatalogCommand(program: Command): void {
  program
    .command("catalog")
    .description("live sources and newest datasets: owner, retention, columns; with a name its columns")
    .argument("[name]", "a live source or a pipeline")
    .option("--markdown", "print all of it as a Markdown page for a repository")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ aura catalog\n  $ aura catalog pumps\n  $ aura catalog --markdown > docs/data_catalog.md",
    )
    .action(async (name: string | undefined, options: CatalogOptions, command: Command) =>
      show(contextOf(command), name, options),
    );
}

async function show(
  context: CliContext,
  name: string | undefined,
  { markdown, json }: CatalogOptions,
): Promise<void> {
  const { output } = context;
  const { items } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get("/v1/catalog", itemsOf(entrySchema)),
  );
  const entries = name === undefined ? items : items.filter((entry) => entry.name === name);
  if (name !== undefined && entries.length === 0)
    throw new PlatformError("not_found", `read catalog [${name}]: there is no such source or pipeline`);
  if (markdown === true && json !== true) {
    output.line(markdownOf(entries));
    return;
  }
  if (name === undefined || json === true) {
    showList(output, entries, {
      json,
      empty: "there is nothing in the catalog yet",
      columns: [
        ["name", (entry) => entry.name],
        ["kind", (entry) => entry.kind],
        ["owner", (entry) => entry.owner],
        ["kept", (entry) => entry.retention],
        ["columns", (entry) => entry.columns.length],
        ["rows", (entry) => entry.rows],
        [
          "misfits",
          (entry) => (entry.schemaDrift === null ? "-" : `${(100 * entry.schemaDrift).toFixed(1)} %`),
        ],
        ["updated", (entry) => timeText(entry.updatedAt)],
      ],
    });
    return;
  }
  for (const entry of entries) {
    output.line(
      `${entry.kind} ${entry.name}, of ${entry.owner}, kept ${entry.retention}, version ${entry.version}`,
    );
    output.table(
      ["table", "column", "type", "unit", "about"],
      entry.columns.map((column) => [
        column.table,
        column.name,
        column.type,
        column.unit ?? "-",
        [column.isPersonal ? "masked" : "", column.description ?? ""]
          .filter((text) => text !== "")
          .join("; ") || "-",
      ]),
    );
  }
}

function markdownOf(entries: readonly Entry[]): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
  const sections = entries.map(({ kind, name, owner, retention, version, description, columns }) => {
    const rows = columns.map(
      ({ table, name: column, type, unit, isPersonal, description: about }) =>
        `| ${cell(table)} | ${cell(column)} | ${type} | ${cell(unit ?? "")} | ${isPersonal ? "yes" : ""} | ${cell(about ?? "")} |`,
    );
    return [
      `## ${name}`,
      "",
      `A ${kind} of ${cell(owner)}, kept ${retention}, version ${version}.${description === null ? "" : ` ${cell(description)}`}`,
      "",
      "| table | column | type | unit | masked | about |",
      "|---|---|---|---|---|---|",
      ...rows,
    ].join("\n");
  });
  return ["# Data catalog", ...sections].join("\n\n");
}
