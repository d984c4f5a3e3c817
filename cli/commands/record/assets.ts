import type { Command } from "commander";
import { z } from "zod";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { itemsOf, parseLimit, showList, timeText } from "../../list-view.ts";

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
  program
    .command("assets")
    .description("assets with site and customer; those of its sites for a limited key")
    .option("--site <id>", "only this site")
    .option("--after <asset>", "from behind this asset on: the last one of the page before")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura assets --site site-01")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
}

async function list(context: CliContext, { site, after, limit, json }: ListOptions): Promise<void> {
  const { items } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get("/v1/assets", itemsOf(assetSchema), { site, after, limit }),
  );
  showList(context.output, items, {
    json,
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
