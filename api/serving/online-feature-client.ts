import { Agent, request } from "node:http";
import { ERROR_CODES } from "../../schemas/error-codes.ts";
import type { ErrorCode } from "../../schemas/error-codes.ts";
import { featureFeedsSchema, featureHistoryReplySchema } from "../../schemas/live/online-features.ts";
import type {
  FeatureFeeds,
  FeatureHistory,
  FeatureHistoryRequest,
  OnlineFeatures,
  OnlineRow,
} from "../../schemas/live/online-features.ts";
import { shardOf } from "../../schemas/live/shard.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import type { OnlineStore, ScorerAddress } from "../../stores/postgres/port/online.ts";
import type { FeatureCache } from "../../stores/redis/feature-cache.ts";
import { agedReply, newerOf, RememberedFeatures } from "./remembered-features.ts";

export interface OnlineFeatureClientOptions {
  readonly owners: OnlineStore["owners"];
  /** Shared with the scorers; without it this process remembers its own answers. */
  readonly cache?: Pick<FeatureCache, "get" | "close">;
  /** How long a scorer that does not answer, or does not own the asset any more, is waited for, in ms. */
  readonly patienceMs?: number;
}

export interface FeatureQuestion {
  readonly asset: string;
  readonly model: string | undefined;
  /** A version beside the champion. */
  readonly digest?: string;
}

/** Owners are asked for again in the background when they are this old. */
const OWNERS_FRESH_MS = 1_000;
const PATIENCE_MS = 1_500;
const RETRY_MS = 50;
const TIMEOUT_MS = 2_000;
/** A thousand rows are as many reads of the store. */
const HISTORY_TIMEOUT_MS = 60_000;

/**
 * Asks scorers for the features of live readings. Who owns which asset is kept in memory, so that a question makes no
 * round trip to the database; a scorer that is gone is looked for again, for as long as a takeover may take.
 */
