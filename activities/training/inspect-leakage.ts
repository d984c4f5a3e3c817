import { findDuplicateAssets } from "../../numerics/leakage/duplicate-assets.ts";
import { findFutureShifts } from "../../numerics/leakage/future-shift.ts";
import { findAssetOverlap, findTimeOverlap } from "../../numerics/leakage/overlap.ts";
import { findTargetCopies } from "../../numerics/leakage/target-copy.ts";
import type { CopyEvidence, NamedColumn } from "../../numerics/leakage/target-copy.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import type { TaskKind } from "../../numerics/task-kind.ts";
import type { ProblemKind } from "../../schemas/pipeline/label.ts";
import { HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import type { SensorSample } from "../features/sensor-columns.ts";
import type { ForecastTarget } from "./fit-forecast.ts";

export interface LeakageJob {
  readonly matrix: Matrix;
  readonly featureNames: readonly string[];
  /** Sensor columns as read, of all assets or of a sample. */
  readonly sample: SensorSample;
  readonly y: Float64Array;
  readonly kind: ProblemKind;
  /** Of forecasts. */
  readonly forecast?: ForecastTarget;
  readonly assetCodes: Int32Array;
  readonly assets: readonly string[];
  /** Assets of the dataset; more than `assets` where only a sample is looked at. */
  readonly ofAssets: number;
  readonly t: Float64Array;
  /** −1 holdout, −2 dropped, else training. */
  readonly folds: Int32Array;
  readonly unit: "asset" | "row";
  /** The holdout was cut by time: assets overlap by design, times must not. */
  readonly isTimeSplit: boolean;
  /** How far each label looks ahead, in the unit of `t`: past the start of the holdout it is made of held-out rows. */
  readonly labelReach: Float64Array;
}

export interface LeakageCheck {
  readonly name: string;
  readonly passed: boolean;
  readonly detail: string;
}

/** Every leakage check, passed or not: a report lists what was looked for, not only what was found. */
export function inspectLeakage(job: LeakageJob, _hooks: TrainingHooks): LeakageCheck[] {
  const features = columnsOf(job.matrix, job.featureNames);
  const { kind } = job;
  return [
    ...(kind === "anomaly"
      ? []
      : [kind === "forecast" ? laterValues(job, features) : targetCopies({ ...job, kind }, features)]),
    ...(job.sample.isSeries ? seriesChecks(job, features) : []),
    job.isTimeSplit ? timeOverlap(job) : assetOverlap(job),
  ];
}

const FUTURE = "future values";
const DUPLICATES = "one asset under two ids";

function check(name: string, hits: readonly string[], clean: string): LeakageCheck {
  const shown = hits.slice(0, 5).join("; ");
  const more = hits.length > 5 ? `; and ${hits.length - 5} more` : "";
  return {
    name: `leakage: ${name}`,
    passed: hits.length === 0,
    detail: hits.length === 0 ? clean : shown + more,
  };
}

function targetCopies(
  job: LeakageJob & { readonly kind: TaskKind },
  features: readonly NamedColumn[],
): LeakageCheck {
  const rows = rowsWith(job, (row) => (job.folds[row] as number) >= 0 && !Number.isNaN(job.y[row]));
  const pick = (values: ArrayLike<number>) => Float64Array.from(rows, (row) => values[row] as number);
  const groups = job.sample.isSeries
    ? { groups: Int32Array.from(rows, (row) => job.assetCodes[row] as number) }
    : {};
  const evidence = findTargetCopies(
    features.map((f) => ({ name: f.name, values: pick(f.values) })),
    { kind: job.kind, target: pick(job.y), ...groups },
  );
  const hits = evidence
    .filter((e) => e.suspicious)
    .map((e) => `feature ${e.feature} gives the label away (${e.measure} ${e.value.toPrecision(5)})`);
  return check(
    "copy of the target",
    hits,
    `${features.length} features do not give the label away${scopeOf(job.assets.length, job.ofAssets)}`,
  );
}

/** Rows looked at for each horizon: a copy shows on few. */
const LATER_ROWS = 20_000;

/** A copy leaves this much less of a later value unexplained than the present value does; honest features do not. */
const COPY_FACTOR = 0.01;

/**
 * A later value of a slow column is nearly its present one, so that a plain comparison would suspect honest features. A
 * feature gives it away when it, or its distance from the present value, gives away the change until then; or when it says a
 * hundred times more of the later value than the present value does, as a copy in another unit.
 */
function laterValues(job: LeakageJob, features: readonly NamedColumn[]): LeakageCheck {
  const { forecast, folds, matrix } = job;
  if (forecast === undefined) throw new RangeError("a forecast must have targets to be inspected for leaks");
  const { values, anchor } = forecast;
  const nHorizons = values.length / matrix.nRows;
  const hits = new Set<string>();
  for (let horizon = 0; horizon < nHorizons; horizon++) {
    const laterOf = (row: number) => values[row * nHorizons + horizon] as number;
    const known = rowsWith(job, (row) => (folds[row] as number) >= 0 && !Number.isNaN(laterOf(row)));
    const step = Math.max(1, Math.ceil(known.length / LATER_ROWS));
    const rows = known.filter((_, i) => i % step === 0);
    const later = Float64Array.from(rows, laterOf);
    const own = features.map(({ name, values: all }) => ({
      name,
      values: Float64Array.from(rows, (row) => all[row] as number),
    }));
    const now = own[anchor]?.values ?? new Float64Array(rows.length);
    for (const { feature, measure } of [
      ...copiesOfChange(own, now, later),
      ...copiesOfLevel(own, anchor, later),
    ])
      hits.add(`feature ${feature} gives the value ${horizon + 1}. ahead away (${measure})`);
  }
  return check(
    "copy of the target",
    [...hits],
    `${features.length} features do not give a later value away${scopeOf(job.assets.length, job.ofAssets)}`,
  );
}

function copiesOfChange(
  features: readonly NamedColumn[],
  now: Float64Array,
  later: Float64Array,
): CopyEvidence[] {
  const target = later.map((value, i) => value - (now[i] as number));
  const columns = features.flatMap(({ name, values }) => [
    { name, values },
    { name, values: Float64Array.from(values, (value, i) => value - (now[i] as number)) },
  ]);
  return findTargetCopies(columns, { kind: "regression", target }).filter(({ suspicious }) => suspicious);
}

function copiesOfLevel(
  features: readonly NamedColumn[],
  anchor: number,
  later: Float64Array,
): CopyEvidence[] {
  const evidence = findTargetCopies(features, { kind: "regression", target: later });
  const nowName = features[anchor]?.name;
  return evidence.filter(({ feature, measure, value, suspicious }) => {
    if (!suspicious || feature === nowName) return false;
    const ofNow = evidence.find((one) => one.feature === nowName && one.measure === measure)?.value ?? 0;
    return 1 - value <= COPY_FACTOR * (1 - ofNow);
  });
}

/** What is not looked at is a line of its own: nobody shall take it for clean. */
function seriesChecks(job: LeakageJob, features: readonly NamedColumn[]): LeakageCheck[] {
  const { sensors, nAssets, ofAssets } = job.sample;
  if (sensors.length === 0) {
    const detail = "not checked: no numeric sensor, or no asset small enough to be read whole";
    return [FUTURE, DUPLICATES].map((name) => ({
      ...check(name, [], detail),
      name: `leakage: ${name} (not checked)`,
    }));
  }
  const scope = scopeOf(nAssets, ofAssets);
  return [futureShifts(job, features, scope), duplicateAssets(job, scope)];
}

function scopeOf(nAssets: number, ofAssets: number): string {
  return nAssets === ofAssets ? "" : ` (looked at ${nAssets} of ${ofAssets} assets)`;
}

function futureShifts(job: LeakageJob, features: readonly NamedColumn[], scope: string): LeakageCheck {
  const { sensors, rows } = job.sample;
  const series = sensors.map((s) => ({ ...s, role: "sensor" as const }));
  const own = features.map(({ name, values }) => ({
    name,
    values: Float64Array.from(rows, (row) => values[row] as number),
  }));
  const hits = findFutureShifts(own, series, { groups: sampledCodes(job) }).map(
    (hit) => `feature ${hit.feature} equals ${hit.series} ${hit.shift} readings later`,
  );
  return check(FUTURE, hits, `no feature holds a later value of a sensor${scope}`);
}

function duplicateAssets(job: LeakageJob, scope: string): LeakageCheck {
  const hits = findDuplicateAssets({ sensors: job.sample.sensors, groups: sampledCodes(job) }).map(
    ({ first, second }) =>
      `assets ${job.assets[Number(first)]} and ${job.assets[Number(second)]} have the same readings`,
  );
  return check(DUPLICATES, hits, `no two assets have the same readings${scope}`);
}

function sampledCodes(job: LeakageJob): Int32Array {
  return Int32Array.from(job.sample.rows, (row) => job.assetCodes[row] as number);
}

function assetOverlap(job: LeakageJob): LeakageCheck {
  const unitOf = (row: number) => (job.unit === "asset" ? (job.assetCodes[row] as number) : row);
  const train = Array.from(
    rowsWith(job, (row) => (job.folds[row] as number) >= 0),
    unitOf,
  );
  const holdout = Array.from(
    rowsWith(job, (row) => job.folds[row] === HOLDOUT_FOLD),
    unitOf,
  );
  const { shared } = findAssetOverlap(train, holdout);
  return check(
    "overlapping assets",
    shared.map(
      (id) => `${job.unit} ${job.unit === "asset" ? job.assets[Number(id)] : id} trains and is held out`,
    ),
    `training and holdout share no ${job.unit}${scopeOf(job.assets.length, job.ofAssets)}`,
  );
}

function timeOverlap(job: LeakageJob): LeakageCheck {
  const timeOf = (row: number) => job.t[row] as number;
  const isLearnt = (row: number) => job.kind === "anomaly" || !Number.isNaN(job.y[row]);
  const isTrained = (row: number) => (job.folds[row] as number) >= 0 && isLearnt(row);
  const train = rowsWith(job, isTrained);
  const holdout = Float64Array.from(
    rowsWith(job, (row) => job.folds[row] === HOLDOUT_FOLD),
    timeOf,
  );
  const { lateRows } = findTimeOverlap(
    Float64Array.from(train, (row) => timeOf(row) + (job.labelReach[row] as number)),
    holdout,
  );
  const hits =
    lateRows > 0
      ? [
          `${lateRows} of ${train.length} training rows, or what their labels look ahead to, lie in the held-out time; hold out by asset, widen the gap, or cap the remaining life`,
        ]
      : [];
  return check("overlapping times", hits, "training rows and their labels end before the holdout begins");
}

function rowsWith(job: LeakageJob, keep: (row: number) => boolean): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < job.folds.length; row++) if (keep(row)) rows.push(row);
  return Int32Array.from(rows);
}

function columnsOf(matrix: Matrix, names: readonly string[]): NamedColumn[] {
  const { data, nRows, nColumns } = matrix;
  return names.map((name, column) => {
    const values = new Float64Array(nRows);
    for (let row = 0; row < nRows; row++) values[row] = data[row * nColumns + column] as number;
    return { name, values };
  });
}
