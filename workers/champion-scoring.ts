import type { Logger } from "pino";
import { liveInput } from "../api/serving/live-input.ts";
import { requireKnown } from "../api/serving/row-encoder.ts";
import type { PredictCaller, Predictor } from "../api/serving/predictor.ts";
import { takes } from "../api/serving/rollout/candidate.ts";
import { haveSameFeatures } from "../api/serving/rollout/same-features.ts";
import type { ServedVersion } from "../api/serving/served-version.ts";
import { isPlatformError, PlatformError } from "../schemas/platform-error.ts";
import type { Prediction, PredictReply } from "../schemas/serving/prediction.ts";
import type { AssetSeries } from "../scoring/asset-series.ts";
import { rowOf } from "../scoring/feature-reply.ts";
import type { ScoringObserver } from "../scoring/observer.ts";
import type { AssetScore, OnlineStore, ReplayedReading } from "../stores/postgres/port/online.ts";

export interface ChampionScoringOptions {
  readonly predictor: Predictor;
  readonly online: Pick<OnlineStore, "putScores">;
  readonly fenceOf: (asset: string) => { readonly shard: number; readonly fence: number } | undefined;
  /** An asset's features as a version beside the champion sees them. */
  readonly seriesBeside: (version: ServedVersion, asset: string) => Promise<AssetSeries>;
  readonly observers: readonly ScoringObserver[];
  readonly onOutcome: (model: string, outcome: ScoringOutcome, count: number) => void;
  readonly logger: Logger;
}

/** `refused`: by the policy, or an input that must have a value has none; `failed`: the model gave no number. */
export type ScoringOutcome = "scored" | "refused" | "failed";

/** One row to score, and what it was made of. */
interface Job {
  readonly series: AssetSeries;
  readonly row: Float64Array;
  readonly unfit: readonly string[];
  readonly last: ReplayedReading;
  /** Time of the reading that the row is of. */
  readonly at: number;
  readonly committedAt: number;
}

interface Answered {
  readonly version: ServedVersion;
  readonly job: Job;
  readonly prediction: Prediction;
}

type FencedScore = AssetScore & { readonly shard: number; readonly fence: number };

/** Scores written in one statement. */
const MOST_WRITTEN = 1_000;
const RETRY_MS = 500;

/**
 * The champion's answer for assets with new readings. Each is traced as a request of the actor `scorer`, whose id names the
 * reading: `live/<source>/<epoch>/<ts>/<seq>`, and then stored as the asset's present score.
 */
