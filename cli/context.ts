import type { Command } from "commander";
import { readSettings } from "../config/settings.ts";
import type { Environment, Settings } from "../config/settings.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";

/** What every command is given by the main; taken with `contextOf(command)` in its action. */
export interface CliContext {
  readonly output: Output;
  readonly cwd: string;
  /** Whether questions can be asked: both ends are a terminal. */
  readonly isInteractive: boolean;
  /**
   * The settings, read at the first call, so that `aura --help` works with a wrong variable.
   *
   * @throws {PlatformError} config_invalid
   */
  readonly settings: () => Settings;
  /** Sets what the process ends with when the action returns; an error thrown sets its own. */
  readonly exitWith: (code: ExitCode) => void;
}

const contexts = new WeakMap<Command, CliContext>();

export interface ContextOptions {
  readonly output: Output;
  readonly environment: Environment;
  readonly cwd: string;
  readonly isInteractive: boolean;
  readonly exitWith: (code: ExitCode) => void;
}

export function attachContext(program: Command, options: ContextOptions): void {
  let settings: Settings | undefined;
  contexts.set(program, {
    output: options.output,
    cwd: options.cwd,
    isInteractive: options.isInteractive,
    exitWith: options.exitWith,
    settings: () => (settings ??= readSettings(options.environment, options.cwd)),
  });
}

/**
 * @param command  the last argument of an action
 * @throws {Error} the program was made without `attachContext`
 */
export function contextOf(command: Command): CliContext {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const context = contexts.get(at);
    if (context !== undefined) return context;
  }
  throw new Error(`command ${command.name()} has no context`);
}
