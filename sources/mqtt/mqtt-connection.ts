import type { Socket } from "node:net";
import { randomUUID } from "node:crypto";
import type { IConnectPacket, IDisconnectPacket, IPublishPacket, Packet } from "mqtt-packet";
import { PacketSocket } from "./packet-socket.ts";
import { MqttRefusal, REASON } from "./reason.ts";
import type { ReasonName } from "./reason.ts";
import type { MqttClientInfo, MqttSession } from "./mqtt-server.ts";
import type { SharedFlow } from "./shared-flow.ts";

type Will = NonNullable<IConnectPacket["will"]>;

export interface MqttConnectionOptions {
  readonly maxPacketBytes: number;
  /** Of all connections of the server. */
  readonly flow: SharedFlow;
  readonly admit: (client: MqttClientInfo) => Promise<MqttSession>;
  readonly onConnected: (session: MqttSession, clientId: string) => void;
  readonly onEnd: (reason: Error | undefined) => void;
  readonly onRefused: (reason: string) => void;
  readonly sendWill: (session: MqttSession, clientId: string, will: Will) => void;
}

/** CONNECT must have arrived within this time, whatever drips in. */
const CONNECT_WITHIN_MS = 10_000;
const MAX_CONNECT_BYTES = 16_384;
/** Messages of one client that wait for their commit; more are not read. */
const MOST_IN_FLIGHT = 512;
const READ_ON_AT = 256;
/** And bytes of them. */
const MOST_BYTES = 4 * 2 ** 20;
const MAX_CLIENT_ID_BYTES = 256;

/** One client from CONNECT to its end. */
export class MqttConnection {
  readonly #options: MqttConnectionOptions;
  readonly #packets: PacketSocket;
  readonly #address: string;
  /** Under which the server knows it, once it is connected. */
  name: string | undefined;
  #state: "new" | "admitting" | "connected" | "ended" = "new";
  #clientId = "";
  #version = 4;
  #session: MqttSession | undefined;
  #will: Will | undefined;
  #nInFlight = 0;
  #bytesInFlight = 0;
  readonly #connectTimer: NodeJS.Timeout;
  /** Answers go out in the order of the messages. */
  #answers: Promise<void> = Promise.resolve();

