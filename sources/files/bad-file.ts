import { PlatformError } from "../../schemas/platform-error.ts";

/** What is wrong with a file, for people. */
export interface FileFault {
  readonly line?: number;
  readonly expected: string;
  readonly found: string;
  readonly cause?: unknown;
}

/** The one-line error of a file that cannot be read as declared. `name` is what the user called it. */
export function badFile(name: string, fault: FileFault): PlatformError {
  const at = fault.line === undefined ? name : `${name}:${fault.line}`;
  return new PlatformError("bad_file", `${at}: expected ${fault.expected}, found ${fault.found}`, {
    locations: [
      {
        file: name,
        ...(fault.line === undefined ? {} : { line: fault.line }),
        expected: fault.expected,
        found: fault.found,
      },
    ],
    ...(fault.cause === undefined ? {} : { cause: fault.cause }),
  });
}
