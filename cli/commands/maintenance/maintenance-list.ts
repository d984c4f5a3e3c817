import type { Command } from "commander";
import { Option } from "commander";
import { contextOf } from "../../context.ts";
import { parseLimit, showListAt } from "../../list-view.ts";
import type { ListCommand } from "../../list-view.ts";

interface MaintenanceListOptions {
  readonly state: string;
  readonly model?: string;
  readonly asset?: string;
  readonly after?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** A list of maintenance: what it is of, which states its rows have, and what stands for an empty one. */
export interface MaintenanceList<T> extends Pick<ListCommand<T>, "path" | "row" | "columns"> {
  readonly description: string;
  readonly states: readonly string[];
  /** Line for an empty list of those that are not over. */
  readonly noneOpen: string;
  readonly example: string;
}

/** The `list` of recommendations, and of work orders. */
export function registerMaintenanceList<T>(parent: Command, given: MaintenanceList<T>): void {
  const { description, states, noneOpen, example, ...list } = given;
  parent
    .command("list")
    .description(description)
    .addOption(
      new Option("--state <state>", "which").choices([...states, "unended", "all"]).default("unended"),
    )
    .option("--model <model>", "of this model alone")
    .option("--asset <asset>", "of this asset alone")
    .option("--after <id>", "those before this one: the last of the page before")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", `\nExample:\n  $ ${example}`)
    .action(async ({ json, ...query }: MaintenanceListOptions, command: Command) =>
      showListAt(contextOf(command), {
        ...list,
        query: { ...query },
        json,
        empty: query.state === "unended" ? noneOpen : "there are none",
      }),
    );
}