  constructor(socket: Socket, options: MqttConnectionOptions) {
    this.#options = options;
    this.#address = socket.remoteAddress ?? "";
    this.#packets = new PacketSocket(socket, {
      maxPacketBytes: options.maxPacketBytes,
      maxFirstBytes: Math.min(MAX_CONNECT_BYTES, options.maxPacketBytes),
      firstByte: 0x10,
      onPacket: (packet) => this.#take(packet),
      onClose: (reason) => this.#ended(reason),
    });
    this.#connectTimer = setTimeout(
      () => this.#packets.close(new Error(`no connect in ${CONNECT_WITHIN_MS} ms`)),
      CONNECT_WITHIN_MS,
    );
  }

  get clientId(): string {
    return this.#clientId;
  }

  /** Ends it from this side; a client of MQTT 5 is told why. */
  end(reason: ReasonName, { isWillSent }: { readonly isWillSent: boolean }): void {
    if (!isWillSent) this.#will = undefined;
    if (this.#state === "connected" && this.#version === 5)
      this.#packets.write({ cmd: "disconnect", reasonCode: REASON[reason].code });
    this.#packets.close(new Error(reason));
  }

  #take(packet: Packet): void {
    if (this.#state === "new") {
      if (packet.cmd === "connect") void this.#connect(packet);
      else this.#packets.close(new Error(`${packet.cmd} before connect`));
      return;
    }
    if (this.#state !== "connected" || this.#session === undefined) return;
    switch (packet.cmd) {
      case "publish":
        this.#publish(packet, this.#session);
        return;
      case "pubrel":
        this.#packets.write({ cmd: "pubcomp", messageId: packet.messageId ?? 0, ...this.#reason("success") });
        return;
      case "pingreq":
        this.#packets.write({ cmd: "pingresp" });
        return;
      case "subscribe":
        this.#packets.write({
          cmd: "suback",
          messageId: packet.messageId ?? 0,
          granted: packet.subscriptions.map(() => (this.#version === 5 ? REASON.noSubscriptions.code : 0x80)),
        });
        return;
      case "unsubscribe":
        this.#packets.write({
          cmd: "unsuback",
          messageId: packet.messageId ?? 0,
          granted: packet.unsubscriptions.map(() => 0),
        });
        return;
      case "disconnect":
        this.#farewell(packet);
        return;
      // A second CONNECT, what only a server says, and an exchange that was never begun.
      case "connect":
      case "connack":
      case "suback":
      case "unsuback":
      case "puback":
      case "pubrec":
      case "pubcomp":
      case "pingresp":
      case "auth":
        this.end("protocolError", { isWillSent: true });
    }
  }

  async #connect(packet: IConnectPacket): Promise<void> {
    this.#state = "admitting";
    clearTimeout(this.#connectTimer);
    this.#version = packet.protocolVersion ?? 4;
    // What follows CONNECT waits with the other side.
    this.#packets.pause();
    try {
      this.#clientId = clientIdOf(packet, this.#version);
      if (packet.will !== undefined) checkTopic(packet.will.topic);
      this.#session = await this.#options.admit({
        clientId: this.#clientId,
        address: this.#address,
        ...(packet.username === undefined ? {} : { username: packet.username }),
        ...(packet.password === undefined ? {} : { password: packet.password }),
        ...(packet.will === undefined ? {} : { willTopic: packet.will.topic }),
      });
    } catch (error) {
      this.#refuseConnect(error);
      return;
    }
    if (this.#isEnded) return;
    this.#state = "connected";
    this.#will = packet.will;
    this.#packets.setSilence((packet.keepalive ?? 0) * 1_500);
    this.#options.onConnected(this.#session, this.#clientId);
    this.#packets.write(this.#connack(packet));
    this.#packets.resume();
  }

  #connack(packet: IConnectPacket): Packet {
    if (this.#version !== 5) return { cmd: "connack", returnCode: 0, sessionPresent: false };
    return {
      cmd: "connack",
      reasonCode: 0,
      sessionPresent: false,
      properties: {
        sessionExpiryInterval: 0,
        receiveMaximum: MOST_IN_FLIGHT,
        maximumPacketSize: this.#options.maxPacketBytes,
        wildcardSubscriptionAvailable: false,
        subscriptionIdentifiersAvailable: false,
        sharedSubscriptionAvailable: false,
        ...(packet.clientId === "" ? { assignedClientIdentifier: this.#clientId } : {}),
      },
    };
  }

  #refuseConnect(error: unknown): void {
    const reason = error instanceof MqttRefusal ? error.reason : "unavailable";
    const message = error instanceof Error ? error.message : String(error);
    this.#options.onRefused(`connect of ${JSON.stringify(this.#clientId.slice(0, 64))}: ${message}`);
    const { code, connack } = REASON[reason];
    this.#packets.write(
      this.#version === 5
        ? { cmd: "connack", reasonCode: code, sessionPresent: false }
        : { cmd: "connack", returnCode: connack === 0 ? 5 : connack, sessionPresent: false },
    );
    this.#packets.close(new Error(message));
  }

  #publish(packet: IPublishPacket, session: MqttSession): void {
    const bytes = packet.payload.length;
    this.#nInFlight++;
    this.#bytesInFlight += bytes;
    const { flow } = this.#options;
    flow.take(bytes);
    if (flow.isFull || this.#nInFlight >= MOST_IN_FLIGHT || this.#bytesInFlight >= MOST_BYTES)
      this.#packets.pause();
    const stored = this.#store(packet, session);
    this.#answers = this.#answers.then(async () => {
      const refusal = await stored;
      this.#nInFlight--;
      this.#bytesInFlight -= bytes;
      flow.give(bytes);
      if (refusal === undefined) this.#acknowledge(packet, "success");
      else this.#refusePublish(packet, refusal);
      if (this.#nInFlight <= READ_ON_AT && this.#bytesInFlight < MOST_BYTES && !this.#isEnded)
        flow.whenRoom(this.#readOn);
    });
  }

  readonly #readOn = (): void => this.#packets.resume();

  /** @returns why it was not stored */
  async #store(packet: IPublishPacket, session: MqttSession): Promise<unknown> {
    try {
      // An alias was never offered, and a topic is the first thing that is looked at.
      if (packet.properties?.topicAlias !== undefined)
        throw new MqttRefusal("topicAlias", "publish: there are no topic aliases");
      checkTopic(packet.topic);
      await session.publish(packet.topic, Buffer.from(packet.payload));
      return undefined;
    } catch (error) {
      return error ?? new Error("publish");
    }
  }

  #acknowledge({ qos, messageId = 0 }: IPublishPacket, reason: ReasonName): void {
    if (qos === 0) return;
    this.#packets.write({ cmd: qos === 1 ? "puback" : "pubrec", messageId, ...this.#reason(reason) });
  }

  /** MQTT 5 says no to the message; before it only the end of the connection does. */
  #refusePublish(packet: IPublishPacket, refusal: unknown): void {
    const message = refusal instanceof Error ? refusal.message : String(refusal);
    this.#options.onRefused(`publish of ${JSON.stringify(this.#clientId.slice(0, 64))}: ${message}`);
    if (
      refusal instanceof MqttRefusal &&
      this.#version === 5 &&
      packet.qos > 0 &&
      refusal.reason !== "topicAlias"
    )
      this.#acknowledge(packet, refusal.reason);
    else this.end(refusal instanceof MqttRefusal ? refusal.reason : "busy", { isWillSent: false });
  }

  #farewell({ reasonCode }: IDisconnectPacket): void {
    // 4: with will.
    if (this.#version !== 5 || reasonCode !== 4) this.#will = undefined;
    this.#packets.close();
  }

  #ended(reason: Error | undefined): void {
    const [session, will] = [this.#session, this.#will];
    const wasConnected = this.#state === "connected";
    this.#state = "ended";
    clearTimeout(this.#connectTimer);
    this.#options.flow.forget(this.#readOn);
    if (wasConnected && session !== undefined && will !== undefined)
      // Behind the readings that were sent before it.
      void this.#answers.then(() => this.#options.sendWill(session, this.#clientId, will));
    this.#options.onEnd(reason);
  }

  get #isEnded(): boolean {
    return this.#state === "ended";
  }

  #reason(reason: ReasonName): { readonly reasonCode?: number } {
    return this.#version === 5 ? { reasonCode: REASON[reason].code } : {};
  }
}

function clientIdOf({ clientId, clean }: IConnectPacket, version: number): string {
  if (Buffer.byteLength(clientId, "utf8") > MAX_CLIENT_ID_BYTES)
    throw new MqttRefusal("clientId", `client id: expected at most ${MAX_CLIENT_ID_BYTES} bytes`);
  if (clientId !== "") return clientId;
  if (version < 5 && clean !== true)
    throw new MqttRefusal("clientId", "client id: expected one, as a session is asked for");
  return `aura-${randomUUID()}`;
}

function checkTopic(topic: string): void {
  if (topic === "" || /[+#\0]/.test(topic) || Buffer.byteLength(topic, "utf8") > 1_024)
    throw new MqttRefusal(
      "topicInvalid",
      `topic ${JSON.stringify(topic.slice(0, 64))}: expected one without wildcards`,
    );
}
