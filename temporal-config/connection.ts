import { Client, Connection } from "@temporalio/client";
import type { NativeConnection } from "@temporalio/worker";
import type { Settings } from "../config/settings.ts";
import { PlatformError } from "../schemas/platform-error.ts";

/** The part of the settings that a connection needs. */
export type ConnectionSettings = Pick<Settings, "temporal">;

/** Milliseconds that one attempt to connect may take. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Client for starting, querying and updating workflows, with the namespace of the settings.
 * The caller closes `client.connection`.
 *
 * @throws {PlatformError} temporal_unavailable when there is no address or no answer within 5 s
 */
export async function connectClient(settings: ConnectionSettings): Promise<Client> {
  const connection = await connect(settings);
  return new Client({ connection, namespace: settings.temporal.namespace });
}

/**
 * Plain connection: workflow, operator and health services.
 *
 * @throws {PlatformError} temporal_unavailable
 */
export async function connect(settings: ConnectionSettings): Promise<Connection> {
  const address = addressOf(settings);
  try {
    const { tls, apiKey, metadata } = settings.temporal.connection;
    const connection = await Connection.connect({
      address,
      ...(tls === undefined ? {} : { tls }),
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(metadata === undefined ? {} : { metadata }),
      connectTimeout: CONNECT_TIMEOUT_MS,
    });
    endContextTracking(connection);
    return connection;
  } catch (cause) {
    throw unavailable(address, cause);
  }
}

/**
 * Turns off the tracking of asynchronous contexts that `withDeadline` and its like turn on.
 *
 * They pass their options through an AsyncLocalStorage, which Node 20 and 22 implement with hooks on every promise and every
 * callback of the process, for good: it costs a third of all a small HTTP request takes. The options are read when
 * the call is made, before the first `await`, so this may follow it at once.
 */
export function endContextTracking({ callContextStorage }: Pick<Connection, "callContextStorage">): void {
  callContextStorage.disable();
}

/**
 * Connection of a worker. The worker library is loaded here and not at the top, because it is large
 * and the command line and the API never need it. Close it after the worker's `run()` has ended.
 *
 * @throws {PlatformError} temporal_unavailable
 */
export async function connectNative(settings: ConnectionSettings): Promise<NativeConnection> {
  const address = addressOf(settings);
  const { NativeConnection: Native } = await import("@temporalio/worker");
  try {
    return await Native.connect({ ...settings.temporal.connection, address });
  } catch (cause) {
    throw unavailable(address, cause);
  }
}

function addressOf(settings: ConnectionSettings): string {
  const { address } = settings.temporal;
  if (address !== undefined) return address;
  throw new PlatformError(
    "temporal_unavailable",
    "connect to Temporal [no address]: set TEMPORAL_ADDRESS, or start the embedded platform with `aura up`",
  );
}

function unavailable(address: string, cause: unknown): PlatformError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PlatformError("temporal_unavailable", `connect to Temporal [${address}]: ${reason}`, { cause });
}
