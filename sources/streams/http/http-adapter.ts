import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { parseStrictJson } from "../../../schemas/json/strict-json.ts";
import { spanMs } from "../../../schemas/live/source.ts";
import { isPlatformError, PlatformError } from "../../../schemas/platform-error.ts";
import { pullUrl } from "../../http/pull.ts";
import { readFileRows } from "../folder/file-rows.ts";
import { itemsOf, valueAt } from "../item-path.ts";
import { pause } from "../pause.ts";
import type { Stream, StreamAdapter, StreamBatch, StreamMessage, Subscription } from "../stream.ts";

type Mark = string | number;

const markSchema = z.union([z.string(), z.number()]);
const positionSchema = z.object({
  /** The server is asked for what is newer than this. */
  since: markSchema.nullable(),
  /** Newest of the pages so far; it is `since` once the last page is stored. */
  newest: markSchema.nullable(),
  /** The next page; null: the last one was read. */
  cursor: markSchema.nullable(),
  /** Of the answer before: the same answer again brings nothing. */
  sha256: z.string().nullable(),
});
type Position = z.infer<typeof positionSchema>;

/** Whole answers lie in memory. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;
const ANSWER_WITHIN_MS = 60_000;

/** A server that is asked again and again: for all, for what is newer than the newest, or page by page. */
export const httpAdapter: StreamAdapter<"http"> = {
  kind: "http",
  subscribe: async (subscription) => new HttpStream(subscription),
};

class HttpStream implements Stream {
  readonly #subscription: Subscription<"http">;
  readonly #file: string;
  #position: Position;
  #isFirst = true;

  constructor(subscription: Subscription<"http">) {
    this.#subscription = subscription;
    this.#file = join(subscription.policy.scratchDir, `answer-${subscription.feed}`);
    const position = positionSchema.safeParse(subscription.position);
    const since = subscription.origin.since?.start ?? null;
    this.#position = position.success ? position.data : { since, newest: since, cursor: null, sha256: null };
  }

  async batch(): Promise<StreamBatch> {
    const { origin, signal } = this.#subscription;
    if (!this.#isFirst && this.#position.cursor === null) await pause(spanMs(origin.every), signal);
    this.#isFirst = false;
    if (signal.aborted) return { messages: [] };
    const { sha256 } = await this.#pull();
    const isSame = sha256 === this.#position.sha256 && this.#position.cursor === null;
    const messages = isSame ? [] : placed(await this.#messages(), sha256);
    this.#advance(messages, sha256);
    return messages.length === 0 ? { messages } : { messages, position: { ...this.#position } };
  }

  async commit(): Promise<void> {
    // The server keeps nothing of us.
  }

  async close(): Promise<void> {
    await rm(this.#file, { force: true });
  }

  async #pull(): Promise<{ readonly sha256: string }> {
    const { origin, feed, policy, signal } = this.#subscription;
    const url = new URL(origin.url);
    const { since, cursor } = this.#position;
    if (origin.since !== undefined && since !== null)
      url.searchParams.set(origin.since.parameter, String(since));
    if (origin.cursor !== undefined && cursor !== null)
      url.searchParams.set(origin.cursor.parameter, String(cursor));
    try {
      return await pullUrl(url.href, {
        path: this.#file,
        name: feed,
        maxBytes: MAX_ANSWER_BYTES,
        timeoutMs: ANSWER_WITHIN_MS,
        // The feed is begun again by itself.
        attempts: 1,
        mayBeEmpty: true,
        allowLoopback: policy.allowLoopback,
        signal,
        ...(origin.headers === undefined ? {} : { headers: origin.headers }),
      });
    } catch (error) {
      if (!isPlatformError(error) || error.code !== "invalid_pipeline") throw error;
      throw new PlatformError("invalid_feed", error.message, { cause: error });
    }
  }

  async #messages(): Promise<StreamMessage[]> {
    const { origin, feed, policy } = this.#subscription;
    if (origin.format === "json") {
      const bytes = await readFile(this.#file);
      return bytes.length === 0 ? [] : [{ body: bytes }];
    }
    const messages: StreamMessage[] = [];
    const file = { path: this.#file, name: feed, format: origin.format, from: 0 };
    for await (const group of readFileRows(file, policy))
      for (const { body, isText } of group)
        messages.push({ body, ...(isText === undefined ? {} : { isText }) });
    return messages;
  }

  #advance(messages: readonly StreamMessage[], sha256: string): void {
    const { origin, itemsPath } = this.#subscription;
    const documents = messages.map(({ body }) => documentOf(body));
    let newest = this.#position.newest;
    if (origin.since !== undefined)
      for (const document of documents)
        for (const item of itemsOf(itemsPath === undefined ? document : valueAt(itemsPath, document))) {
          const mark = markSchema.safeParse(valueAt(origin.since.field, item));
          if (mark.success && (newest === null || isNewer(mark.data, newest))) newest = mark.data;
        }
    const next = origin.cursor === undefined ? undefined : valueAt(origin.cursor.field, documents[0]);
    const cursor = markSchema.safeParse(next);
    const hasNext = cursor.success && cursor.data !== "" && cursor.data !== this.#position.cursor;
    this.#position = {
      since: hasNext ? this.#position.since : newest,
      newest,
      cursor: hasNext ? cursor.data : null,
      sha256,
    };
  }
}

/** The same answer has the same things in the same places. */
const placed = (messages: readonly StreamMessage[], sha256: string): StreamMessage[] =>
  messages.map((message, i) => ({ ...message, place: `${sha256} ${i}` }));

/** For looking into; what cannot be read is set aside by who stores it. */
function documentOf(body: unknown): unknown {
  if (!(body instanceof Uint8Array)) return body;
  try {
    return parseStrictJson(body);
  } catch {
    return undefined;
  }
}

/** Numbers by size, times by time whatever their offset, other texts by their letters. */
function isNewer(a: Mark, b: Mark): boolean {
  if (typeof a === "number" && typeof b === "number") return a > b;
  const [x, y] = [numberOf(a), numberOf(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y) && x !== y) return x > y;
  return String(a) > String(b);
}

const numberOf = (mark: Mark): number => {
  const number = Number(mark);
  return Number.isNaN(number) ? Date.parse(String(mark)) : number;
};
