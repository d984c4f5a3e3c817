import { Connection } from "@temporalio/client";
import type { Settings } from "../../config/settings.ts";
import { connect } from "../../temporal-config/connection.ts";
import { ensureRetention } from "../../temporal-config/namespace.ts";
import { ensureSearchAttributes } from "../../temporal-config/search-attributes.ts";
import { assertServerVersion } from "../../temporal-config/server-version.ts";

/** What is done to a server once it answers. Loaded late: the gRPC library behind it is large. */

/** Connection to the embedded server; it reconnects by itself after a restart of the server. */
export function connectEmbedded(address: string): Promise<Connection> {
  return Connection.connect({ address, connectTimeout: 500 });
}

/**
 * Search attributes and a retention of 30 days, both idempotent.
 *
 * @returns a warning for people about the server's version, if there is one
 */
export async function prepareEmbeddedServer(
  connection: Connection,
  address: string,
  namespace: string,
): Promise<string | undefined> {
  await ensureSearchAttributes(connection, namespace);
  await ensureRetention(connection, namespace);
  return (await assertServerVersion(connection, address)).warning;
}

/**
 * Checks the user's own server: it answers, its version is safe, it has the search attributes.
 *
 * @returns a warning for people, if there is one
 * @throws {PlatformError} temporal_unavailable, config_invalid
 */
export async function prepareExternalServer(settings: Settings): Promise<string | undefined> {
  const connection = await connect(settings);
  try {
    const { warning } = await assertServerVersion(connection, settings.temporal.address ?? "");
    await ensureSearchAttributes(connection, settings.temporal.namespace);
    return warning;
  } finally {
    await connection.close();
  }
}
