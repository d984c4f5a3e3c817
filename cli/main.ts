#!/usr/bin/env node
import { CommanderError } from "commander";
import { BROKEN_PIPE_EXIT, watchPipes } from "./broken-pipe.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { Output } from "./output.ts";
import { createProgram } from "./program.ts";

const output = new Output({ stdout: process.stdout, stderr: process.stderr, environment: process.env });

const hasReaderGone = watchPipes([process.stdout, process.stderr]);

const ended = await main(process.argv);
process.exitCode = hasReaderGone() ? BROKEN_PIPE_EXIT : ended;

async function main(argv: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = createProgram({
    output,
    environment: process.env,
    cwd: process.cwd(),
    isInteractive: process.stdin.isTTY && process.stdout.isTTY,
    exitWith: (code) => (exitCode = code),
  });
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
