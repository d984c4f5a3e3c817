import type { InferencePool } from "../../../inference/pool.ts";
import type { ModelOutput } from "../../../inference/served-model.ts";
import { isPlatformError, PlatformError } from "../../../schemas/platform-error.ts";
import { nErrors } from "../../../schemas/serving/rollout.ts";
import type { ServedVersion } from "../served-version.ts";
import type { RolloutMeter, Side } from "./meter.ts";
import { isInShare } from "./sticky-share.ts";

/** The version that a rollout brings, as this process serves it in one stage. */
export interface Candidate {
  readonly rolloutId: string;
  readonly stage: number;
  readonly mode: "shadow" | "canary";
  /** Per cent of the requests. */
  readonly share: number;
  readonly served: ServedVersion;
  /** Its own children: what it breaks is its own. */
  readonly pool: InferencePool;
  readonly meter: RolloutMeter;
  /** Whether a guard has looked lately; without one it answers nobody. */
  readonly isWatched: () => boolean;
}

/** How one version answers in a rollout: by which children, for whom, and who counts it. */
export interface Answering {
  /** `shadow`: nobody gets the answer. */
  readonly role: "answer" | "shadow";
  run(version: ServedVersion, rows: Float64Array, nRows: number): Promise<ModelOutput>;
}

/** After so long the champion answers instead; the caller has waited that much for nothing. */
const CANDIDATE_MS = 1_000;

/**
 * Whether the new version answers a request, all of which one version answers. Without assets, what names the request decides.
 * With n rows of assets, k of them in the share, it does with the odds k / n, decided by what names the request: a request
 * about one asset always goes with the asset, one whose assets are all on one side goes there, and of mixed ones the new version
 * gets as many as it gets assets, however long they are, as E[k / n] is the share.
 */
export function takes(
  { rolloutId, mode, share, meter, isWatched }: Candidate,
  assets: readonly (string | null)[] | undefined,
  requestKey: string,
): boolean {
  if (mode === "shadow" || isTripped(meter) || !isWatched()) return false;
  const known = assets?.filter((asset) => asset !== null) ?? [];
  if (known.length === 0) return isInShare(rolloutId, requestKey, share);
  const nTaken = known.filter((asset) => isInShare(rolloutId, asset, share)).length;
  // Another line of draws than the assets': a request may be named as an asset is.
  return isInShare(`${rolloutId}/mixed`, requestKey, (100 * nTaken) / known.length);
}

/** Failures from which on a version that fails more often than not is left alone. */
const TRIP_FAILURES = 20;

/**
 * Whether this process asks it no more in this stage. Its rollout is being rolled back then, unless no worker is there to do so: until
 * one is, no caller waits for what fails.
 */
function isTripped({ counts: { candidate } }: RolloutMeter): boolean {
  const failures = nErrors(candidate);
  return failures >= TRIP_FAILURES && 2 * failures > candidate.requests;
}

/** The champion beside a candidate: as ever, and counted. */
export function championSide(pool: InferencePool, meter: RolloutMeter, role: Answering["role"]): Answering {
  return {
    role,
    async run({ digest }, rows, nRows) {
      const began = performance.now();
      const output = await pool.predict(digest, rows, nRows);
      // What it scores for comparison waits behind what it answers: that time says nothing.
      if (role === "answer") meter.answered("champion", { ms: performance.now() - began, rows: nRows });
      return output;
    },
  };
}

/** The candidate: its time is counted, its failure is told with what it failed on. */
export function candidateSide({ pool, meter }: Candidate, role: Answering["role"]): Answering {
  return {
    role,
    async run(version, rows, nRows) {
      const began = performance.now();
      try {
        const output = await within(pool.predict(version.digest, rows, nRows), role);
        meter.answered("candidate", { ms: performance.now() - began, rows: nRows });
        return output;
      } catch (error) {
        if (!isPlatformError(error)) throw error;
        throw new CandidateFailure(error, { rows, nRows, version });
      }
    },
  };
}

/** The candidate's own fault, as far as the champion can answer the same. */
export class CandidateFailure extends Error {
  override readonly name = "CandidateFailure";
  override readonly cause: PlatformError;
  readonly nRows: number;
  /** `input=value` of the row's categories where the answer was no number. */
  readonly values: readonly string[] | undefined;

  constructor(
    cause: PlatformError,
    given: { readonly rows: Float64Array; readonly nRows: number; readonly version: ServedVersion },
  ) {
    super(cause.message);
    this.cause = cause;
    this.nRows = given.nRows;
    this.values = cause.code === "model_output_invalid" ? categoriesOf(given) : undefined;
  }
}

/** Of one row: of several nobody knows which it was. */
function categoriesOf({
  rows,
  nRows,
  version,
}: {
  readonly rows: Float64Array;
  readonly nRows: number;
  readonly version: ServedVersion;
}): string[] {
  if (nRows !== 1) return [];
  return version.signature.inputs.flatMap(({ name, kind, values = [] }, i) => {
    const value = values[rows[i] ?? NaN];
    return kind === "category" && value !== undefined ? [`${name}=${value}`] : [];
  });
}

/** Counts a failure of the candidate that the champion made good. */
export function countFailure(meter: RolloutMeter, side: Side, error: unknown): void {
  if (error instanceof CandidateFailure) {
    const { cause, nRows: rows, values } = error;
    meter.failed(side, { code: cause.code, rows, ...(values === undefined ? {} : { values }) });
  } else meter.failed(side, { code: isPlatformError(error) ? error.code : "internal", rows: 0 });
}

/** In shadow nobody waits. */
async function within(answering: Promise<ModelOutput>, role: Answering["role"]): Promise<ModelOutput> {
  if (role === "shadow") return answering;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new PlatformError("prediction_deadline", `predict: no answer in ${CANDIDATE_MS} ms`)),
      CANDIDATE_MS,
    );
  });
  // Whichever loses may still fail: nobody is left to hear of it.
  answering.catch(() => undefined);
  try {
    return await Promise.race([answering, late]);
  } finally {
    clearTimeout(timer);
  }
}
