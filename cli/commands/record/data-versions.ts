import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Option } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import { canonicalJson } from "../../../schemas/canonical-json.ts";
import { dataDiffViewSchema } from "../../../schemas/data/data-diff.ts";
import type { ColumnStats, DataDiff, TableDiff } from "../../../schemas/data/data-diff.ts";
import { dataPointerSchema } from "../../../schemas/data/data-pointer.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { idFrom, readDataVersion } from "../../checkout/data-version.ts";
import type { DataTable, DataVersion } from "../../checkout/data-version.ts";
import { makeFolder } from "../../checkout/make-folder.ts";
import { writeCsv } from "../../checkout/write-csv.ts";
import { writeParts } from "../../checkout/write-parts.ts";
import { apiPath } from "../../client.ts";
import type { ApiClient } from "../../client.ts";
import { withApi } from "../../connection.ts";
import type { Connection } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import type { Output } from "../../output.ts";
import { untilResult } from "../../run/follow-run.ts";

interface JsonOption {
  readonly json?: boolean;
}

interface CheckoutOptions extends JsonOption {
  readonly out: string;
  readonly format: "parquet" | "csv";
}

/** What was given, and where it lies should it be a file. */
const placeOf = ({ cwd }: CliContext, given: string) => ({ given, path: resolve(cwd, given) });

const startedSchema = z.looseObject({ workflowId: z.string() });
const WHICH = "id of a dataset or feature set, its first digits, or a pointer file";

/** `aura data diff | checkout | pointer`: versions of data. */
export function registerDataVersions(data: Command): void {
  data
    .command("diff")
    .description("two datasets or feature sets beside each other: schema, rows, statistics of each column")
    .argument("<a>", WHICH)
    .argument("<b>", "the later one")
    .option("--json", "print the comparison as JSON, with the columns that are equal")
    .addHelpText("after", "\nExample:\n  $ aura data diff may.aura.json june.aura.json")
    .action(async (...given: [string, string, JsonOption, Command]) => {
      const [a, b, options, command] = given;
      await diff(contextOf(command), { a, b }, options);
    });
  data
    .command("checkout")
    .description("write a version of data to a folder; every byte is checked against its hash")
    .argument("<id|file>", WHICH)
    .requiredOption("--out <folder>", "where to; what is there and right already is kept")
    .addOption(
      new Option("--format <format>", "csv: one file per table, with the columns' own names")
        .choices(["parquet", "csv"])
        .default("parquet"),
    )
    .option("--json", "print what was written as JSON")
    .addHelpText("after", "\nExample:\n  $ aura data checkout june.aura.json --out data/june --format csv")
    .action(async (which: string, options: CheckoutOptions, command: Command) =>
      checkout(contextOf(command), which, options),
    );
  data
    .command("pointer")
    .description("print a pointer to a version of data: a few lines that belong into Git in its place")
    .argument("<id>", "id of a dataset or feature set, or its first digits")
    .addHelpText("after", "\nExample:\n  $ aura data pointer e0477984…4ace961 > june.aura.json")
    .action(async (id: string, _options: object, command: Command) => pointer(contextOf(command), id));
}

async function pointer(context: CliContext, which: string): Promise<void> {
  const found = await withApi(context, { start: "if-made" }, async ({ client }) => {
    const id = await idFrom(client, placeOf(context, which));
    const { kind } = await readDataVersion(client, id);
    return client.get(apiPath`/v1/data/${kind}/${id}/pointer`, dataPointerSchema);
  });
  context.output.json(found);
}

async function checkout(
  context: CliContext,
  which: string,
  { out, format, json }: CheckoutOptions,
): Promise<void> {
  const { output, cwd } = context;
  const folder = resolve(cwd, out);
  const { id, files: written } = await withApi(context, { start: "if-made" }, async ({ client }) => {
    const version = await readDataVersion(client, await idFrom(client, placeOf(context, which)));
    makeFolder(folder, out);
    writeFileSync(join(folder, "manifest.json"), `${canonicalJson(version.manifest)}\n`);
    const files: { table: string; file: string; rows: number }[] = [];
    for (const table of version.tables) {
      output.progress(`checking out ${table.name}`);
      files.push(...(await checkOutTable(client, version, { table, folder, format })));
    }
    output.endProgress();
    return { id: version.id, files };
  });
  if (json === true) output.json({ id, out, files: written });
  else
    output.table(
      ["table", "file", "rows"],
      written.map(({ table, file, rows }) => [table, file, String(rows)]),
    );
}

