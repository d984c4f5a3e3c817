import type { HttpAnswer } from "./http-connection.ts";

/** What one load run saw. */
export interface LoadResult {
  readonly answered: number;
  /** Answers with a status other than 200, broken connections, and answers that `check` refused. */
  readonly failed: number;
  /** First few reasons, for the message. */
  readonly reasons: readonly string[];
  readonly seconds: number;
  /** Latency of every answered request, ascending, in ms. */
  readonly latenciesMs: Float64Array;
}

/** Looks at an answer; a returned text counts it as failed for that reason. */
export type AnswerCheck = (answer: HttpAnswer, requestIndex: number) => string | undefined;

/** Collects what a load run sees. */
export class LoadTally {
  answered = 0;
  failed = 0;
  readonly reasons: string[] = [];
  private readonly latencies: number[] = [];

  ok(latencyMs: number): void {
    this.answered += 1;
    this.latencies.push(latencyMs);
  }

  fail(reason: string): void {
    this.failed += 1;
    if (this.reasons.length < 5) this.reasons.push(reason);
  }

  result(seconds: number): LoadResult {
    const { answered, failed, reasons } = this;
    return { answered, failed, reasons, seconds, latenciesMs: Float64Array.from(this.latencies).sort() };
  }
}

/**
 * The value below which `share` of the sorted latencies lie (nearest rank, so never an interpolated figure).
 *
 * @param sorted  ascending; not empty
 * @param share   0 < share ≤ 1
 */
export function percentile(sorted: Float64Array, share: number): number {
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length)));
  return sorted[rank - 1] ?? Number.NaN;
}
