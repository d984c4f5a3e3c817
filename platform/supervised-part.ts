import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { yieldProcessor } from "../config/niceness.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import type { PartCommand, PartPlan } from "./parts/part.ts";
import { identifyProcess, sendSignal } from "./process/identity.ts";
import type { ProcessIdentity } from "./process/identity.ts";
import { causeInLog, saysPortTaken } from "./process/log-cause.ts";
import { endOfLog, logSize, openLog } from "./process/log-file.ts";
import type { PartState } from "./state-dir.ts";

/**
 * Keeps one process running:
 *
 *   prepare → spawn → probe until it answers → ready → probe every 5 s ─┐
 *              ↑                                                        │ it exits, or does not answer
 *              └──────────────── wait 0.2 s, 0.4 s … 5 s ───────────────┘ for 60 s and is killed
 *
 * The wait starts at 0.2 s again after 30 s of health. A part that ends three times before its first
 * answer gives up, so that a wrong setting is told and not retried in silence.
 */

const BACKOFF_MS = { first: 200, factor: 2, most: 5_000 } as const;
const HEALTHY_AFTER_MS = 30_000;
const STARTING_PROBE_MS = 25;
const RUNNING_PROBE_MS = 5_000;
const PROBE_TIMEOUT_MS = 5_000;
/** A worker of a machine with ten times the work of its cores took more than one minute. */
const START_TIMEOUT_MS = 120_000;
const MOST_MISSED_PROBES = 12;
const MOST_FAILED_STARTS = 3;

export interface PartStatus {
  readonly name: string;
  readonly state: PartState;
  readonly process?: ProcessIdentity;
  readonly restarts: number;
}

export interface SupervisedPartOptions {
  readonly plan: PartPlan;
  readonly logs: string;
  /** After every change of state; the new status is on the part. */
  readonly onChange: (message: string) => void;
}

export class SupervisedPart {
  readonly #plan: PartPlan;
  readonly #logFile: string;
  readonly #onChange: (message: string) => void;
  readonly #stopping = new AbortController();
  #command: PartCommand | undefined;
  #hasEnded = true;
  #lastProblem: string | undefined;
  /** Where the log of this start begins. */
  #startedAtByte = 0;
  #child: ChildProcess | undefined;
  #exited: Promise<string> = Promise.resolve("never started");
  #loop: Promise<void> | undefined;
  #status: PartStatus;

  constructor(options: SupervisedPartOptions) {
    this.#plan = options.plan;
    this.#logFile = join(options.logs, `${options.plan.name}.log`);
    this.#onChange = options.onChange;
    this.#status = { name: options.plan.name, state: "stopped", restarts: 0 };
  }

  get status(): PartStatus {
    return this.#status;
  }

  /**
   * Resolves when the part answers for the first time; from then on it is kept running.
   *
   * @throws {PlatformError} platform_part_missing with the cause in its log, when it does not start; `isPortTaken` in the
   *   details tells that another program has its port
   */
  async start(): Promise<void> {
    this.#startedAtByte = logSize(this.#logFile);
    this.#change({ state: "starting" }, "starting");
    this.#command = await this.#plan.prepare();
    await new Promise<void>((resolve, reject) => {
      this.#loop = this.#run(resolve).then(resolve, reject);
    });
  }

