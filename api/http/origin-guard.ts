import { PlatformError } from "../../schemas/platform-error.ts";

/**
 * Guards of a server without keys: it answers the person at this machine, and nobody's web page.
 *
 * A page on another origin can make a browser send requests here; it cannot forge `Host` (DNS rebinding
 * keeps the attacker's name), nor leave out `Origin` on a POST, nor lie in `Sec-Fetch-Site`.
 */

/** Whether an address to listen on is reachable from this machine only. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  return name === "localhost" || name === "::1" || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/** Host name of a `Host` header, without port; undefined when it is not one plain authority. */
export function hostNameOf(header: string | undefined): string | undefined {
  return /^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(header ?? "")?.[1];
}

/** @throws {PlatformError} forbidden_origin */
export function checkOrigin(header: (name: string) => string | undefined): void {
  const host = header("host");
  const name = hostNameOf(host);
  if (name === undefined || !isLoopbackHost(name)) {
    throw new PlatformError("forbidden_origin", "check origin: expected a loopback Host");
  }
  const origin = header("origin");
  if (origin !== undefined && origin.toLowerCase() !== `http://${host?.toLowerCase()}`) {
    throw new PlatformError("forbidden_origin", "check origin: expected the same Origin, or none");
  }
  const site = header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    throw new PlatformError("forbidden_origin", "check origin: expected a request of this origin");
  }
}
