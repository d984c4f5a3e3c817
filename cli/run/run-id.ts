import { PlatformError } from "../../schemas/platform-error.ts";
import { runViewSchema } from "../../schemas/runs/run.ts";
import { apiPath } from "../client.ts";
import type { ApiClient } from "../client.ts";
import { itemsOf } from "../list-view.ts";

const PREFIX = /^[0-9a-f]{6}[0-9a-f-]{0,29}$/;
/** Digits of an id that are shown where they are enough. */
const SHOWN = 8;
const PAGE = 1_000;
/** A run that long ago is asked for by its whole id. */
const MOST_PAGES = 10;

/**
 * The id that was given, or the only one among the newest runs that begins so, with 6 digits or more: other outputs show
 * the first 8.
 *
 * @throws {PlatformError} not_found: none begins so; conflict: several do
 */
export async function runIdFrom(client: Pick<ApiClient, "get">, given: string): Promise<string> {
  if (!PREFIX.test(given)) return given;
  const ids: string[] = [];
  let before: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const { items } = await client.get(apiPath`/v1/runs`, itemsOf(runViewSchema), { limit: PAGE, before });
    ids.push(...items.map(({ runId }) => runId).filter((id) => id.startsWith(given)));
    before = items.at(-1)?.runId;
    if (items.length < PAGE) break;
  }
  const [only, ...others] = ids;
  if (only === undefined) throw new PlatformError("not_found", `read run [${given}]: no run begins so`);
  if (others.length === 0) return only;
  const shown = ids.slice(0, 5).join(", ");
  throw new PlatformError("conflict", `read run [${given}]: ${ids.length} runs begin so: ${shown}`);
}

/**
 * The beginnings of ids by which they are told apart, all of one length and of 8 digits or more. Ids begin with the
 * time, so that runs started within a minute share their first 8.
 *
 * @param ids  in any order; where one stands twice its beginning does too
 */
export function shortIds(ids: readonly string[]): readonly string[] {
  const nDistinct = new Set(ids).size;
  const longest = Math.max(SHOWN, ...ids.map(({ length }) => length));
  let length = SHOWN;
  while (length < longest && new Set(ids.map((id) => id.slice(0, length))).size < nDistinct) length++;
  return ids.map((id) => id.slice(0, length));
}