async function checkOutTable(
  client: ApiClient,
  version: DataVersion,
  given: { readonly table: DataTable; readonly folder: string; readonly format: CheckoutOptions["format"] },
): Promise<{ table: string; file: string; rows: number }[]> {
  const { table, folder, format } = given;
  const parts = await writeParts(client, version, { table, folder });
  if (format === "parquet" || parts.length === 0)
    return parts.map(({ path }, i) => ({
      table: table.name,
      file: path.slice(folder.length + 1),
      rows: table.parts[i]?.rows ?? 0,
    }));
  const path = join(folder, `${table.name}.csv`);
  const rows = await writeCsv(table, { parts: parts.map((part) => part.path), folder, path });
  const expected = table.parts.reduce((sum, part) => sum + part.rows, 0);
  if (rows !== expected)
    throw new PlatformError("integrity", `write ${path}: expected ${expected} rows, got ${rows}`);
  return [{ table: table.name, file: `${table.name}.csv`, rows }];
}

async function diff(
  context: CliContext,
  given: { readonly a: string; readonly b: string },
  { json }: JsonOption,
): Promise<void> {
  const { output } = context;
  const found = await withApi(context, { start: "if-made" }, async (connection) => {
    const a = await idFrom(connection.client, placeOf(context, given.a));
    const b = await idFrom(connection.client, placeOf(context, given.b));
    return compare(connection, output, { a, b });
  });
  if (json === true) output.json(found);
  else showDiff(output, found);
}

async function compare(
  { client, signal }: Connection,
  output: Output,
  sides: { readonly a: string; readonly b: string },
): Promise<DataDiff> {
  await client.post("/v1/data-diffs", { reply: startedSchema, body: sides });
  const path = apiPath`/v1/data-diffs/${sides.a}/${sides.b}`;
  const result = await untilResult(() => client.get(path, dataDiffViewSchema), {
    signal,
    onAsked: () => output.progress("comparing"),
  });
  output.endProgress();
  return result;
}

function showDiff(output: Output, { equal, tables, files, kind }: DataDiff): void {
  if (equal) {
    output.line("they are the same");
    return;
  }
  const nChangedFiles = files.added.length + files.removed.length + files.changed.length;
  if (tables.every(({ change }) => change === "equal") && nChangedFiles === 0) {
    output.line(
      "they hold the same data: all tables are equal, and the pipeline file they were made for is another",
    );
    return;
  }
  for (const table of tables) showTable(output, table);
  if (kind === "features") return;
  output.line(
    `files: ${files.nEqual} equal, ${files.added.length} added, ${files.removed.length} removed, ${files.changed.length} changed`,
  );
  for (const change of ["added", "removed", "changed"] as const)
    if (files[change].length > 0) output.line(`  ${change}: ${files[change].join(", ")}`);
}

function showTable(output: Output, table: TableDiff): void {
  const { name, change, rows, assets, schema, columns, changes } = table;
  const changed = columns.filter((column) => column.isChanged);
  const nColumns = `; ${changed.length} of ${columns.length} common columns changed`;
  output.line(
    `${name}: ${change}; rows ${sides(rows)}, assets ${sides(assets)}${columns.length === 0 ? "" : nColumns}`,
  );
  if (changes !== undefined) {
    const { equal, changed: other, added, removed } = changes;
    output.line(
      `  rows by asset and time: ${equal} equal, ${other} changed, ${added} added, ${removed} removed`,
    );
  }
  for (const { column, change: how, a, b } of schema)
    output.line(`  ${how} ${column}: ${a ?? "-"} → ${b ?? "-"}`);
  if (changed.length > 0) {
    output.table(
      ["column", "", "mean", "std", "min", "max", "null share", "values"],
      changed.flatMap(({ name: column, a, b }) => [statsRow(column, "a", a), statsRow("", "b", b)]),
    );
  }
  output.line();
}

const sides = ({ a, b }: { readonly a: number | null; readonly b: number | null }): string =>
  a === b ? String(a) : `${a ?? "-"} → ${b ?? "-"}`;

function statsRow(column: string, side: string, stats: ColumnStats): string[] {
  const figures = [stats.mean, stats.std, stats.min, stats.max, stats.nullShare, stats.distinct];
  return [column, side, ...figures.map((x) => (x === null ? "-" : String(Number(x.toPrecision(6)))))];
}
