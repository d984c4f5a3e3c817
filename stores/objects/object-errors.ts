import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";

/** Failures of the store itself: full, read-only, gone, or out of handles. Trying later can succeed. */
const UNAVAILABLE = new Set([
  "ENOSPC",
  "EDQUOT",
  "EROFS",
  "EIO",
  "EACCES",
  "EPERM",
  "EMFILE",
  "ENFILE",
  "ENODEV",
  "ENXIO",
  "ESTALE",
  "ENOTCONN",
  "ETIMEDOUT",
  "ENOTDIR",
]);

/** System error code of an unknown thrown value, e.g. `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/**
 * A file-system failure as the port promises it: `objects_unavailable` for a store that cannot be used,
 * `integrity` for a symbolic link where a file was expected; anything else unchanged.
 */
export function asObjectError(operation: string, error: unknown): unknown {
  if (isPlatformError(error)) return error;
  const code = errnoOf(error);
  if (code === "ELOOP") {
    return new PlatformError("integrity", `${operation}: expected a plain file, got a link`, {
      cause: error,
    });
  }
  if (code !== undefined && UNAVAILABLE.has(code)) {
    return new PlatformError("objects_unavailable", `${operation}: ${code}`, { cause: error });
  }
  return error;
}

/** The stored bytes are not the ones the ref names. */
export function integrityError(key: string, expected: string, found: string): PlatformError {
  return new PlatformError("integrity", `read object [${key}]: expected SHA-256 ${expected}, got ${found}`);
}
