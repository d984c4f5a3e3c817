import type { Command } from "commander";
import { z } from "zod";
import { intakeCountsSchema } from "../../../schemas/live/intake.ts";
import { apiPath } from "../../client.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { parseLimit, showAt, showListAt, timeText } from "../../list-view.ts";

interface JsonOption {
  readonly json?: boolean;
}

const uploadSchema = z.looseObject({
  id: z.string(),
  source: z.string(),
  fileName: z.string(),
  state: z.string(),
  expiresAt: z.string(),
  createdBy: z.string(),
  createdAt: z.string(),
  bytes: z.int().nullable(),
  rows: z.int(),
  counts: intakeCountsSchema.partial(),
  message: z.string().nullable(),
  endedAt: z.string().nullable(),
});
type Upload = z.infer<typeof uploadSchema>;

/** `aura uploads`: files of readings that devices sent with a ticket, and what became of them. */
export function registerUploadsCommand(program: Command): void {
  const uploads = program
    .command("uploads")
    .description("files of readings that devices sent with a ticket, and what became of them");
  uploads
    .command("list")
    .description("tickets and their files, newest first")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura uploads list")
    .action(async (options: JsonOption & { limit: number }, command: Command) =>
      list(contextOf(command), options),
    );
  uploads
    .command("show")
    .description("one of them, with what became of its readings")
    .argument("<id>", "id of the ticket")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura uploads show 6c1f0f0e-5e1b-4e4e-9f43-0d8a3f6f5a11")
    .action(async (id: string, options: JsonOption, command: Command) =>
      show(contextOf(command), id, options),
    );
}

async function list(context: CliContext, { json, limit }: JsonOption & { readonly limit: number }) {
  await showListAt(context, {
    path: "/v1/readings/uploads",
    row: uploadSchema,
    query: { limit },
    json,
    empty: "there are no tickets for files; `POST /v1/readings/uploads` makes one",
    columns: [
      ["id", (row) => row.id],
      ["source", (row) => row.source],
      ["file", (row) => row.fileName],
      ["state", (row) => row.state],
      ["rows", (row) => row.rows],
      ["stored", (row) => row.counts.stored],
      ["made", (row) => timeText(row.createdAt)],
      ["by", (row) => row.createdBy],
      ["why", (row) => row.message],
    ],
  });
}

async function show(context: CliContext, id: string, { json }: JsonOption): Promise<void> {
  await showAt(context, {
    path: apiPath`/v1/readings/uploads/${id}`,
    reply: uploadSchema,
    json,
    show(output, row) {
      for (const line of linesOf(row)) output.line(line);
    },
  });
}

function linesOf({ fileName, source, state, bytes, rows, counts, ...row }: Upload): string[] {
  const became = Object.entries(counts).map(([what, n]) => `${n} ${what}`);
  return [
    `${fileName} for ${source}: ${state}${row.message === null ? "" : `, ${row.message}`}`,
    `made ${timeText(row.createdAt)} by ${row.createdBy}, good until ${timeText(row.expiresAt)}`,
    ...(bytes === null ? [] : [`${bytes} bytes, ${rows} rows are through`]),
    ...(became.length === 0 ? [] : [`of its readings ${became.join(", ")}`]),
    ...(row.endedAt === null ? [] : [`ended ${timeText(row.endedAt)}`]),
  ];
}
