import type { Command } from "commander";
import { contextOf } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";

/** `aura doctor`: what is missing on this machine and what to do about it; ends with 1 when something is. */
export function registerDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .description("check what AURA needs on this machine")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura doctor\n\nEnds with 1 when something is missing.")
    .action(async (options: { readonly json?: boolean }, command: Command) => {
      const { output, settings, exitWith } = contextOf(command);
      const { examineMachine } = await import("../../../platform/doctor.ts");
      const checks = await examineMachine(settings());
      if (options.json === true)
        output.json({ ok: checks.every(({ state }) => state !== "missing"), checks });
      else {
        const rows = checks.map(({ state, name, found, remedy }) => [state, name, found, remedy ?? ""]);
        output.table(["", "check", "found", "what to do"], rows);
      }
      if (checks.some(({ state }) => state === "missing")) exitWith(EXIT.fault);
    });
}
