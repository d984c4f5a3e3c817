import { ERROR_CODES } from "./error-codes.ts";
import type { ErrorCode } from "./error-codes.ts";

/** Where in a document an error sits; any part may be unknown. */
export interface ErrorLocation {
  /** File name as the user gave it; never an absolute server path in an API reply. */
  readonly file?: string;
  /** 1-based line. */
  readonly line?: number;
  /** Dotted path of the field, e.g. `sources.readings.columns.s2.unit`. */
  readonly field?: string;
  readonly expected?: string;
  readonly found?: string;
}

export interface PlatformErrorOptions {
  readonly cause?: unknown;
  /** One entry per problem; shown to people and sent as `errors` in problem+json. */
  readonly locations?: readonly ErrorLocation[];
  /** Plain data for machines; must not hold secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * The one error class that crosses rooms. `code` decides status, retry and remedy.
 *
 * Message form: operation, key facts in brackets, expected against got.
 */
export class PlatformError extends Error {
  override readonly name = "PlatformError";
  readonly code: ErrorCode;
  readonly locations: readonly ErrorLocation[];
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: PlatformErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.locations = options.locations ?? [];
    this.details = options.details ?? {};
  }

  get isRetryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}

/** Whether a text from elsewhere is one of our codes; another release may write others. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

/** Narrows an unknown thrown value; also accepts an error that crossed a module boundary. */
export function isPlatformError(error: unknown): error is PlatformError {
  return error instanceof Error && error.name === "PlatformError" && "code" in error;
}
