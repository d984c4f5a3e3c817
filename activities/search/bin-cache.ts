import type { BinnedRows } from "../../numerics/gbdt/binned-rows.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";

/** Bins kept in memory; two bytes per cell, so that the folds of a search fit but for the largest tables. */
const KEEP_BYTES = 512 * 1024 * 1024;

/** Parameters that decide how rows become bins, or (`objective`, by what it makes of lower bounds) which rows are learnt from. */
const DECIDING = ["objective", "maxBin", "minDataInBin", "binConstructSampleCnt"] as const;

/** The bins of a search's folds, made by the first trial that needs them and taken by all others of this worker. */
export class BinCache {
  readonly #bins = new Map<string, BinnedRows>();
  #bytes = 0;

  get(key: string): BinnedRows | undefined {
    return this.#bins.get(key);
  }

  /** Oldest go first where there are too many; what does not fit at all is not kept. */
  keep(key: string, binned: BinnedRows): void {
    const size = sizeOf(binned);
    if (size > KEEP_BYTES || this.#bins.has(key)) return;
    this.#bins.set(key, binned);
    this.#bytes += size;
    for (const [oldest, bins] of this.#bins) {
      if (this.#bytes <= KEEP_BYTES) return;
      this.#bins.delete(oldest);
      this.#bytes -= sizeOf(bins);
    }
  }
}

function sizeOf(binned: BinnedRows): number {
  return Object.values(binned).reduce((sum: number, part: ArrayBufferView) => sum + part.byteLength, 0);
}

/**
 * Trials with the same key bin the same rows alike.
 *
 * @param plan  SHA-256 of the search plan: data, folds and seed
 * @param place of the fold in the plan
 */
export function binKey(plan: string, place: number, { params, features }: Candidate): string {
  const isStoppingEarly = params["earlyStoppingRounds"] !== 0;
  const values = DECIDING.map((name) => params[name] ?? null);
  return JSON.stringify([plan, place, isStoppingEarly, features ?? null, ...values]);
}
