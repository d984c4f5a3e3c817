import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes } from "@platformatic/kafka";
import type { Message, MessagesStream } from "@platformatic/kafka";
import type { OriginOf } from "../../../schemas/live/feed-origin.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { MessageQueue } from "../message-queue.ts";
import type { Stream, StreamAdapter, StreamBatch, StreamMessage, Subscription } from "../stream.ts";

const MOST_MESSAGES = 5_000;
const MOST_BYTES = 8 * 2 ** 20;
/** From here on nothing more is fetched. */
const MOST_WAITING = 20_000;
const MOST_WAITING_BYTES = 32 * 2 ** 20;
const LAG_EVERY_MS = 5_000;
const FETCH_WAIT_MS = 500;
const SESSION_MS = 15_000;

/**
 * Topics of a Kafka cluster as one consumer group. Offsets are committed after the readings; what comes twice, after a crash or
 * when partitions move to another member, is stored once.
 */
export const kafkaAdapter: StreamAdapter<"kafka"> = {
  kind: "kafka",
  async subscribe({ feed, origin, signal }) {
    const consumer = new Consumer({
      clientId: `aura-${feed}`,
      groupId: origin.group ?? `aura-${feed}`,
      bootstrapBrokers: [...origin.brokers],
      // One process runs a feed. The one that follows a killed one is the same member, and need not wait for its session to end.
      groupInstanceId: `aura-${feed}`,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: SESSION_MS / 5,
      autocommit: false,
      retries: 3,
      ...securityOf(origin),
    });
    try {
      const stream = await consumer.consume({
        topics: [...origin.topics],
        autocommit: false,
        mode: MessagesStreamModes.COMMITTED,
        fallbackMode:
          origin.start === "oldest"
            ? MessagesStreamFallbackModes.EARLIEST
            : MessagesStreamFallbackModes.LATEST,
        maxWaitTime: FETCH_WAIT_MS,
      });
      return new KafkaStream({ consumer, stream, signal, topics: origin.topics });
    } catch (cause) {
      await end(consumer);
      throw away(cause);
    }
  },
};

function securityOf({ tls, sasl }: OriginOf<"kafka">) {
  return { ...(tls ? { tls: {} } : {}), ...(sasl === undefined ? {} : { sasl }) };
}

type Parts = Pick<Subscription<"kafka">, "signal"> & {
  readonly consumer: Consumer;
  readonly stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>;
  readonly topics: readonly string[];
};

class KafkaStream implements Stream {
  readonly #parts: Parts;
  readonly #received = new MessageQueue<Message>(({ value }) => value?.length ?? 0);
  /** Last message of each partition of the batch. */
  #lasts = new Map<string, Message>();
  #wake: (() => void) | undefined;
  #failure: Error | undefined;
  #nWaiting: number | undefined;
  #lagAskedAt = -Infinity;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { stream, signal } = parts;
    stream.on("data", (message) => {
      this.#received.push(message);
      if (this.#received.length >= MOST_WAITING || this.#received.bytes >= MOST_WAITING_BYTES) stream.pause();
      this.#wake?.();
    });
    stream.on("error", (error) => this.#fail(error));
    stream.on("close", () => this.#fail(new Error("the stream ended")));
    signal.addEventListener("abort", () => this.#fail(new Error("the feed was stopped")), { once: true });
  }

  async batch(): Promise<StreamBatch> {
    while (this.#received.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const messages = this.#received.take(MOST_MESSAGES, MOST_BYTES);
    const { stream } = this.#parts;
    const hasRoom = this.#received.length < MOST_WAITING / 2 && this.#received.bytes < MOST_WAITING_BYTES / 2;
    if (stream.isPaused() && hasRoom) stream.resume();
    this.#lasts = new Map(messages.map((message) => [`${message.topic} ${message.partition}`, message]));
    this.#askLag();
    return {
      // A tombstone says that a key is gone; it holds no reading.
      messages: messages.filter(({ value }) => value !== null && value !== undefined).map(messageOf),
      ...(this.#nWaiting === undefined ? {} : { nWaiting: this.#nWaiting }),
    };
  }

  async commit(): Promise<void> {
    try {
      for (const message of this.#lasts.values()) await message.commit();
    } catch (cause) {
      throw away(cause);
    }
    this.#lasts.clear();
  }

  async close(): Promise<void> {
    await end(this.#parts.consumer);
  }

  /** Beside the messages: who asks for the lag does not wait for it. */
  #askLag(): void {
    const now = Date.now();
    if (now - this.#lagAskedAt < LAG_EVERY_MS) return;
    this.#lagAskedAt = now;
    const { consumer, topics } = this.#parts;
    consumer.getLag({ topics: [...topics] }).then(
      (lags) => {
        const known = [...lags.values()].flat().filter((lag) => lag > 0n);
        this.#nWaiting = Number(known.reduce((sum, lag) => sum + lag, 0n));
      },
      () => undefined,
    );
  }

  #fail(error: Error): void {
    this.#failure ??= away(error);
    this.#wake?.();
  }
}

/** Whatever was under way; what was not committed comes again. */
function end(consumer: Consumer): Promise<void> {
  return new Promise((resolve) => consumer.close(true, () => resolve()));
}

function messageOf({ value, key, topic, partition, offset, timestamp }: Message): StreamMessage {
  return {
    body: value,
    topic,
    place: `${topic} ${partition} ${offset}`,
    sentAt: Number(timestamp),
    ...(key === null || key === undefined ? {} : { key: key.toString("utf8") }),
  };
}

function away(cause: unknown): PlatformError {
  if (cause instanceof PlatformError) return cause;
  return new PlatformError("source_unavailable", `Kafka: ${deepestReason(cause)}`, { cause });
}

/** The library wraps what went wrong in what it did. */
function deepestReason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return deepestReason(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? deepestReason(error.cause) : error.message;
}
