import { existsSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";

/** `aura reset`: forgets everything of this state folder, after asking. */
export function registerResetCommand(program: Command): void {
  program
    .command("reset")
    .description("delete the local state: database, workflows, objects, logs")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", "\nExample:\n  $ aura down && aura reset")
    .action(async (options: { readonly yes?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { stateDir } = context.settings();
      if (!existsSync(stateDir)) {
        context.output.line(`there is nothing to delete [${stateDir}]`);
        return;
      }
      const { deleteState } = await import("../../../platform/reset.ts");
      if (options.yes !== true && !(await isConfirmed(context, stateDir))) {
        context.output.line("nothing was deleted");
        return;
      }
      const deleted = await deleteState(stateDir);
      for (const folder of deleted) context.output.line(`deleted ${folder}`);
    });
}

async function isConfirmed(context: CliContext, stateDir: string): Promise<boolean> {
  if (!context.isInteractive) {
    throw new PlatformError("config_invalid", "reset [no terminal to ask on]: expected --yes", {
      locations: [{ field: "--yes" }],
    });
  }
  const question = `Delete ${stateDir} with all models, runs and readings in it? Type yes: `;
  const reader = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await reader.question(question)).trim() === "yes";
  } finally {
    reader.close();
  }
}
