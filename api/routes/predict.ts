import { z } from "zod";
import { dataIdSchema, nameSchema } from "../../schemas/names.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import { ERROR_CODES } from "../../schemas/error-codes.ts";
import { predictAssetSchema, predictReplySchema } from "../../schemas/prediction.ts";
import type { PredictReply } from "../../schemas/prediction.ts";
import type { ApiDeps } from "../deps.ts";
import { readBody } from "../http/body.ts";
import { headerOf } from "../http/headers.ts";
import { invalidInput } from "../http/on-error.ts";
import { parseStrictJson } from "../http/strict-json.ts";
import { ARROW_STREAM, readArrowRows } from "../serving/arrow-rows.ts";
import type { PredictCaller } from "../serving/predictor.ts";
import { route } from "./route.ts";
import type { AnyRoute, RouteRequest } from "./route.ts";

const JSON_BYTES = 1_048_576;
const ARROW_BYTES = 64 * 2 ** 20;
const MAX_ROWS = 10_000;
const ROWS_MEMBERS: ReadonlySet<string> = new Set(["model", "assets", "rows"]);

const described = {
  tag: "predict",
  policy: { role: "viewer", scope: "any" },
  body: {
    kind: "raw",
    types: ["application/json", ARROW_STREAM],
    description:
      "`{rows: [{feature: value}]}`, or `{asset, readings: [{t, column: value}], attributes?, events?}`, as JSON up to 1 MiB; or rows as an Arrow IPC stream up to 64 MiB.",
  },
  reply: predictReplySchema,
} as const;

export const predictRoutes: readonly AnyRoute[] = [
  route({
    ...described,
    method: "post",
    path: "/predict",
    summary: "Predict with the champion; `model` may be left out where only one is served.",
    handle: (request, deps) => predict(undefined, request, deps),
  }),
  route({
    ...described,
    method: "post",
    path: "/v1/models/{model}/predict",
    summary: "Predict with the champion of a model.",
    params: z.strictObject({ model: nameSchema }),
    handle: (request, deps) => predict(request.params.model, request, deps),
  }),
];

type PredictRouteRequest = RouteRequest<unknown, unknown, unknown>;

async function predict(
  model: string | undefined,
  request: PredictRouteRequest,
  deps: ApiDeps,
): Promise<PredictReply> {
  const ends = deps.metrics.predictBegins();
  let named = "";
  try {
    const reply = await answer(model, request, { deps, onModel: (name) => (named = name) });
    ends(named, 200);
    return reply;
  } catch (error) {
    ends(named, isPlatformError(error) ? ERROR_CODES[error.code].status : 500);
    throw error;
  }
}

async function answer(
  model: string | undefined,
  { context: c, actor, requestId }: PredictRouteRequest,
  { deps, onModel }: { deps: ApiDeps; onModel: (name: string) => void },
): Promise<PredictReply> {
  const { predictor } = deps;
  const caller: PredictCaller = { actor: actor.id, requestId };
  const find = (name: string | undefined) => {
    const version = predictor.version(name);
    onModel(version.model);
    return version;
  };
  if (headerOf(c, "content-type")?.startsWith(ARROW_STREAM) === true) {
    const version = find(model);
    return predictor.predict(version, readArrowRows(await readBody(c, ARROW_BYTES), version), caller);
  }
  const body = asObject(parseStrictJson(await readBody(c, JSON_BYTES)));
  const version = find(modelOf(body, model));
  if ("rows" in body) {
    const { rows, assets } = checkRows(body);
    return predictor.predictRows(version, rows, { ...caller, assets });
  }
  const parsed = predictAssetSchema.safeParse(body);
  if (!parsed.success) throw invalidInput("invalid_body", "read body", parsed.error);
  return predictor.predictAsset(version, parsed.data, caller);
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw refuse("(body)", "an object with rows, or with asset and readings");
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
function checkRows(body: Record<string, unknown>): { rows: Record<string, unknown>[]; assets?: string[] } {
  const stranger = Object.keys(body).find((member) => !ROWS_MEMBERS.has(member));
  if (stranger !== undefined) throw refuse(stranger, "only model, assets and rows");
  const { rows, assets } = body;
  if (!Array.isArray(rows) || rows.length < 1 || rows.length > MAX_ROWS)
    throw refuse("rows", `1 to ${MAX_ROWS} rows`);
  rows.forEach((row, i) => {
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw refuse(`rows.${i}`, "an object");
  });
  if (assets === undefined) return { rows };
  const ids = z.array(dataIdSchema).length(rows.length).safeParse(assets);
  if (!ids.success) throw refuse("assets", "one id per row");
  return { rows, assets: ids.data };
}

function refuse(field: string, expected: string): PlatformError {
  return new PlatformError("invalid_body", `read body [${field}]: expected ${expected}`, {
    locations: [{ field, expected }],
  });
}
