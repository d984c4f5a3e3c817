import type { Command } from "commander";
import { z } from "zod";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { askedFor, itemsOf, parseLimit, showList, showListAt, timeText } from "../../list-view.ts";

interface ListOptions {
  readonly site?: string;
  readonly after?: string;
  readonly limit: number;
  readonly json?: boolean;
}

const assetSchema = z.looseObject({
  asset: z.string(),
  site: z.string().nullable(),
  customer: z.string().nullable(),
  assetClass: z.string().nullable(),
  firstSeen: z.string(),
});

/** `aura assets`: what is watched, and where it is. */
export function registerAssetsCommand(program: Command): void {
  const assets = program.command("assets");
  assets
    .description("assets with site and customer; those of its sites for a limited key")
    .option("--site <id>", "only this site")
    .option("--after <asset>", "from behind this asset on: the last one of the page before")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura assets --site site-01")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  assets
    .command("stale")
    .description(
      "assets whose last will said farewell and that were not heard of since, longest silent first",
    )
    .option("--source <name>", "only this live source")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura assets stale --source pumps")
    .action(async (_: object, command: Command) => stale(contextOf(command), command.optsWithGlobals()));
}

const staleSchema = z.looseObject({
  asset: z.string(),
  source: z.string(),
  since: z.string(),
  reason: z.string(),
});

async function stale(
  context: CliContext,
  { source, limit, json }: Pick<ListOptions, "limit" | "json"> & { readonly source?: string },
): Promise<void> {
  await showListAt(context, {
    path: "/v1/stale-assets",
    row: staleSchema,
    query: { source, limit },
    json,
    empty: "no asset said farewell",
    columns: [
      ["asset", (row) => row.asset],
      ["source", (row) => row.source],
      ["since", (row) => timeText(row.since)],
      ["reason", (row) => row.reason],
    ],
  });
}

async function list(context: CliContext, { site, after, limit, json }: ListOptions): Promise<void> {
  const { items } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get("/v1/assets", itemsOf(assetSchema), { site, after, limit: askedFor(limit) }),
  );
  showList(context.output, items, {
    json,
    limit,
    empty: "there are no assets",
    columns: [
      ["asset", (row) => row.asset],
      ["site", (row) => row.site ?? "-"],
      ["customer", (row) => row.customer ?? "-"],
      ["class", (row) => row.assetClass ?? "-"],
      ["first seen", (row) => timeText(row.firstSeen)],
    ],
  });
}