  /** Ends the process and its group. Safe to call at any time and more than once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const pid = this.#child?.pid;
    if (pid !== undefined && !this.#hasEnded) {
      this.#change({ state: "stopping" }, "stopping");
      sendSignal(pid, this.#plan.stopSignal);
      const kill = setTimeout(() => killGroup(pid), this.#plan.stopGraceMs);
      await this.#exited;
      clearTimeout(kill);
    }
    await this.#loop?.catch(() => undefined); // told by start()
    await this.#plan.dispose?.().catch(() => undefined); // closing what a dead server left is best effort
    this.#forget("stopped", "stopped");
  }

  /** For a process that must end at once: no waiting, no promises. */
  signalNow(): void {
    const pid = this.#child?.pid;
    if (pid !== undefined && !this.#hasEnded) sendSignal(pid, this.#plan.stopSignal);
  }

  async #run(onFirstReady: () => void): Promise<void> {
    let backoffMs: number = BACKOFF_MS.first;
    let hasBeenReady = false;
    for (let failedStarts = 0; !this.#stopping.signal.aborted;) {
      const started = performance.now();
      const reason = await this.#runOnce(() => {
        hasBeenReady = true;
        onFirstReady();
      });
      if (this.#stopping.signal.aborted) return;
      const lastedMs = performance.now() - started;
      failedStarts += lastedMs > START_TIMEOUT_MS ? MOST_FAILED_STARTS : 1;
      if (!hasBeenReady && failedStarts >= MOST_FAILED_STARTS) throw this.#startFailure(reason);
      if (lastedMs > HEALTHY_AFTER_MS) backoffMs = BACKOFF_MS.first;
      this.#forget("waiting", `${reason}; starts again in ${backoffMs / 1000} s`);
      await this.#pause(backoffMs);
      backoffMs = Math.min(BACKOFF_MS.most, backoffMs * BACKOFF_MS.factor);
      this.#change({ state: "starting", restarts: this.#status.restarts + 1 }, "starting again");
    }
  }

  /** One life of the process. Whatever goes wrong in it is a reason to try again, never the end of the loop. */
  async #runOnce(onReady: () => void): Promise<string> {
    const spawnedAt = new Date();
    try {
      await this.#spawn();
      if (await this.#untilReady(spawnedAt)) {
        onReady();
        await this.#watch(spawnedAt);
      }
      return await this.#exited;
    } catch (error) {
      this.#kill();
      await this.#exited;
      return error instanceof Error ? error.message : String(error);
    }
  }

  async #spawn(): Promise<void> {
    const command = this.#command;
    if (command === undefined) throw new PlatformError("internal", `spawn ${this.#plan.name} before prepare`);
    await this.#plan.beforeSpawn?.();
    if (this.#stopping.signal.aborted) return;
    const log = openLog(this.#logFile);
    try {
      const child = spawn(command.file, command.args, {
        cwd: command.cwd,
        env: command.env,
        stdio: ["ignore", log, log],
        // A group of its own: Ctrl-C in the terminal reaches the supervisor alone, which stops in order.
        detached: true,
        ...command.user,
      });
      this.#child = child;
      this.#hasEnded = false;
      this.#exited = new Promise((resolve) => {
        const end = (reason: string) => {
          this.#hasEnded = true;
          resolve(reason);
        };
        child.once("error", (error) => end(`cannot be run: ${error.message}`));
        child.once("exit", (code, signal) =>
          end(signal === null ? `ended with code ${code}` : `ended by ${signal}`),
        );
      });
      if (child.pid !== undefined) yieldProcessor(child.pid, this.#plan.niceness ?? 0);
      const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
      if (identity !== undefined) this.#change({ process: identity }, "spawned");
    } finally {
      closeSync(log);
    }
  }

  /** Probes until the part answers. @returns false when it ended, or was killed for being late */
  async #untilReady(spawnedAt: Date): Promise<boolean> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!this.#hasEnded && !this.#stopping.signal.aborted) {
      if ((await this.#answers(spawnedAt)) && (await this.#settles())) {
        this.#change({ state: "ready" }, "ready");
        return true;
      }
      if (performance.now() > deadline) {
        this.#lastProblem = `not ready after ${START_TIMEOUT_MS / 1_000} s, and ended; where the machine is busy, try again when it is less so`;
        this.#kill();
        await this.#exited;
        break;
      }
      await this.#pause(STARTING_PROBE_MS);
    }
    if (this.#hasEnded) this.#clearGroup();
    return false;
  }

  /** Probes a ready part until its process ends. */
  async #watch(spawnedAt: Date): Promise<void> {
    const ended = new AbortController();
    const exited = this.#exited.finally(() => ended.abort());
    for (let missed = 0; !ended.signal.aborted;) {
      await this.#pause(RUNNING_PROBE_MS, ended.signal);
      if (ended.signal.aborted || this.#stopping.signal.aborted) break;
      const answers = await this.#answers(spawnedAt);
      missed = answers ? 0 : missed + 1;
      const state = answers ? "ready" : "unhealthy";
      if (state !== this.#status.state && !ended.signal.aborted) this.#change({ state }, state);
      if (missed >= MOST_MISSED_PROBES) this.#kill();
    }
    await exited;
    this.#clearGroup();
  }

  async #answers(spawnedAt: Date): Promise<boolean> {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const late = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("no answer")), { once: true });
    });
    try {
      await Promise.race([this.#plan.probe(signal, spawnedAt), late]);
      return true;
    } catch {
      return false; // the state says so; the part's own log says why
    }
  }

  /** Runs afterReady; a server that fails it is not ready yet, and is asked again. */
  async #settles(): Promise<boolean> {
    try {
      await this.#plan.afterReady?.();
      return true;
    } catch (error) {
      this.#lastProblem = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  async #pause(ms: number, other?: AbortSignal): Promise<void> {
    const stopping = this.#stopping.signal;
    const signal = other === undefined ? stopping : AbortSignal.any([stopping, other]);
    await sleep(ms, undefined, { signal }).catch(() => undefined); // woken early
  }

  #kill(): void {
    if (this.#child?.pid !== undefined && !this.#hasEnded) killGroup(this.#child.pid);
  }

  /** What a dead process started itself (inference children) must not outlive it. */
  #clearGroup(): void {
    if (this.#child?.pid !== undefined) sendSignal(-this.#child.pid, "SIGKILL");
  }

  #change(change: Partial<PartStatus>, message: string): void {
    this.#status = { ...this.#status, ...change };
    this.#onChange(message);
  }

  #forget(state: PartState, message: string): void {
    const { process: _ended, ...rest } = this.#status;
    this.#status = { ...rest, state };
    this.#onChange(message);
  }

  #startFailure(reason: string): PlatformError {
    const text = endOfLog(this.#logFile, this.#startedAtByte);
    const cause = causeInLog(text);
    return new PlatformError(
      "platform_part_missing",
      `start ${this.#plan.name} [${this.#lastProblem ?? reason}]: ${cause === "" ? "it said nothing" : cause}; its log is ${this.#logFile}`,
      { details: { part: this.#plan.name, isPortTaken: saysPortTaken(text) } },
    );
  }
}

function killGroup(pid: number): void {
  sendSignal(-pid, "SIGKILL");
  sendSignal(pid, "SIGKILL");
}
