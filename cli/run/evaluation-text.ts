import type { ApprovalEvidence } from "../../schemas/models/approval-evidence.ts";
import type { OperatingPoint } from "../../schemas/models/operating-point.ts";
import { MIN_SLICE_ROWS } from "../../schemas/models/model-version.ts";
import type { Evaluation, MetricSet, Slice } from "../../schemas/models/model-version.ts";
import { safeText } from "../output.ts";

/** A title and a value per row. */
export interface MetricColumn {
  readonly title: string;
  readonly of: (metric: string) => string;
}

export function numberText(value: number | undefined | null): string {
  return value === undefined || value === null ? "-" : String(Number(value.toPrecision(5)));
}

export function valuesOf(title: string, set: MetricSet | null | undefined): MetricColumn[] {
  return set === null || set === undefined ? [] : [{ title, of: (metric) => numberText(set[metric]) }];
}

/** `11.2 … 13.9` */
export function intervalsOf(intervals: Readonly<Record<string, readonly [number, number]>>): MetricColumn[] {
  if (Object.keys(intervals).length === 0) return [];
  const of = (metric: string) => {
    const interval = intervals[metric];
    return interval === undefined ? "-" : interval.map(numberText).join(" … ");
  };
  return [{ title: "95 %", of }];
}

/** A line per metric, the deciding one marked; numbers to the right. */
export function metricLines(
  metrics: MetricSet,
  primaryMetric: string | undefined,
  columns: readonly MetricColumn[],
): readonly string[] {
  const rows = Object.keys(metrics).map((metric) => [
    metric === primaryMetric ? `${metric} *` : metric,
    ...columns.map(({ of }) => of(metric)),
  ]);
  return aligned([["metric", ...columns.map(({ title }) => title)], ...rows]);
}

/** What the chosen threshold does on the holdout, and what that would have cost. */
export function operatingPointLines(point: OperatingPoint): readonly string[] {
  const { threshold, recall, precision, alerts, missedFailures, falseAlarms, costs } = point;
  const head = `alerts from ${numberText(threshold)} on: ${alerts} alerts, recall ${numberText(recall)}, precision ${numberText(precision)}`;
  const counted = countedLines(point);
  if (costs === null)
    return [
      head,
      `${missedFailures} failure rows not alerted, ${falseAlarms} false alarms (no costs are declared)`,
      ...counted,
    ];
  const { missedFailure, falseAlarm, currency, ofMissedFailures, ofFalseAlarms, total, perRow } = costs;
  const cost = (count: number, what: string, each: number, all: number) =>
    `${count} ${what} × ${numberText(each)} = ${numberText(all)} ${currency}`;
  return [
    head,
    cost(missedFailures, "failure rows not alerted", missedFailure, ofMissedFailures),
    cost(falseAlarms, "false alarms", falseAlarm, ofFalseAlarms),
    `together ${numberText(total)} ${currency}, ${numberText(perRow)} per holdout row`,
    ...counted,
  ].map(safeText);
}

/** What the counts are of, and how many failures stand behind the rows. */
function countedLines({ failures }: OperatingPoint): readonly string[] {
  const what = "counted are rows within the horizon of a failure (or of the positive class), not failures";
  if (failures === undefined) return [what];
  const { train, test } = failures;
  const missed = test.missedAssets === undefined ? "" : `, ${test.missedAssets} of them without any alert`;
  const isPlain = test.rows === test.assets && train.rows === train.assets;
  const of = (assets: number) => (isPlain ? "" : ` of ${assets} assets`);
  return [
    what,
    `holdout: ${test.rows} such rows${of(test.assets)}${missed}; training: ${train.rows}${of(train.assets)}`,
  ];
}

/** Features listed with a version. */
const SHOWN_FEATURES = 10;

