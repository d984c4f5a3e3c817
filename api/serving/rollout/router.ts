import type { Logger } from "pino";
import type { InferencePool } from "../../../inference/pool.ts";
import { isPlatformError } from "../../../schemas/platform-error.ts";
import type { PredictReply } from "../../../schemas/serving/prediction.ts";
import type { ServedVersion } from "../served-version.ts";
import { CandidateFailure, candidateSide, championSide, countFailure, takes } from "./candidate.ts";
import type { Answering, Candidate } from "./candidate.ts";

/** What was asked, so that each version can answer it: every version encodes it by its own signature. */
export interface Question<T> {
  /** Assets it is about, where they are known. */
  assets(): readonly (string | null)[] | undefined;
  /** What names the request where no asset does: the caller's id of it. */
  readonly requestKey: string;
  answer(version: ServedVersion, by: Answering | undefined): Promise<T>;
  /**
   * Whether a version other than the champion can answer what was sent; false: it takes features that nobody sent. Absent:
   * it is tried.
   */
  isFor?(version: ServedVersion): boolean;
  /** The named answers in what `answer` gives. */
  replyOf(answered: T): PredictReply;
}

/** Comparisons under way at most: what comes beyond is passed over and counted. */
const MOST_SHADOWS = 64;
/** Rows in one comparison at most: a file's worth of rows says no more than some of them. */
const MOST_SHADOW_ROWS = 1_024;

/**
 * Who answers while a rollout goes on. A request is answered by one version: by the candidate where it is in the share,
 * else by the champion; where the candidate fails, the champion answers, and the candidate's failure is counted. The other
 * version is asked the same after the reply, for comparison, when there is time.
 */
export class RolloutRouter {
  readonly #pool: InferencePool;
  readonly #logger: Logger;
  #nShadows = 0;

  constructor(pool: InferencePool, logger: Logger) {
    this.#pool = pool;
    this.#logger = logger;
  }

  /**
   * @param champion asked for again where the candidate failed: it may be another one by then
   * @throws {PlatformError} what the champion throws
   */
  async answer<T>(candidate: Candidate, champion: () => ServedVersion, question: Question<T>): Promise<T> {
    const { meter, served } = candidate;
    const isComparable = question.isFor?.(served) ?? true;
    if (!isComparable) meter.passedOver("incomparable");
    if (!isComparable || !takes(candidate, question.assets(), question.requestKey)) {
      const answered = await this.#byChampion(candidate, champion(), question);
      if (isComparable && candidate.mode === "shadow") this.#compareLater(candidate, question, answered);
      return answered;
    }
    try {
      const answered = await question.answer(served, candidateSide(candidate, "answer"));
      this.#scoreChampionLater(candidate, champion, question, answered);
      return answered;
    } catch (error) {
      if (!isOfCandidate(error)) throw error;
      const answered = await this.#byChampion(candidate, champion(), question);
      if (isUnready(error)) meter.passedOver("incomparable");
      else countFailure(meter, "candidate", error);
      this.#logger.debug({ err: error, rolloutId: candidate.rolloutId }, "the champion answered instead");
      return answered;
    }
  }

  async #byChampion<T>({ meter }: Candidate, champion: ServedVersion, question: Question<T>): Promise<T> {
    try {
      return await question.answer(champion, championSide(this.#pool, meter, "answer"));
    } catch (error) {
      // What the caller gave wrong is nobody's failure.
      if (isPlatformError(error) && SERVING_FAULTS.has(error.code)) countFailure(meter, "champion", error);
      throw error;
    }
  }

  /** Shadow: the candidate is asked what the champion has answered. */
  #compareLater<T>(candidate: Candidate, question: Question<T>, answered: T): void {
    const reply = question.replyOf(answered);
    this.#later(candidate, reply, async () => {
      try {
        const other = await question.answer(candidate.served, candidateSide(candidate, "shadow"));
        candidate.meter.compared(reply.predictions, question.replyOf(other).predictions);
      } catch (error) {
        if (isBusy(error)) candidate.meter.passedOver("dropped");
        else if (isUnready(error)) candidate.meter.passedOver("incomparable");
        else if (isOfCandidate(error)) countFailure(candidate.meter, "candidate", error);
      }
    });
  }

  /** Canary: the champion is asked what the candidate has answered, so that both have seen the same rows. */
  #scoreChampionLater<T>(
    candidate: Candidate,
    champion: () => ServedVersion,
    question: Question<T>,
    answered: T,
  ): void {
    const reply = question.replyOf(answered);
    this.#later(candidate, reply, async () => {
      try {
        const by = championSide(this.#pool, candidate.meter, "shadow");
        const other = await question.answer(champion(), by);
        candidate.meter.compared(question.replyOf(other).predictions, reply.predictions);
      } catch {
        // It answers nobody: what it could not score is only not compared.
        candidate.meter.passedOver("dropped");
      }
    });
  }

  /** Once the reply is on its way. */
  #later({ meter }: Candidate, { predictions }: PredictReply, work: () => Promise<void>): void {
    if (this.#nShadows >= MOST_SHADOWS || predictions.length > MOST_SHADOW_ROWS)
      return meter.passedOver("dropped");
    this.#nShadows++;
    setImmediate(() => {
      void work().finally(() => (this.#nShadows -= 1));
    });
  }
}

/** Faults of the one who answers, and not of what was asked. */
const SERVING_FAULTS: ReadonlySet<string> = new Set([
  "model_output_invalid",
  "prediction_deadline",
  "overloaded",
  "internal",
]);

/** The candidate cannot answer, or what was sent is not what it takes: whether the champion can will be seen. */
function isOfCandidate(error: unknown): boolean {
  if (error instanceof CandidateFailure) return true;
  return isPlatformError(error) && error.code !== "trace_unavailable";
}

/** Its features are not there, or of other readings, at this moment: no fault of the version. */
function isUnready(error: unknown): boolean {
  return isPlatformError(error) && error.code === "features_unavailable";
}

function isBusy(error: unknown): boolean {
  return error instanceof CandidateFailure && ["overloaded", "not_found"].includes(error.cause.code);
}
