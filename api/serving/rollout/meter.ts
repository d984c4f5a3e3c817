import type { Prediction } from "../../../schemas/serving/prediction.ts";
import { emptyCounts, latencyBin } from "../../../schemas/serving/rollout.ts";
import type { PairSample, RolloutCounts, SideCounts } from "../../../schemas/serving/rollout.ts";

/** Pairs that are kept; more of them take the places of earlier ones by chance. */
const SAMPLE = 512;
/** Probabilities that are no further apart are no shift: nearly all machines have nearly the same, next to 0. */
const SAME_PROBABILITY = 0.01;
/** Values of categories that are told of at most. */
const MOST_VALUES = 64;

export type Side = "champion" | "candidate";

/** What happens in one stage of a rollout in this process. */
export class RolloutMeter {
  readonly #counts: RolloutCounts = emptyCounts();
  readonly #sample: PairSample = [];
  /** Changes whenever something was counted. */
  nEvents = 0;

  answered(side: Side, { ms, rows }: { readonly ms: number; readonly rows: number }): void {
    const counts = this.#begin(side, rows);
    const bin = latencyBin(ms);
    while (counts.latency.length <= bin) counts.latency.push(0);
    counts.latency[bin] = (counts.latency[bin] ?? 0) + 1;
  }

  /** @param values `input=value` of the row's categories where the answer was no number */
  failed(
    side: Side,
    {
      code,
      rows,
      values,
    }: { readonly code: string; readonly rows: number; readonly values?: readonly string[] },
  ): void {
    const counts = this.#begin(side, rows);
    counts.errors[code] = (counts.errors[code] ?? 0) + 1;
    if (values === undefined) return;
    for (const value of ["*", ...values]) {
      const known = counts.nonFinite[value];
      if (known !== undefined) counts.nonFinite[value] = known + 1;
      else if (Object.keys(counts.nonFinite).length < MOST_VALUES) counts.nonFinite[value] = 1;
    }
  }

  /** Answers of both versions to the same rows. */
  compared(champion: readonly Prediction[], candidate: readonly Prediction[]): void {
    this.nEvents++;
    champion.forEach((one, i) => {
      const other = candidate[i];
      if (other !== undefined) this.#pair(one, other);
    });
  }

  #pair(champion: Prediction, candidate: Prediction): void {
    const a = numberOf(champion);
    const b = numberOf(candidate);
    if (a === undefined || b === undefined) {
      this.#counts.pairs++;
      if (champion.class !== candidate.class) this.#counts.different++;
      return;
    }
    this.#counts.pairs++;
    const isSame = champion.probability !== undefined && Math.abs(a - b) <= SAME_PROBABILITY;
    this.#keep([a, isSame ? a : b]);
    if (champion.decision !== undefined) {
      if (champion.decision !== candidate.decision) this.#counts.different++;
      return;
    }
    this.#counts.sumDifference += Math.abs(a - b);
    this.#counts.sumChampion += a;
    this.#counts.sumSquares += a * a;
  }

  /** Reservoir: of all pairs so far each is kept with the same chance (Vitter's algorithm R). */
  #keep(pair: PairSample[number]): void {
    if (this.#sample.length < SAMPLE) this.#sample.push(pair);
    else {
      const at = Math.floor(Math.random() * this.#counts.pairs);
      if (at < SAMPLE) this.#sample[at] = pair;
    }
  }

  /** Nobody compared: too busy, or what was sent does not say what the other version needs. */
  passedOver(why: "dropped" | "incomparable"): void {
    this.nEvents++;
    this.#counts[why]++;
  }

  /** The version could not be brought into service here. */
  refused(code: string): void {
    this.nEvents++;
    this.#counts.refused[code] = (this.#counts.refused[code] ?? 0) + 1;
  }

  get counts(): RolloutCounts {
    return this.#counts;
  }

  get sample(): PairSample {
    return this.#sample;
  }

  #begin(side: Side, rows: number): SideCounts {
    this.nEvents++;
    const counts = this.#counts[side];
    counts.requests++;
    counts.rows += rows;
    return counts;
  }
}

/** The one number of an answer; undefined for one of several classes. */
function numberOf({ value, probability, score, forecast }: Prediction): number | undefined {
  return value ?? probability ?? score ?? forecast?.[0]?.median;
}
