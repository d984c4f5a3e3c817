import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { z } from "zod";
import { intakeCountsSchema } from "../../../schemas/live/intake.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { askedFor, parseLimit, parseSince, showList, showListAt, timeText } from "../../list-view.ts";
import { sendReadings } from "../../send-readings.ts";
import { registerTrend } from "./reading-trend.ts";

interface ListOptions {
  readonly asset?: string;
  readonly device?: string;
  readonly source?: string;
  readonly since?: string;
  readonly newest?: boolean;
  readonly limit: number;
  readonly json?: boolean;
}

const cellSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]).optional();
type Cell = z.infer<typeof cellSchema>;

const pageSchema = z.looseObject({
  items: z.array(
    z.looseObject({
      asset: z.string(),
      source: z.string(),
      time: z.union([z.string(), z.number()]),
      values: z.record(z.string(), cellSchema),
    }),
  ),
});

/** `aura readings`: live readings, in and out, and what became of them. */
export function registerReadingsCommand(program: Command): void {
  const readings = program.command("readings").description("send, list, chart and count live readings");
  readings
    .command("send")
    .description(
      "send readings from a file with a line of JSON each; sent again, none is stored twice; ends with 1 when nothing at all could be stored",
    )
    .argument(
      "<file.jsonl>",
      'lines such as {"asset":"p1","time":"2026-04-05T10:00:00Z","values":{"pressure":4.2}}',
    )
    .requiredOption("--source <name>", "the live source they are of")
    .option("--json", "print the counts as JSON")
    .addHelpText("after", "\nExample:\n  $ aura readings send today.jsonl --source pumps")
    .action(async (file: string, options: { source: string; json?: boolean }, command: Command) =>
      sendReadings(contextOf(command), file, options),
    );
  readings
    .command("list")
    .description("stored readings of one asset or device")
    .option("--asset <id>", "the asset")
    .option("--device <id>", "a device; its asset's readings are listed")
    .option("--source <name>", "needed where the asset has readings of several sources")
    .option("--since <time>", "from this time on; or how long ago, e.g. 24h", (text) => parseSince(text))
    .option("--newest", "newest first")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura readings list --asset p1 --newest --limit 5")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  readings
    .command("export")
    .description("all readings of a source as CSV or Parquet, asset by asset, oldest first")
    .requiredOption("--source <name>", "the live source")
    .requiredOption("--out <file>", "file to write, .csv or .parquet")
    .option("--asset <id>", "only this asset")
    .option("--since <time>", "from this time on; or how long ago, e.g. 24h", (text) => parseSince(text))
    .option("--until <time>", "before this time", (text) => parseSince(text))
    .addHelpText(
      "after",
      "\nExample:\n  $ aura readings export --source pumps --since 7d --out pumps.parquet",
    )
    .action(async (options: ExportOptions, command: Command) => exportAll(contextOf(command), options));
  readings
    .command("conflicts")
    .description("readings that were not stored because another one with other values stands there")
    .option("--source <name>", "only this source")
    .option("--asset <id>", "only this asset")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura readings conflicts --source pumps")
    .action(
      async (options: { source?: string; asset?: string; limit: number; json?: boolean }, command: Command) =>
        conflicts(contextOf(command), options),
    );
  registerTrend(readings);
  readings
    .command("counts")
    .description(
      "received = stored + duplicate + quarantined + rejected readings by source and adapter; conflicts are among the duplicates",
    )
    .option("--source <name>", "only this source")
    .option(
      "--since <time>",
      "from this time on; or how long ago",
      (text) => parseSince(text),
      parseSince("24h"),
    )
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura readings counts --since 1h")
    .action(async (options: { source?: string; since: string; json?: boolean }, command: Command) =>
      counts(contextOf(command), options),
    );
}

async function list(context: CliContext, options: ListOptions): Promise<void> {
  const { asset, device, source, since, newest, limit, json } = options;
  const { items } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get("/v1/readings", pageSchema, {
      asset,
      device_id: device,
      source,
      since,
      limit: askedFor(limit),
      order: newest === true ? "newest" : "oldest",
    }),
  );
  const names = [...new Set(items.flatMap(({ values }) => Object.keys(values)))];
  showList(context.output, items, {
    json,
    limit,
    empty: "there are no such readings",
    columns: [
      ["asset", (row) => row.asset],
      ["time", (row) => String(row.time)],
      ...names.map((name) => [name, (row: (typeof items)[number]) => cellOf(row.values[name])] as const),
    ],
  });
}

interface ExportOptions {
  readonly source: string;
  readonly out: string;
  readonly asset?: string;
  readonly since?: string;
  readonly until?: string;
}

/** Under another name until it is whole: nobody takes half a file for all of it. */
async function exportAll(context: CliContext, { out, ...query }: ExportOptions): Promise<void> {
  const path = resolve(context.cwd, out);
  const part = `${path}.part`;
  const format = extname(out).slice(1).toLowerCase();
  if (format !== "csv" && format !== "parquet")
    throw new PlatformError(
      "invalid_query",
      `export readings [--out ${out}]: expected a name ending in .csv or .parquet`,
    );
  try {
    await withApi(context, { start: "if-made" }, async ({ client }) => {
      const bytes = await client.getStream("/v1/readings/export", { ...query, format });
      await pipeline(Readable.fromWeb(bytes as never), createWriteStream(part));
    });
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
  context.output.line(`written: ${out}`);
}

const cellOf = (value: Cell): string => (value === undefined || value === null ? "-" : String(value));

const valuesSchema = z.record(z.string(), cellSchema);
const conflictRowSchema = z.looseObject({
  asset: z.string(),
  source: z.string(),
  time: z.union([z.string(), z.number()]),
  epoch: z.int(),
  seq: z.int(),
  kept: valuesSchema,
  refused: valuesSchema,
  at: z.string(),
});

async function conflicts(
  context: CliContext,
  { json, ...query }: { source?: string; asset?: string; limit: number; json?: boolean },
): Promise<void> {
  await showListAt(context, {
    path: "/v1/readings/conflicts",
    row: conflictRowSchema,
    query,
    json,
    empty: "there are no such conflicts",
    columns: [
      ["came", (row) => timeText(row.at)],
      ["source", (row) => row.source],
      ["asset", (row) => row.asset],
      ["time", (row) => String(row.time)],
      ["epoch", (row) => row.epoch],
      ["seq", (row) => row.seq],
      ["stands", (row) => valuesText(row.kept)],
      ["not stored", (row) => valuesText(row.refused)],
    ],
  });
}

const valuesText = (values: z.infer<typeof valuesSchema>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${cellOf(value)}`)
    .join(" ");

const countRowSchema = intakeCountsSchema.extend({ source: z.string(), adapter: z.string() });

async function counts(
  context: CliContext,
  { source, since, json }: { readonly source?: string; readonly since: string; readonly json?: boolean },
): Promise<void> {
  await showListAt(context, {
    path: "/v1/readings/counts",
    row: countRowSchema,
    query: { source, since },
    json,
    empty: "no readings came in that time",
    columns: [
      ["source", (row) => row.source],
      ["by", (row) => row.adapter],
      ["received", (row) => row.received],
      ["= stored", (row) => row.stored],
      ["+ duplicate", (row) => row.duplicate],
      ["+ quarantined", (row) => row.quarantined],
      ["+ rejected", (row) => row.rejected],
      ["conflicts among the duplicates", (row) => row.conflict],
    ],
  });
}
