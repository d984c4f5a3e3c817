import { isPlatformError } from "../schemas/platform-error.ts";
import type { ErrorLocation } from "../schemas/platform-error.ts";

/** `error` of the document that `--json` prints instead of a result. Stable: scripts rely on it. */
export interface ErrorDocument {
  /** One of docs/errors.md; `internal` for a defect. */
  readonly code: string;
  readonly message: string;
  /** Where in which file, as far as that is known. */
  readonly locations: readonly ErrorLocation[];
}

export function errorDocument(error: unknown): ErrorDocument {
  if (isPlatformError(error)) {
    const { code, message, locations } = error;
    return { code, message, locations };
  }
  return {
    code: "internal",
    message: error instanceof Error ? error.message : String(error),
    locations: [],
  };
}
