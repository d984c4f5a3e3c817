/**
 * What the loop gained, with an interval: the difference of the two arms in the mean over windows, each window counted by its
 * rows, and in cost.
 *
 * Both arms answered the same machines, so that assets are resampled and not rows, and each resample is taken in both arms
 * alike: what the two have in common (a window with few failures, an asset that nobody could foresee) cancels out.
 */
import { bootstrapIntervals } from "../../numerics/evaluation/bootstrap.ts";
import { computeMetrics } from "../../numerics/metrics/compute-metrics.ts";
import type { MetricTask } from "../../numerics/metrics/metric-table.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import { ascendingOrder } from "../../numerics/stats/rank.ts";
import { valuesAt } from "../../numerics/stats/values-at.ts";

/** Labelled rows of one window as one arm answered them. */
export interface ArmRows {
  readonly truth: Float64Array;
  readonly truthRaw: Float64Array;
  /** Row-major. */
  readonly prediction: Float64Array;
  /** Asset of each row, as one number in all windows. */
  readonly assets: Float64Array;
  /** What each row cost; empty without declared costs. */
  readonly cost: Float64Array;
  /** Null: none decides. */
  readonly threshold: number | null;
  readonly nClasses: number;
}

export interface CompareArmsJob {
  readonly metricTask: MetricTask;
  readonly metric: string;
  readonly windows: readonly { readonly loop: ArmRows; readonly frozen: ArmRows }[];
  readonly seed: number;
}

/** Loop less first model. Null where it cannot be told: too few assets, or a metric that resamples do not have. */
export interface ArmDifference {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}
export type ArmDifferences = Readonly<Partial<Record<"quality" | "cost", ArmDifference>>>;

/** Enough for an interval of which two digits are read. */
const N_RESAMPLES = 200;

interface Segment {
  readonly arm: ArmRows;
  readonly sign: 1 | -1;
  /** Place of its first row among all. */
  readonly from: number;
  /** Share of its window among all rows. */
  readonly share: number;
}

/** @returns the difference of each, absent where there is none to tell */
export function compareArms(job: CompareArmsJob, _hooks: TrainingHooks): ArmDifferences {
  const segments = segmentsOf(job);
  const last = segments.at(-1);
  if (last === undefined) return {};
  const nRows = last.from + last.arm.truth.length;
  const groups = new Float64Array(nRows);
  for (const { arm, from } of segments) groups.set(arm.assets, from);
  const measure = (rows: Int32Array): Record<string, number> => measureRows(job, segments, rows);
  const whole = measure(Int32Array.from({ length: nRows }, (_, row) => row));
  const intervals = bootstrapIntervals(groups, measure, { seed: job.seed, nResamples: N_RESAMPLES });
  return Object.fromEntries(
    Object.entries(whole).map(([name, value]) => {
      const { low = null, high = null } = intervals[name] ?? {};
      return [name, { value, low, high }];
    }),
  );
}

function segmentsOf({ windows }: CompareArmsJob): Segment[] {
  const total = windows.reduce((sum, { loop }) => sum + loop.truth.length, 0);
  let from = 0;
  return windows.flatMap(({ loop, frozen }) =>
    ([loop, frozen] as const).map((arm, i) => {
      const segment: Segment = {
        arm: sorted(arm),
        sign: i === 0 ? 1 : -1,
        from,
        share: loop.truth.length / total,
      };
      from += arm.truth.length;
      return segment;
    }),
  );
}

/** Rows by their answer: metrics of ranks then need no other sort in any resample. */
function sorted(arm: ArmRows): ArmRows {
  const { truth, prediction, truthRaw, assets, cost } = arm;
  if (prediction.length !== truth.length) return arm;
  const order = ascendingOrder(prediction);
  const inOrder = (values: Float64Array) => (values.length === 0 ? values : valuesAt(values, order));
  return {
    ...arm,
    truth: inOrder(truth),
    prediction: inOrder(prediction),
    truthRaw: inOrder(truthRaw),
    assets: inOrder(assets),
    cost: inOrder(cost),
  };
}

/** @param rows ascending, with repeats, so that the rows of a segment stand together */
function measureRows(
  { metricTask, metric }: CompareArmsJob,
  segments: readonly Segment[],
  rows: Int32Array,
): Record<string, number> {
  let at = 0;
  let quality = 0;
  let cost = segments.every(({ arm }) => arm.cost.length === arm.truth.length) ? 0 : Number.NaN;
  for (const { arm, sign, from, share } of segments) {
    const end = from + arm.truth.length;
    const begin = at;
    while (at < rows.length && (rows[at] as number) < end) at += 1;
    const own = rows.subarray(begin, at).map((row) => row - from);
    quality += sign * share * (metricOf(arm, own, { metricTask, metric }) ?? Number.NaN);
    if (!Number.isNaN(cost)) for (const row of own) cost += sign * (arm.cost[row] as number);
  }
  return {
    ...(Number.isNaN(quality) ? {} : { quality }),
    ...(Number.isNaN(cost) ? {} : { cost }),
  };
}

function metricOf(
  { truth, truthRaw, prediction, threshold, nClasses }: ArmRows,
  rows: Int32Array,
  { metricTask, metric }: Pick<CompareArmsJob, "metricTask" | "metric">,
): number | undefined {
  if (rows.length === 0) return undefined;
  const nOutputs = prediction.length / truth.length;
  const taken = new Float64Array(rows.length * nOutputs);
  rows.forEach((row, i) => {
    for (let k = 0; k < nOutputs; k++) taken[i * nOutputs + k] = prediction[row * nOutputs + k] as number;
  });
  const found: Readonly<Record<string, number>> = computeMetrics(metricTask, valuesAt(truth, rows), taken, {
    truthRaw: valuesAt(truthRaw, rows),
    only: [metric],
    ...(metricTask === "multiclass" ? { nClasses } : {}),
    ...(threshold === null ? {} : { threshold }),
  });
  return found[metric];
}
