import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";
import { parseLimit, showListAt, timeText } from "../../list-view.ts";

interface FilterOptions {
  readonly source?: string;
  readonly code?: string;
  readonly json?: boolean;
}

interface FixOptions {
  readonly reading?: string;
  readonly rename: Readonly<Record<string, string>>;
}

const letterSchema = z.looseObject({
  id: z.int(),
  source: z.string(),
  adapter: z.string(),
  code: z.string(),
  message: z.string(),
  asset: z.string().nullable(),
  reading: z.unknown(),
  state: z.string(),
  receivedAt: z.string(),
});
const replaySchema = z.looseObject({
  replayed: z.int(),
  duplicate: z.int(),
  refused: z.array(z.looseObject({ id: z.int(), message: z.string() })),
  nRefused: z.int(),
  next: z.int().nullable(),
});

/** `aura deadletters`: readings that could not be stored as they were. */
export function registerDeadLettersCommand(program: Command): void {
  const letters = program
    .command("deadletters")
    .description("list, mend, replay and drop readings that could not be stored as they were");
  letters
    .command("list")
    .description("readings that were set aside, newest first, each with its reason")
    .option("--source <name>", "only this source")
    .option("--code <code>", "only this reason, e.g. out_of_range")
    .option("--state <state>", "open, replayed, dropped or all (default open)")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura deadletters list --source pumps")
    .action(async (options: FilterOptions & { state?: string; limit: number }, command: Command) =>
      list(contextOf(command), options),
    );
  letters
    .command("show")
    .description("one of them, with the reading as it was sent")
    .argument("<id>", "its number", parseId)
    .option("--json", "print all that is known of it, not the reading alone")
    .addHelpText("after", "\nExample:\n  $ aura deadletters show 17 > reading.json")
    .action(async (id: number, { json }: { json?: boolean }, command: Command) =>
      show(contextOf(command), id, json === true),
    );
  letters
    .command("fix")
    .description("store a mended reading in its place")
    .argument("<id>", "its number", parseId)
    .option("--reading <file.json>", "the mended reading (default: as it was sent)")
    .option(
      "--rename <sent=column>",
      "put a value under the column that was meant, also one that is masked; again for more",
      parseRename,
      {},
    )
    .addHelpText(
      "after",
      "\nExamples:\n  $ aura deadletters fix 17 --reading reading.json\n  $ aura deadletters fix 18 --rename Sped=speed",
    )
    .action(async (id: number, options: FixOptions, command: Command) =>
      fix(contextOf(command), id, options),
    );
  letters
    .command("replay")
    .description(
      "try to store them as they are, after what was wrong was put right; ends with 2 when some still cannot be",
    )
    .argument("[id...]", "their numbers (default: all open ones)")
    .option("--source <name>", "only of this source")
    .option("--code <code>", "only with this reason")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  $ aura deadletters replay --source pumps --code unknown_column")
    .action(async (ids: string[], options: FilterOptions, command: Command) =>
      replay(contextOf(command), ids.map(parseId), options),
    );
  letters
    .command("drop")
    .description("give one up; it stays on record as dropped")
    .argument("<id>", "its number", parseId)
    .addHelpText("after", "\nExample:\n  $ aura deadletters drop 17")
    .action(async (id: number, _: object, command: Command) => {
      const context = contextOf(command);
      await withApi(context, { start: "if-made" }, ({ client }) =>
        client.delete(apiPath`/v1/dead-letters/${id}`),
      );
      context.output.line(`dead letter ${id} is dropped`);
    });
}

/** Commander gives what came before, so that the option may be given more than once. */
function parseRename(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, sent, column] = /^(.+)=([^=]+)$/.exec(text) ?? [];
  if (sent !== undefined && column !== undefined) return { ...before, [sent]: column };
  throw new InvalidArgumentError("expected <name that was sent>=<column>");
}

function parseId(text: string): number {
  const id = Number(text);
  if (Number.isSafeInteger(id) && id >= 1) return id;
  throw new InvalidArgumentError("expected the number of a dead letter");
}

async function list(
  context: CliContext,
  { json, ...query }: FilterOptions & { readonly state?: string; readonly limit: number },
): Promise<void> {
  await showListAt(context, {
    path: "/v1/dead-letters",
    row: letterSchema,
    query: { ...query },
    json,
    empty: "there are no such dead letters",
    columns: [
      ["id", (row) => row.id],
      ["received", (row) => timeText(row.receivedAt)],
      ["source", (row) => row.source],
      ["by", (row) => row.adapter],
      ["asset", (row) => row.asset],
      ["code", (row) => row.code],
      ["why", (row) => row.message],
    ],
  });
}

async function show(context: CliContext, id: number, isWhole: boolean): Promise<void> {
  const letter = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get(apiPath`/v1/dead-letters/${id}`, letterSchema),
  );
  if (isWhole) {
    context.output.json(letter);
    return;
  }
  const { reading, code, message } = letter;
  // The reading alone on stdout: mended in a file, it is what `fix` takes.
  context.output.note(`${code}: ${message}`);
  context.output.json(reading);
}

async function fix(context: CliContext, id: number, { reading: file, rename }: FixOptions): Promise<void> {
  if (file === undefined && Object.keys(rename).length === 0)
    throw new PlatformError(
      "config_invalid",
      "say what is mended: --reading <file.json> or --rename <sent=column>",
    );
  const reading = file === undefined ? undefined : readJson(resolve(context.cwd, file), file);
  const { duplicate } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.put(apiPath`/v1/dead-letters/${id}`, { reply: replaySchema, body: { reading, renamed: rename } }),
  );
  context.output.line(
    duplicate > 0
      ? `dead letter ${id} is settled: the very reading was stored already, nothing was stored for it`
      : `dead letter ${id} is stored as mended`,
  );
}

function readJson(path: string, shown: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as unknown;
  } catch (cause) {
    throw new PlatformError("bad_file", `read ${shown}: expected a reading as JSON`, { cause });
  }
}

async function replay(context: CliContext, ids: readonly number[], options: FilterOptions): Promise<void> {
  const { source, code, json } = options;
  const filter = { ...(ids.length > 0 && { ids }), ...(source && { source }), ...(code && { code }) };
  const result = await withApi(context, { start: "if-made" }, async ({ client }) => {
    const all = {
      replayed: 0,
      duplicate: 0,
      refused: [] as z.infer<typeof replaySchema>["refused"],
      nRefused: 0,
    };
    for (let after: number | null | undefined; after !== null;) {
      const body = { ...filter, ...(after !== undefined && { after }) };
      const some = await client.post("/v1/dead-letters/replay", { reply: replaySchema, body });
      all.replayed += some.replayed;
      all.duplicate += some.duplicate;
      all.refused.push(...some.refused);
      all.nRefused += some.nRefused;
      after = some.next;
    }
    return all;
  });
  const { output, exitWith } = context;
  if (json === true) output.json(result);
  else {
    for (const { id, message } of result.refused) output.warn(`dead letter ${id}: ${message}`);
    const there = result.duplicate > 0 ? `, ${result.duplicate} there already` : "";
    output.line(
      `${result.replayed - result.duplicate} stored${there}, ${result.nRefused} still as they were`,
    );
  }
  if (result.nRefused > 0) exitWith(EXIT.badInput);
}
