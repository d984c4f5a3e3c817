import type { Connection } from "@temporalio/client";
import { PlatformError } from "../schemas/platform-error.ts";

/**
 * The lowest safe server: CVE-2026-5199 and CVE-2026-5724 are mended in 1.29.6 and in 1.30.4.
 * Hosted servers are operated and patched by their vendor and number their releases otherwise.
 */
const HOSTED_SUFFIXES = [".tmprl.cloud", ".temporal.io"];

export interface ServerVersionReport {
  readonly version: string;
  /** For people, once: an unsafe version that only this machine can reach. */
  readonly warning?: string;
}

/**
 * Refuses a server below the safe version unless only this machine can reach it.
 *
 * @param address  `host:port` the connection was made to
 * @throws {PlatformError} config_invalid: the server is not on loopback and below the floor
 */
export async function assertServerVersion(
  connection: Pick<Connection, "workflowService">,
  address: string,
): Promise<ServerVersionReport> {
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  const version = serverVersion ?? "unknown";
  if (isSafeVersion(version) || isHosted(address)) return { version };
  const why = `Temporal server [${address}, version ${version}] is below 1.29.6 or 1.30.4 (CVE-2026-5199, CVE-2026-5724)`;
  if (isLoopback(address)) {
    return { version, warning: `${why}; it listens on loopback only: never expose it` };
  }
  throw new PlatformError("config_invalid", `${why}: upgrade it`, {
    locations: [{ field: "TEMPORAL_ADDRESS", expected: "≥ 1.29.6 or ≥ 1.30.4", found: version }],
  });
}

/** `x.y.z` at or above 1.30.4, or of the 1.29 series at or above 1.29.6. */
export function isSafeVersion(version: string): boolean {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (match === null) return false;
  const [major = 0, minor = 0, patch = 0] = match.slice(1).map(Number);
  if (major !== 1) return major > 1;
  if (minor === 29) return patch >= 6;
  return minor > 30 || (minor === 30 && patch >= 4);
}

/** Whether `host:port` names this machine's loopback. Names other than localhost are not looked up. */
export function isLoopback(address: string): boolean {
  const host = hostOf(address);
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function isHosted(address: string): boolean {
  return HOSTED_SUFFIXES.some((suffix) => hostOf(address).endsWith(suffix));
}

function hostOf(address: string): string {
  const bracketed = /^\[([^\]]+)\]/.exec(address);
  return (bracketed?.[1] ?? address.replace(/:\d+$/, "")).toLowerCase();
}
