import type { Command } from "commander";

/** `aura help [command…]`: as `--help` of that command; commander's own shows the main page for a wrong name. */
export function registerHelpCommand(program: Command): void {
  program
    .helpCommand(false)
    .command("help")
    .description("the help of a command")
    .argument("[command...]", "its name, e.g. models promote")
    .addHelpText("after", "\nExample:\n  $ aura help models promote")
    .action((names: readonly string[]) => {
      let at = program;
      for (const name of names) {
        const next = at.commands.find((command) => command.name() === name);
        if (next === undefined) at.error(`error: unknown command '${name}'`);
        else at = next;
      }
      at.outputHelp();
    });
}
