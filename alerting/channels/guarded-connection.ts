/**
 * Connections to addresses that users have named (threat S1). Names are resolved by us, every address is checked, and the
 * connection goes to a checked one, so that an answer which changes between check and use changes nothing. Redirects are
 * not followed. What the operator of the platform has named in `AURA_ALERT_HOSTS` may be private.
 */
import { lookup } from "node:dns/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, isIPv6 } from "node:net";
import type { LookupFunction } from "node:net";
import { addressFault, hostOf, urlFault } from "../../sources/http/url-guard.ts";
import type { UrlPolicy } from "../../sources/http/url-guard.ts";
import type { Attempt } from "./told-alert.ts";

export interface ReachPolicy extends UrlPolicy {
  /** `host:port`, lower-case: these may be private. */
  readonly hosts: readonly string[];
}

const TIMEOUT_MS = 10_000;
const PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Why something must not be reached; it does not come right by itself. */
class Forbidden extends Error {}

/** Why a URL must not be reached, as far as its text tells; undefined when it may. */
export function reachFault(text: string, policy: ReachPolicy): string | undefined {
  return isNamed(text, policy) ? undefined : urlFault(text, policy);
}

/** Posts once; what is thrown away with the answer is its body. */
export async function post({ url: text, headers, body }: Post, policy: ReachPolicy): Promise<Attempt> {
  const fault = reachFault(text, policy);
  if (fault !== undefined) return { outcome: "refused", status: null, reason: `it must not reach ${fault}` };
  try {
    const status = await statusOf(
      new URL(text),
      { headers, body },
      isNamed(text, policy) ? undefined : policy,
    );
    return attemptOf(status);
  } catch (error) {
    const reason = reasonOf(error);
    return error instanceof Forbidden
      ? { outcome: "refused", status: null, reason }
      : { outcome: "unavailable", status: null, reason };
  }
}

/** Whether the operator of the platform has named its host and port. */
function isNamed(text: string, { hosts }: ReachPolicy): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const port = url.port === "" ? (PORTS[url.protocol] ?? "") : url.port;
  return hosts.includes(`${hostOf(url).toLowerCase()}:${port}`);
}

function attemptOf(status: number): Attempt {
  if (status >= 200 && status < 300) return { outcome: "delivered", status };
  const reason = `it answers ${status}`;
  const isPassing = status === 408 || status === 425 || status === 429 || status >= 500;
  return { outcome: isPassing ? "unavailable" : "refused", status, reason };
}

/** @param guard undefined: any address */
function statusOf(
  url: URL,
  { headers, body }: Omit<Post, "url">,
  guard: UrlPolicy | undefined,
): Promise<number> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "content-length": String(Buffer.byteLength(body)),
          "user-agent": "aura",
          ...headers,
        },
        agent: false,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(guard === undefined ? {} : { lookup: checkedLookup(guard) }),
      },
      (response) => {
        resolve(response.statusCode ?? 0);
        response.destroy();
      },
    );
    sent.on("error", reject);
    // A literal address is not looked up; urlFault has judged it, and this sees that nothing else is connected to.
    sent.on("socket", (socket) =>
      socket.once("connect", () => {
        const late = guard === undefined ? undefined : addressFault(socket.remoteAddress ?? "", guard);
        if (late !== undefined) sent.destroy(new Forbidden(`it must not reach ${late}`));
      }),
    );
    sent.end(body);
  });
}

/** Addresses of a host, none of which is forbidden. @throws {Forbidden} */
export async function checkedAddresses(host: string, guard: UrlPolicy) {
  const addresses =
    isIP(host) === 0 ? await lookup(host, { all: true }) : [{ address: host, family: isIP(host) }];
  for (const { address } of addresses) {
    const fault = addressFault(address, guard);
    if (fault !== undefined) throw new Forbidden(`it must not reach ${fault}`);
  }
  return addresses;
}

function checkedLookup(guard: UrlPolicy): LookupFunction {
  return (host, wanted, done) => {
    checkedAddresses(host, guard).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) return done(new Error("the name has no address"), "", 0);
        if (wanted.all === true) return done(null, addresses);
        return done(null, first.address, isIPv6(first.address) ? 6 : 4);
      },
      (error: Error) => done(error, "", 0),
    );
  };
}

export const isForbidden = (error: unknown): boolean => error instanceof Forbidden;

/** Without addresses or secrets of a URL. */
export function reasonOf(error: unknown): string {
  if (error instanceof Forbidden) return error.message;
  if (!(error instanceof Error)) return "it cannot be reached";
  const code = "code" in error ? String(error.code) : error.name;
  return `it cannot be reached [${code.slice(0, 60)}]`;
}
