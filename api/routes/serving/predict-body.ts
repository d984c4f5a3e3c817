import { z } from "zod";
import type { OnlineRow } from "../../../schemas/live/online-features.ts";
import { dataIdSchema, nameSchema } from "../../../schemas/names.ts";
import { parseStrictJson } from "../../../schemas/json/strict-json.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { predictAssetSchema, predictLiveSchema } from "../../../schemas/serving/prediction.ts";
import type { PredictReply } from "../../../schemas/serving/prediction.ts";
import { invalidInput } from "../../http/on-error.ts";
import { readArrowRows } from "../../serving/arrow-rows.ts";
import type { FeatureQuestion } from "../../serving/online-feature-client.ts";
import type { EncodedRows, PredictCaller, Predictor } from "../../serving/predictor.ts";
import { haveSameFeatures } from "../../serving/rollout/same-features.ts";
import { readRowTimes } from "../../serving/row-times.ts";
import { openRowsBody } from "../../serving/row-template.ts";
import type { PlainBody } from "../../serving/row-template.ts";
import type { ServedVersion } from "../../serving/served-version.ts";

const MAX_ROWS = 10_000;
const ROWS_MEMBERS: ReadonlySet<string> = new Set(["model", "assets", "times", "rows"]);
/** For so long API and scorers may have other versions after a promotion. */
const SWAP_MS = 2_000;
const SWAP_LOOK_MS = 50;

/** What was asked, read once and answered by whichever version: each encodes it by its own signature. */
export interface PredictBody {
  /** The model it names, or that of the path. */
  readonly model: string | undefined;
  /** Assets it is about, as far as it says. */
  assets(champion: ServedVersion): readonly (string | null)[] | undefined;
  /** @throws {PlatformError} invalid_json, invalid_body, what the predictor throws */
  answer(version: ServedVersion, caller: PredictCaller): Promise<PredictReply>;
}

/** Rows as an Arrow IPC stream. */
export function arrowBody(
  bytes: Uint8Array,
  given: { readonly model: string | undefined; readonly predictor: Predictor },
): PredictBody {
  const inputs = new Map<ServedVersion, EncodedRows>();
  const inputOf = (version: ServedVersion): EncodedRows => {
    let input = inputs.get(version);
    if (input === undefined) inputs.set(version, (input = readArrowRows(bytes, version)));
    return input;
  };
  return {
    model: given.model,
    assets: (champion) => inputOf(champion).assets,
    answer: async (version, caller) => given.predictor.predict(version, inputOf(version), caller),
  };
}

export interface JsonBodyGiven {
  /** Of the path. */
  readonly model: string | undefined;
  readonly predictor: Predictor;
  /** Features of live readings, where the caller may see the asset. */
  readonly live: (question: FeatureQuestion) => Promise<OnlineRow>;
}

/** Plain rows are read straight from the bytes; whatever is unusual about a body goes the long way. */
export function jsonBody(bytes: Uint8Array, given: JsonBodyGiven): PredictBody {
  return new JsonBody(bytes, given);
}

class JsonBody implements PredictBody {
  readonly model: string | undefined;
  readonly #bytes: Uint8Array;
  readonly #given: JsonBodyGiven;
  readonly #plain: PlainBody | undefined;
  #parsed: Record<string, unknown> | undefined;
  #read: { readonly version: ServedVersion; readonly input: EncodedRows | undefined } | undefined;
  /** Features that were answered with: another version is asked of the same. */
  #row: Promise<OnlineRow> | undefined;

  constructor(bytes: Uint8Array, given: JsonBodyGiven) {
    this.#bytes = bytes;
    this.#given = given;
    const { model } = given;
    const plain = openRowsBody(bytes);
    const isOfPath = model === undefined || plain?.model === undefined || plain.model === model;
    this.#plain = isOfPath ? plain : undefined;
    this.model = this.#plain === undefined ? modelOf(this.#body, model) : (this.#plain.model ?? model);
  }

  assets(champion: ServedVersion): readonly string[] | undefined {
    if (this.#plainInput(champion) !== undefined) return undefined;
    const body = this.#body;
    if ("rows" in body) return checkRows(body).assets;
    const asset = dataIdSchema.safeParse(body["asset"]);
    return asset.success ? [asset.data] : undefined;
  }

  async answer(version: ServedVersion, caller: PredictCaller): Promise<PredictReply> {
    const { predictor } = this.#given;
    const input = this.#plainInput(version);
    if (input !== undefined) return predictor.predict(version, input, caller);
    const body = this.#body;
    if ("rows" in body) {
      const { rows, assets, times } = checkRows(body);
      version.rowTemplate.learn(rows[0] ?? {});
      const known = times === undefined ? undefined : readRowTimes(version.view, times);
      return predictor.predictRows(version, rows, { ...caller, assets, times: known });
    }
    if (!("readings" in body)) return this.#answerLive(version, caller);
    const parsed = predictAssetSchema.safeParse(body);
    if (!parsed.success) throw invalidInput("invalid_body", "read body", parsed.error);
    return predictor.predictAsset(version, parsed.data, caller);
  }

  /** Features and answer are of one version: around a promotion it is asked again until both sides have the same. */
  async #answerLive(asked: ServedVersion, caller: PredictCaller): Promise<PredictReply> {
    const { predictor, live } = this.#given;
    const parsed = predictLiveSchema.safeParse(this.#body);
    if (!parsed.success) throw invalidInput("invalid_body", "read body", parsed.error);
    const { asset } = parsed.data;
    const { model, digest } = asked;
    const found = predictor.version(model);
    if (predictor.candidateBeside(found)?.served === asked && !haveSameFeatures(found, asked))
      return predictor.predictLive(asked, await live({ asset, model, digest }), caller);
    for (const began = performance.now(); ;) {
      const row = await (this.#row ??= live({ asset, model }));
      const champion = predictor.version(model);
      const isBeside = predictor.candidateBeside(champion)?.served === asked;
      if (row.digest === champion.digest && (isBeside ? haveSameFeatures(champion, asked) : true))
        return predictor.predictLive(isBeside ? asked : champion, row, caller);
      this.#row = undefined;
      if (performance.now() - began > SWAP_MS)
        throw new PlatformError("features_unavailable", `predict [${model}]: the scorer has another version`);
      await new Promise((resolve) => setTimeout(resolve, SWAP_LOOK_MS));
    }
  }

  get #body(): Record<string, unknown> {
    this.#parsed ??= asObject(parseStrictJson(this.#bytes));
    return this.#parsed;
  }

  #plainInput(version: ServedVersion): EncodedRows | undefined {
    if (this.#plain === undefined) return undefined;
    if (this.#read?.version !== version) {
      const input = version.rowTemplate.read(this.#bytes, this.#plain.rowsAt, MAX_ROWS);
      this.#read = { version, input };
    }
    return this.#read.input;
  }
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
