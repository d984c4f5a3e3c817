import type { Command } from "commander";
import type { FoundPlatform } from "../../../platform/running.ts";
import { contextOf } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";
import type { Output } from "../../output.ts";

/** `aura status`: what runs here; ends with 1 unless every part is ready. */
export function registerStatusCommand(program: Command): void {
  program
    .command("status")
    .description("show the parts of the platform and their addresses")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ aura status\n\nEnds with 1 when it does not run, or a part is not ready.",
    )
    .action(async (options: { readonly json?: boolean }, command: Command) => {
      const { output, settings, exitWith } = contextOf(command);
      const { findRunningPlatform } = await import("../../../platform/running.ts");
      const { stateDir } = settings();
      const found = findRunningPlatform({ stateDir });
      const isReady =
        found?.state === "ready" && Object.values(found.children).every(({ state }) => state === "ready");
      if (options.json === true) output.json(describe(found, stateDir));
      else show(output, found, stateDir);
      if (!isReady) exitWith(EXIT.fault);
    });
}

function describe(found: FoundPlatform | undefined, stateDir: string): unknown {
  if (found === undefined) return { state: "stopped", stateDir, parts: [] };
  const parts = Object.entries(found.children).map(([name, { state, restarts, process }]) => {
    return { name, state, restarts, pid: process?.pid ?? null };
  });
  return { state: found.state, stateDir, pid: found.supervisor.pid, urls: found.urls, parts };
}

function show(output: Output, found: FoundPlatform | undefined, stateDir: string): void {
  if (found === undefined) {
    output.line(`not running [${stateDir}]; start it with \`aura up\``);
    return;
  }
  const rows = Object.entries(found.children).map(([name, { state, restarts, process }]) => {
    return [name, state, String(process?.pid ?? "-"), String(restarts)];
  });
  output.line(`${found.state} (process ${found.supervisor.pid}) [${stateDir}]`);
  output.table(["part", "state", "process", "restarts"], rows);
  for (const [name, url] of Object.entries(found.urls)) output.line(`${name}: ${url}`);
}
