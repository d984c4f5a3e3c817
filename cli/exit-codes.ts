import { ERROR_CODES } from "../schemas/error-codes.ts";
import { isPlatformError } from "../schemas/platform-error.ts";

/** What the `aura` command ends with. Stable: scripts rely on it. */
export const EXIT = {
  ok: 0,
  /** Something broke, or is not there. */
  fault: 1,
  /** The command line, a file or a setting is wrong. */
  badInput: 2,
  gateRefused: 3,
  /** A person rejected it, or nobody decided in time. */
  rejectedOrExpired: 4,
  /** It waits for a person and there is no terminal to ask on. */
  waiting: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Statuses that say the caller gave something wrong; 409 is a state of the platform, not of the input. */
const INPUT_STATUSES: readonly number[] = [400, 404, 413, 415, 422];

/** The exit code for an error that reached the top. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!isPlatformError(error)) return EXIT.fault;
  if (error.code === "gate_refused") return EXIT.gateRefused;
  if (error.code === "config_invalid") return EXIT.badInput;
  return INPUT_STATUSES.includes(ERROR_CODES[error.code].status) ? EXIT.badInput : EXIT.fault;
}
