import type { LeftOutAsset, RowCounts } from "../schemas/serving/score.ts";
import { csvText } from "../schemas/text/csv.ts";
import type { Output } from "./output.ts";
import { safeText } from "./output.ts";
import { numberText } from "./run/evaluation-text.ts";
import type { FleetRow, FleetScore } from "./score-fleet.ts";

/** Assets that a warning names; the CSV and the JSON have more. */
const MAX_NAMED = 10;

/** Ranking as a table, at most `limit` lines of it, and what it means. */
export function showFleet(output: Output, score: FleetScore, limit: number): void {
  const { threshold, rows } = score;
  const alarm = threshold === null ? [] : ["alarm"];
  const other = score.commonClass === null ? [] : [`not ${score.commonClass}`];
  const beyond = score.forecast?.limit === undefined ? [] : [limitText(score.forecast.limit)];
  const ahead = (score.forecast?.horizons ?? []).map(({ horizon }) => horizon);
  const range = score.interval === undefined ? [] : [`${numberText(score.interval.level * 100)} % of lives`];
  output.table(
    ["rank", "asset", ...valueTitles(score), ...range, ...other, ...beyond, ...alarm, "as of", "readings"],
    rows.slice(0, limit).map((row) => {
      const decision = alarm.map(() => (row.decision === true ? "yes" : "no"));
      const risk = [...other, ...beyond].map(() => shareText(row.risk ?? Number.NaN));
      const values =
        score.forecast === undefined ? [valueText(score, row)] : ahead.map((_, h) => pointText(row, h));
      const meaning = [...values, ...range.map(() => intervalText(row)), ...risk, ...decision];
      return [String(row.rank), row.asset, ...meaning, row.at, String(row.readings)];
    }),
  );
  if (rows.length > limit) output.line(`and ${rows.length - limit} more`);
  output.line(orderText(score));
  if (threshold !== null) {
    const nAlarms = rows.filter(({ decision }) => decision).length;
    const isRisk = score.kind === "risk";
    const from = isRisk ? `${numberText(threshold * 100)} %` : numberText(threshold);
    output.line(
      `${nAlarms} of ${rows.length} assets are alarms: their ${isRisk ? "risk" : "score"} is at or above ${from}, the threshold`,
    );
  }
  output.line(countsText(score));
  output.line(`fleet score ${safeText(score.id)}: ${score.model}@${score.version}, digest ${score.digest}`);
}

/** Of a forecast a column per horizon: the median, and between which quantiles. */
function valueTitles(score: FleetScore): string[] {
  const { forecast, unit } = score;
  if (forecast === undefined) return [titleOf(score)];
  return forecast.horizons.map(
    ({ horizon }) => `in ${horizonText(String(horizon))}${unit === null ? "" : ` [${unit}]`}`,
  );
}

function pointText({ forecast }: FleetRow, h: number): string {
  const point = forecast?.[h];
  if (point === undefined) return "-";
  const values = Object.values(point.quantiles);
  const between = values.length < 2 ? "" : ` (${numberText(values[0])} … ${numberText(values.at(-1))})`;
  return `${numberText(point.median)}${between}`;
}

function limitText({ above, below }: NonNullable<NonNullable<FleetScore["forecast"]>["limit"]>): string {
  const sides = [
    ...(above === undefined ? [] : [`above ${numberText(above)}`]),
    ...(below === undefined ? [] : [`below ${numberText(below)}`]),
  ];
  return sides.join(" or ");
}

function titleOf({ kind, horizon, unit }: FleetScore): string {
  switch (kind) {
    case "risk":
      return horizon === null ? "risk" : `risk within ${horizonText(horizon)}`;
    case "rul":
      return `remaining life [${unit ?? ""}]`;
    case "class":
      return "class";
    case "score":
      return "score";
    case "forecast":
      return `median${unit === null ? "" : ` [${unit}]`}`;
  }
}

/** A bare number is one of cycles. */
function horizonText(horizon: string): string {
  return /^\d+$/.test(horizon) ? `${horizon} cycles` : horizon;
}

function orderText({ kind, cap, unit, commonClass, forecast }: FleetScore): string {
  switch (kind) {
    case "forecast":
      return forecast?.limit === undefined
        ? "by name: the pipeline file declares no limit to rank by"
        : `ranked by the probability of a value ${limitText(forecast.limit)}, highest first`;
    case "risk":
      return "ranked by risk, highest first";
    case "score":
      return "ranked by how unusual, most unusual first";
    case "rul": {
      const capped = cap === null ? "" : `; the model tells lives above ${cap} ${unit ?? ""} not apart`;
      return `ranked by remaining life, least first${capped}`;
    }
    case "class":
      return commonClass === null
        ? "ranked by class, last class first: the model is older than the ranking by risk, train it again for that"
        : `ranked by the probability of any class but ${safeText(commonClass)}, the most frequent in training, highest first`;
  }
}

function countsText({ assets, data }: FleetScore): string {
  const ofAssets = `assets: ${assets.seen} seen, ${assets.scored} scored, ${assets.leftOut} left out`;
  if (data === null) return ofAssets;
  return `${ofAssets}; rows: ${data.read} read, ${data.accepted} accepted, ${data.quarantined} quarantined`;
}

