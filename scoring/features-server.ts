import { timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ERROR_CODES } from "../schemas/error-codes.ts";
import { featureHistorySchema, featureRefreshSchema } from "../schemas/live/online-features.ts";
import type { FeatureHistoryRequest, FeatureRefreshRequest } from "../schemas/live/online-features.ts";
import { isPlatformError, PlatformError } from "../schemas/platform-error.ts";

export interface FeaturesServerOptions {
  readonly host: string;
  readonly port: number;
  /** What callers of `/features` and `/row` must show. */
  readonly secret: string;
  /** `form` is what the path names: whole features, or the row of a prediction. */
  readonly answer: (
    form: "features" | "row",
    query: {
      readonly asset: string;
      readonly model: string | undefined;
      readonly digest: string | undefined;
    },
  ) => Promise<unknown>;
  /** Every champion and what feeds it. */
  readonly feeds: () => unknown;
  /** Features as they were. */
  readonly history: (request: FeatureHistoryRequest, signal: AbortSignal) => Promise<unknown>;
  /** Computes assets anew. */
  readonly refresh: (request: FeatureRefreshRequest) => Promise<unknown>;
  readonly metrics: () => Promise<string>;
  readonly isReady: () => boolean;
}

export interface FeaturesServer {
  readonly port: number;
  close(): Promise<void>;
}

/** How a scorer is asked, by the API alone: one small HTTP server without a framework. */
export async function startFeaturesServer(options: FeaturesServerOptions): Promise<FeaturesServer> {
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    handle(options, request, gone.signal).then(
      ({ status, body, type }) => send(response, status, body, type),
      (error: unknown) => sendError(response, error),
    );
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => closed(server) };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

const JSON_TYPE = "application/json";
const MOST_BODY_BYTES = 1_048_576;

async function handle(
  options: FeaturesServerOptions,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://scorer");
  const route = `${request.method} ${pathname}`;
  if (route === "GET /livez") return plain(200, "ok");
  if (route === "GET /readyz") return options.isReady() ? plain(200, "ready") : plain(503, "starting");
  if (route === "GET /metrics")
    return { status: 200, body: await options.metrics(), type: "text/plain; version=0.0.4" };
  if (!isSecret(request.headers.authorization, options.secret)) return plain(401, "");
  const asked = {
    asset: searchParams.get("asset") ?? "",
    model: searchParams.get("model") ?? undefined,
    digest: searchParams.get("digest") ?? undefined,
  };
  switch (route) {
    case "GET /features":
      return answered(await options.answer("features", asked));
    case "GET /row":
      return answered(await options.answer("row", asked));
    case "GET /feeds":
      return answered(options.feeds());
    case "POST /history":
      return answered(
        await options.history(featureHistorySchema.parse(JSON.parse(await bodyOf(request))), signal),
      );
    case "POST /refresh":
      return answered(await options.refresh(featureRefreshSchema.parse(JSON.parse(await bodyOf(request)))));
    default:
      return plain(404, "");
  }
}

const plain = (status: number, body: string): Answer => ({ status, body, type: "text/plain" });
const answered = (reply: unknown): Answer => ({ status: 200, body: JSON.stringify(reply), type: JSON_TYPE });

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let nBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    nBytes += chunk.length;
    if (nBytes > MOST_BODY_BYTES)
      throw new PlatformError("body_too_large", `read features: expected at most ${MOST_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function isSecret(header: string | undefined, secret: string): boolean {
  const given = Buffer.from(header ?? "");
  const wanted = Buffer.from(`Bearer ${secret}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function send(response: ServerResponse, status: number, body: string, type: string): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function sendError(response: ServerResponse, error: unknown): void {
  const known = isPlatformError(error)
    ? error
    : new PlatformError("internal", "the scorer failed", { cause: error });
  const { code, message } = known;
  send(response, ERROR_CODES[code].status, JSON.stringify({ code, message }), JSON_TYPE);
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
