import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { contextOf } from "../../context.ts";
import { safeText } from "../../output.ts";
import type { Output } from "../../output.ts";

interface LogsOptions {
  readonly follow?: boolean;
  readonly lines: number;
}

const FOLLOW_MS = 300;

/** `aura logs [part]`: the end of the logs, and on request what is added to them. */
export function registerLogsCommand(program: Command): void {
  program
    .command("logs")
    .description("print the end of a part's log, or of all")
    .argument("[part]", "postgres, temporal, worker, api or supervisor")
    .option("-f, --follow", "go on printing what is added")
    .option("-n, --lines <count>", "lines of each log", parseCount, 50)
    .addHelpText("after", "\nExample:\n  $ aura logs worker --follow")
    .action(async (part: string | undefined, options: LogsOptions, command: Command) => {
      const { output, settings } = contextOf(command);
      const { statePaths } = await import("../../../platform/state-dir.ts");
      const files = findLogs(statePaths(settings().stateDir).logs, part);
      const { tailLog } = await import("../../../platform/process/log-file.ts");
      const sizes = new Map(files.map((file) => [file, statSync(file).size]));
      for (const file of files) print(output, file, tailLog(file, options.lines), files.length > 1);
      if (options.follow === true) await follow(output, sizes);
    });
}

/** A whole number from 1 to 10,000. */
function parseCount(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value;
  throw new InvalidArgumentError("expected a whole number from 1 to 10000");
}

function findLogs(folder: string, part: string | undefined): readonly string[] {
  const all = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".log")) : [];
  // Compared with what is there, never joined from what was typed.
  const chosen = part === undefined ? all : all.filter((name) => name === `${part}.log`);
  if (chosen.length === 0) {
    const known = all.map((name) => basename(name, ".log")).join(", ");
    const there = known === "" ? `none there yet [${folder}]; they come with aura up` : `one of ${known}`;
    throw new PlatformError("not_found", `logs [${part ?? "all parts"}]: ${there}`);
  }
  return chosen.toSorted().map((name) => join(folder, name));
}

/** Until the process is interrupted. */
async function follow(output: Output, sizes: Map<string, number>): Promise<never> {
  const { readLogFrom } = await import("../../../platform/process/log-file.ts");
  for (;;) {
    for (const [file, seen] of sizes) {
      const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      // A log that was set aside begins again at its start.
      const from = size < seen ? 0 : seen;
      const text = readLogFrom(file, from);
      const complete = text.slice(0, text.lastIndexOf("\n") + 1);
      sizes.set(file, from + Buffer.byteLength(complete));
      if (complete !== "") print(output, file, complete.trimEnd().split("\n"), sizes.size > 1);
    }
    await sleep(FOLLOW_MS);
  }
}

function print(output: Output, file: string, lines: readonly string[], withName: boolean): void {
  const prefix = withName ? `${output.style("dim", basename(file, ".log").padEnd(10))} ` : "";
  for (const line of lines) output.line(prefix + safeText(line));
}
