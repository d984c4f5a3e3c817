import type { Command } from "commander";
import { LABEL_KINDS, LABEL_STATES, labelRowSchema } from "../../../schemas/serving/observed-label.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import { parseLimit, showListAt, timeText } from "../../list-view.ts";
import { sendLabels } from "../../performance/send-labels.ts";
import type { SendLabelsOptions } from "../../performance/send-labels.ts";

interface ListOptions {
  readonly asset?: string;
  readonly kind?: string;
  readonly state?: string;
  readonly source?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** `aura labels`: what turned out to be true, however late it becomes known. */
export function registerLabelsCommand(program: Command): void {
  const labels = program
    .command("labels")
    .description("say what turned out to be true, so that predictions are held against it");
  labels
    .command("add")
    .description(
      "add the labels of a file; sent again, none is stored twice; ends with 2 when one was refused",
    )
    .argument("<file>", "CSV, JSON, a line of JSON each, or Parquet, with kind, asset, t and value")
    .option("--kind <kind>", `of labels that name none: ${LABEL_KINDS.join(", ")}`)
    .option("--source <name>", "who says so, where a label does not", "file")
    .option("--json", "print the counts as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ aura labels add failures.csv --kind failure\n  $ aura labels add inspections.jsonl --source inspection",
    )
    .action(async (file: string, options: SendLabelsOptions, command: Command) =>
      sendLabels(contextOf(command), file, options),
    );
  labels
    .command("list")
    .description("labels, newest first")
    .option("--asset <id>", "only of this asset")
    .option("--kind <kind>", "only of this kind")
    .option("--state <state>", `only those that are ${LABEL_STATES.join(", ")}`)
    .option("--source <name>", "only of this source")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura labels list --state conflicting")
    .action(async ({ json, ...query }: ListOptions, command: Command) =>
      showListAt(contextOf(command), {
        path: "/v1/labels",
        row: labelRowSchema,
        query,
        json,
        empty: "there are no labels",
        columns: [
          ["kind", (row) => row.kind],
          ["of", (row) => row.asset ?? row.predictionId],
          ["t", (row) => (typeof row.t === "string" ? timeText(row.t) : row.t)],
          ["value", (row) => row.value ?? row.mode],
          ["state", (row) => row.state],
          ["source", (row) => row.source],
          ["id", (row) => row.id],
        ],
      }),
    );
  labels
    .command("withdraw")
    .description("take a label back: it stays on record and counts no more")
    .argument("<id>", "the label, as aura labels list names it")
    .addHelpText("after", "\nExample:\n  $ aura labels withdraw 3f1c…")
    .action(async (id: string, _options: object, command: Command) => {
      const context = contextOf(command);
      await withApi(context, { start: "if-made" }, ({ client }) => client.delete(apiPath`/v1/labels/${id}`));
      context.output.line(`label ${id} is withdrawn`);
    });
}
