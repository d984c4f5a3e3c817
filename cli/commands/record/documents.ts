import { basename, extname, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import type { RawFile } from "../../../schemas/data/dataset.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { rawObjectOf } from "../../file-hash.ts";
import { parseLimit, parseSince, showListAt, timeText } from "../../list-view.ts";
import { uploadFile } from "../../run/upload.ts";

const documentSchema = z.looseObject({
  id: z.int(),
  title: z.string(),
  kind: z.string(),
  at: z.string(),
  assets: z.array(z.string()),
});

interface AddOptions {
  readonly title?: string;
  readonly kind: string;
  readonly at?: string;
  readonly asset?: readonly string[];
  readonly json?: boolean;
}

interface SearchOptions {
  readonly asset?: string;
  readonly kind?: string;
  readonly limit: number;
  readonly json?: boolean;
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".txt": "text/plain",
  ".log": "text/plain",
  ".md": "text/markdown",
  ".csv": "text/csv",
  ".html": "text/html",
  ".json": "application/json",
  ".xml": "application/xml",
  ".pdf": "application/pdf",
};

/** `aura documents`: reports and logs about assets. */
export function registerDocumentsCommand(program: Command): void {
  const documents = program
    .command("documents")
    .description("keep, search and read maintenance reports and logs about assets");
  documents
    .command("add")
    .description("keep a file; what is text is searched, other files by their title")
    .argument("<file>", "the report or log")
    .option("--title <text>", "what it is called (default: the name of the file)")
    .option("--kind <kind>", "report, log, note or manual", "report")
    .option("--at <time>", "when what it tells of happened (default: now)", (text) => parseSince(text))
    .option("--asset <id...>", "assets that it is about")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura documents add bearing.txt --asset p1 --at 2026-04-05")
    .action(async (file: string, options: AddOptions, command: Command) =>
      add(contextOf(command), file, options),
    );
  documents
    .command("search")
    .description(
      'documents with all these words, best first; "two words" together, -word absent; without words the newest',
    )
    .argument("[words...]", "what to look for")
    .option("--asset <id>", "only about this asset")
    .option("--kind <kind>", "only of this kind")
    .option("--limit <n>", "at most so many", parseLimit, 20)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura documents search bearing noise --asset p1")
    .action(async (words: string[], options: SearchOptions, command: Command) =>
      search(contextOf(command), words.join(" "), options),
    );
  documents
    .command("show")
    .description("the text of one")
    .argument("<id>", "its number", parseId)
    .option("--json", "print it with all its fields as JSON")
    .addHelpText("after", "\nExample:\n  $ aura documents show 12")
    .action(async (id: number, options: { json?: boolean }, command: Command) =>
      show(contextOf(command), id, options),
    );
}

function parseId(text: string): number {
  const id = Number(text);
  if (Number.isSafeInteger(id) && id >= 1) return id;
  throw new InvalidArgumentError("expected the number of a document");
}

async function add(context: CliContext, file: string, options: AddOptions): Promise<void> {
  const path = resolve(context.cwd, file);
  const raw = await hashed(path, basename(file));
  const { title = basename(file), kind, at, asset, json } = options;
  const row = await withApi(context, { start: "always" }, async ({ client }) => {
    await uploadFile(client, { raw, path });
    const mediaType = MEDIA_TYPES[extname(file).toLowerCase()] ?? "application/octet-stream";
    const body = { title, kind, file: raw, mediaType, ...(asset && { assets: asset }), ...(at && { at }) };
    return client.post("/v1/documents", { reply: documentSchema, body });
  });
  if (json === true) context.output.json(row);
  else context.output.line(`document ${row.id}: ${row.title}`);
}

async function hashed(path: string, name: string): Promise<RawFile> {
  try {
    return { name, object: await rawObjectOf(path) };
  } catch (cause) {
    throw new PlatformError("bad_file", `read ${name}: it cannot be read`, { cause });
  }
}

async function search(context: CliContext, words: string, options: SearchOptions): Promise<void> {
  const { asset, kind, limit, json } = options;
  await showListAt(context, {
    path: "/v1/documents",
    row: documentSchema.extend({ excerpt: z.string().nullable() }),
    query: { q: words === "" ? undefined : words, asset, kind, limit },
    json,
    empty: "there are no such documents",
    columns: [
      ["id", (row) => row.id],
      ["at", (row) => timeText(row.at)],
      ["kind", (row) => row.kind],
      ["assets", (row) => row.assets.join(" ") || "-"],
      ["title", (row) => row.title],
      ["where", (row) => row.excerpt?.replaceAll(/\s+/g, " ")],
    ],
  });
}

async function show(context: CliContext, id: number, { json }: { readonly json?: boolean }): Promise<void> {
  const row = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get(apiPath`/v1/documents/${id}`, documentSchema.extend({ body: z.string() })),
  );
  const { output } = context;
  if (json === true) {
    output.json(row);
    return;
  }
  output.note(
    `${row.title}, ${row.kind} of ${timeText(row.at)}, about ${row.assets.join(", ") || "no asset"}`,
  );
  output.line(row.body === "" ? "(it is no text: GET /v1/documents/…/file has it)" : row.body);
}
