import { resolve } from "node:path";
import { loadClientConnectConfig } from "@temporalio/envconfig";
import type { ClientConnectConfig } from "@temporalio/envconfig";
import { PlatformError } from "../schemas/platform-error.ts";

/** How Temporal is reached: its own profile, TLS and API-key settings, as its library reads them. */
export interface TemporalSettings {
  /** `host:port` of a server of the user's own; unset: the embedded dev server. */
  readonly address?: string;
  readonly namespace: string;
  /** Fits `Connection.connect` and `NativeConnection.connect`; holds TLS and the API key. */
  readonly connection: ClientConnectConfig["connectionOptions"];
  /** A `temporal` binary named by the user. */
  readonly cli?: string;
}

/**
 * Reads Temporal's variables and profile file (variables first).
 *
 * @throws {PlatformError} config_invalid when the profile or a certificate file cannot be read
 */
export function readTemporalSettings(
  environment: Readonly<Record<string, string>>,
  cwd: string,
): TemporalSettings {
  const cli = environment["AURA_TEMPORAL_CLI"];
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: { ...environment } });
    const { address } = connectionOptions;
    return {
      ...(address === undefined ? {} : { address }),
      namespace: namespace ?? "default",
      connection: connectionOptions,
      ...(cli === undefined ? {} : { cli: resolve(cwd, cli) }),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PlatformError("config_invalid", `read Temporal's settings [${reason}]`, {
      cause,
      locations: [{ field: "TEMPORAL_*" }],
    });
  }
}
