import type { Realized } from "../../schemas/models/performance-report.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { PredictionWindow } from "../../stores/postgres/port.ts";
import { judgedVersion, metricJudgedBy, whyNotJudged } from "./judged-version.ts";
import type { JudgedVersion, PerformanceDeps } from "./judged-version.ts";
import { groupsOf, predictedRows } from "./predicted-rows.ts";
import type { PredictedRows } from "./predicted-rows.ts";
import { truthReader } from "./truth.ts";
import type { KnownLabels } from "./truth.ts";

/** Realized quality of a version in a window, and by which metric it is judged. */
export interface RealizedPerformance extends Realized {
  readonly primaryMetric: string;
  /** Why there is none; null: there is, as far as there are labels. */
  readonly unavailable: string | null;
}

/** Whose quality is asked for, when, and by what. */
export interface RealizedAsk extends Omit<PredictionWindow, "version"> {
  /** The run whose file counts; default: the one that counts for the version. */
  readonly runId?: string | null;
  /** Default: the primary metric of that file. */
  readonly metric?: string;
}

/**
 * How good the answers of one version turned out to be, by all labels that are there now: answers, or shadows, that were made in
 * since ≤ at < until.
 *
 * @throws {PlatformError} not_found: there is no such version
 */
export async function realizedPerformance(
  deps: PerformanceDeps,
  { runId, metric, ...ask }: RealizedAsk,
): Promise<RealizedPerformance> {
  const row = await deps.db.registry.byDigest(ask.model, ask.digest);
  if (row === undefined)
    throw new PlatformError("not_found", `judge [${ask.model}]: there is no version ${ask.digest}`);
  const version = await judgedVersion(deps, row, runId);
  const primaryMetric = metric ?? version.problem.primaryMetric;
  const unavailable = whyNotJudged(version) ?? null;
  const window = { ...ask, version: row.version };
  const asOf = new Date().toISOString();
  const found =
    unavailable === null ? await realizedIn(deps, version, window, { asOf, metric: primaryMetric }) : NOTHING;
  return { ...found, primaryMetric, unavailable };
}

export const NOTHING: Realized = {
  predictions: 0,
  looked: 0,
  learntRows: 0,
  labelled: 0,
  censored: 0,
  assets: 0,
  evidence: 0,
  metrics: {},
  intervals: {},
};

/** Predictions of another version of the same rows: what is said of one of them is said of its counterpart. */
export interface Beside {
  readonly window: PredictionWindow;
  /** Ids of the judged predictions by those of the others. */
  readonly counterparts: ReadonlyMap<string, string>;
}

/** As `realizedPerformance`, of a version that is at hand. */
export async function realizedIn(
  deps: PerformanceDeps,
  version: JudgedVersion,
  window: PredictionWindow,
  {
    asOf,
    metric = metricJudgedBy(version),
    predicted: given,
    beside,
    least = 0,
  }: {
    readonly asOf: string;
    readonly metric?: string;
    readonly predicted?: PredictedRows;
    readonly beside?: Beside;
    /** Fewer labelled predictions are counted and not measured. */
    readonly least?: number;
  },
): Promise<Realized> {
  const predicted = given ?? (await predictedRows(deps, version, window));
  const { total, rows } = predicted;
  const counted = { predictions: total, looked: rows.length, learntRows: predicted.learnt };
  if (rows.length === 0) return { ...NOTHING, ...counted };
  const own = await labelsOf(deps, version, { ...window, asOf });
  const labels = beside === undefined ? own : await withLabelsBeside(deps, own, beside);
  const joined = join(version, predicted, labels);
  const labelled = joined.truth.length;
  if (labelled < least) return { ...NOTHING, ...counted, labelled };
  const { evidence, metrics, intervals } = await deps.cpu.run("measurePerformance", {
    ...questionOf(version),
    primaryMetric: metric,
    ...joined,
    seed: version.pipeline.split.seed,
  });
  return {
    ...counted,
    labelled,
    censored: joined.censored.least.length,
    assets: new Set(joined.groups).size,
    evidence,
    metrics,
    intervals: Object.fromEntries(Object.entries(intervals).map(([key, [low, high]]) => [key, [low, high]])),
  };
}

async function withLabelsBeside(
  { db }: Pick<PerformanceDeps, "db">,
  { ofAssets, ofPredictions }: KnownLabels,
  { window, counterparts }: Beside,
): Promise<KnownLabels> {
  const said = (await db.labels.ofPredictions(window)).flatMap((label) => {
    const predictionId = counterparts.get(label.predictionId);
    return predictionId === undefined ? [] : [{ ...label, predictionId }];
  });
  return { ofAssets, ofPredictions: [...ofPredictions, ...said] };
}

async function labelsOf(
  { db }: PerformanceDeps,
  { view, pipeline }: JudgedVersion,
  { asOf, ...window }: PredictionWindow & { readonly asOf: string },
): Promise<KnownLabels> {
  const { timeKind } = view;
  const ofPredictions = await db.labels.ofPredictions(window);
  if (timeKind === "none") return { ofAssets: [], ofPredictions };
  const ofAssets = await db.labels.ofAssets({ ...window, timeKind });
  const { seen, delay } = pipeline.performance;
  if (seen === "labels") return { ofAssets, ofPredictions };
  // What was reported of younger times may not be all.
  const lastSeen = new Date(Date.parse(asOf) - durationMs(delay)).toISOString();
  const source = pipeline.sources[view.source]?.live ?? pipeline.name;
  const sightings = await db.labels.sightings({ ...window, source, lastSeen });
  return { ofAssets: [...ofAssets, ...sightings], ofPredictions };
}

/** How the answers of a version are measured. */
export function questionOf({ problem, signature }: Pick<JudgedVersion, "problem" | "signature">) {
  const { interval, threshold } = signature.output;
  return {
    task: problem.metricTask,
    nClasses: problem.nClasses,
    threshold: threshold ?? null,
    interval:
      interval === undefined ? null : { rule: interval, range: { min: interval.min, max: interval.max } },
  };
}

/** Predictions beside their truth, and those of which only a bound is known. */
export function join(version: JudgedVersion, { rows, answers, width }: PredictedRows, labels: KnownLabels) {
  const truthOf = truthReader(version, labels);
  const truths = rows.map(truthOf);
  const groups = groupsOf(rows);
  const known = [...truths.keys()].filter((i) => !Number.isNaN(truths[i]?.y));
  const bounded = [...truths.keys()].filter((i) => !Number.isNaN(truths[i]?.least));
  const prediction = new Float64Array(known.length * width);
  known.forEach((i, place) => prediction.set(answers.subarray(i * width, (i + 1) * width), place * width));
  const group = (at: readonly number[]) => Int32Array.from(at, (i) => groups[i] as number);
  return {
    truth: Float64Array.from(known, (i) => truths[i]?.y ?? Number.NaN),
    truthRaw: Float64Array.from(known, (i) => truths[i]?.raw ?? Number.NaN),
    prediction,
    groups: group(known),
    censored: {
      least: Float64Array.from(bounded, (i) => truths[i]?.least ?? Number.NaN),
      prediction: Float64Array.from(bounded, (i) => answers[i * width] ?? Number.NaN),
      groups: group(bounded),
    },
  };
}
