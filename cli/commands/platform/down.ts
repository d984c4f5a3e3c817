import type { Command } from "commander";
import { contextOf } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";

/** `aura down`: stops the platform of this state folder, in order. */
export function registerDownCommand(program: Command): void {
  program
    .command("down")
    .description("stop the platform that `aura up` started; data stays")
    .addHelpText("after", "\nExample:\n  $ aura down")
    .action(async (_options: unknown, command: Command) => {
      const { output, settings, exitWith } = contextOf(command);
      const { stopRunningPlatform } = await import("../../../platform/running.ts");
      const outcome = await stopRunningPlatform(settings());
      switch (outcome) {
        case "stopped":
          output.line("stopped");
          break;
        case "orphans":
          output.line("ended what a killed start had left");
          break;
        case "nothing":
          output.line("nothing is running");
          break;
        case "still-running":
          output.line("it does not stop: see `aura logs supervisor`");
          exitWith(EXIT.fault);
          break;
      }
    });
}
