import { Argument } from "commander";
import type { Command } from "commander";
import { apiPath } from "../client.ts";
import { withApi } from "../connection.ts";
import { contextOf } from "../context.ts";
import { lineageSchema, showLineage } from "../lineage-view.ts";

const EXAMPLES = `
Examples:
  $ aura lineage prediction 01a1fd2a-6fcd-785a-bc0f-6d7a5964f7a3
  $ aura lineage model turbofan@3
  $ aura lineage file 963f1ec4e59d08b0ae45bdc1a8da84f8b1b0e49e6ab2f3ac15ab1cc0b1a8d8a3`;

/** `aura lineage`: from a prediction back to its raw files, and from a bad file to all it touched. */
export function registerLineageCommand(program: Command): void {
  program
    .command("lineage")
    .description("where something came from, and what came of it")
    .addArgument(new Argument("<kind>", "what it is").choices(["prediction", "model", "dataset", "file"]))
    .argument("<id>", "prediction id, model@version, dataset id, or SHA-256 of a file")
    .option("--json", "print it as JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (kind: string, id: string, { json }: { json?: boolean }, command: Command) => {
      const context = contextOf(command);
      const lineage = await withApi(context, { start: "if-made" }, ({ client }) =>
        client.get(apiPath`/v1/lineage/${kind}/${id}`, lineageSchema),
      );
      if (json === true) context.output.json(lineage);
      else showLineage(context.output, lineage);
    });
}
