import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { isIP, isIPv6 } from "node:net";
import { Transform } from "node:stream";
import { pipeline as pipeStreams } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import { badFile } from "../files/bad-file.ts";
import { addressFault, hostOf, urlFault } from "./url-guard.ts";
import type { UrlPolicy } from "./url-guard.ts";

export interface PullOptions extends UrlPolicy {
  /** File to write; replaced, and removed again when the pull fails. */
  readonly path: string;
  /** Name of the file for people and for the run, e.g. `httpFileName(source)`. */
  readonly name: string;
  /** Sent with each request; they stay on the same host. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An empty answer is one, and 204 as well: an empty file. */
  readonly mayBeEmpty?: boolean;
  /** Default 2 GiB. */
  readonly maxBytes?: number;
  /** Of one attempt, first byte to last; default 10 minutes. Silence of 30 s ends it as well. */
  readonly timeoutMs?: number;
  /** Default 3. */
  readonly attempts?: number;
  /** First pause between attempts; doubles. Default 500 ms. */
  readonly pauseMs?: number;
  readonly signal?: AbortSignal;
}

export interface Pulled {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

const MAX_REDIRECTS = 3;
const SILENCE_MS = 30_000;

/**
 * Fetches one URL into a file: GET, bounded in bytes and time, retried when the other side is at fault.
 *
 * Redirects are followed on the same host only, never from https to http. Cookies, credentials and proxies are not
 * used. The body is stored as sent.
 *
 * @throws {PlatformError} invalid_pipeline: the URL, or an address behind its name, must not be fetched
 * @throws {PlatformError} bad_file: an answer of 4xx, a redirect elsewhere, more than `maxBytes`, no body
 * @throws {PlatformError} source_unavailable: no answer, 429 or 5xx after all attempts; cancelled through `signal`
 */
export async function pullUrl(url: string, options: PullOptions): Promise<Pulled> {
  const attempts = options.attempts ?? 3;
  for (let attempt = 1; ; attempt++) {
    try {
      return await pullOnce(url, options);
    } catch (error) {
      await rm(options.path, { force: true });
      if (options.signal?.aborted === true) {
        throw new PlatformError("cancelled", `${options.name}: the pull was cancelled`, { cause: error });
      }
      const failure = isPlatformError(error) ? error : unavailable(options.name, error);
      if (failure.code !== "source_unavailable" || attempt >= attempts) throw failure;
      const pause = options.signal === undefined ? {} : { signal: options.signal };
      await wait((options.pauseMs ?? 500) * 2 ** (attempt - 1), undefined, pause);
    }
  }
}

function unavailable(name: string, cause: unknown): PlatformError {
  const reason = cause instanceof Error ? ("code" in cause && String(cause.code)) || cause.name : "unknown";
  return new PlatformError("source_unavailable", `${name}: the source does not answer [${reason}]`, {
    cause,
  });
}

async function pullOnce(first: string, options: PullOptions): Promise<Pulled> {
  let url = first;
  const deadline = AbortSignal.timeout(options.timeoutMs ?? 600_000);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  for (let redirects = 0; ; redirects++) {
    const reply = await open(url, options, signal);
    const status = reply.statusCode ?? 0;
    if (status === 200 || (status === 204 && options.mayBeEmpty === true))
      return save(reply, options, signal);
    reply.destroy();
    if (status === 429 || status >= 500) {
      throw new PlatformError("source_unavailable", `${options.name}: the source answers ${status}`);
    }
    const target = status >= 300 && status < 400 ? reply.headers.location : undefined;
    if (target === undefined || redirects >= MAX_REDIRECTS) {
      throw badFile(options.name, { expected: "an answer of 200", found: String(status) });
    }
    url = sameHostTarget(url, target, options.name);
  }
}

function sameHostTarget(from: string, target: string, name: string): string {
  const [source, next] = [new URL(from), URL.canParse(target, from) ? new URL(target, from) : undefined];
  const isSameHost =
    next?.host === source.host && (next.protocol === source.protocol || next.protocol === "https:");
  if (next === undefined || !isSameHost) {
    throw badFile(name, {
      expected: "redirects on the same host only",
      found: next?.host ?? "another target",
    });
  }
  return next.href;
}

function open(text: string, options: PullOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const fault = urlFault(text, options);
  if (fault !== undefined) return Promise.reject(forbidden(options.name, fault));
  const url = new URL(text);
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        headers: { "accept-encoding": "identity", "user-agent": "aura", ...options.headers },
        lookup: checkedLookup(options),
        agent: false,
        signal,
        timeout: SILENCE_MS,
      },
      resolve,
    );
    sent.on("timeout", () => sent.destroy(new Error("silence")));
    sent.on("error", reject);
    // A literal address is not looked up; urlFault has judged it, and this sees that nothing else is connected to.
    sent.on("socket", (socket) =>
      socket.once("connect", () => {
        const address = socket.remoteAddress ?? "";
        const late = isIP(hostOf(url)) === 0 ? undefined : addressFault(address, options);
        if (late !== undefined) sent.destroy(forbidden(options.name, late));
      }),
    );
    sent.end();
  });
}

function forbidden(name: string, found: string): PlatformError {
  const expected = "a public http or https URL";
  return new PlatformError("invalid_pipeline", `${name}: expected ${expected}, found ${found}`, {
    locations: [{ file: name, expected, found }],
  });
}

/** Resolves a name once and refuses it when any of its addresses is forbidden. */
function checkedLookup(options: PullOptions): LookupFunction {
  return (host, wanted, done) => {
    lookup(host, { all: true }).then(
      (addresses) => {
        for (const { address } of addresses) {
          const fault = addressFault(address, options);
          if (fault !== undefined) return done(forbidden(options.name, fault), "", 0);
        }
        const first = addresses[0];
        if (first === undefined) return done(new Error("ENOTFOUND"), "", 0);
        if (wanted.all === true) return done(null, addresses);
        return done(null, first.address, isIPv6(first.address) ? 6 : 4);
      },
      (error: Error) => done(error, "", 0),
    );
  };
}

async function save(reply: IncomingMessage, options: PullOptions, signal: AbortSignal): Promise<Pulled> {
  const maxBytes = options.maxBytes ?? 2 * 2 ** 30;
  const hash = createHash("sha256");
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      if (bytes > maxBytes) {
        done(badFile(options.name, { expected: `at most ${maxBytes} bytes`, found: "more" }));
      } else done(null, chunk);
    },
  });
  await pipeStreams(reply, meter, createWriteStream(options.path), { signal });
  if (!reply.complete) throw new Error("the answer ended early");
  if (bytes === 0 && options.mayBeEmpty !== true)
    throw badFile(options.name, { expected: "data", found: "an empty answer" });
  return { path: options.path, bytes, sha256: hash.digest("hex") };
}
