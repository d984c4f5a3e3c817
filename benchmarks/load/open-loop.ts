import { setTimeout } from "node:timers/promises";
import { openConnection } from "./http-connection.ts";
import type { HttpConnection } from "./http-connection.ts";
import { LoadTally } from "./load-result.ts";
import type { AnswerCheck, LoadResult } from "./load-result.ts";

export interface OpenLoopOptions {
  readonly port: number;
  /** Requests a second, evenly spaced. */
  readonly rate: number;
  readonly seconds: number;
  /** Upper bound of requests in flight; what is due beyond it waits and its wait counts. */
  readonly connections: number;
  readonly requests: readonly Buffer[];
  readonly check?: AnswerCheck;
  /** Told of every good answer: when it was due, on the clock of `performance`, and its latency in ms. */
  readonly onAnswer?: (scheduledAt: number, latencyMs: number) => void;
}

interface Due {
  readonly index: number;
  readonly scheduledAt: number;
}

/**
 * A fixed rate, whatever the server does: request i is due at start + i / rate, and its latency counts from
 * that time, not from when it could be sent. A server that stalls is thus charged for every request that
 * was due meanwhile (no coordinated omission).
 */
export async function runOpenLoop(options: OpenLoopOptions): Promise<LoadResult> {
  const { port, rate, seconds, requests, check, onAnswer } = options;
  const open = await Promise.all(Array.from({ length: options.connections }, () => openConnection(port)));
  const free: HttpConnection[] = [...open];
  const waiting: Due[] = [];
  const tally = new LoadTally();
  let inFlight = 0;

  const sendOn = (connection: HttpConnection, due: Due): void => {
    const request = requests[due.index];
    if (request === undefined) throw new RangeError("requests: expected at least one");
    inFlight += 1;
    connection.send(request, (error, answer) => {
      inFlight -= 1;
      if (answer === undefined) {
        // The connection is gone; the rest go on with one fewer, which a server that closes them deserves.
        tally.fail(error?.message ?? "no answer");
        return;
      }
      const refused = answer.status === 200 ? check?.(answer, due.index) : `status ${answer.status}`;
      if (refused === undefined) {
        const latencyMs = performance.now() - due.scheduledAt;
        tally.ok(latencyMs);
        onAnswer?.(due.scheduledAt, latencyMs);
      } else tally.fail(refused);
      const next = waiting.shift();
      if (next === undefined) free.push(connection);
      else sendOn(connection, next);
    });
  };

  const start = performance.now();
  const total = Math.round(rate * seconds);
  for (let sent = 0; sent < total;) {
    const now = performance.now();
    while (sent < total && start + (sent * 1000) / rate <= now) {
      const due = { index: sent % requests.length, scheduledAt: start + (sent * 1000) / rate };
      // In turn: one that lies idle for long is closed by any server, as it should be.
      const connection = free.shift();
      if (connection === undefined) waiting.push(due);
      else sendOn(connection, due);
      sent += 1;
    }
    // Spinning until the exact time would take half a core from the server under test. A timer is late by up
    // to a millisecond instead, and that is charged to the server: the figure is never better than the truth.
    const ahead = start + (sent * 1000) / rate - performance.now();
    await setTimeout(Math.max(1, Math.floor(ahead)));
  }
  await drain(() => inFlight + waiting.length, 5_000);
  for (let lost = inFlight + waiting.length; lost > 0; lost -= 1)
    tally.fail("not answered within 5 s of the end");
  const elapsed = (performance.now() - start) / 1000;
  for (const connection of open) connection.close();
  return tally.result(elapsed);
}

async function drain(pending: () => number, timeoutMs: number): Promise<void> {
  const stop = performance.now() + timeoutMs;
  while (pending() > 0 && performance.now() < stop) await setTimeout(5);
}
