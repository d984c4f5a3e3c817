import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { Argument, Option } from "commander";
import type { Command } from "commander";
import {
  LINEAGE_KINDS,
  LINEAGE_LISTS,
  lineagePageSchema,
  lineageSchema,
} from "../../../schemas/data/lineage.ts";
import type { Lineage, LineageList } from "../../../schemas/data/lineage.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { idFrom } from "../../checkout/data-version.ts";
import { apiPath } from "../../client.ts";
import type { ApiClient } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { showExplanation, tracedExplanationSchema } from "../../explanation-view.ts";
import type { TracedExplanation } from "../../explanation-view.ts";
import { rawObjectOf } from "../../file-hash.ts";
import { LINEAGE_COLUMNS, LINEAGE_CSV_HEADER, lineageCsv, showLineage } from "../../lineage-view.ts";
import { parseLimit, showList } from "../../list-view.ts";

const EXAMPLES = `
Examples:
  $ aura lineage prediction 01a1fd2a-6fcd-785a-bc0f-6d7a5964f7a3
  $ aura lineage prediction 01a1fd2a-6fcd-785a-bc0f-6d7a5964f7a3 --explain 5
  $ aura lineage model turbofan@3
  $ aura lineage file june.csv                       # or its SHA-256, or where it lies here
  $ aura lineage file june.csv --list predictions    # one list, by page
  $ aura lineage file june.csv --out touched.csv     # all of every list`;

/** Lines asked for at once when all of them are written. */
const PAGE = 1_000;

interface Options {
  readonly list?: LineageList;
  readonly limit?: number;
  readonly after?: string;
  readonly out?: string;
  readonly explain?: number;
  readonly json?: boolean;
}

/** `aura lineage`: from a prediction back to its raw files, and from a bad file to all it touched. */
export function registerLineageCommand(program: Command): void {
  program
    .command("lineage")
    .description("where something came from, and what came of it")
    .addArgument(new Argument("<kind>", "what it is").choices([...LINEAGE_KINDS]))
    .argument(
      "<id>",
      "id of a prediction, fleet score or drift report; id, first digits or pointer file of a dataset; model@version; SHA-256 or name of a file",
    )
    .addOption(new Option("--list <list>", "one list, newest first").choices([...LINEAGE_LISTS]))
    .option("--limit <n>", "lines of each list (default: 20; with --list 100)", parseLimit)
    .option("--after <cursor>", "with --list: the lines after those of a page before")
    .option("--out <file.csv>", "write all lines of all lists, or of --list, as CSV")
    .option("--explain <n>", "of a prediction: the n largest contributions to its answer", parseLimit)
    .option("--json", "print it as JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (kind: Lineage["kind"], id: string, options: Options, command: Command) => {
      const context = contextOf(command);
      await withApi(context, { start: "if-made" }, async ({ client }) => {
        const lineage = await lineageOf(context, client, { kind, id, limit: options.limit ?? 20 });
        if (options.out !== undefined)
          await writeAll(context, client, { ...options, lineage, out: options.out });
        else if (options.list !== undefined)
          await showPage(context, client, { ...options, lineage, list: options.list });
        else {
          const explained = await explanationOf(client, { kind, id, top: options.explain });
          if (options.json === true)
            context.output.json({ ...lineage, ...(explained === null ? {} : { explained }) });
          else {
            showLineage(context.output, lineage);
            if (explained !== null) showExplanation(context.output, explained);
          }
        }
      });
    });
}

/** @throws {PlatformError} invalid_query: only an answer can be explained; what the request throws */
async function explanationOf(
  client: ApiClient,
  {
    kind,
    id,
    top,
  }: { readonly kind: Lineage["kind"]; readonly id: string; readonly top: number | undefined },
): Promise<TracedExplanation | null> {
  if (top === undefined) return null;
  if (kind !== "prediction") {
    throw new PlatformError("invalid_query", `explain ${kind} [${id}]: expected a prediction`, {
      locations: [{ field: "--explain", expected: "the lineage of a prediction", found: kind }],
    });
  }
  return client.get(apiPath`/v1/predictions/${id}/explanation`, tracedExplanationSchema, { top });
}

/** A file is known by name or content; one that is neither but lies here is looked for by its content. */
async function lineageOf(
  { cwd, output }: CliContext,
  client: ApiClient,
  given: { readonly kind: Lineage["kind"]; readonly id: string; readonly limit: number },
): Promise<Lineage> {
  const { kind, limit } = given;
  const local = resolve(cwd, given.id);
  const id = kind === "dataset" ? await idFrom(client, { given: given.id, path: local }) : given.id;
  const path = apiPath`/v1/lineage/${kind}/${id}?limit=${limit}`;
  if (kind !== "file" || statSync(local, { throwIfNoEntry: false })?.isFile() !== true)
    return client.get(path, lineageSchema);
  const named = await client.find(path, lineageSchema);
  if (named !== null) return named;
  const { sha256 } = await rawObjectOf(local);
  const known = await client.find(apiPath`/v1/lineage/file/${sha256}?limit=${limit}`, lineageSchema);
  if (known === null) {
    const message = `read file [${id}]: neither its name nor its content (sha256 ${sha256}) was ever given to a run or score`;
    throw new PlatformError("not_found", message);
  }
  output.note(`by its content: sha256 ${sha256}`);
  return known;
}

async function showPage(
  { output }: CliContext,
  client: ApiClient,
  {
    lineage: { kind, id },
    list,
    limit = 100,
    after,
    json,
  }: Options & { readonly lineage: Lineage; readonly list: LineageList },
): Promise<void> {
  const page = await client.get(apiPath`/v1/lineage/${kind}/${id}/${list}`, lineagePageSchema, {
    limit,
    after,
  });
  if (json === true) {
    output.json(page);
    return;
  }
  showList(output, page.items, { empty: `there are no ${list}`, columns: LINEAGE_COLUMNS[list] });
  if (page.next !== null) output.note(`more: --after ${page.next}`);
}

/** Page by page, so that memory stays bounded however many predictions there are. */
async function writeAll(
  { output, cwd }: CliContext,
  client: ApiClient,
  { lineage, list, out, json }: Options & { readonly lineage: Lineage; readonly out: string },
): Promise<void> {
  const { kind, id } = lineage;
  const file = openOut(resolve(cwd, out), out);
  const written: Partial<Record<LineageList, number>> = {};
  try {
    writeSync(file, LINEAGE_CSV_HEADER);
    for (const one of list === undefined ? LINEAGE_LISTS : [list]) {
      let n = 0;
      for (let after: string | undefined; ;) {
        const path = apiPath`/v1/lineage/${kind}/${id}/${one}`;
        const { items, next } = await client.get(path, lineagePageSchema, { limit: PAGE, after });
        writeSync(file, lineageCsv(one, items));
        n += items.length;
        output.progress(`${n} ${one}`);
        if (next === null) break;
        after = next;
      }
      written[one] = n;
    }
  } finally {
    closeSync(file);
  }
  output.endProgress();
  if (json === true) output.json({ kind, id, out, written });
  else {
    const counts = Object.entries(written).map(([one, n]) => `${n} ${one}`);
    output.note(`${counts.join(", ")} written to ${out}`);
  }
}

function openOut(path: string, name: string): number {
  try {
    return openSync(path, "w");
  } catch (cause) {
    throw new PlatformError("config_invalid", `write ${name}: expected a place that can be written`, {
      cause,
      locations: [{ field: "--out", expected: "a writable file", found: name }],
    });
  }
}