export class ChampionScoring {
  readonly #options: ChampionScoringOptions;
  /** Scores that are not in the database yet: the newest of each asset. */
  readonly #unwritten = new Map<string, FencedScore>();
  #writing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ChampionScoringOptions) {
    this.#options = options;
  }

  /** @returns series that are to be tried again */
  async score(batch: readonly AssetSeries[]): Promise<readonly AssetSeries[]> {
    const own = batch.filter(({ asset }) => this.#options.fenceOf(asset) !== undefined);
    const [first] = own;
    if (first === undefined) return [];
    const version = this.#versionOf(first);
    // A version that is being replaced: its successor's features are computed with the next reading.
    if (version === undefined) return [];
    const jobs = own.flatMap((series) => this.#jobOf(version, series) ?? []);
    try {
      this.#tell(await this.#answerAll(version, jobs));
      return [];
    } catch (err) {
      this.#options.logger.warn({ err, model: version.model }, "assets were not scored; it is tried again");
      return own;
    }
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
    clearTimeout(this.#timer);
  }

  #versionOf({ model }: AssetSeries): ServedVersion | undefined {
    return this.#options.predictor.versions().find(({ digest }) => digest === model.digest);
  }

  #jobOf(version: ServedVersion, series: AssetSeries): Job | undefined {
    const { last, nUsed, at, committedAt } = series;
    if (last === undefined || nUsed === 0) return undefined;
    const live = rowOf(series, Date.now());
    try {
      const { row } = liveInput(version, live);
      requireKnown(version.signature, row);
      const unfit = live.unfit.map(({ index }) => version.signature.inputs[index]?.name ?? String(index));
      return { series, row, unfit, last, at, committedAt };
    } catch (error) {
      if (!isPlatformError(error)) throw error;
      this.#options.onOutcome(version.model, "refused", 1);
      return undefined;
    }
  }

  /** While a rollout goes on, assets in its share are scored by the version that it brings. */
  async #answerAll(champion: ServedVersion, jobs: readonly Job[]): Promise<Answered[]> {
    const { predictor } = this.#options;
    const candidate = predictor.candidateBeside(champion);
    if (candidate === undefined) return this.#answer(champion, jobs);
    const isTaken = ({ series }: Job): boolean => takes(candidate, [series.asset], "");
    const groups = [jobs.filter(isTaken), jobs.filter((job) => !isTaken(job))];
    const answered = groups.map((group) =>
      group.length === 0
        ? Promise.resolve([])
        : predictor.answerInRollout(candidate, {
            assets: () => group.map(({ series }) => series.asset),
            requestKey: "",
            answer: async (version, by) =>
              this.#answer(version, await this.#jobsOf(champion, version, group), by),
            replyOf: (all) => replyOf(champion, group, all),
          }),
    );
    return (await Promise.all(answered)).flat();
  }

  /**
   * The same jobs with the features that another version sees, as of the same readings.
   * @throws {PlatformError} features_unavailable: they are of other readings; features_unbound: nothing feeds it
   */
  async #jobsOf(champion: ServedVersion, version: ServedVersion, jobs: readonly Job[]): Promise<Job[]> {
    if (haveSameFeatures(champion, version)) return [...jobs];
    const { seriesBeside } = this.#options;
    return Promise.all(
      jobs.map(async (job) => {
        const series = await seriesBeside(version, job.series.asset);
        const other = this.#jobOf(version, series);
        if (other?.last.seq === job.last.seq && other.last.ts === job.last.ts) return other;
        const asset = job.series.asset;
        throw new PlatformError("features_unavailable", `score ${asset}: its features are of other readings`);
      }),
    );
  }

  /** Answers of the jobs; where the model has none for some row, the others have theirs. */
  async #answer(version: ServedVersion, jobs: readonly Job[], by?: PredictCaller["by"]): Promise<Answered[]> {
    if (jobs.length === 0) return [];
    const width = version.signature.inputs.length;
    const rows = new Float64Array(jobs.length * width);
    jobs.forEach(({ row }, i) => rows.set(row, i * width));
    const assets = jobs.map(({ series }) => series.asset);
    const requestIds = jobs.map(readingId);
    const times = jobs.map(({ at }) => at);
    try {
      const reply = await this.#options.predictor.predict(
        version,
        { rows, nRows: jobs.length, assets, times, requestIds },
        { actor: "scorer", requestId: "live", by },
      );
      return reply.predictions.map((prediction, i) => ({ version, job: jobs[i] as Job, prediction }));
    } catch (error) {
      if (!isPlatformError(error) || error.isRetryable) throw error;
      if (jobs.length === 1) {
        this.#options.onOutcome(version.model, "failed", 1);
        return [];
      }
      const half = jobs.length >> 1;
      const first = await this.#answer(version, jobs.slice(0, half), by);
      return [...first, ...(await this.#answer(version, jobs.slice(half), by))];
    }
  }

  #tell(answered: readonly Answered[]): void {
    const scores = answered.map(scoreOf);
    for (const score of scores) {
      const lease = this.#options.fenceOf(score.asset);
      if (lease !== undefined) this.#unwritten.set(`${score.model} ${score.asset}`, { ...score, ...lease });
    }
    const [first] = scores;
    if (first !== undefined) this.#options.onOutcome(first.model, "scored", scores.length);
    for (const observer of this.#options.observers) observer.assetsScored?.(scores);
    this.#writing = this.#writing.then(() => this.#write());
  }

  /** Answers go on while the database is away; of each asset the newest score waits. */
  async #write(): Promise<void> {
    while (this.#unwritten.size > 0) {
      const batch = [...this.#unwritten].slice(0, MOST_WRITTEN);
      try {
        await this.#options.online.putScores(batch.map(([, score]) => score));
      } catch (err) {
        this.#options.logger.warn({ err }, "scores were not stored; it is tried again");
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => {
          this.#writing = this.#writing.then(() => this.#write());
        }, RETRY_MS);
        return;
      }
      for (const [key, score] of batch) if (this.#unwritten.get(key) === score) this.#unwritten.delete(key);
    }
  }
}

/** Names the reading in the trace. */
function readingId({ series, last: { epoch, ts, seq } }: Job): string {
  return `live/${series.model.binding.source}/${epoch}/${ts}/${seq}`;
}

/** For comparison: without any where the model had none for some row. */
function replyOf(
  { model, version, digest }: ServedVersion,
  jobs: readonly Job[],
  answered: readonly Answered[],
): PredictReply {
  const isWhole = answered.length === jobs.length;
  const predictions = isWhole ? answered.map(({ prediction }) => prediction) : [];
  return { model, version, digest, predictions, traced: true };
}

function scoreOf({ version, job, prediction }: Answered): AssetScore {
  const { series, last, unfit, committedAt } = job;
  const { signature, model, version: number, digest } = version;
  return {
    model,
    asset: series.asset,
    version: number,
    digest,
    prediction,
    headline: headlineOf(prediction, signature.output.classLabels ?? []),
    source: series.model.binding.source,
    epoch: last.epoch,
    ts: last.ts,
    seq: last.seq,
    values: last.values.map((value) => value ?? NaN),
    receivedAt: new Date(committedAt).toISOString(),
    scoredAt: new Date().toISOString(),
    unfit,
  };
}

/** The one number of an answer, as the prediction index has it. */
function headlineOf(prediction: Prediction, labels: readonly string[]): number {
  const { value, probability, score, forecast } = prediction;
  return value ?? probability ?? score ?? forecast?.[0]?.median ?? labels.indexOf(prediction.class ?? "");
}
