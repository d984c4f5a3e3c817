import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { parseFeed } from "../../../schemas/live/parse-declaration.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { showAt, showListAt, timeText } from "../../list-view.ts";
import { readTextFile } from "../../text-file.ts";

interface JsonOption {
  readonly json?: boolean;
}

const feedSchema = z.looseObject({
  feed: z.string(),
  source: z.string(),
  kind: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
  position: z.json(),
  waiting: z.int().nullable(),
  messages: z.int(),
  lastBatchAt: z.string().nullable(),
  document: z.record(z.string(), z.json()),
});
type Feed = z.infer<typeof feedSchema>;

/** `aura feeds`: brokers, folders, servers and databases that readings come from. */
export function registerFeedsCommand(program: Command): void {
  const feeds = program
    .command("feeds")
    .description("bring readings in from brokers, folders, servers and databases");
  feeds
    .command("put")
    .description("declare a feed, or change it; it runs from then on")
    .argument("<feed.yaml>", "the declaration: name, source, where from, and how readings stand in it")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura feeds put inbox.feed.yaml")
    .action(async (file: string, options: JsonOption, command: Command) =>
      put(contextOf(command), file, options),
    );
  feeds
    .command("list")
    .description("feeds, what they do and how far they are")
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura feeds list")
    .action(async (options: JsonOption, command: Command) => list(contextOf(command), options));
  feeds
    .command("show")
    .description("a feed, its position and its declaration")
    .argument("<feed>", "its name")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura feeds show inbox")
    .action(async (name: string, options: JsonOption, command: Command) =>
      show(contextOf(command), name, options),
    );
  for (const [verb, description] of [
    ["pause", "stop a feed behind what is stored; what comes waits on the other side"],
    ["resume", "let a feed go on behind what is stored"],
  ] as const) {
    registerChange(feeds.command(verb), verb, description);
  }
  feeds
    .command("remove")
    .description("remove a feed and its position; its readings stay")
    .argument("<feed>", "its name")
    .addHelpText("after", "\nExample:\n  $ aura feeds remove inbox")
    .action(async (name: string, _options: object, command: Command) => {
      const context = contextOf(command);
      await withApi(context, { start: "if-made" }, ({ client }) => client.delete(apiPath`/v1/feeds/${name}`));
      context.output.line(`${name}: removed`);
    });
}

function registerChange(command: Command, verb: "pause" | "resume", description: string): void {
  command
    .description(description)
    .argument("<feed>", "its name")
    .addHelpText("after", `\nExample:\n  $ aura feeds ${verb} inbox`)
    .action(async (name: string, _options: object, invoked: Command) => {
      const context = contextOf(invoked);
      const row = await withApi(context, { start: "if-made" }, ({ client }) =>
        client.post(`${apiPath`/v1/feeds/${name}`}/${verb}`, { reply: feedSchema }),
      );
      context.output.line(`${row.feed}: ${row.state}`);
    });
}

async function put(context: CliContext, file: string, { json }: JsonOption): Promise<void> {
  const document = parseFeed(readTextFile(resolve(context.cwd, file), file), file);
  const row = await withApi(context, { start: "always" }, ({ client }) =>
    client.put(apiPath`/v1/feeds/${document.name}`, {
      reply: feedSchema.extend({ isNew: z.boolean() }),
      body: document,
    }),
  );
  if (json === true) context.output.json(row);
  else
    context.output.line(
      `${row.feed}: ${row.isNew ? "declared" : "unchanged"}, ${row.kind} for ${row.source}`,
    );
}

async function list(context: CliContext, { json }: JsonOption): Promise<void> {
  await showListAt(context, {
    path: "/v1/feeds",
    row: feedSchema,
    json,
    empty: "there are no feeds; `aura feeds put <feed.yaml>` declares one",
    columns: [
      ["feed", (row) => row.feed],
      ["kind", (row) => row.kind],
      ["source", (row) => row.source],
      ["state", (row) => row.state],
      ["messages", (row) => row.messages],
      ["waiting", (row) => row.waiting],
      ["last batch", (row) => timeText(row.lastBatchAt)],
      ["reason", (row) => row.reason],
    ],
  });
}

async function show(context: CliContext, name: string, { json }: JsonOption): Promise<void> {
  await showAt(context, {
    path: apiPath`/v1/feeds/${name}`,
    reply: feedSchema,
    json,
    show(output, row) {
      for (const line of linesOf(row)) output.line(line);
    },
  });
}

function linesOf({ feed, kind, source, state, reason, messages, position, document }: Feed): string[] {
  const why = reason === null ? "" : `: ${reason}`;
  return [
    `${feed}: ${kind} for ${source}, ${state}${why}`,
    `${messages} messages so far${position === null ? "" : `, position ${JSON.stringify(position).slice(0, 500)}`}`,
    JSON.stringify(document, null, 2),
  ];
}
