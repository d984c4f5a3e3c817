import type { Connection } from "@temporalio/client";
import { PlatformError } from "../schemas/platform-error.ts";
import { SEARCH_ATTRIBUTES, SEARCH_ATTRIBUTE_TYPE } from "./constants.ts";

/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;

/**
 * Registers AURA's search attributes where they are missing. Must be done before a worker runs:
 * upserting an unregistered one fails its workflow task for ever.
 *
 * Idempotent, and safe when several processes do it at once.
 *
 * @returns the names that were added
 * @throws {PlatformError} config_invalid: one exists with another type, or they are missing and may not
 *   be added with this key; temporal_unavailable: no answer
 */
export async function ensureSearchAttributes(
  connection: Pick<Connection, "operatorService">,
  namespace: string,
): Promise<readonly string[]> {
  const present = await listAttributes(connection, namespace);
  const wanted = Object.values(SEARCH_ATTRIBUTES);
  for (const name of wanted) {
    const type = present[name];
    if (type !== undefined && Number(type) !== KEYWORD) {
      throw new PlatformError(
        "config_invalid",
        `search attribute [${name}]: expected ${SEARCH_ATTRIBUTE_TYPE}, got type ${Number(type)}`,
      );
    }
  }
  const missing = wanted.filter((name) => present[name] === undefined);
  if (missing.length === 0) return [];
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
    });
  } catch (cause) {
    throw new PlatformError(
      "config_invalid",
      `add search attributes [namespace ${namespace}: ${missing.join(", ")}]: refused by the server; add them as ${SEARCH_ATTRIBUTE_TYPE} with its own tools`,
      { cause },
    );
  }
  return missing;
}

async function listAttributes(
  connection: Pick<Connection, "operatorService">,
  namespace: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return customAttributes ?? {};
  } catch (cause) {
    throw new PlatformError("temporal_unavailable", `list search attributes [namespace ${namespace}]`, {
      cause,
    });
  }
}
