import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { yieldProcessor } from "../config/niceness.ts";
import type { FromChild, ToChild } from "./messages.ts";
import { decodeAnswer, encodeRun, FrameReader } from "./run-frames.ts";
import type { RunAnswer, RunRequest } from "./run-frames.ts";

/** Why a request to a child has no answer. */
export type ChildLoss = "deadline" | "exit";

/** The child was killed at its deadline, or ended by itself, with the request unanswered. */
export class ChildLostError extends Error {
  override readonly name = "ChildLostError";
  readonly loss: ChildLoss;
  constructor(loss: ChildLoss, pid: number) {
    super(`inference child [pid ${pid}]: ${loss === "deadline" ? "no answer before the deadline" : "ended"}`);
    this.loss = loss;
  }
}

interface Pending {
  readonly id: number;
  readonly deadlineAt: number;
  /** Of a load: undefined. */
  readonly resolve: (answer: RunAnswer | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** Built entry of a child, whether this file runs as built or as source (unit tests). */
function childEntry(): string {
  const url = new URL(
    import.meta.url.endsWith(".ts") ? "../dist/inference/child.js" : "./child.js",
    import.meta.url,
  );
  return fileURLToPath(url);
}

/**
 * One inference child as its parent sees it: at most one request in flight, each with a deadline.
 *
 * The deadline is looked at by `checkDeadline`, which the pool's one timer calls, so that the hot path sets
 * no timers. A child that misses it is killed with SIGKILL: nothing gentler reaches a hung native call.
 */
export class ChildHandle {
  readonly pid: number;
  /** Last reported resident set size. */
  rssBytes = 0;
  /** Why the parent let it go; set before it ends, so that the end is expected. */
  isRetired = false;
  readonly exited: Promise<void>;
  private readonly process: ChildProcess;
  private readonly frames: Socket;
  private pending: Pending | undefined;
  private nextId = 1;
  private loss: ChildLoss = "exit";
  private isGone = false;

  /** @param niceness how much it yields to other processes, 0…19 */
  constructor(niceness = 0) {
    this.process = fork(childEntry(), [], {
      serialization: "advanced",
      execArgv: [],
      stdio: ["ignore", "ignore", "ignore", "ipc", "pipe"],
      // Nothing of the parent's environment (database URLs, keys) reaches code that runs models.
      env: { NODE_ENV: "production" },
    });
    this.pid = this.process.pid ?? -1;
    yieldProcessor(this.pid, niceness);
    this.process.on("message", (message: FromChild) => this.receive(message));
    this.frames = this.process.stdio[4] as Socket;
    const reader = new FrameReader((frame) => this.receiveAnswer(decodeAnswer(frame)));
    this.frames.on("data", (chunk: Buffer) => this.guard(() => reader.push(chunk)));
    this.frames.on("error", () => this.kill());
    this.exited = new Promise((resolve) => {
      const end = (): void => {
        this.isGone = true;
        this.fail(new ChildLostError(this.loss, this.pid));
        resolve();
      };
      this.process.once("exit", end);
      this.process.once("error", end);
    });
  }

  get isAlive(): boolean {
    return !this.isGone;
  }

  /** How it was lost, once it is. */
  get lostBy(): ChildLoss {
    return this.loss;
  }

  get isBusy(): boolean {
    return this.pending !== undefined;
  }

  /**
   * Loads a model and waits until it is.
   *
   * @throws {ChildLostError} when the child is killed at the deadline, or ends
   * @throws {Error} with the child's message when it could not do what was asked
   */
  async load(message: Omit<ToChild & { type: "load" }, "type" | "id">, deadlineMs: number): Promise<void> {
    await this.ask(deadlineMs, (id) => this.send({ type: "load", id, ...message }));
  }

  /** Runs a model; throws as `load` does. */
  async run(request: Omit<RunRequest, "id">, deadlineMs: number): Promise<RunAnswer> {
    const answer = await this.ask(deadlineMs, (id) => this.frames.write(encodeRun({ id, ...request })));
    if (answer?.nRows === request.nRows) return answer;
    throw new Error(`run model: expected ${request.nRows} rows, got ${answer?.nRows ?? "none"}`);
  }

  private ask(deadlineMs: number, send: (id: number) => void): Promise<RunAnswer | undefined> {
    return new Promise((resolve, reject) => {
      if (this.isGone) return reject(new ChildLostError("exit", this.pid));
      const id = this.nextId++;
      // First: what cannot be sent leaves the child free. Its answer comes in a later turn at the earliest.
      send(id);
      this.pending = { id, deadlineAt: performance.now() + deadlineMs, resolve, reject };
    });
  }

  drop(key: string): void {
    if (!this.isGone) this.send({ type: "drop", key });
  }

  /** Kills the child when its request is overdue; an answer that already waits in the channel is read first. */
  checkDeadline(now: number): void {
    const overdue = this.pending;
    if (overdue === undefined || now < overdue.deadlineAt) return;
    setImmediate(() => {
      if (this.pending !== overdue) return;
      this.loss = "deadline";
      this.kill();
    });
  }

  kill(): void {
    this.process.kill("SIGKILL");
  }

  /** Ends an idle child; it leaves by itself when the channel closes, and is killed when it does not. */
  async retire(): Promise<void> {
    this.isRetired = true;
    if (this.isGone) return;
    if (this.process.connected) this.process.disconnect();
    const timer = setTimeout(() => this.kill(), 1_000);
    await this.exited;
    clearTimeout(timer);
  }

  private send(message: ToChild): void {
    this.process.send(message, (error) => {
      if (error !== null) this.kill();
    });
  }

  private receive(message: FromChild): void {
    if (message.type === "memory") {
      this.rssBytes = message.rssBytes;
      return;
    }
    const pending = this.takePending(message.id);
    if (message.type === "failed") pending?.reject(new Error(message.message));
    else pending?.resolve(undefined);
  }

  private receiveAnswer(answer: RunAnswer): void {
    this.takePending(answer.id)?.resolve(answer);
  }

  private takePending(id: number): Pending | undefined {
    const { pending } = this;
    if (pending?.id !== id) return undefined;
    this.pending = undefined;
    return pending;
  }

  /** A child that does not keep to the frames is not to be trusted with another request. */
  private guard(read: () => void): void {
    try {
      read();
    } catch {
      this.kill();
    }
  }

  private fail(error: Error): void {
    const pending = this.pending;
    this.pending = undefined;
    pending?.reject(error);
  }
}
