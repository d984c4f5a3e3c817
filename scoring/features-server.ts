import { timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ERROR_CODES } from "../schemas/error-codes.ts";
import { isPlatformError, PlatformError } from "../schemas/platform-error.ts";

export interface FeaturesServerOptions {
  readonly host: string;
  readonly port: number;
  /** What callers of `/features` and `/row` must show. */
  readonly secret: string;
  /** `form` is what the path names: whole features, or the row of a prediction. */
  readonly answer: (
    form: "features" | "row",
    query: { readonly asset: string; readonly model: string | undefined },
  ) => Promise<unknown>;
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
    handle(options, request).then(
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

async function handle(options: FeaturesServerOptions, request: IncomingMessage): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://scorer");
  if (request.method !== "GET") return { status: 405, body: "", type: "text/plain" };
  if (pathname === "/livez") return { status: 200, body: "ok", type: "text/plain" };
  if (pathname === "/readyz")
    return options.isReady()
      ? { status: 200, body: "ready", type: "text/plain" }
      : { status: 503, body: "starting", type: "text/plain" };
  if (pathname === "/metrics")
    return { status: 200, body: await options.metrics(), type: "text/plain; version=0.0.4" };
  const form = pathname === "/features" ? "features" : pathname === "/row" ? "row" : undefined;
  if (form === undefined) return { status: 404, body: "", type: "text/plain" };
  if (!isSecret(request.headers.authorization, options.secret))
    return { status: 401, body: "", type: "text/plain" };
  const asset = searchParams.get("asset") ?? "";
  const reply = await options.answer(form, { asset, model: searchParams.get("model") ?? undefined });
  return { status: 200, body: JSON.stringify(reply), type: JSON_TYPE };
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
