import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { z } from "zod";
import type { ErrorCode } from "../schemas/error-codes.ts";
import { errorLocationSchema } from "../schemas/error-location.ts";
import { isErrorCode, PlatformError } from "../schemas/platform-error.ts";

/**
 * The command line's way to the API: JSON in and out, the key as Bearer, problem documents back into
 * PlatformErrors, so that a refusal reads the same whether it was found here or there.
 */

export interface ApiClientOptions {
  /** Without trailing slash. */
  readonly baseUrl: string;
  readonly apiKey?: string;
  /** Ends every request in progress. */
  readonly signal?: AbortSignal;
  /** Longest wait for a reply; uploads are not bounded. */
  readonly timeoutMs?: number;
  /** Asked where the API is now, once for each request that gets no answer. */
  readonly relocate?: () => Promise<string>;
}

/** Query parameters; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

export interface PostOptions<T> {
  readonly reply: z.ZodType<T>;
  readonly body?: unknown;
  /** Default: a new one, so that a repeat of the same HTTP request by a proxy changes nothing. */
  readonly idempotencyKey?: string;
}

type SendInit = Omit<RequestInit, "headers"> & { readonly headers?: Readonly<Record<string, string>> };

const DEFAULT_TIMEOUT_MS = 30_000;

/** What is read of a problem document; anything else in it is ignored. */
const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  requestId: z.string().optional(),
  errors: z.array(errorLocationSchema).optional(),
});

/** A path whose values are escaped: ids of assets and files are any text. */
export function apiPath(parts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return parts
    .map((part, i) => (i < values.length ? part + encodeURIComponent(String(values[i])) : part))
    .join("");
}

export class ApiClient {
  readonly #options: ApiClientOptions;
  #baseUrl: string;

  constructor(options: ApiClientOptions) {
    this.#options = options;
    this.#baseUrl = options.baseUrl;
  }

  get baseUrl(): string {
    return this.#baseUrl;
  }

  /** @throws {PlatformError} the API's own refusal; api_unavailable; internal: a reply of another shape */
  async get<T>(path: string, reply: z.ZodType<T>, query: Query = {}): Promise<T> {
    return readReply(await this.#send("GET", withQuery(path, query), {}), reply, path);
  }

  /** A file, whole in memory. @throws as `get` */
  async getBytes(path: string, query: Query = {}): Promise<Uint8Array> {
    return new Uint8Array(await (await this.#send("GET", withQuery(path, query), {})).arrayBuffer());
  }

  /** The bytes of a reply as they come. Not bounded in time. @throws as `get` */
  async getStream(path: string, query: Query = {}): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.#send("GET", withQuery(path, query), { headers: { accept: "*/*" } });
    return body ?? new Blob([]).stream();
  }

  /** Whether something is there; null when it is not. @throws as `get` */
  async find<T>(path: string, reply: z.ZodType<T>): Promise<T | null> {
    try {
      return await this.get(path, reply);
    } catch (error) {
      if (error instanceof PlatformError && error.code === "not_found") return null;
      throw error;
    }
  }

  /** @throws as `get` */
  async post<T>(path: string, { reply, body, idempotencyKey }: PostOptions<T>): Promise<T> {
    const response = await this.#send("POST", path, {
      body: JSON.stringify(body ?? {}),
      headers: { "content-type": "application/json", "idempotency-key": idempotencyKey ?? randomUUID() },
    });
    return readReply(response, reply, path);
  }

  /** Lines of JSON, as their bytes are. @throws as `get` */
  async postLines<T>(
    path: string,
    given: { body: Uint8Array<ArrayBuffer>; query: Query; reply: z.ZodType<T> },
  ): Promise<T> {
    return this.postBytes(path, { ...given, type: "application/x-ndjson" });
  }

  /** A body of another type. @throws as `get` */
  async postBytes<T>(
    path: string,
    {
      body,
      query,
      reply,
      type,
    }: { body: Uint8Array<ArrayBuffer>; query: Query; reply: z.ZodType<T>; type: string },
  ): Promise<T> {
    const response = await this.#send("POST", withQuery(path, query), {
      body,
      headers: { "content-type": type },
    });
    return readReply(response, reply, path);
  }

  /** @throws as `get` */
  async put<T>(path: string, { reply, body }: Pick<PostOptions<T>, "reply" | "body">): Promise<T> {
    const response = await this.#send("PUT", path, {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
    return readReply(response, reply, path);
  }

  /** @throws as `get` */
  async delete(path: string): Promise<void> {
    await this.#send("DELETE", path, {});
  }

  /** Sends bytes as they are read; memory stays bounded. @throws as `get` */
  async putStream<T>(
    path: string,
    { bytes, length, query, reply }: { bytes: Readable; length: number; query: Query; reply: z.ZodType<T> },
  ): Promise<T> {
    const response = await this.#send("PUT", withQuery(path, query), {
      body: Readable.toWeb(bytes) as ReadableStream<Uint8Array>,
      duplex: "half",
      headers: { "content-type": "application/octet-stream", "content-length": String(length) },
    });
    return readReply(response, reply, path);
  }

  async #send(method: string, path: string, init: SendInit): Promise<Response> {
    const { relocate } = this.#options;
    // What was read from a stream cannot be sent again.
    if (relocate === undefined || init.body instanceof ReadableStream)
      return this.#sendOnce(method, path, init);
    try {
      return await this.#sendOnce(method, path, init);
    } catch (error) {
      if (!(error instanceof PlatformError) || error.code !== "api_unavailable") throw error;
      this.#baseUrl = await relocate();
      return this.#sendOnce(method, path, init);
    }
  }

  async #sendOnce(method: string, path: string, init: SendInit): Promise<Response> {
    const { apiKey, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    const isBounded = method !== "PUT" && init.headers?.["accept"] === undefined;
    const limits = [
      ...(signal === undefined ? [] : [signal]),
      ...(isBounded ? [AbortSignal.timeout(timeoutMs)] : []),
    ];
    let response: Response;
    try {
      response = await fetch(this.#baseUrl + path, {
        ...init,
        method,
        // A key must not follow a redirect to another host.
        redirect: "error",
        signal: AbortSignal.any(limits),
        headers: {
          accept: "application/json",
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
          ...init.headers,
        },
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw new PlatformError("api_unavailable", `${method} ${path} [${this.#baseUrl}]: no answer`, {
        cause,
      });
    }
    if (!response.ok) throw await refusalOf(response, `${method} ${path}`);
    return response;
  }
}

function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

async function readReply<T>(response: Response, reply: z.ZodType<T>, path: string): Promise<T> {
  const value: unknown = await response.json().catch(() => undefined);
  const parsed = reply.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const at = issue?.path.map(String).join(".") || "(body)";
  throw new PlatformError(
    "internal",
    `read reply of ${path} [${at}]: ${issue?.message}; is the API of another release?`,
  );
}

async function refusalOf(response: Response, operation: string): Promise<PlatformError> {
  const parsed = problemSchema.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success) {
    const code = response.status >= 500 ? "api_unavailable" : "internal";
    return new PlatformError(code, `${operation}: HTTP ${response.status} without a problem document`);
  }
  const { code, detail, requestId, errors } = parsed.data;
  const suffix = requestId === undefined ? "" : ` [request ${requestId}]`;
  return new PlatformError(knownCode(code), `${detail}${suffix}`, {
    locations: errors ?? [],
    details: { status: response.status },
  });
}

/** A code as the API wrote it; one that this release does not know is `internal`. */
export function knownCode(code: string): ErrorCode {
  return isErrorCode(code) ? code : "internal";
}
