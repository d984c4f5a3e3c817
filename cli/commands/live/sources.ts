import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { parseLiveSource } from "../../../schemas/live/parse-declaration.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { showListAt, timeText } from "../../list-view.ts";
import { readTextFile } from "../../text-file.ts";

interface JsonOption {
  readonly json?: boolean;
}

interface ListOptions extends JsonOption {
  readonly retired?: boolean;
}

const sourceSchema = z.looseObject({
  source: z.string(),
  version: z.int(),
  declaredBy: z.string(),
  declaredAt: z.string(),
  retiredAt: z.string().nullable(),
  document: z.looseObject({
    owner: z.string(),
    retention: z.string(),
    unknownAssets: z.string(),
    unknownColumns: z.string(),
    silentAfter: z.string().optional(),
    perAsset: z.looseObject({ perSecond: z.number(), burst: z.number() }).optional(),
    pii: z.array(z.string()),
    columns: z.array(
      z.looseObject({
        name: z.string(),
        type: z.string(),
        unit: z.string().optional(),
        range: z.tuple([z.number(), z.number()]).optional(),
        nullable: z.boolean(),
        values: z.array(z.string()).optional(),
      }),
    ),
  }),
});
type Source = z.infer<typeof sourceSchema>;

/** `aura sources`: what readings may come in, and what their columns are. */
export function registerSourcesCommand(program: Command): void {
  const sources = program.command("sources").description("declare, list and show live sources of readings");
  sources
    .command("put")
    .description("declare a live source, or a new version of one; readings of it are taken from then on")
    .argument("<source.yaml>", "the declaration: name, owner, columns and rules")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura sources put pumps.source.yaml")
    .action(async (file: string, options: JsonOption, command: Command) =>
      put(contextOf(command), file, options),
    );
  sources
    .command("list")
    .description("live sources, each in its newest version")
    .option("--retired", "also those that take no readings any more")
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura sources list")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  sources
    .command("show")
    .description("a live source and its columns")
    .argument("<source>", "its name")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura sources show pumps")
    .action(async (name: string, options: JsonOption, command: Command) =>
      show(contextOf(command), name, options),
    );
  sources
    .command("remove")
    .description("retire one that no feed fills and no alert rule names: it takes no more readings")
    .argument("<source>", "its name")
    .addHelpText("after", "\nExample:\n  $ aura sources remove pmups")
    .action(async (name: string, _options: object, command: Command) => remove(contextOf(command), name));
}

async function remove(context: CliContext, name: string): Promise<void> {
  await withApi(context, { start: "if-made" }, ({ client }) => client.delete(apiPath`/v1/sources/${name}`));
  context.output.line(
    `${name}: retired; it takes no readings, and \`aura sources put <source.yaml>\` brings it back`,
  );
}

async function put(context: CliContext, file: string, { json }: JsonOption): Promise<void> {
  const document = parseLiveSource(readTextFile(resolve(context.cwd, file), file), file);
  const row = await withApi(context, { start: "always" }, ({ client }) =>
    client.put(apiPath`/v1/sources/${document.name}`, {
      reply: sourceSchema.extend({ isNew: z.boolean() }),
      body: document,
    }),
  );
  if (json === true) context.output.json(row);
  else
    context.output.line(
      `${row.source}: version ${row.version}${row.isNew ? "" : ", unchanged"}, ${columnsText(row)}`,
    );
}

const columnsText = ({ document: { columns } }: Source): string =>
  columns.length === 1 ? "1 column" : `${columns.length} columns`;

async function list(context: CliContext, { json, retired }: ListOptions): Promise<void> {
  await showListAt(context, {
    path: "/v1/sources",
    row: sourceSchema,
    query: { retired: retired === true ? "true" : undefined },
    json,
    empty: "there are no live sources; `aura sources put <source.yaml>` declares one",
    columns: [
      ["source", (row) => row.source],
      ["version", (row) => row.version],
      ["owner", (row) => row.document.owner],
      ["columns", (row) => row.document.columns.length],
      ["kept", (row) => row.document.retention],
      ["declared", (row) => timeText(row.declaredAt)],
      ["by", (row) => row.declaredBy],
      ...(retired === true
        ? [["retired", (row: Source) => (row.retiredAt === null ? "-" : timeText(row.retiredAt))] as const]
        : []),
    ],
  });
}

async function show(context: CliContext, name: string, { json }: JsonOption): Promise<void> {
  const row = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get(apiPath`/v1/sources/${name}`, sourceSchema),
  );
  const { output } = context;
  if (json === true) {
    output.json(row);
    return;
  }
  const { owner, retention, columns, pii, unknownAssets, unknownColumns, silentAfter, perAsset } =
    row.document;
  if (row.retiredAt !== null) output.line(`retired ${timeText(row.retiredAt)}: it takes no readings`);
  output.line(`${row.source}, version ${row.version}, of ${owner}, readings kept ${retention}`);
  const rules = [`unknown assets: ${unknownAssets}`, `unknown columns: ${unknownColumns}`];
  if (silentAfter !== undefined) rules.push(`silent after ${silentAfter}`);
  if (perAsset !== undefined)
    rules.push(`each asset ${perAsset.perSecond} readings/s, ${perAsset.burst} at once`);
  output.line(rules.join(", "));
  output.table(
    ["column", "type", "unit", "range or words", "may be missing", "personal"],
    columns.map((column) => [
      column.name,
      column.type,
      column.unit ?? "-",
      column.range?.join(" to ") ?? column.values?.join(", ") ?? "-",
      column.nullable ? "yes" : "no",
      pii.includes(column.name) ? "yes" : "no",
    ]),
  );
}
