import { z } from "zod";
import { nameSchema } from "../../../schemas/names.ts";
import { isPlatformError } from "../../../schemas/platform-error.ts";
import { ERROR_CODES } from "../../../schemas/error-codes.ts";
import { predictReplySchema } from "../../../schemas/serving/prediction.ts";
import type { PredictReply } from "../../../schemas/serving/prediction.ts";
import type { Actor } from "../../../stores/postgres/port.ts";
import type { ApiDeps } from "../../deps.ts";
import type { RoutePolicy } from "../../http/auth.ts";
import { readBody } from "../../http/body.ts";
import { headerOf } from "../../http/headers.ts";
import { ARROW_STREAM } from "../../arrow/open-table.ts";
import type { PredictCaller } from "../../serving/predictor.ts";
import type { ServedVersion } from "../../serving/served-version.ts";
import { requireVisible } from "../live/features.ts";
import { arrowBody, jsonBody } from "./predict-body.ts";
import type { JsonBodyGiven, PredictBody } from "./predict-body.ts";
import { route } from "../route.ts";
import type { AnyRoute, RouteRequest } from "../route.ts";

const JSON_BYTES = 1_048_576;
const ARROW_BYTES = 64 * 2 ** 20;

export const PREDICT_TYPES: readonly string[] = ["application/json", ARROW_STREAM];
export const PREDICT_POLICY: RoutePolicy = { role: "viewer", scope: "any" };

const described = {
  tag: "predict",
  policy: PREDICT_POLICY,
  body: {
    kind: "raw",
    types: PREDICT_TYPES,
    description:
      "`{rows: [{feature: value}], assets?, times?}`, or `{asset, readings: [{t, column: value}], attributes?, events?}` (`t`: the cycle, or a time as the source declares it; ISO 8601 with an offset always), or `{asset}` alone, whose live readings are then looked at, as JSON up to 1 MiB; or rows as an Arrow IPC stream up to 64 MiB.",
  },
  query: z.strictObject({
    explain: z.coerce
      .number()
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe("List this many of the largest contributions beside each answer, of at most 100 rows."),
  }),
  reply: predictReplySchema,
} as const;

export const predictRoutes: readonly AnyRoute[] = [
  route({
    ...described,
    method: "post",
    path: "/predict",
    summary: "Predict with the champion; `model` may be left out where only one is served.",
    handle: (request, deps) => predict(undefined, exchangeOf(request, request.query), deps),
  }),
  route({
    ...described,
    method: "post",
    path: "/v1/models/{model}/predict",
    summary: "Predict with the champion of a model.",
    params: z.strictObject({ model: nameSchema }),
    handle: (request, deps) => predict(request.params.model, exchangeOf(request, request.query), deps),
  }),
];

/** What `predict` needs of a request, however it came in. */
export interface PredictExchange {
  readonly actor: Actor;
  readonly requestId: string;
  /** The caller's own id of the request (`x-request-id`): the same one is answered by the same version of a rollout. */
  readonly requestKey?: string | undefined;
  readonly contentType: string | undefined;
  /** Contributions to list beside each answer. */
  readonly explain?: number | undefined;
  /** Whole body; throws when it is larger. */
  readonly readBody: (limitBytes: number) => Promise<Uint8Array>;
}

function exchangeOf(
  { context, actor, requestId }: RouteRequest<unknown, unknown, unknown>,
  { explain }: { readonly explain?: number | undefined },
): PredictExchange {
  return {
    explain,
    actor,
    requestId,
    requestKey: headerOf(context, "x-request-id"),
    contentType: headerOf(context, "content-type"),
    readBody: (limitBytes) => readBody(context, limitBytes),
  };
}

/** @throws {PlatformError} invalid_json, invalid_body, no_champion, not_found (no such model), what the predictor throws */
export async function predict(
  model: string | undefined,
  exchange: PredictExchange,
  deps: ApiDeps,
): Promise<PredictReply> {
  const ends = deps.metrics.predictBegins();
  let named = "";
  let asked: string | undefined;
  try {
    const { predictor } = deps;
    const find = (name: string | undefined): ServedVersion => {
      asked = name;
      const version = predictor.version(name);
      named = version.model;
      return version;
    };
    const { actor, requestId, explain } = exchange;
    const caller: PredictCaller = { actor: actor.id, requestId, explain };
    const isArrow = exchange.contentType?.startsWith(ARROW_STREAM) === true;
    const bytes = await exchange.readBody(isArrow ? ARROW_BYTES : JSON_BYTES);
    const body = isArrow
      ? arrowBody(bytes, { model, predictor })
      : jsonBody(bytes, { model, predictor, live: liveRows(actor, deps) });
    const champion = find(body.model);
    const requestKey = exchange.requestKey ?? requestId;
    const reply = await answerBesides(body, { champion, caller, predictor, requestKey });
    ends(named, 200);
    return reply;
  } catch (thrown) {
    const isMissing = asked !== undefined && isPlatformError(thrown) && thrown.code === "no_champion";
    const error = isMissing ? await deps.predictor.explainMissing(asked ?? "", thrown) : thrown;
    ends(named, isPlatformError(error) ? ERROR_CODES[error.code].status : 500);
    throw error;
  }
}

function liveRows(actor: Actor, { database, features }: ApiDeps): JsonBodyGiven["live"] {
  return async (question) => {
    await requireVisible(question.asset, actor, database);
    return features.row(question);
  };
}

/** While a rollout goes on, the version that it brings may answer, or is compared after the reply. */
function answerBesides(
  body: PredictBody,
  given: {
    readonly champion: ServedVersion;
    readonly caller: PredictCaller;
    readonly predictor: ApiDeps["predictor"];
    readonly requestKey: string;
  },
): Promise<PredictReply> {
  const { champion, caller, predictor, requestKey } = given;
  const candidate = predictor.candidateBeside(champion);
  if (candidate === undefined) return body.answer(champion, caller);
  const { actor, requestId } = caller;
  return predictor.answerInRollout(candidate, {
    assets: () => body.assets(champion),
    requestKey,
    answer: (version, by) =>
      body.answer(version, by?.role === "shadow" ? { actor, requestId, by } : { ...caller, by }),
    replyOf: (reply) => reply,
  });
}
