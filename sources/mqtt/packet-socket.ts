/**
 * MQTT packets over one socket, either side of it.
 *
 * Packets are cut out of the stream here and not in the library, which would collect whatever length a packet claims: the four
 * bytes that say 256 MB end the connection at once. What waits in memory is at most one packet and one chunk.
 */
import type { Socket } from "node:net";
import { generate, parser } from "mqtt-packet";
import type { Packet } from "mqtt-packet";

export interface PacketSocketOptions {
  readonly maxPacketBytes: number;
  /** Of the client side, which knows it from the start; the other side learns it from CONNECT. */
  readonly version?: number;
  /** First byte that the other side may send: who speaks another protocol is told at once. */
  readonly firstByte: number;
  readonly onPacket: (packet: Packet) => void;
  /** Once, with the reason where there is one. */
  readonly onClose: (reason: Error | undefined) => void;
}

/** A packet type and its remaining length, or what is still missing of them. */
type Head = { readonly begin: number; readonly end: number } | "incomplete";

const MAX_LENGTH_BYTES = 4;

export class PacketSocket {
  readonly #socket: Socket;
  readonly #options: PacketSocketOptions;
  readonly #parser: ReturnType<typeof parser>;
  #pending: Buffer = Buffer.alloc(0);
  #version: number | undefined;
  #isClosed = false;
  #isPaused = false;
  #isFirst = true;

  constructor(socket: Socket, options: PacketSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#version = options.version;
    this.#parser = parser(options.version === undefined ? {} : { protocolVersion: options.version });
    this.#parser.on("packet", (packet) => {
      if (packet.cmd === "connect") this.#version = packet.protocolVersion;
      if (!this.#isClosed) options.onPacket(packet);
    });
    this.#parser.on("error", (error: Error) => this.close(error));
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error) => this.close(error));
    socket.on("close", () => this.close());
    socket.on("timeout", () => this.close(new Error("keep alive: silence")));
  }

  /** Milliseconds of silence after which the connection ends; 0: never. */
  setSilence(ms: number): void {
    this.#socket.setTimeout(ms);
  }

  write(packet: Packet): void {
    if (this.#isClosed) return;
    this.#socket.write(
      generate(packet, this.#version === undefined ? {} : { protocolVersion: this.#version }),
    );
  }

  /** What has not been read stays with the other side. */
  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#take(Buffer.alloc(0));
    if (!this.#isPaused) this.#socket.resume();
  }

  /** Sends what was written, and ends. */
  close(reason?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pending = Buffer.alloc(0);
    if (this.#socket.destroyed) this.#socket.destroy();
    else this.#socket.destroySoon();
    this.#options.onClose(reason);
  }

  #take(chunk: Buffer): void {
    if (this.#isClosed) return;
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    try {
      while (!this.#isClosed && !this.#isPaused) {
        if (this.#isFirst && bytes.length > 0 && bytes[0] !== this.#options.firstByte)
          throw new Error("packet: it is not MQTT");
        const head = this.#head(bytes);
        if (head === "incomplete" || bytes.length < head.end) break;
        this.#isFirst = false;
        this.#parser.parse(bytes.subarray(0, head.end));
        bytes = bytes.subarray(head.end);
      }
    } catch (error) {
      this.close(error instanceof Error ? error : new Error("packet cannot be read"));
      return;
    }
    this.#pending = bytes;
  }

  /** @throws {Error} more than is allowed, or no length at all */
  #head(bytes: Buffer): Head {
    let length = 0;
    for (let i = 1; i <= MAX_LENGTH_BYTES; i++) {
      const byte = bytes[i];
      if (byte === undefined) return "incomplete";
      length += (byte & 0x7f) * 128 ** (i - 1);
      if (length > this.#options.maxPacketBytes)
        throw new Error(`packet: expected at most ${this.#options.maxPacketBytes} bytes, got ${length}`);
      if ((byte & 0x80) === 0) return { begin: i + 1, end: i + 1 + length };
    }
    throw new Error("packet: its length has no end");
  }
}
