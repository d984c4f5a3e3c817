import { setTimeout as sleep } from "node:timers/promises";
import { BoundaryWatch } from "./boundaries.ts";
import type { Boundary } from "./boundaries.ts";
import { FaultyPlatform } from "./faulty-platform.ts";
import { live } from "./life.ts";
import type { LifeEnd } from "./life.ts";
import { checkInvariants, compareOutcomes, readOutcome } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import { inMs } from "./patience.ts";
import type { DeadlineMs } from "./patience.ts";
import type { Kill } from "./schedule.ts";

/** Longest time from the start of a life to the end of the checks: some 30 kills, each seconds, on a busy machine more. */
const CASE_MS = 600_000;
const LOG_CHARACTERS = 400;

export interface CaseOptions {
  readonly kills: readonly Kill[];
  /** Of the undisturbed life; absent for that life itself. */
  readonly expected?: Outcome;
  readonly workerEntry?: string;
  /** As `Life` has it. */
  readonly until?: LifeEnd;
}

export interface CaseResult {
  readonly violations: readonly string[];
  readonly boundaries: readonly Boundary[];
  readonly outcome: Outcome | undefined;
  /** Kills whose instant did not come, or found the part dead already. */
  readonly missed: readonly Kill[];
  readonly restarts: number;
  readonly ms: number;
}

/** One life on a new platform, with its kills, and everything that must hold afterwards. */
export async function runCase(options: CaseOptions): Promise<CaseResult> {
  const platform = await FaultyPlatform.start(options.workerEntry);
  const started = performance.now();
  const deadline = inMs(CASE_MS);
  const killer = new Killer(platform, options.kills, deadline);
  let outcome: Outcome | undefined;
  const violations: string[] = [];
  try {
    killer.begin();
    const ending = options.until === undefined ? {} : { until: options.until };
    await live({ platform, watch: killer.watch, deadline, ...ending });
    await killer.end();
    await platform.settle(deadline);
    outcome = await readOutcome(platform.databaseUrl);
    violations.push(...compareOutcomes(options.expected ?? outcome, outcome));
    violations.push(...(await checkInvariants(platform, deadline)));
  } catch (error) {
    violations.push(error instanceof Error ? error.message : String(error));
    for (const line of platform.logTail("worker"))
      violations.push(`worker log: ${line.slice(0, LOG_CHARACTERS)}`);
  } finally {
    await killer.end();
    await platform.dispose();
  }
  return {
    violations,
    outcome,
    boundaries: killer.boundaries,
    missed: killer.missed,
    restarts: killer.restarts,
    ms: Math.round(performance.now() - started),
  };
}

/** Kills parts when their instants come. */
class Killer {
  readonly #platform: FaultyPlatform;
  readonly #deadline: DeadlineMs;
  readonly #open: Set<Kill>;
  readonly watch: BoundaryWatch;
  readonly #running: Promise<void>[] = [];
  readonly #ended = new AbortController();
  restarts = 0;

  constructor(platform: FaultyPlatform, kills: readonly Kill[], deadline: DeadlineMs) {
    this.#platform = platform;
    this.#deadline = deadline;
    this.#open = new Set(kills);
    this.watch = new BoundaryWatch(platform.client, ({ name }) => this.#reach(name));
  }

  get boundaries(): readonly Boundary[] {
    return this.watch.boundaries;
  }

  get missed(): readonly Kill[] {
    return [...this.#open];
  }

  begin(): void {
    for (const kill of this.#open) if ("ms" in kill.at) this.#running.push(this.#kill(kill, kill.at.ms));
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await Promise.allSettled(this.#running);
    await this.watch.stop();
    this.restarts = this.#platform.restarts;
  }

  #reach(boundary: string): void {
    for (const kill of this.#open) {
      if ("boundary" in kill.at && kill.at.boundary === boundary)
        this.#running.push(this.#kill(kill, kill.delayMs));
    }
  }

  async #kill(kill: Kill, afterMs: number): Promise<void> {
    try {
      await sleep(afterMs, undefined, { signal: this.#ended.signal });
    } catch {
      return; // the life is over: told as missed
    }
    const isMet = "ms" in kill.at || this.#platform.isUp(kill.part);
    await this.#platform.signal(kill.part, "SIGKILL", this.#deadline);
    if (isMet) this.#open.delete(kill);
  }
}