export class OnlineFeatureClient {
  readonly #options: OnlineFeatureClientOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #remembered = new RememberedFeatures();
  #owners: ReadonlyMap<number, ScorerAddress> = new Map();
  #readAt = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(options: OnlineFeatureClientOptions) {
    this.#options = options;
  }

  /**
   * What a scorer answers has the shape that our own process gives it, and is not checked again.
   *
   * @throws {PlatformError} what the scorer says; features_unavailable: none answers
   */
  async features(question: FeatureQuestion): Promise<OnlineFeatures> {
    return (await this.#askOrRemember("features", question)) as OnlineFeatures;
  }

  /** The same for a prediction. */
  async row(question: FeatureQuestion): Promise<OnlineRow> {
    return (await this.#askOrRemember("row", question)) as OnlineRow;
  }

  /** Features as they were; any scorer can say. */
  async history(asked: FeatureHistoryRequest): Promise<FeatureHistory> {
    const asset = asked.rows[0]?.asset ?? "";
    const body = JSON.stringify(asked);
    const reply = await this.#patiently(async () =>
      this.#send(await this.#ownerOf(asset), {
        path: "/history",
        asset,
        body,
        timeoutMs: HISTORY_TIMEOUT_MS,
      }),
    );
    return featureHistoryReplySchema.parse(reply);
  }

  /** Every champion and what feeds it; any scorer can say. */
  async feeds(): Promise<FeatureFeeds> {
    const reply = await this.#patiently(async () =>
      this.#send(await this.#ownerOf(""), { path: "/feeds", asset: "feeds", timeoutMs: TIMEOUT_MS }),
    );
    return featureFeedsSchema.parse(reply);
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.#options.cache?.close();
  }

  /** While no scorer answers, what is remembered is given at once, with its age. */
  async #askOrRemember(form: "features" | "row", question: FeatureQuestion): Promise<unknown> {
    const { asset, model, digest } = question;
    // What a rollout brings is asked for anew: without a scorer the champion answers.
    if (digest !== undefined) return this.#askTwice(form, question);
    const key = `${form} ${model ?? ""} ${asset}`;
    try {
      const reply = (await this.#askTwice(form, question)) as OnlineFeatures | OnlineRow;
      this.#remembered.keep(key, { cachedAt: Date.now(), reply });
      return reply;
    } catch (error) {
      if (!isPlatformError(error) || error.code !== "features_unavailable") throw error;
      this.#readAt = -Infinity;
      const shared = model === undefined ? undefined : await this.#options.cache?.get(model, asset);
      const known = newerOf(form, this.#remembered.find(key), shared);
      if (known === undefined) return this.#ask(form, question);
      this.#remembered.keep(key, known);
      return agedReply(known, Date.now());
    }
  }

  #ask(form: "features" | "row", question: FeatureQuestion): Promise<unknown> {
    return this.#patiently(() => this.#askOnce(form, question));
  }

  /** The second time of whoever owns the asset by then. */
  async #askTwice(form: "features" | "row", question: FeatureQuestion): Promise<unknown> {
    try {
      return await this.#askOnce(form, question);
    } catch (error) {
      if (!isPlatformError(error) || error.code !== "features_unavailable") throw error;
      this.#readAt = -Infinity;
      return this.#askOnce(form, question);
    }
  }

  async #askOnce(form: "features" | "row", { asset, model, digest }: FeatureQuestion): Promise<unknown> {
    const query = new URLSearchParams({
      asset,
      ...(model === undefined ? {} : { model }),
      ...(digest === undefined ? {} : { digest }),
    });
    const path = `/${form}?${query.toString()}`;
    return this.#send(await this.#ownerOf(asset), { path, asset, timeoutMs: TIMEOUT_MS });
  }

  async #patiently(ask: () => Promise<unknown>): Promise<unknown> {
    const until = performance.now() + (this.#options.patienceMs ?? PATIENCE_MS);
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        const isAway = isPlatformError(error) && error.code === "features_unavailable";
        if (!isAway || performance.now() > until) throw error;
        this.#readAt = -Infinity;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #ownerOf(asset: string): Promise<ScorerAddress> {
    const age = performance.now() - this.#readAt;
    if (age > OWNERS_FRESH_MS) {
      const reading = this.#read();
      // What was known a moment ago is used meanwhile.
      if (age === Infinity) await reading;
      else reading.catch(() => undefined);
    }
    const owner = this.#owners.get(shardOf(asset));
    if (owner !== undefined) return owner;
    throw unavailable(asset, "no scorer owns its shard");
  }

  #read(): Promise<void> {
    this.#reading ??= this.#options
      .owners()
      .then((owners) => {
        this.#owners = new Map(owners.map(({ shard, ...owner }) => [shard, owner]));
        this.#readAt = performance.now();
      })
      .finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  #send({ url, secret }: ScorerAddress, { path, asset, body, timeoutMs }: ScorerRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => reject(unavailable(asset, "the scorer does not answer", cause));
      const asked = request(
        `${url}${path}`,
        {
          agent: this.#agent,
          timeout: timeoutMs,
          method: body === undefined ? "GET" : "POST",
          headers: {
            authorization: `Bearer ${secret}`,
            ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", fail);
          response.on("end", () => {
            try {
              const reply: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
              if (response.statusCode === 200) resolve(reply);
              else reject(refusalOf(reply, asset));
            } catch (error) {
              fail(error);
            }
          });
        },
      );
      asked.on("timeout", () => asked.destroy(new Error(`no answer in ${timeoutMs} ms`)));
      asked.on("error", fail);
      asked.end(body);
    });
  }
}

interface ScorerRequest {
  readonly path: string;
  /** For messages. */
  readonly asset: string;
  readonly body?: string;
  readonly timeoutMs: number;
}

function refusalOf(reply: unknown, asset: string): PlatformError {
  const { code, message } = reply as { readonly code?: string; readonly message?: string };
  if (code !== undefined && Object.hasOwn(ERROR_CODES, code))
    return new PlatformError(code as ErrorCode, message ?? "the scorer refused");
  return unavailable(asset, "the scorer refused");
}

function unavailable(asset: string, why: string, cause?: unknown): PlatformError {
  return new PlatformError(
    "features_unavailable",
    `read features [${asset}]: ${why}`,
    cause === undefined ? {} : { cause },
  );
}
