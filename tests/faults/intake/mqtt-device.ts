import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { generate, parser } from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import type { Ledger, SentReading } from "./ledger.ts";
import { readingBody } from "./reading-series.ts";
import type { ReadingSeries } from "./reading-series.ts";

export interface MqttDeviceOptions {
  readonly port: number;
  readonly source: string;
  readonly clientId: string;
  readonly series: ReadingSeries;
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}

/** Messages that are on their way at once. */
const WINDOW = 20;
const AGAIN_MS = 50;
const REST_MS = 20;
/** A connection on which nothing comes back is given up. */
const SILENCE_MS = 10_000;
const MAX_MESSAGE_ID = 65_535;

/**
 * Publishes one reading a message with QoS 1, a window of them at a time. What has no PUBACK when the connection breaks is published
 * again on the next one, as MQTT clients do.
 */
export async function runMqttDevice(options: MqttDeviceOptions): Promise<void> {
  const unacknowledged = new Map<number, SentReading>();
  let lastId = 0;
  const take = (): [number, SentReading] => {
    lastId = (lastId % MAX_MESSAGE_ID) + 1;
    const reading = options.series.next();
    options.ledger.sent(1);
    unacknowledged.set(lastId, reading);
    return [lastId, reading];
  };
  while (!options.signal.aborted) {
    await runConnection(options, unacknowledged, take);
    await sleep(AGAIN_MS);
  }
}

/** From CONNECT until the connection breaks, however it does. */
async function runConnection(
  { port, source, clientId, ledger, signal }: MqttDeviceOptions,
  unacknowledged: Map<number, SentReading>,
  take: () => [number, SentReading],
): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const end = (): void => void socket.destroy();
  signal.addEventListener("abort", end, { once: true });
  const publish = ([messageId, reading]: [number, SentReading], dup: boolean): void =>
    send(socket, {
      cmd: "publish",
      topic: `aura/${source}/${reading.asset}`,
      payload: JSON.stringify(readingBody(reading)),
      qos: 1,
      messageId,
      dup,
      retain: false,
    });
  const reader = parser({ protocolVersion: 4 });
  reader.on("error", end);
  reader.on("packet", (packet) => {
    if (packet.cmd === "connack") {
      const again = [...unacknowledged];
      for (const one of again) publish(one, true);
      for (let n = again.length; n < WINDOW; n++) publish(take(), false);
    } else if (packet.cmd === "puback") {
      const reading = unacknowledged.get(packet.messageId ?? 0);
      if (reading === undefined) return;
      unacknowledged.delete(packet.messageId ?? 0);
      ledger.acknowledged("mqtt", [reading]);
      if (unacknowledged.size > 0) return;
      setTimeout(() => {
        for (let n = 0; n < WINDOW && !socket.destroyed; n++) publish(take(), false);
      }, REST_MS);
    }
  });
  socket.on("data", (bytes) => reader.parse(bytes));
  socket.on("error", end);
  socket.setTimeout(SILENCE_MS, end);
  send(socket, {
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clientId,
    clean: true,
    keepalive: 0,
  });
  await closed;
  signal.removeEventListener("abort", end);
}

function send(socket: Socket, packet: Packet): void {
  socket.write(generate(packet));
}
