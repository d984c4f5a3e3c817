import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { IConnackPacket, IPublishPacket, ISubackPacket, Packet } from "mqtt-packet";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { PacketSocket } from "../../mqtt/packet-socket.ts";
import { MessageQueue } from "../message-queue.ts";
import type { Stream, StreamAdapter, StreamBatch, StreamMessage, Subscription } from "../stream.ts";

const KEEP_ALIVE_S = 30;
const CONNECT_WITHIN_MS = 10_000;
const MAX_PACKET_BYTES = 16 * 2 ** 20;
const MOST_MESSAGES = 5_000;
const MOST_BYTES = 16 * 2 ** 20;
/** QoS 0 comes without being asked for: from here on the broker is no longer read. */
const MOST_WAITING = 10_000;
const MOST_WAITING_BYTES = 32 * 2 ** 20;
/** A broker keeps the session of a feed that is away for this long, if it keeps any. */
const SESSION_S = 7 * 86_400;

/**
 * Any MQTT broker. The session is kept by the broker under the client id, and a message is acknowledged to it after the commit.
 *
 * What the broker acknowledged to a device before it passed the message on is the broker's own promise.
 */
export const mqttAdapter: StreamAdapter<"mqtt"> = {
  kind: "mqtt",
  async subscribe(subscription) {
    const stream = new MqttStream(subscription);
    await stream.open();
    return stream;
  },
};

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class MqttStream implements Stream {
  readonly #subscription: Subscription<"mqtt">;
  readonly #packets: PacketSocket;
  readonly #version: 4 | 5;
  readonly #socket: Socket;
  readonly #received = new MessageQueue<IPublishPacket>(({ payload }) => payload.length);
  #unacknowledged: readonly IPublishPacket[] = [];
  #waiting: Waiting | undefined;
  #replies = new Map<Packet["cmd"], (packet: Packet) => void>();
  #failure: Error | undefined;
  #ping: NodeJS.Timeout | undefined;

  constructor(subscription: Subscription<"mqtt">) {
    this.#subscription = subscription;
    const { origin } = subscription;
    const url = new URL(origin.url);
    const isTls = url.protocol === "mqtts:";
    const target = {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || (isTls ? 8883 : 1883)),
    };
    this.#version = origin.version === "5" ? 5 : 4;
    this.#socket = isTls ? connectTls({ ...target, servername: target.host }) : connectTcp(target);
    this.#packets = new PacketSocket(this.#socket, {
      maxPacketBytes: MAX_PACKET_BYTES,
      // CONNACK.
      firstByte: 0x20,
      version: this.#version,
      onPacket: (packet) => this.#take(packet),
      onClose: (reason) => this.#fail(reason ?? new Error("the broker ended the connection")),
    });
    this.#packets.setSilence(CONNECT_WITHIN_MS);
    subscription.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  async open(): Promise<void> {
    const { origin } = this.#subscription;
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.once(origin.url.startsWith("mqtts:") ? "secureConnect" : "connect", resolve);
    });
    this.#packets.setSilence(KEEP_ALIVE_S * 1_500);
    requireAccepted((await this.#ask(this.#connectPacket(), "connack")) as IConnackPacket, origin.url);
    const subscriptions = origin.topics.map((topic) => ({ topic, qos: 1 as const }));
    const suback = (await this.#ask(
      { cmd: "subscribe", messageId: 1, subscriptions },
      "suback",
    )) as ISubackPacket;
    const refused = origin.topics.filter((_, i) => Number(suback.granted[i] ?? 0x80) >= 0x80);
    if (refused.length > 0)
      throw new PlatformError(
        "invalid_feed",
        `subscribe [${refused.join(", ")}]: the broker does not allow it`,
      );
    this.#ping = setInterval(() => this.#packets.write({ cmd: "pingreq" }), KEEP_ALIVE_S * 1_000);
  }

  async batch(): Promise<StreamBatch> {
    if (this.#received.length === 0)
      await new Promise<void>((resolve, reject) => {
        if (this.#failure !== undefined) reject(this.#failure);
        else this.#waiting = { resolve, reject };
      });
    const packets = this.#received.take(MOST_MESSAGES, MOST_BYTES);
    if (this.#received.length < MOST_WAITING / 2 && this.#received.bytes < MOST_WAITING_BYTES / 2)
      this.#packets.resume();
    this.#unacknowledged = packets;
    return { messages: packets.map(messageOf), nWaiting: this.#received.length };
  }

  async commit(): Promise<void> {
    for (const { qos, messageId = 0 } of this.#unacknowledged)
      if (qos > 0) this.#packets.write({ cmd: qos === 1 ? "puback" : "pubrec", messageId });
    this.#unacknowledged = [];
  }

  async close(): Promise<void> {
    clearInterval(this.#ping);
    this.#subscription.signal.removeEventListener("abort", this.#onAbort);
    if (this.#failure === undefined) this.#packets.write({ cmd: "disconnect" });
    this.#packets.close();
  }

  readonly #onAbort = (): void => this.#fail(new Error("the feed was stopped"));

  #connectPacket(): Packet {
    const { origin, feed } = this.#subscription;
    const url = new URL(origin.url);
    const username = origin.username ?? decodeURIComponent(url.username);
    const password = origin.password ?? decodeURIComponent(url.password);
    return {
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: this.#version,
      clientId: origin.clientId ?? `aura-${feed}`,
      clean: false,
      keepalive: KEEP_ALIVE_S,
      ...(username === "" ? {} : { username }),
      ...(password === "" ? {} : { password: Buffer.from(password) }),
      ...(this.#version === 5
        ? { properties: { sessionExpiryInterval: SESSION_S, receiveMaximum: MOST_MESSAGES } }
        : {}),
    };
  }

  #ask(packet: Packet, reply: Packet["cmd"]): Promise<Packet> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#waiting = { resolve: () => undefined, reject };
      this.#replies.set(reply, resolve);
      this.#packets.write(packet);
    });
  }

  #take(packet: Packet): void {
    if (packet.cmd === "publish") {
      this.#received.push(packet);
      if (this.#received.length >= MOST_WAITING || this.#received.bytes >= MOST_WAITING_BYTES)
        this.#packets.pause();
      if (this.#replies.size === 0) this.#wake();
      return;
    }
    // The second half of QoS 2: what it released is stored since its PUBREC.
    if (packet.cmd === "pubrel") this.#packets.write({ cmd: "pubcomp", messageId: packet.messageId ?? 0 });
    const reply = this.#replies.get(packet.cmd);
    this.#replies.delete(packet.cmd);
    reply?.(packet);
    if (packet.cmd === "disconnect") this.#packets.close(new Error(`the broker says ${packet.reasonCode}`));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }

  #fail(reason: Error): void {
    this.#failure ??= new PlatformError("source_unavailable", `MQTT broker: ${reason.message}`, {
      cause: reason,
    });
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(this.#failure);
    this.#packets.close();
  }
}

function requireAccepted({ returnCode, reasonCode }: IConnackPacket, url: string): void {
  const code = reasonCode ?? returnCode ?? 0;
  if (code === 0) return;
  // Away for a moment (3, 0x88, 0x89, 0x97) is not the same as not allowed.
  const isAway = [3, 0x88, 0x89, 0x97].includes(code);
  throw new PlatformError(
    isAway ? "source_unavailable" : "invalid_feed",
    `connect to MQTT broker [${new URL(url).host}]: it refuses with code ${code}`,
  );
}

const messageOf = ({ topic, payload }: IPublishPacket): StreamMessage => ({
  topic,
  body: Buffer.from(payload),
});
