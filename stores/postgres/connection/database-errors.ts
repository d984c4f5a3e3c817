import { DatabaseError } from "pg";
import { isPlatformError, PlatformError } from "../../../schemas/platform-error.ts";

/** SQLSTATE classes and codes after which the same statement may succeed later. */
const UNAVAILABLE_CLASSES = new Set(["08", "53", "57", "58"]);
const UNAVAILABLE_CODES = new Set(["25006", "55P03"]);
/** Wrong password, missing database, no right to connect: waiting does not help. */
const CONFIGURATION = new Set(["28000", "28P01", "3D000"]);
const RETRIED = new Set(["40001", "40P01"]);

const SOCKET_ERRORS = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ENOENT",
]);
const SOCKET_MESSAGES =
  /connection terminated|timeout exceeded when trying to connect|connection error|read timeout|calling end on the pool|client was closed|\bSSL\b/i;

export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined;
}

/** Serialization failure or deadlock, mapped or not: the whole transaction is run again. */
export function isRetriedByTransaction(error: unknown): boolean {
  const state = sqlStateOf(isPlatformError(error) ? error.cause : error);
  return state !== undefined && RETRIED.has(state);
}

/**
 * What a failure of PostgreSQL is called outside this room. Errors that are neither the connection's nor the
 * server's state stay as they are: they are defects and fail loudly.
 */
export function asDatabaseError(error: unknown): unknown {
  if (isPlatformError(error)) return error;
  const state = sqlStateOf(error);
  if (state !== undefined) return ofSqlState(state, error);
  if (error instanceof Error && isSocketError(error)) {
    return new PlatformError("database_unavailable", `PostgreSQL [${nameOf(error)}]`, { cause: error });
  }
  return error;
}

function ofSqlState(state: string, error: unknown): unknown {
  if (UNAVAILABLE_CLASSES.has(state.slice(0, 2)) || UNAVAILABLE_CODES.has(state) || RETRIED.has(state)) {
    return new PlatformError("database_unavailable", `PostgreSQL [SQLSTATE ${state}]`, { cause: error });
  }
  if (CONFIGURATION.has(state)) {
    return new PlatformError("config_invalid", `DATABASE_URL: refused by the server [SQLSTATE ${state}]`, {
      cause: error,
    });
  }
  if (state.startsWith("XX")) {
    return new PlatformError("integrity", `PostgreSQL reports damaged data [SQLSTATE ${state}]`, {
      cause: error,
    });
  }
  return error;
}

function isSocketError(error: Error): boolean {
  if ("code" in error && typeof error.code === "string") {
    if (
      SOCKET_ERRORS.has(error.code) ||
      /^(?:ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(error.code)
    )
      return true;
  }
  if (error instanceof AggregateError)
    return error.errors.some((e) => e instanceof Error && isSocketError(e));
  return SOCKET_MESSAGES.test(error.message);
}

function nameOf(error: Error): string {
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.message.split("\n")[0]?.slice(0, 200) ?? error.name;
}
