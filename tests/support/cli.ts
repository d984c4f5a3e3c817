import { execFile } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../config/package-root.ts";

/** The built command, as `npx aura` runs it. */
const MAIN = join(packageRoot(), "dist", "cli", "main.js");

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds after which the command is ended; default 100 000. */
  readonly timeoutMs?: number;
}

/** Runs the command as a process of its own, without a terminal, until it ends. */
export function createCli(options: CliOptions): (...args: readonly string[]) => Promise<Ended> {
  const { cwd, env, timeoutMs = 100_000 } = options;
  return (...args) =>
    new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [MAIN, ...args],
        { cwd, env, timeout: timeoutMs, maxBuffer: 16e6 },
        (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : (child.exitCode ?? -1), stdout, stderr }),
      );
      child.stdin?.end();
    });
}