/** The features a model leans on most: what misleading it about them costs on the holdout, and their share of the gain. */
export function importanceLines({ explanation, importance }: Evaluation): readonly string[] {
  if (explanation === undefined || explanation.features.length === 0) return [];
  const gains = new Map(importance.map(({ feature, gain }) => [feature, gain]));
  const line = (name: string, rise: number, deviation: number, gain: string): string[] => [
    name,
    numberText(rise),
    numberText(deviation),
    gain,
  ];
  const title = `${explanation.loss} rise`;
  const features = explanation.features
    .slice(0, SHOWN_FEATURES)
    .map(({ name, rise, deviation }) => line(name, rise, deviation, numberText(gains.get(name))));
  const columns = explanation.columns
    .slice(0, SHOWN_FEATURES)
    .map(({ name, rise, deviation }) => line(`all of ${name}`, rise, deviation, "-"));
  return aligned([["feature", title, "±", "gain"], ...features, ...columns]);
}

/** How far probabilities and numbers can be taken at their word. */
export function uncertaintyLines({ calibration, interval, metrics }: Evaluation): readonly string[] {
  const [chosen, ...others] = calibration?.trials ?? [];
  const raw = [chosen, ...others].find((trial) => trial?.method === "none");
  const lines: string[] = [];
  if (chosen !== undefined && raw !== undefined) {
    const before = chosen === raw ? "" : `, uncalibrated ${numberText(raw.logLoss)}`;
    lines.push(
      `calibration ${chosen.method}: cross-validated log loss ${numberText(chosen.logLoss)}${before}`,
    );
  }
  const [best] = interval?.trials ?? [];
  if (interval !== undefined && best !== undefined) {
    const { intervalCoverage } = metrics.test;
    lines.push(
      `${numberText(interval.level * 100)} % intervals, ${best.method}: coverage ${numberText(best.coverage)} cross-validated, ${numberText(intervalCoverage)} on the holdout, mean width ${numberText(best.meanWidth)}`,
    );
  }
  return lines;
}

/** Of a forecast: the share of holdout truths below each quantile, a column per horizon. */
export function quantileLines({ quantiles = [] }: Evaluation): readonly string[] {
  if (quantiles.length === 0) return [];
  const horizons = [...new Set(quantiles.map(({ horizon }) => horizon))];
  const levels = [...new Set(quantiles.map(({ level }) => level))];
  const observed = (horizon: string, level: number) =>
    quantiles.find((one) => one.horizon === horizon && one.level === level)?.observed;
  return aligned([
    ["truths below quantile", ...horizons.map((horizon) => `in ${horizon}`)],
    ...levels.map((level) => [
      numberText(level),
      ...horizons.map((horizon) => numberText(observed(horizon, level))),
    ]),
  ]);
}

/** Slices with their rows, assets and the metrics asked for. */
export function sliceLines(slices: readonly Slice[], metrics: readonly string[]): readonly string[] {
  // In a plain table every row is its own asset: the number would say nothing.
  const hasAssets = slices.some(({ rows, assets = rows }) => assets !== rows);
  const rows = slices.map(({ column, value, bucket, rows: nRows, assets, metrics: own }) => [
    `${column} = ${bucket === undefined ? value : `(${value})`}`,
    String(nRows),
    ...(hasAssets ? [assets === undefined ? "-" : String(assets)] : []),
    ...(nRows < MIN_SLICE_ROWS ? [`under ${MIN_SLICE_ROWS} rows`] : metrics.map((m) => numberText(own[m]))),
  ]);
  return aligned([["slice", "rows", ...(hasAssets ? ["assets"] : []), ...metrics], ...rows]);
}

/** `4000 rows of 12 assets`; of a plain table, where every row is its own asset, the rows alone. */
export function rowsText(rows: number, assets: number): string {
  return assets === rows ? `${rows} rows` : `${rows} rows of ${assets} assets`;
}

/** `readings: 4000 rows of 12 assets accepted, 3 quarantined (out_of_range 2, bad_time 1)` */
export function dataLines(data: ApprovalEvidence["data"]): readonly string[] {
  return data.map(({ source, accepted, quarantined, assets, byReason }) => {
    const reasons = Object.entries(byReason).map(([reason, n]) => `${reason} ${n}`);
    const why = reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
    return safeText(`${source}: ${rowsText(accepted, assets)} accepted, ${quarantined} quarantined${why}`);
  });
}

/** Cells made safe and padded: the first column to the left, numbers to the right. */
export function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const cells = rows.map((row) => row.map(safeText));
  const widths = (cells[0] ?? []).map((_title, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  return cells.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  "),
  );
}