/** What the ranking does not rest on; on standard error, so that a JSON document stays one. */
export function showWarnings(output: Output, score: FleetScore): void {
  const { data, assets, leftOut, features, rows } = score;
  if (data !== null && data.quarantined > 0) {
    const reasons = Object.entries(data.byReason).map(([reason, count]) => `${reason} ${count}`);
    const share = `${data.quarantined} of ${data.read} rows were not accepted (${reasons.join(", ")})`;
    output.warn(`${share}: aura data quarantine ${score.dataset}`);
    for (const line of tooBad(data)) output.warn(line);
  }
  if (assets.leftOut > 0) {
    const named = leftOut.slice(0, MAX_NAMED).map((one) => `${one.asset} (${reasonText(one)})`);
    const more = assets.leftOut > named.length ? `, and ${assets.leftOut - named.length} more` : "";
    output.warn(`${assets.leftOut} of ${assets.seen} assets are not ranked: ${named.join(", ")}${more}`);
  }
  if (assets.short > 0) {
    const short = rows.filter((row) => row.short);
    const named = short.slice(0, MAX_NAMED).map((row) => `${row.asset} (${row.readings} readings)`);
    const more = short.length > named.length ? `, and ${short.length - named.length} more` : "";
    output.warn(
      `${assets.short} of ${assets.scored} ranked assets have less history than the model looks back on (${needsText(score)}): ${named.join(", ")}${more}`,
    );
  }
  if (assets.incomplete > 0) {
    const worst = rows.reduce((most, row) => Math.max(most, row.missing), 0);
    output.warn(
      `${assets.incomplete} of ${assets.scored} ranked assets miss up to ${worst} of ${features} features: a sensor is silent, or the history is short`,
    );
  }
}

function needsText({ needs: { readings, hours } }: FleetScore): string {
  const parts = [
    ...(readings > 0 ? [`${readings} readings`] : []),
    ...(hours > 0 ? [`${numberText(hours)} hours`] : []),
  ];
  return parts.join(", ");
}

/** Sources in a state in which the model would not have been trained. */
function tooBad(data: RowCounts): string[] {
  return Object.entries(data.bySource).flatMap(([name, { read, quarantined }]) => {
    const share = quarantined / Math.max(1, read);
    if (share <= data.maxBadShare) return [];
    const [got, allowed] = [share, data.maxBadShare].map((part) => `${numberText(part * 100)} %`);
    return [
      `${got} of source ${name} is bad, the model's own pipeline allows ${allowed}: mend the files before you act on this ranking`,
    ];
  });
}

function reasonText({ reason, rows, codes }: LeftOutAsset): string {
  switch (reason) {
    case "all_rows_quarantined":
      return `all ${rows} rows quarantined: ${codes.join(", ")}`;
    case "no_readings":
      return "no readings in the files";
    case "no_present_value":
      return "the column that is forecast has no value at its last reading";
    case "no_features":
      return `no feature can be computed of ${rows} readings: history shorter than needed, or sensors silent`;
  }
}

function intervalText({ interval }: FleetRow): string {
  return interval === undefined ? "-" : `${numberText(interval.low)} … ${numberText(interval.high)}`;
}

function valueText({ kind }: FleetScore, { value, label }: FleetRow): string {
  return kind === "risk" ? shareText(value) : (label ?? numberText(value));
}

function shareText(share: number): string {
  return share > 0 && share < 0.0005 ? "< 0.1 %" : `${(share * 100).toFixed(1)} %`;
}

/**
 * The whole ranking as CSV: rank, asset, risk, rul, class or score, low and high end of its interval, decision (of a risk or score) or
 * risk (of a class), of a forecast the probability that its limit is crossed and each quantile at each horizon, unit,
 * horizon, at, readings, missing features, model, version, digest, note. Assets left out follow without a rank; the note says why.
 */
export function fleetCsv(score: FleetScore): string {
  const { kind, unit, horizon, model, version, digest } = score;
  const isDecided = kind === "risk" || kind === "score";
  const isClass = kind === "class";
  const hasInterval = score.interval !== undefined;
  const hasRisk = isClass || score.forecast?.limit !== undefined;
  const { horizons = [], quantiles = [] } = score.forecast ?? {};
  const cells = horizons.flatMap((ahead, h) =>
    quantiles.map((level) => ({ title: `${ahead.horizon}_q${level}`, h, level: String(level) })),
  );
  const header = [
    "rank",
    "asset",
    kind === "forecast" ? "median" : kind,
    ...(hasInterval ? ["low", "high"] : []),
    ...(isDecided ? ["decision"] : hasRisk ? ["risk"] : []),
    ...cells.map(({ title }) => title),
    "unit",
    "horizon",
    "at",
    "readings",
    "missing_features",
    "model",
    "version",
    "digest",
    "note",
  ];
  const meaning = [unit ?? "", horizon ?? ""];
  const name = [model, version, digest];
  const rows = score.rows.map((row) => [
    row.rank,
    row.asset,
    row.label ?? row.value,
    ...(hasInterval ? [row.interval?.low ?? "", row.interval?.high ?? ""] : []),
    ...(isDecided ? [String(row.decision ?? "")] : hasRisk ? [row.risk ?? ""] : []),
    ...cells.map(({ h, level }) => row.forecast?.[h]?.quantiles[level] ?? ""),
    ...meaning,
    row.at,
    row.readings,
    row.missing,
    ...name,
    row.short ? `history shorter than ${needsText(score)}` : "",
  ]);
  const leftOut = score.leftOut.map((one) => [
    "",
    one.asset,
    "",
    ...(hasInterval ? ["", ""] : []),
    ...(isDecided || hasRisk ? [""] : []),
    ...cells.map(() => ""),
    ...meaning,
    "",
    one.reason === "no_features" ? one.rows : 0,
    "",
    ...name,
    `left out: ${reasonText(one)}`,
  ]);
  return csvText([header, ...rows, ...leftOut]);
}
