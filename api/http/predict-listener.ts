import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { predict, PREDICT_POLICY, PREDICT_TYPES } from "../routes/serving/predict.ts";
import type { ApiDeps } from "../deps.ts";
import { checkPolicy } from "./auth.ts";
import type { HeaderReader } from "./auth.ts";
import type { Actor } from "../../stores/postgres/port.ts";
import { checkBodyHeaders, checkMediaType, readNodeBody } from "./body.ts";
import type { KnownHead } from "./known-head.ts";
import { headersOfIncoming, SECURITY_HEADERS } from "./headers.ts";
import { IDLE_TIMEOUT_MS } from "./listen.ts";
import { errorReply } from "./on-error.ts";
import type { AnswerRepeated, RepeatedRequest } from "./request-socket.ts";

/**
 * A short way to `predict` past Hono: the same guard, limits, handler and error mapping, called on Node's own
 * request and response. Building and copying web Request, Headers and Response objects costs about as much as
 * all else that happens to a small request.
 *
 * Only what is sure to be answered goes this way. A request whose sender is not known without asking the
 * database, or which is to be refused before its body is read, is handed to `next`, which decides anew:
 * refusals with an unread body are its business alone.
 */
export function createPredictListener(deps: ApiDeps, next: RequestListener): RequestListener {
  return (incoming, outgoing) => {
    const route = incoming.method === "POST" ? predictRouteOf(incoming.url ?? "") : undefined;
    const actor = route === undefined ? undefined : admit(headersOfIncoming(incoming), deps);
    if (route === undefined || actor === undefined) next(incoming, outgoing);
    else void answer(route, { incoming, outgoing, actor, deps });
  };
}

interface PredictRoute {
  readonly path: string;
  readonly model: string | undefined;
}

const ROOT: PredictRoute = { path: "/predict", model: undefined };
const OF_MODEL = /^\/v1\/models\/([a-z0-9][a-z0-9._-]{0,63})\/predict$/;

/** The predict route of a plain path; escapes and queries are `next`'s. */
function predictRouteOf(url: string): PredictRoute | undefined {
  if (url === ROOT.path) return ROOT;
  const model = OF_MODEL.exec(url)?.[1];
  return model === undefined ? undefined : { path: url, model };
}

/** Largest body on the short way; `predict` itself holds the limits. */
const MAX_BYTES = 1_048_576;

function admit(headers: HeaderReader, deps: ApiDeps): Actor | undefined {
  const actor = identify(headers, deps);
  return actor !== undefined && hasUsualBody(headers) ? actor : undefined;
}

/** Who may have an answer; undefined when it takes more to tell, or a refusal. */
function identify(headers: HeaderReader, { auth }: ApiDeps): Actor | undefined {
  try {
    const actor = auth.identifyNow(headers);
    if (actor !== undefined) checkPolicy(PREDICT_POLICY, actor);
    return actor;
  } catch {
    return undefined;
  }
}

function hasUsualBody(headers: HeaderReader): boolean {
  if (headers.one("content-length") === undefined) return false;
  try {
    checkMediaType(headers.one("content-type"), PREDICT_TYPES);
    checkBodyHeaders((name) => headers.one(name), MAX_BYTES);
    return true;
  } catch {
    return false;
  }
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly actor: Actor;
  readonly deps: ApiDeps;
}

async function answer({ path, model }: PredictRoute, exchange: Exchange): Promise<void> {
  const { incoming, outgoing, actor, deps } = exchange;
  const requestId = randomUUID();
  try {
    const reply = await predict(
      model,
      {
        actor,
        requestId,
        requestKey: headersOfIncoming(incoming).one("x-request-id"),
        contentType: incoming.headers["content-type"],
        readBody: (limitBytes) => readNodeBody(incoming, limitBytes),
      },
      deps,
    );
    const body = JSON.stringify(reply);
    outgoing.writeHead(200, [
      ...JSON_HEADERS,
      "x-request-id",
      requestId,
      "content-length",
      String(Buffer.byteLength(body)),
    ]);
    outgoing.end(body);
  } catch (error) {
    if (outgoing.headersSent || outgoing.destroyed) return;
    const { status, headers, body } = errorReply(deps.logger, error, { requestId, path });
    outgoing.writeHead(status, { ...headers, "content-length": String(Buffer.byteLength(body)) });
    outgoing.end(body);
  }
}

const JSON_HEADERS: readonly string[] = [
  ...Object.entries(SECURITY_HEADERS).flat(),
  "content-type",
  "application/json",
];

/**
 * `predict` for requests that repeat on their connection (request-socket.ts): the same guard, handler and error
 * mapping once more, with the head as it was read the first time and the reply as text. Who asks is looked up
 * anew each time, as a key may have ended meanwhile.
 */
export function createRepeatedPredict(deps: ApiDeps): AnswerRepeated {
  const routes = new WeakMap<KnownHead, PredictRoute | null>();
  return (request) => {
    const { head } = request;
    let route = routes.get(head);
    if (route === undefined) routes.set(head, (route = repeatedRouteOf(head) ?? null));
    const actor = route === null ? undefined : identify(head.headers, deps);
    return route === null || actor === undefined
      ? undefined
      : answerRepeated(route, { request, actor, deps });
  };
}

/** What can be told of a head once and for all. */
function repeatedRouteOf({ method, url, headers }: KnownHead): PredictRoute | undefined {
  const route = method === "POST" ? predictRouteOf(url) : undefined;
  return route !== undefined && hasUsualBody(headers) ? route : undefined;
}

async function answerRepeated(
  { path, model }: PredictRoute,
  { request, actor, deps }: { request: RepeatedRequest; actor: Actor; deps: ApiDeps },
): Promise<string> {
  const requestId = randomUUID();
  const { head, body } = request;
  const readBody = (): Promise<Uint8Array> => Promise.resolve(body);
  try {
    const requestKey = head.headers.one("x-request-id");
    const exchange = { actor, requestId, requestKey, contentType: head.contentType, readBody };
    const reply = await predict(model, exchange, deps);
    const text = JSON.stringify(reply);
    return `${OK_HEAD}${requestId}\r\ncontent-length: ${Buffer.byteLength(text)}${headEnd()}${text}`;
  } catch (error) {
    const { status, headers, body: text } = errorReply(deps.logger, error, { requestId, path });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const first = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}`;
    return `${first}content-length: ${Buffer.byteLength(text)}${headEnd()}${text}`;
  }
}

const OK_HEAD = `HTTP/1.1 200 OK\r\n${Object.entries(SECURITY_HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join("")}content-type: application/json\r\nx-request-id: `;

let endedAt = 0;
let ending = "";

/** What Node itself adds to every reply; the date is written out once a second. */
function headEnd(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== endedAt) {
    endedAt = second;
    const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${IDLE_TIMEOUT_MS / 1_000}`;
    ending = `\r\nDate: ${new Date(second * 1_000).toUTCString()}\r\n${keepAlive}\r\n\r\n`;
  }
  return ending;
}
