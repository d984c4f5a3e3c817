#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { z } from "zod";
import { packageRoot } from "../config/package-root.ts";
import { BROKEN_PIPE_EXIT, watchPipes } from "./broken-pipe.ts";
import { registerApprovalsCommand } from "./commands/approvals.ts";
import { registerAuditCommand } from "./commands/audit.ts";
import { registerDataCommand } from "./commands/data.ts";
import { registerDemoCommand } from "./commands/demo.ts";
import { registerDoctorCommand } from "./commands/doctor.ts";
import { registerDownCommand } from "./commands/down.ts";
import { registerDriftCommand } from "./commands/drift.ts";
import { registerInitCommand } from "./commands/init.ts";
import { registerKeysCommand } from "./commands/keys.ts";
import { registerLineageCommand } from "./commands/lineage.ts";
import { registerLogsCommand } from "./commands/logs.ts";
import { registerModelsCommand } from "./commands/models.ts";
import { registerPredictionsCommand } from "./commands/predictions.ts";
import { registerResetCommand } from "./commands/reset.ts";
import { registerRunCommand } from "./commands/run.ts";
import { registerRunsCommand } from "./commands/runs.ts";
import { registerScoreCommand } from "./commands/score.ts";
import { registerSimulateCommand } from "./commands/simulate.ts";
import { registerStatusCommand } from "./commands/status.ts";
import { registerUpCommand } from "./commands/up.ts";
import { registerValidateCommand } from "./commands/validate.ts";
import { attachContext } from "./context.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { Output } from "./output.ts";

/** Every command, in the order of the help page. A new one is a file and a line here. */
const COMMANDS: readonly ((program: Command) => void)[] = [
  registerUpCommand,
  registerDownCommand,
  registerStatusCommand,
  registerLogsCommand,
  registerDoctorCommand,
  registerResetCommand,
  registerInitCommand,
  registerValidateCommand,
  registerSimulateCommand,
  registerDemoCommand,
  registerRunCommand,
  registerScoreCommand,
  registerApprovalsCommand,
  registerModelsCommand,
  registerRunsCommand,
  registerPredictionsCommand,
  registerLineageCommand,
  registerDataCommand,
  registerDriftCommand,
  registerKeysCommand,
  registerAuditCommand,
];

const output = new Output({ stdout: process.stdout, stderr: process.stderr, environment: process.env });

const hasReaderGone = watchPipes([process.stdout, process.stderr]);

const ended = await main(process.argv);
process.exitCode = hasReaderGone() ? BROKEN_PIPE_EXIT : ended;

async function main(argv: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = createProgram((code) => (exitCode = code));
  try {
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    // Commander has printed its own message: help and version end well, a wrong command line does not.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.badInput;
    if (!hasReaderGone()) output.error(error);
    return exitCodeOf(error);
  }
}

function createProgram(exitWith: (code: ExitCode) => void): Command {
  const program = new Command("aura")
    .description("From raw sensor files to an approved, served and watched model of when machines fail")
    .version(readVersion())
    .exitOverride()
    .showHelpAfterError("(add --help for the options)")
    .configureOutput({
      writeOut: (text) => output.line(text.trimEnd()),
      writeErr: (text) => output.note(text.trimEnd()),
    });
  attachContext(program, {
    output,
    environment: process.env,
    cwd: process.cwd(),
    isInteractive: process.stdin.isTTY && process.stdout.isTTY,
    exitWith,
  });
  for (const register of COMMANDS) register(program);
  return program;
}

function readVersion(): string {
  const text = readFileSync(join(packageRoot(), "package.json"), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
