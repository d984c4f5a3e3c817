import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { generate, parser } from "mqtt-packet";
import type { Packet } from "mqtt-packet";
import { afterEach, beforeEach, expect, it } from "vitest";
import { MqttServer } from "./mqtt-server.ts";
import { MqttRefusal } from "./reason.ts";

let server: MqttServer;
let published: { topic: string; text: string; store: () => void; refuse: (error: Error) => void }[];
let wills: string[];
const sockets: Socket[] = [];
beforeEach(async () => {
  [published, wills] = [[], []];
  server = await MqttServer.start({
    host: "127.0.0.1",
    port: 0,
    maxPacketBytes: 1_000,
    onEvent: () => undefined,
    admit: async ({ clientId, password }) => {
      if (password !== undefined) throw new MqttRefusal("credentials", "no");
      return {
        identity: "tester",
        publish: (topic, payload) =>
          new Promise((store, refuse) => {
            published.push({ topic, text: Buffer.from(payload).toString(), store, refuse });
          }),
        will: async (topic) => void wills.push(`${clientId} ${topic}`),
      };
    },
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

async function open(version: 4 | 5, more: object = {}) {
  const socket = connect(server.port, "127.0.0.1");
  sockets.push(socket);
  const received: Packet[] = [];
  const reader = parser({ protocolVersion: version });
  reader.on("packet", (packet) => received.push(packet));
  socket.on("data", (bytes) => reader.parse(bytes));
  socket.on("error", () => undefined);
  const send = (packet: object) => socket.write(generate(packet as Packet, { protocolVersion: version }));
  send({
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: version,
    clientId: "c",
    clean: true,
    keepalive: 0,
    ...more,
  });
  const expectPackets = async (count: number) => {
    while (received.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    return received;
  };
  return { socket, send, received, expectPackets };
}
const publish = (messageId: number, more: object = {}) => ({
  cmd: "publish",
  topic: "aura/pumps/p1",
  payload: `m${messageId}`,
  qos: 1,
  messageId,
  dup: false,
  retain: false,
  ...more,
});
const arePublished = async (count: number) => {
  while (published.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
};

it.each([4, 5] as const)(
  "acknowledges after the store, in the order of the messages, version %i",
  async (version) => {
    const { send, received, expectPackets } = await open(version);
    for (const id of [1, 2, 3]) send(publish(id, id === 3 ? { qos: 2 } : {}));
    await arePublished(3);
    await expectPackets(1);
    published[2]?.store();
    published[1]?.store();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(received).toHaveLength(1);
    published[0]?.store();
    expect((await expectPackets(4)).map(({ cmd, messageId }) => [cmd, messageId])).toEqual([
      ["connack", undefined],
      ["puback", 1],
      ["puback", 2],
      ["pubrec", 3],
    ]);
    send({ cmd: "pubrel", messageId: 3 });
    expect((await expectPackets(5))[4]).toMatchObject({ cmd: "pubcomp", messageId: 3 });
  },
);

it("does not read on while a client's messages wait, and loses none of them", async () => {
  const { send, expectPackets } = await open(4);
  for (let id = 1; id <= 2_000; id++) send(publish(id));
  await arePublished(512);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(published).toHaveLength(512);
  for (let done = 0; done < 2_000; done++) {
    await arePublished(done + 1);
    published[done]?.store();
  }
  const packets = await expectPackets(2_001);
  expect(packets.slice(1).map(({ messageId }) => messageId)).toEqual(
    Array.from({ length: 2_000 }, (_, i) => i + 1),
  );
});

it("reads packets that come byte by byte, and many that come at once", async () => {
  const { socket, send, expectPackets } = await open(4);
  await expectPackets(1);
  const bytes = Buffer.concat([1, 2, 3].map((id) => Buffer.from(generate(publish(id) as Packet))));
  for (const byte of bytes) socket.write(Uint8Array.of(byte));
  send({ cmd: "pingreq" });
  await arePublished(3);
  expect(published.map(({ text }) => text)).toEqual(["m1", "m2", "m3"]);
  for (const { store } of published) store();
  expect((await expectPackets(5)).map(({ cmd }) => cmd)).toContain("pingresp");
});

it("does not take its own waiting for the silence of a client", async () => {
  const { socket, send, expectPackets } = await open(4, { keepalive: 1 });
  for (let id = 1; id <= 600; id++) send(publish(id));
  await arePublished(512);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(socket.destroyed).toBe(false);
  for (let done = 0; done < 600; done++) {
    await arePublished(done + 1);
    published[done]?.store();
  }
  await expectPackets(601);
  // Now it is the client that says nothing.
  await once(socket, "close");
});

it("says no to one message with MQTT 5, and ends the connection with 3.1.1 or when the store is away", async () => {
  const five = await open(5);
  five.send(publish(1));
  await arePublished(1);
  published[0]?.refuse(new MqttRefusal("notAuthorized", "no"));
  expect((await five.expectPackets(2))[1]).toMatchObject({ cmd: "puback", reasonCode: 0x87 });
  five.send(publish(2));
  await arePublished(2);
  published[1]?.refuse(new Error("away"));
  await once(five.socket, "close");
  expect(five.received.map(({ cmd }) => cmd)).toEqual(["connack", "puback", "disconnect"]);
  const four = await open(4);
  four.send(publish(1));
  await arePublished(3);
  published[2]?.refuse(new MqttRefusal("topicInvalid", "no"));
  await once(four.socket, "close");
  expect(four.received.map(({ cmd }) => cmd)).toEqual(["connack"]);
});

it("sends a will behind the messages before it, after its delay, and not for a farewell", async () => {
  const will = { topic: "aura/pumps/w", payload: "" };
  const gone = await open(4, { will, clientId: "gone" });
  await gone.expectPackets(1);
  gone.send(publish(1));
  await arePublished(1);
  gone.socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(wills).toEqual([]);
  published[0]?.store();
  while (wills.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const polite = await open(4, { will, clientId: "polite" });
  await polite.expectPackets(1);
  polite.send({ cmd: "disconnect" });
  await once(polite.socket, "close");
  const delayed = { ...will, properties: { willDelayInterval: 1 } };
  const back = await open(5, { will: delayed, clientId: "back" });
  await back.expectPackets(1);
  back.socket.destroy();
  const again = await open(5, { clientId: "back" });
  await again.expectPackets(1);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  expect(wills).toEqual(["gone aura/pumps/w"]);
});

it.each<[string, number[]]>([
  ["a publish before connect", [...generate(publish(1) as Packet)]],
  ["a connect that is longer than any", [0x10, 0x80, 0x80, 0x01]],
  ["256 MB in four bytes", [0x10, 0xff, 0xff, 0xff, 0x7f]],
  ["a length without an end", [0x10, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ["another protocol", [...Buffer.from("GET / HTTP/1.1\r\n\r\n")]],
])("ends a connection that begins with %s", async (_, bytes) => {
  const socket = connect(server.port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => undefined);
  socket.write(Uint8Array.from(bytes));
  socket.resume();
  await once(socket, "close");
  expect(server.nConnections).toBe(0);
});

it.each([
  ["aura/+/p1", 4],
  ["aura/#", 4],
])("refuses to publish to %s", async (topic, version) => {
  const { send, socket } = await open(version as 4);
  send(publish(1, { topic: topic.replace(/[+#]/, "x") }));
  await arePublished(1);
  // The library would not write the wildcard itself.
  const bytes = Buffer.from(generate(publish(2, { topic: topic.replace(/[+#]/, "x") }) as Packet));
  bytes[bytes.indexOf("x")] = topic.includes("+") ? 0x2b : 0x23;
  socket.write(bytes);
  published[0]?.store();
  await once(socket, "close");
  expect(published).toHaveLength(1);
});

it("refuses a wrong password with its reason", async () => {
  const four = await open(4, { username: "u", password: Buffer.from("x") });
  expect((await four.expectPackets(1))[0]).toMatchObject({ cmd: "connack", returnCode: 4 });
  const five = await open(5, { username: "u", password: Buffer.from("x") });
  expect((await five.expectPackets(1))[0]).toMatchObject({ cmd: "connack", reasonCode: 0x86 });
});
