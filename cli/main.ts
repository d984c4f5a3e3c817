#!/usr/bin/env node
import { CommanderError } from "commander";
import { PlatformError } from "../schemas/platform-error.ts";
import { BROKEN_PIPE_EXIT, watchPipes } from "./broken-pipe.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { errorDocument } from "./error-document.ts";
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
  // Who asked for a document gets one, also when there is no result to put into it.
  const answerJson = (error: unknown) => {
    if (argv.includes("--json") && !output.hasJson) output.json({ error: errorDocument(error) });
  };
  try {
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed its own message: help and version end well, a wrong command line does not.
      if (error.exitCode === 0) return EXIT.ok;
      answerJson(new PlatformError("config_invalid", error.message.replace(/^error: /, "")));
      return EXIT.badInput;
    }
    if (!hasReaderGone()) {
      answerJson(error);
      output.error(error);
    }
    return exitCodeOf(error);
  }
}
