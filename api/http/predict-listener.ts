import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { predict, PREDICT_POLICY, PREDICT_TYPES } from "../routes/predict.ts";
import type { ApiDeps } from "../deps.ts";
import { checkPolicy } from "./auth.ts";
import type { Actor } from "../../stores/postgres/port.ts";
import { checkBodyHeaders, checkMediaType, readNodeBody } from "./body.ts";
import { headersOfIncoming, incomingHeader, SECURITY_HEADERS } from "./headers.ts";
import { errorReply } from "./on-error.ts";

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
    const actor = route === undefined ? undefined : admit(incoming, deps);
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

function admit(incoming: IncomingMessage, { auth }: ApiDeps): Actor | undefined {
  try {
    const actor = auth.identifyNow(headersOfIncoming(incoming));
    if (actor === undefined || incoming.headers["content-length"] === undefined) return undefined;
    checkPolicy(PREDICT_POLICY, actor);
    checkMediaType(incoming.headers["content-type"], PREDICT_TYPES);
    checkBodyHeaders((name) => incomingHeader(incoming, name), MAX_BYTES);
    return actor;
  } catch {
    return undefined;
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
