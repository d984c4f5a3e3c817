import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { z } from "zod";
import { savingsViewSchema } from "../../../schemas/maintenance/savings.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { parseVersion } from "../../list-view.ts";
import { showSavings } from "../../maintenance/savings-view.ts";
import { savePage } from "../../saved-page.ts";

interface SavingsOptions {
  readonly version?: number;
  readonly last?: boolean;
  readonly out?: string;
  readonly json?: boolean;
}

const ASK_EVERY_MS = 500;

/** `aura maintenance`: whether it pays. */
export function registerMaintenanceCommand(program: Command): void {
  program
    .command("maintenance")
    .description("whether maintenance by a model pays")
    .command("savings")
    .description(
      "what it would have cost on the holdout, beside running to failure and a fixed age, and what it did cost",
    )
    .argument("<model>", "name of the model; its pipeline declares maintenance.costs")
    .option("--version <n>", "of this version (default: the champion)", parseVersion)
    .option("--last", "what the last simulation found, instead of a new one")
    .option("--out <file>", "write it as one HTML page as well")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura maintenance savings pumps --out savings.html")
    .action(async (model: string, options: SavingsOptions, command: Command) =>
      savings(contextOf(command), model, options),
    );
}

async function savings(context: CliContext, model: string, options: SavingsOptions): Promise<void> {
  const { output } = context;
  const query = options.version === undefined ? {} : { version: options.version };
  const path = apiPath`/v1/models/${model}/savings`;
  await withApi(context, { start: "if-made" }, async ({ client, signal }) => {
    if (options.last !== true) {
      const suffix = options.version === undefined ? "" : `?version=${options.version}`;
      await client.post(`${path}${suffix}`, { reply: z.looseObject({}) });
    }
    for (;;) {
      const { savings: report } = await client.get(path, savingsViewSchema, query);
      if (report !== null) {
        output.endProgress();
        if (options.json === true) output.json(report);
        else showSavings(output, report);
        break;
      }
      output.progress(`simulating ${model}`);
      await sleep(ASK_EVERY_MS, undefined, { signal });
    }
    if (options.out === undefined) return;
    const page = await client.getBytes(`${path}/page`, query);
    const isTold = options.json !== true;
    savePage(context, page, { given: options.out, otherwise: `${model}-savings.html`, isTold });
  });
}
