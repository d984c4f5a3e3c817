import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { parseLimit } from "../../list-view.ts";
import { hashFiles, openDataFolder } from "../../run/local-files.ts";
import { fleetCsv, showFleet, showWarnings } from "../../fleet-view.ts";
import { scoreFleet } from "../../score-fleet.ts";

interface ScoreOptions {
  readonly data: string;
  readonly out?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** `aura score`: which machine fails when. */
export function registerScoreCommand(program: Command): void {
  program
    .command("score")
    .description("rank the assets of a fleet by risk, remaining life or forecasts with a model's champion")
    .argument("<model>", "name of the model")
    .requiredOption("--data <folder>", "folder with the newest files, named as in the model's pipeline file")
    .option("--out <file.csv>", "also write the whole ranking as CSV")
    .option("--limit <n>", "lines of the table", parseLimit, 20)
    .option("--json", "print the whole ranking as one JSON document")
    .addHelpText("after", "\nExample:\n  $ aura score turbofan --data ../shared/data/cmapss --out fleet.csv")
    .action(async (model: string, options: ScoreOptions, command: Command) => {
      await score(contextOf(command), model, options);
    });
}

async function score(context: CliContext, model: string, options: ScoreOptions): Promise<void> {
  const { output, cwd } = context;
  const folder = openDataFolder(options.data, cwd);
  // Which of them the model reads is known to its pipeline alone; the server takes those and leaves the rest.
  const files = await hashFiles(folder, folder.names);
  const fleet = await withApi(context, { start: "if-made" }, (connection) =>
    scoreFleet(connection, { output, model, files }),
  );
  if (options.out !== undefined) writeCsv(resolve(cwd, options.out), options.out, fleetCsv(fleet));
  if (options.json === true) output.json(fleet);
  else showFleet(output, fleet, options.limit);
  showWarnings(output, fleet);
  if (options.out !== undefined) {
    const { scored, leftOut } = fleet.assets;
    const without = leftOut === 0 ? "" : ` and ${leftOut} left out`;
    output.note(`${scored} ranked assets${without} written to ${options.out}`);
  }
}

function writeCsv(path: string, name: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new PlatformError("config_invalid", `write ${name}: expected a place that can be written`, {
      cause,
      locations: [{ field: "--out", expected: "a writable file", found: name }],
    });
  }
}
