/**
 * Which URLs the server may fetch for a user (threat S1: a URL that makes the server talk to itself, to its neighbours
 * or to the cloud's metadata service).
 *
 * Names are resolved by us, every address is checked, and the connection goes to a checked address: an answer that
 * changes between check and use changes nothing. Odd spellings of addresses (2130706433, 0x7f.1, 127。0。0。1) are
 * made plain by the URL parser before the check.
 */
import { BlockList, isIP, isIPv6 } from "node:net";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { Problem } from "../../schemas/pipeline/semantics.ts";

export interface UrlPolicy {
  /** Only for tests and demos on one machine: 127.0.0.0/8 and ::1, on any port. */
  readonly allowLoopback: boolean;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

const FORBIDDEN = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  FORBIDDEN.addSubnet(network, bits, "ipv4");
}

/** All of IPv6 that is not global unicast, and what carries an IPv4 address inside. */
const GLOBAL_IPV6 = new BlockList();
GLOBAL_IPV6.addSubnet("2000::", 3, "ipv6");
const CARRYING_IPV6 = new BlockList();
CARRYING_IPV6.addSubnet("2001::", 23, "ipv6");
CARRYING_IPV6.addSubnet("2001:db8::", 32, "ipv6");
CARRYING_IPV6.addSubnet("2002::", 16, "ipv6");
CARRYING_IPV6.addSubnet("3fff::", 20, "ipv6");

/** Ports of well-known services that are no web servers. */
const FORBIDDEN_PORTS = new Set([
  1433, 1521, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5672, 5900, 5985, 5986, 6379, 6443, 7233, 9092, 9200,
  9300, 10250, 11211, 27017,
]);

/** Why an address must not be connected to; undefined when it may. */
export function addressFault(address: string, policy: UrlPolicy): string | undefined {
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  if (policy.allowLoopback && LOOPBACK.check(address, family)) return undefined;
  if (isIP(address) === 0) return "no address";
  const isPublic =
    family === "ipv4"
      ? !FORBIDDEN.check(address, "ipv4")
      : GLOBAL_IPV6.check(address, "ipv6") && !CARRYING_IPV6.check(address, "ipv6");
  return isPublic ? undefined : `the private or reserved address ${address}`;
}

/** Why a URL must not be fetched, as far as its text tells; undefined when it may. */
export function urlFault(text: string, policy: UrlPolicy): string | undefined {
  // oxlint-disable-next-line no-control-regex -- finding them is the purpose
  if (/[\\\s\u0000-\u001f]/.test(text)) return "a backslash, blank or control character";
  if (!URL.canParse(text)) return "no URL";
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return `the protocol ${url.protocol}`;
  if (url.username !== "" || url.password !== "") return "a user name or password in the URL";
  const host = hostOf(url);
  const isLoopback =
    host === "localhost" || (isIP(host) !== 0 && LOOPBACK.check(host, isIPv6(host) ? "ipv6" : "ipv4"));
  if (isLoopback) return policy.allowLoopback ? undefined : `the loopback host ${host}`;
  if (/(^|\.)(localhost|local|internal|home\.arpa)\.?$/i.test(host)) return `the local name ${host}`;
  if (isIP(host) !== 0) {
    const fault = addressFault(host, policy);
    if (fault !== undefined) return fault;
  }
  const port = url.port === "" ? 0 : Number(url.port);
  const isAllowedPort =
    port === 0 || port === 80 || port === 443 || (port >= 1_024 && !FORBIDDEN_PORTS.has(port));
  return isAllowedPort ? undefined : `the port ${port}`;
}

/** Host without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** Check of a pipeline's URLs, for `parsePipeline`'s `extraChecks`: refused when saved, and again when fetched. */
export function pullUrlProblems(pipeline: Pipeline, policy: UrlPolicy): Problem[] {
  return Object.entries(pipeline.sources).flatMap(([name, source]) => {
    const fault = source.url === undefined ? undefined : urlFault(source.url, policy);
    return fault === undefined
      ? []
      : [{ path: ["sources", name, "url"], expected: "a public http or https URL", found: fault }];
  });
}
