import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { badFile } from "../sources/files/bad-file.ts";
import type { CliContext } from "./context.ts";
import { safeText } from "./output.ts";

/**
 * Writes a page of the API to a file, whole or not at all, and prints where it is.
 *
 * @param isTold    false: the output is one document, in which a path has no place
 * @param given     what the option said
 * @param otherwise name in this folder without it
 * @throws {PlatformError} bad_file
 */
export function savePage(
  context: CliContext,
  page: Uint8Array,
  {
    given,
    otherwise,
    isTold = true,
  }: { readonly given: string | undefined; readonly otherwise: string; readonly isTold?: boolean },
): void {
  const path = resolve(context.cwd, given ?? otherwise);
  const partial = `${path}.partial`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(partial, page);
    renameSync(partial, path);
  } catch (cause) {
    throw badFile(given ?? path, { expected: "a file that can be written", found: String(cause) });
  } finally {
    rmSync(partial, { force: true });
  }
  if (isTold) context.output.line(safeText(path));
}
