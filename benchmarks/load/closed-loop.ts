import { openConnection } from "./http-connection.ts";
import { LoadTally } from "./load-result.ts";
import type { AnswerCheck, LoadResult } from "./load-result.ts";

export interface ClosedLoopOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Sent in turn, each connection starting at another one. */
  readonly requests: readonly Buffer[];
  readonly check?: AnswerCheck;
}

/**
 * As many requests as the server takes: every connection sends its next request when its last is answered.
 *
 * Measures throughput. Its latencies flatter a slow server (it is asked less), so they are not published.
 */
export async function runClosedLoop(options: ClosedLoopOptions): Promise<LoadResult> {
  const { port, connections, seconds, requests, check } = options;
  const open = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  const tally = new LoadTally();
  const start = performance.now();
  const stop = start + seconds * 1000;
  await Promise.all(
    open.map(
      (connection, index) =>
        new Promise<void>((resolve) => {
          let next = Math.floor((index * requests.length) / connections);
          let sentAt = 0;
          const sendNext = (): void => {
            sentAt = performance.now();
            if (sentAt >= stop) {
              resolve();
              return;
            }
            const request = requests[next % requests.length];
            if (request === undefined) throw new RangeError("requests: expected at least one");
            connection.send(request, onAnswer);
          };
          const onAnswer: Parameters<typeof connection.send>[1] = (error, answer) => {
            if (answer === undefined) {
              tally.fail(error?.message ?? "no answer");
              resolve();
              return;
            }
            const refused =
              answer.status === 200 ? check?.(answer, next % requests.length) : `status ${answer.status}`;
            if (refused === undefined) tally.ok(performance.now() - sentAt);
            else tally.fail(refused);
            next += 1;
            sendNext();
          };
          sendNext();
        }),
    ),
  );
  const elapsed = (performance.now() - start) / 1000;
  for (const connection of open) connection.close();
  return tally.result(elapsed);
}
