import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { generate } from "mqtt-packet";

/** One message to be published with QoS 1. */
export interface MqttMessage {
  readonly topic: string;
  readonly payload: string;
}

export interface PublishedMessages {
  /** Messages that were acknowledged. */
  readonly acknowledged: number;
  /** From the first message until the last acknowledgement. */
  readonly seconds: number;
}

/** Of CONNACK and PUBACK alike, in MQTT 3.1.1. */
const REPLY_BYTES = 4;
const CONNACK = 0x20;
const PUBACK = 0x40;
/** Unacknowledged messages of a connection; ids of messages are told apart within it. */
const WINDOW = 256;
const LAST_ID = 65_535;

/**
 * Publishes with QoS 1 (MQTT 3.1.1) as fast as it is acknowledged, for so long or until there is nothing left. Packets are
 * made before the clock starts: the publisher shares the machine with the one who is measured.
 *
 * @throws {Error} when a connection is refused, ends, or answers with anything but PUBACK
 */
export async function publishAll(
  port: number,
  messages: readonly MqttMessage[],
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<PublishedMessages> {
  const packets = Array.from({ length: connections }, (_, connection) =>
    messages
      .filter((__, i) => i % connections === connection)
      .map(({ topic, payload }, i) =>
        generate({
          cmd: "publish",
          topic,
          payload,
          qos: 1,
          messageId: (i % LAST_ID) + 1,
          dup: false,
          retain: false,
        }),
      ),
  );
  const sockets = await Promise.all(packets.map((_, i) => openSocket(port, `bench-${i}`)));
  const began = performance.now();
  const until = began + seconds * 1_000;
  const acknowledged = await Promise.all(
    sockets.map((socket, i) => publish(socket, packets[i] ?? [], until)),
  );
  const took = (performance.now() - began) / 1_000;
  for (const socket of sockets) socket.destroy();
  return { acknowledged: acknowledged.reduce((sum, n) => sum + n, 0), seconds: took };
}

async function openSocket(port: number, clientId: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").setNoDelay();
  await once(socket, "connect");
  socket.write(generate({ cmd: "connect", clientId, protocolVersion: 4, clean: true, keepalive: 0 }));
  const [reply] = (await once(socket, "data")) as [Buffer];
  if (reply[0] !== CONNACK || reply[3] !== 0)
    throw new Error(`MQTT: refused with [${reply.toString("hex")}]`);
  return socket;
}

function publish(socket: Socket, packets: readonly Buffer[], until: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let acknowledged = 0;
    let rest = 0;
    const send = (): void => {
      const n =
        performance.now() < until ? Math.min(WINDOW - (sent - acknowledged), packets.length - sent) : 0;
      if (n > 0) socket.write(Buffer.concat(packets.slice(sent, sent + n)));
      sent += n;
      if (acknowledged === sent) resolve(acknowledged);
    };
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`MQTT: the connection ended after ${acknowledged} messages`)));
    socket.on("data", (bytes) => {
      const first = (REPLY_BYTES - rest) % REPLY_BYTES;
      for (let i = first; i < bytes.length; i += REPLY_BYTES)
        if (bytes[i] !== PUBACK) return reject(new Error(`MQTT: expected PUBACK, got ${bytes[i]}`));
      acknowledged += Math.floor((rest + bytes.length) / REPLY_BYTES);
      rest = (rest + bytes.length) % REPLY_BYTES;
      send();
    });
    send();
  });
}
