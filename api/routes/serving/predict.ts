import { z } from "zod";
import { dataIdSchema, nameSchema } from "../../../schemas/names.ts";
import { isPlatformError, PlatformError } from "../../../schemas/platform-error.ts";
import { ERROR_CODES } from "../../../schemas/error-codes.ts";
import {
  predictAssetSchema,
  predictLiveSchema,
  predictReplySchema,
} from "../../../schemas/serving/prediction.ts";
import type { OnlineRow } from "../../../schemas/live/online-features.ts";
import type { PredictReply } from "../../../schemas/serving/prediction.ts";
import type { Actor } from "../../../stores/postgres/port.ts";
import type { ApiDeps } from "../../deps.ts";
import type { RoutePolicy } from "../../http/auth.ts";
import { readBody } from "../../http/body.ts";
import { headerOf } from "../../http/headers.ts";
import { invalidInput } from "../../http/on-error.ts";
import { parseStrictJson } from "../../../schemas/json/strict-json.ts";
import { ARROW_STREAM } from "../../arrow/open-table.ts";
import { readArrowRows } from "../../serving/arrow-rows.ts";
import type { FeatureQuestion } from "../../serving/online-feature-client.ts";
import { readRowTimes } from "../../serving/row-times.ts";
import type { EncodedRows, PredictCaller } from "../../serving/predictor.ts";
import { openRowsBody } from "../../serving/row-template.ts";
import type { ServedVersion } from "../../serving/served-version.ts";
import { requireVisible } from "../live/features.ts";
import { route } from "../route.ts";
import type { AnyRoute, RouteRequest } from "../route.ts";

const JSON_BYTES = 1_048_576;
const ARROW_BYTES = 64 * 2 ** 20;
const MAX_ROWS = 10_000;
const ROWS_MEMBERS: ReadonlySet<string> = new Set(["model", "assets", "times", "rows"]);

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
    const reply = isArrow
      ? await predictor.predict(...arrowInput(bytes, find(model)), caller)
      : await predictJson(bytes, { model, find, caller, predictor, live: liveRows(actor, deps) });
    ends(named, 200);
    return reply;
  } catch (thrown) {
    const isMissing = asked !== undefined && isPlatformError(thrown) && thrown.code === "no_champion";
    const error = isMissing ? await deps.predictor.explainMissing(asked ?? "", thrown) : thrown;
    ends(named, isPlatformError(error) ? ERROR_CODES[error.code].status : 500);
    throw error;
  }
}

function liveRows(actor: Actor, { database, features }: ApiDeps): JsonRequest["live"] {
  return async (question) => {
    await requireVisible(question.asset, actor, database);
    return features.row(question);
  };
}

function arrowInput(bytes: Uint8Array, version: ServedVersion): [ServedVersion, EncodedRows] {
  return [version, readArrowRows(bytes, version)];
}

interface JsonRequest {
  readonly model: string | undefined;
  readonly find: (name: string | undefined) => ServedVersion;
  readonly caller: PredictCaller;
  readonly predictor: ApiDeps["predictor"];
  /** Features of live readings, where the caller may see the asset. */
  readonly live: (question: FeatureQuestion) => Promise<OnlineRow>;
}

/** For so long API and scorers may have other versions after a promotion. */
const SWAP_MS = 2_000;
const SWAP_LOOK_MS = 50;

/** Features and answer are of one version: around a promotion it is asked again until both sides have the same. */
async function predictLive(
  asset: string,
  { find, caller, predictor, live }: Omit<JsonRequest, "model">,
  first: ServedVersion,
): Promise<PredictReply> {
  const { model } = first;
  for (const began = performance.now(); ;) {
    const row = await live({ asset, model });
    const version = find(model);
    if (row.digest === version.digest) return predictor.predictLive(version, row, caller);
    if (performance.now() - began > SWAP_MS)
      throw new PlatformError("features_unavailable", `predict [${model}]: the scorer has another version`);
    await new Promise((resolve) => setTimeout(resolve, SWAP_LOOK_MS));
  }
}

/** Plain rows are read straight from the bytes; whatever is unusual about a body goes the long way. */
function predictJson(
  bytes: Uint8Array,
  { model, find, caller, predictor, live }: JsonRequest,
): Promise<PredictReply> {
  const plain = openRowsBody(bytes);
  if (plain !== undefined && (model === undefined || plain.model === undefined || plain.model === model)) {
    const version = find(plain.model ?? model);
    const input = version.rowTemplate.read(bytes, plain.rowsAt, MAX_ROWS);
    if (input !== undefined) return predictor.predict(version, input, caller);
  }
  const body = asObject(parseStrictJson(bytes));
  const version = find(modelOf(body, model));
  if ("rows" in body) {
    const { rows, assets, times } = checkRows(body);
    version.rowTemplate.learn(rows[0] ?? {});
    const known = times === undefined ? undefined : readRowTimes(version.view, times);
    return predictor.predictRows(version, rows, { ...caller, assets, times: known });
  }
  if (!("readings" in body)) {
    const asked = predictLiveSchema.safeParse(body);
    if (!asked.success) throw invalidInput("invalid_body", "read body", asked.error);
    return predictLive(asked.data.asset, { find, caller, predictor, live }, version);
  }
  const parsed = predictAssetSchema.safeParse(body);
  if (!parsed.success) throw invalidInput("invalid_body", "read body", parsed.error);
  return predictor.predictAsset(version, parsed.data, caller);
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw refuse("(body)", "an object with rows, with asset and readings, or with asset alone");
}

function modelOf(body: Record<string, unknown>, fromPath: string | undefined): string | undefined {
  if (body["model"] === undefined) return fromPath;
  const parsed = nameSchema.safeParse(body["model"]);
  if (!parsed.success) throw invalidInput("invalid_name", "read body: model", parsed.error);
  if (fromPath === undefined || parsed.data === fromPath) return parsed.data;
  throw refuse("model", "the model of the path");
}

/**
 * The shape of `predictRowsSchema`, checked by hand: this is the hot path, and the signature looks at every
 * value anyway. A test holds the two equal.
 */
function checkRows(body: Record<string, unknown>): {
  rows: Record<string, unknown>[];
  assets?: string[];
  times?: unknown[];
} {
  const stranger = Object.keys(body).find((member) => !ROWS_MEMBERS.has(member));
  if (stranger !== undefined) throw refuse(stranger, "only model, assets, times and rows");
  const { rows, assets, times } = body;
  if (!Array.isArray(rows) || rows.length < 1 || rows.length > MAX_ROWS)
    throw refuse("rows", `1 to ${MAX_ROWS} rows`);
  rows.forEach((row, i) => {
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw refuse(`rows.${i}`, "an object");
  });
  if (times !== undefined && (!Array.isArray(times) || times.length !== rows.length))
    throw refuse("times", "one time or null per row");
  const timed = times === undefined ? {} : { times };
  if (assets === undefined) return { rows, ...timed };
  const ids = z.array(dataIdSchema).length(rows.length).safeParse(assets);
  if (!ids.success) throw refuse("assets", "one id per row");
  return { rows, assets: ids.data, ...timed };
}

function refuse(field: string, expected: string): PlatformError {
  return new PlatformError("invalid_body", `read body [${field}]: expected ${expected}`, {
    locations: [{ field, expected }],
  });
}
