import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import type { ClientConfig } from "pg";
import { PlatformError } from "../../../schemas/platform-error.ts";

const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type SslMode = (typeof SSL_MODES)[number];

/**
 * Connection settings of a `postgresql://` URL, with one rule for TLS.
 *
 * | host | sslmode | what happens |
 * |---|---|---|
 * | loopback or a Unix socket | absent, disable, allow, prefer | plain text |
 * | any other | absent | TLS, certificate and host name verified |
 * | any other | disable | plain text: it was asked for in so many words |
 * | any other | allow, prefer, require | TLS; verified only where `sslrootcert` is given, as in libpq |
 * | any | verify-ca, verify-full | TLS, chain verified; the host name as well for verify-full |
 *
 * `sslrootcert`, `sslcert` and `sslkey` are paths to PEM files.
 *
 * @throws {PlatformError} config_invalid for a URL that is none, an unknown sslmode or an unreadable certificate
 */
export function readConnectionUrl(databaseUrl: string): ClientConfig {
  const url = parseUrl(databaseUrl);
  const host = url.searchParams.get("host") ?? decodeURIComponent(url.hostname.replaceAll(/^\[|\]$/g, ""));
  const config: ClientConfig = {
    host: host === "" ? "127.0.0.1" : host,
    port: Number(url.searchParams.get("port") ?? (url.port === "" ? "5432" : url.port)),
    ssl: tlsOf(url, host),
  };
  if (url.username !== "") config.user = decodeURIComponent(url.username);
  if (url.password !== "") config.password = decodeURIComponent(url.password);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database !== "") config.database = database;
  const options = url.searchParams.get("options");
  if (options !== null) config.options = options;
  return config;
}

function parseUrl(databaseUrl: string): URL {
  if (URL.canParse(databaseUrl)) {
    const url = new URL(databaseUrl);
    if (/^postgres(?:ql)?:$/.test(url.protocol)) return url;
  }
  // The text is not repeated: it may hold a password.
  throw new PlatformError(
    "config_invalid",
    "DATABASE_URL: expected postgresql://user:password@host/database",
  );
}

function tlsOf(url: URL, host: string): ConnectionOptions | false {
  const given = url.searchParams.get("sslmode");
  const mode = given === null ? undefined : SSL_MODES.find((m) => m === given);
  if (given !== null && mode === undefined) {
    throw new PlatformError(
      "config_invalid",
      `DATABASE_URL: expected sslmode one of ${SSL_MODES.join(", ")}, got ${JSON.stringify(given)}`,
    );
  }
  if (mode === "disable") return false;
  if (isLoopback(host) && (mode === undefined || mode === "allow" || mode === "prefer")) return false;
  return tlsOptions(url, mode ?? "verify-full");
}

function tlsOptions(url: URL, mode: SslMode): ConnectionOptions {
  const ca = pem(url, "sslrootcert");
  const cert = pem(url, "sslcert");
  const key = pem(url, "sslkey");
  const verifyChain = mode === "verify-ca" || mode === "verify-full" || ca !== undefined;
  return {
    rejectUnauthorized: verifyChain,
    checkServerIdentity: mode === "verify-full" ? checkServerIdentity : () => undefined,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function pem(url: URL, name: string): string | undefined {
  const path = url.searchParams.get(name);
  if (path === null || path === "system") return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new PlatformError("config_invalid", `DATABASE_URL: ${name} cannot be read`, { cause: error });
  }
}

/** Loopback addresses, `localhost`, Unix-socket folders, and no host at all. */
export function isLoopback(host: string): boolean {
  if (host === "" || host.startsWith("/") || host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}
