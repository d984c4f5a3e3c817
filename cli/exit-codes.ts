import { ERROR_CODES } from "../schemas/error-codes.ts";
import type { ErrorCode } from "../schemas/error-codes.ts";
import { isPlatformError } from "../schemas/platform-error.ts";

/** What the `aura` command ends with. Stable: scripts rely on it. */
export const EXIT = {
  ok: 0,
  /** Something broke, does not answer, or was interrupted. */
  fault: 1,
  /** What was asked for is wrong or not allowed: the command line, a file, a setting, the key, the time. */
  badInput: 2,
  gateRefused: 3,
  /** `aura reproduce`: it came out, and not byte for byte. */
  different: 3,
  /** A person rejected it, or nobody decided in time. */
  rejectedOrExpired: 4,
  /** It waits for a person and there is no terminal to ask on. */
  waiting: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Statuses that say the caller gave something wrong, or may not do it. */
const INPUT_STATUSES: readonly number[] = [400, 401, 403, 404, 413, 415, 422];

/** Codes beside those: asked of a thing whose state does not allow it. The other 409 pass by waiting. */
const INPUT_CODES: readonly ErrorCode[] = [
  "config_invalid",
  "conflict",
  "already_decided",
  "no_champion",
  "retrain_refused",
];

/** The exit code for an error that reached the top. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!isPlatformError(error)) return EXIT.fault;
  if (error.code === "gate_refused") return EXIT.gateRefused;
  if (INPUT_CODES.includes(error.code)) return EXIT.badInput;
  return INPUT_STATUSES.includes(ERROR_CODES[error.code].status) ? EXIT.badInput : EXIT.fault;
}
