/**
 * MQTT packets over one socket, either side of it.
 *
 * Packets are cut out of the stream here and not in the library, which would collect whatever length a packet claims: the four
 * bytes that say 256 MB end the connection at once. What waits in memory is at most one packet and one chunk; it is put together
 * when it is whole, and not with each of a million chunks of one byte.
 */
import type { Socket } from "node:net";
import { generate, parser } from "mqtt-packet";
import type { Packet } from "mqtt-packet";

export interface PacketSocketOptions {
  readonly maxPacketBytes: number;
  /** The first packet alone may have so many, as nobody knows yet who sends it; default: as any other. */
  readonly maxFirstBytes?: number;
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
const LAST_WORD_MS = 2_000;

export class PacketSocket {
  readonly #socket: Socket;
  readonly #options: PacketSocketOptions;
  readonly #parser: ReturnType<typeof parser>;
  #chunks: Buffer[] = [];
  #nPending = 0;
  /** Fewer bytes than these are no packet. */
  #nWanted = 1;
  #silenceMs = 0;
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
    this.#silenceMs = ms;
    if (!this.#isPaused) this.#socket.setTimeout(ms);
  }

  write(packet: Packet): void {
    if (this.#isClosed) return;
    this.#socket.write(
      generate(packet, this.#version === undefined ? {} : { protocolVersion: this.#version }),
    );
  }

  /** What has not been read stays with the other side, whose silence is then ours. */
  pause(): void {
    this.#isPaused = true;
    this.#socket.setTimeout(0);
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#parse();
    if (this.#isPaused) return;
    this.#socket.setTimeout(this.#silenceMs);
    this.#socket.resume();
  }

  /** Sends what was written, and ends. */
  close(reason?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#chunks = [];
    if (this.#socket.destroyed) this.#socket.destroy();
    else this.#endSoon();
    this.#options.onClose(reason);
  }

  /** Lets the last word go out, but not for as long as the other side likes: it may not read, and go on sending. */
  #endSoon(): void {
    const socket = this.#socket;
    const timer = setTimeout(() => socket.destroy(), LAST_WORD_MS);
    socket.once("close", () => clearTimeout(timer));
    socket.resume();
    socket.destroySoon();
  }

  #take(chunk: Buffer): void {
    // What comes behind the end is let go.
    if (this.#isClosed) return;
    this.#chunks.push(chunk);
    this.#nPending += chunk.length;
    if (this.#nPending >= this.#nWanted) this.#parse();
  }

  #parse(): void {
    if (this.#isClosed) return;
    let bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#nWanted = 0;
    try {
      while (!this.#isClosed && !this.#isPaused) {
        if (this.#isFirst && bytes.length > 0 && bytes[0] !== this.#options.firstByte)
          throw new Error("packet: it is not MQTT");
        const head = this.#head(bytes);
        this.#nWanted = head === "incomplete" ? bytes.length + 1 : head.end;
        if (head === "incomplete" || bytes.length < head.end) break;
        this.#isFirst = false;
        this.#parser.parse(bytes.subarray(0, head.end));
        bytes = bytes.subarray(head.end);
        this.#nWanted = 0;
      }
    } catch (error) {
      this.close(error instanceof Error ? error : new Error("packet cannot be read"));
      return;
    }
    this.#chunks = bytes.length === 0 ? [] : [bytes];
    this.#nPending = bytes.length;
  }

  /** @throws {Error} more than is allowed, or no length at all */
  #head(bytes: Buffer): Head {
    const { maxPacketBytes, maxFirstBytes = maxPacketBytes } = this.#options;
    const most = this.#isFirst ? maxFirstBytes : maxPacketBytes;
    let length = 0;
    for (let i = 1; i <= MAX_LENGTH_BYTES; i++) {
      const byte = bytes[i];
      if (byte === undefined) return "incomplete";
      length += (byte & 0x7f) * 128 ** (i - 1);
      if (length > most) throw new Error(`packet: expected at most ${most} bytes, got ${length}`);
      if ((byte & 0x80) === 0) return { begin: i + 1, end: i + 1 + length };
    }
    throw new Error("packet: its length has no end");
  }
}
