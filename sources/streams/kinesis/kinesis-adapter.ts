import {
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ProvisionedThroughputExceededException,
  ResourceNotFoundException,
} from "@aws-sdk/client-kinesis";
import type { GetRecordsCommandOutput, GetShardIteratorCommandInput } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { z } from "zod";
import { spanMs } from "../../../schemas/live/source.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { pause } from "../pause.ts";
import type { Stream, StreamAdapter, StreamBatch, StreamMessage, Subscription } from "../stream.ts";

const positionSchema = z.object({
  /** When the feed began, in ms since 1970: where it begins in shards it has read nothing of, if it begins at the newest. */
  begunAt: z.number(),
  /** Sequence number of the last stored record of each shard; `end`: it was closed and all of it is stored. */
  shards: z.record(z.string(), z.string()),
});
type Position = z.infer<typeof positionSchema>;

const END = "end";
/** Of one request; Kinesis gives at most 10,000. */
const RECORDS = 5_000;
const SHARDS_EVERY_MS = 30_000;
const REQUEST_WITHIN_MS = 20_000;

/** A Kinesis stream, all its shards. The checkpoint is the position of the feed, written after the readings. */
export const kinesisAdapter: StreamAdapter<"kinesis"> = {
  kind: "kinesis",
  async subscribe(subscription) {
    const { region, endpoint } = subscription.origin;
    const client = new KinesisClient({
      region,
      maxAttempts: 3,
      // The library's own is HTTP/2, which servers that are not AWS may not speak.
      requestHandler: new NodeHttpHandler({ connectionTimeout: 5_000, requestTimeout: REQUEST_WITHIN_MS }),
      ...(endpoint === undefined ? {} : { endpoint }),
    });
    return new KinesisStream(subscription, client);
  },
};

class KinesisStream implements Stream {
  readonly #subscription: Subscription<"kinesis">;
  readonly #client: KinesisClient;
  readonly #position: Position;
  readonly #iterators = new Map<string, string>();
  #shards: readonly string[] = [];
  #shardsAt = -Infinity;
  #isNew: boolean;

  constructor(subscription: Subscription<"kinesis">, client: KinesisClient) {
    this.#subscription = subscription;
    this.#client = client;
    const position = positionSchema.safeParse(subscription.position);
    this.#isNew = !position.success;
    this.#position = position.success
      ? { begunAt: position.data.begunAt, shards: { ...position.data.shards } }
      : { begunAt: Date.now(), shards: {} };
  }

  async batch(): Promise<StreamBatch> {
    const { origin, signal } = this.#subscription;
    if (this.#isNew) {
      // When it began is kept before anything is read.
      this.#isNew = false;
      return { messages: [], position: { ...this.#position } };
    }
    try {
      while (!signal.aborted) {
        await this.#findShards();
        const messages: StreamMessage[] = [];
        let isMoved = false;
        for (const shard of this.#shards) isMoved = (await this.#read(shard, messages)) || isMoved;
        if (isMoved)
          return { messages, position: { ...this.#position, shards: { ...this.#position.shards } } };
        await pause(spanMs(origin.every), signal);
      }
    } catch (cause) {
      throw failureOf(cause, origin.stream);
    }
    return { messages: [] };
  }

  async commit(): Promise<void> {
    // Kinesis keeps nothing of us: the position does.
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  /** New shards appear when old ones are split; a shard that has gone with its records is forgotten. */
  async #findShards(): Promise<void> {
    if (Date.now() - this.#shardsAt < SHARDS_EVERY_MS) return;
    const { stream } = this.#subscription.origin;
    const names: string[] = [];
    let next: string | undefined;
    do {
      const input = next === undefined ? { StreamName: stream } : { NextToken: next };
      const reply = await this.#client.send(new ListShardsCommand(input), this.#limits());
      names.push(...(reply.Shards ?? []).flatMap(({ ShardId: id }) => id ?? []));
      next = reply.NextToken;
    } while (next !== undefined);
    for (const shard of Object.keys(this.#position.shards))
      if (!names.includes(shard)) delete this.#position.shards[shard];
    this.#shards = names.filter((name) => this.#position.shards[name] !== END);
    this.#shardsAt = Date.now();
  }

  /** @returns whether the position moved on */
  async #read(shard: string, messages: StreamMessage[]): Promise<boolean> {
    const reply = await this.#records(shard);
    if (reply === undefined) return false;
    const records = reply.Records ?? [];
    for (const {
      Data: body,
      PartitionKey: key,
      SequenceNumber: n,
      ApproximateArrivalTimestamp: at,
    } of records)
      messages.push({
        body: body ?? new Uint8Array(),
        place: `${shard} ${n}`,
        ...(key === undefined ? {} : { key }),
        ...(at === undefined ? {} : { sentAt: at.getTime() }),
      });
    const last = records.at(-1)?.SequenceNumber;
    if (last !== undefined) this.#position.shards[shard] = last;
    if (reply.NextShardIterator !== undefined) {
      this.#iterators.set(shard, reply.NextShardIterator);
      return last !== undefined;
    }
    this.#position.shards[shard] = END;
    this.#shards = this.#shards.filter((name) => name !== shard);
    // Its successors are there by now.
    this.#shardsAt = -Infinity;
    return true;
  }

  async #records(shard: string): Promise<GetRecordsCommandOutput | undefined> {
    const iterator = this.#iterators.get(shard) ?? (await this.#iteratorOf(shard));
    if (iterator === undefined) return undefined;
    try {
      return await this.#client.send(
        new GetRecordsCommand({ ShardIterator: iterator, Limit: RECORDS }),
        this.#limits(),
      );
    } catch (error) {
      if (error instanceof ExpiredIteratorException) this.#iterators.delete(shard);
      // More readers than the shard allows: the next look asks again.
      else if (!(error instanceof ProvisionedThroughputExceededException)) throw error;
      return undefined;
    }
  }

  async #iteratorOf(shard: string): Promise<string | undefined> {
    const reply = await this.#client.send(
      new GetShardIteratorCommand(this.#beginningOf(shard)),
      this.#limits(),
    );
    return reply.ShardIterator;
  }

  #beginningOf(shard: string): GetShardIteratorCommandInput {
    const { stream, start } = this.#subscription.origin;
    const place = { StreamName: stream, ShardId: shard };
    const last = this.#position.shards[shard];
    if (last !== undefined)
      return { ...place, ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: last };
    if (start === "oldest") return { ...place, ShardIteratorType: "TRIM_HORIZON" };
    // Not LATEST, which after a restart would be later than the feed's beginning.
    return { ...place, ShardIteratorType: "AT_TIMESTAMP", Timestamp: new Date(this.#position.begunAt) };
  }

  #limits(): { readonly abortSignal: AbortSignal } {
    return {
      abortSignal: AbortSignal.any([this.#subscription.signal, AbortSignal.timeout(REQUEST_WITHIN_MS)]),
    };
  }
}

function failureOf(cause: unknown, stream: string): PlatformError {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  const code = cause instanceof ResourceNotFoundException ? "invalid_feed" : "source_unavailable";
  return new PlatformError(code, `read Kinesis stream [${stream}]: ${reason}`, { cause });
}
