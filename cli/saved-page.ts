import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { badFile } from "../sources/files/bad-file.ts";
import type { CliContext } from "./context.ts";
import { safeText } from "./output.ts";

/**
 * Writes a file, whole or not at all.
 *
 * @param path of this folder where it is relative
 * @returns the whole path
 * @throws {PlatformError} bad_file
 */
export function saveFile(
  { cwd }: Pick<CliContext, "cwd">,
  path: string,
  content: Uint8Array | string,
): string {
  const whole = resolve(cwd, path);
  const partial = `${whole}.partial`;
  try {
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(partial, content);
    renameSync(partial, whole);
  } catch (cause) {
    throw badFile(path, { expected: "a file that can be written", found: String(cause) });
  } finally {
    rmSync(partial, { force: true });
  }
  return whole;
}

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
  const path = saveFile(context, given ?? otherwise, page);
  if (isTold) context.output.line(safeText(path));
}
