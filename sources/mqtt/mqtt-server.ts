/**
 * The embedded MQTT endpoint: a broker that takes readings and delivers nothing. MQTT 3.1, 3.1.1 and 5; QoS 0, 1 and 2.
 *
 * PUBACK and PUBREC follow `publish`, which resolves after the database commit, in the order of the PUBLISH packets.
 * A client whose messages wait for their commit is not read from until there is room: memory does not grow, and nobody is
 * cut off for being fast. Subscriptions are refused; sessions are not kept, since nothing is ever to be delivered.
 */
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { IConnectPacket } from "mqtt-packet";
import { MqttConnection } from "./mqtt-connection.ts";
import { SharedFlow } from "./shared-flow.ts";

export interface MqttServerOptions {
  readonly host: string;
  readonly port: number;
  readonly maxPacketBytes?: number;
  readonly maxConnections?: number;
  /** Says who may do what. @throws {MqttRefusal} CONNECT is refused */
  readonly admit: (client: MqttClientInfo) => Promise<MqttSession>;
  readonly onEvent: (event: MqttEvent) => void;
}

export interface MqttClientInfo {
  readonly clientId: string;
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly address: string;
  /** Its last will would go there. */
  readonly willTopic?: string;
}

/** What one client may do. */
export interface MqttSession {
  /** Clients of one identity share names: a second one of the same name ends the first. */
  readonly identity: string;
  /** Resolves when the readings are stored. @throws {MqttRefusal} it may not, or not there */
  publish(topic: string, payload: Uint8Array): Promise<void>;
  /** The client went without a farewell. */
  will(topic: string, payload: Uint8Array): Promise<void>;
}

export interface MqttEvent {
  readonly what: "connected" | "disconnected" | "refused";
  readonly clientId?: string;
  readonly reason?: string;
}

const MAX_PACKET_BYTES = 2 ** 20;
const MAX_CONNECTIONS = 10_000;
/** Longest delay of a will that is honoured. */
const MAX_WILL_DELAY_S = 86_400;
/** Wills that wait at once; another one is sent without its delay. */
const MAX_DELAYED_WILLS = 10_000;

export class MqttServer {
  readonly #options: MqttServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<MqttConnection>();
  readonly #named = new Map<string, MqttConnection>();
  readonly #flow = new SharedFlow();
  readonly #delayedWills = new Map<string, NodeJS.Timeout>();
  #isClosed = false;

  private constructor(options: MqttServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  }

  /** @throws the error of listening */
  static async start(options: MqttServerOptions): Promise<MqttServer> {
    const server = new MqttServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once("error", reject);
      server.#server.listen(options.port, options.host, resolve);
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get nConnections(): number {
    return this.#connections.size;
  }

  /** Ends every connection; wills are not sent, as it is not the devices that went. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#delayedWills.values()) clearTimeout(timer);
    for (const connection of this.#connections) connection.end("busy", { isWillSent: false });
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    const connection = new MqttConnection(socket, {
      maxPacketBytes: this.#options.maxPacketBytes ?? MAX_PACKET_BYTES,
      flow: this.#flow,
      admit: this.#options.admit,
      onConnected: (session, clientId) => this.#connected(connection, `${session.identity}/${clientId}`),
      onEnd: (reason) => this.#ended(connection, reason),
      onRefused: (reason) => this.#options.onEvent({ what: "refused", reason }),
      sendWill: (session, clientId, will) => this.#sendWill(session, `${session.identity}/${clientId}`, will),
    });
    this.#connections.add(connection);
  }

  #connected(connection: MqttConnection, name: string): void {
    clearTimeout(this.#delayedWills.get(name));
    this.#delayedWills.delete(name);
    // The same device on a new connection: the old one is a leftover, and its will would be wrong.
    this.#named.get(name)?.end("takenOver", { isWillSent: false });
    this.#named.set(name, connection);
    connection.name = name;
    this.#options.onEvent({ what: "connected", clientId: connection.clientId });
  }

  #ended(connection: MqttConnection, reason: Error | undefined): void {
    this.#connections.delete(connection);
    if (connection.name === undefined) return;
    if (this.#named.get(connection.name) === connection) this.#named.delete(connection.name);
    this.#options.onEvent({
      what: "disconnected",
      clientId: connection.clientId,
      ...(reason === undefined ? {} : { reason: reason.message }),
    });
  }

  #sendWill(session: MqttSession, name: string, will: NonNullable<IConnectPacket["will"]>): void {
    if (this.#isClosed) return;
    const send = (): void => {
      this.#delayedWills.delete(name);
      session.will(will.topic, Buffer.from(will.payload)).catch((error: unknown) => {
        this.#options.onEvent({ what: "refused", reason: `last will: ${String(error)}` });
      });
    };
    const delayS = Math.min(will.properties?.willDelayInterval ?? 0, MAX_WILL_DELAY_S);
    if (delayS === 0 || this.#delayedWills.size >= MAX_DELAYED_WILLS) send();
    else this.#delayedWills.set(name, setTimeout(send, delayS * 1_000).unref());
  }
}
