/** Small static SVG plots for reports. Pure text in, text out. */

import { escapeHtml } from "../../schemas/text/html.ts";
import type { Fan } from "./fan-charts.ts";

const WIDTH = 640;
const HEIGHT = 360;
const MARGIN = 44;
const BLUE = "#2b6cb0";
const RED = "#c53030";
const GREY = "#a0aec0";

/** At most this many points are drawn, evenly taken; more would only blacken the plot. */
const MAX_POINTS = 3_000;

/** Points with the diagonal on which prediction and truth agree. */
export function scatter(
  x: Float64Array,
  y: Float64Array,
  names: { readonly x: string; readonly y: string },
): string {
  if (x.length === 0) return "";
  const top = Math.max(maxOf(x), maxOf(y), 1e-9);
  const low = Math.min(minOf(x), minOf(y), 0);
  const px = (v: number) => MARGIN + ((v - low) / (top - low)) * (WIDTH - 2 * MARGIN);
  const py = (v: number) => HEIGHT - MARGIN - ((v - low) / (top - low)) * (HEIGHT - 2 * MARGIN);
  const step = Math.max(1, Math.ceil(x.length / MAX_POINTS));
  const points: string[] = [];
  for (let i = 0; i < x.length; i += step) {
    points.push(`<circle cx="${fix(px(x[i] as number))}" cy="${fix(py(y[i] as number))}" r="3"/>`);
  }
  const diagonal = `<line x1="${fix(px(low))}" y1="${fix(py(low))}" x2="${fix(px(top))}" y2="${fix(py(top))}" stroke="${GREY}"/>`;
  return svg(
    `${axes(names, { low, top })}${diagonal}<g fill="${BLUE}" fill-opacity="0.5">${points.join("")}</g>`,
  );
}

/** Shares of scores in twenty bins, rows of class 0 and class 1 side by side. */
export function histogramPair(
  truth: Float64Array,
  score: Float64Array,
  names: { readonly zero: string; readonly one: string },
): string {
  const nBins = 20;
  const counts = [new Float64Array(nBins), new Float64Array(nBins)] as const;
  score.forEach((value, i) => {
    const bin = Math.min(nBins - 1, Math.max(0, Math.floor(value * nBins)));
    const side = counts[truth[i] === 1 ? 1 : 0];
    side[bin] = (side[bin] ?? 0) + 1;
  });
  const width = (WIDTH - 2 * MARGIN) / nBins;
  const bars = counts.map((side, which) => {
    const total = Math.max(
      1,
      side.reduce((sum, n) => sum + n, 0),
    );
    const color = which === 1 ? RED : BLUE;
    return Array.from(side, (n, bin) => {
      const height = (n / total) * (HEIGHT - 2 * MARGIN);
      const x = MARGIN + bin * width + (which * width) / 2;
      return `<rect x="${fix(x)}" y="${fix(HEIGHT - MARGIN - height)}" width="${fix(width / 2 - 1)}" height="${fix(height)}" fill="${color}"/>`;
    }).join("");
  });
  const legend = `<text x="${MARGIN}" y="20" fill="${BLUE}">${escapeHtml(names.zero)}</text><text x="${MARGIN + 140}" y="20" fill="${RED}">${escapeHtml(names.one)}</text>`;
  return svg(
    `${axes({ x: "predicted probability", y: "share of rows" }, { low: 0, top: 1 })}${bars.join("")}${legend}`,
  );
}

/** A line through points of ascending x. */
export function curve(
  x: readonly number[],
  y: readonly number[],
  names: { readonly x: string; readonly y: string },
): string {
  const [left, right] = [x[0] ?? 0, x.at(-1) ?? 1];
  const low = Math.min(...y);
  const top = Math.max(...y, low + 1e-12);
  const px = (v: number) => MARGIN + ((v - left) / Math.max(right - left, 1e-300)) * (WIDTH - 2 * MARGIN);
  const py = (v: number) => HEIGHT - MARGIN - ((v - low) / (top - low)) * (HEIGHT - 2 * MARGIN);
  const points = x.map((v, i) => `${fix(px(v))} ${fix(py(y[i] ?? low))}`);
  const range = `${names.y}, ${Number(low.toPrecision(3))} to ${Number(top.toPrecision(3))}`;
  const frame = axes({ x: names.x, y: range }, { low: left, top: right });
  return svg(`${frame}<path d="M${points.join("L")}" fill="none" stroke="${BLUE}"/>`);
}

/** Observed rate over mean predicted probability of each bin, its size by the rows, with the diagonal of agreement. */
export function calibrationCurve(
  bins: readonly { readonly nRows: number; readonly meanPredicted: number; readonly observedRate: number }[],
): string {
  const most = Math.max(1, ...bins.map(({ nRows }) => nRows));
  const px = (v: number) => MARGIN + v * (WIDTH - 2 * MARGIN);
  const py = (v: number) => HEIGHT - MARGIN - v * (HEIGHT - 2 * MARGIN);
  const at = bins.map(
    ({ meanPredicted, observedRate }) => `${fix(px(meanPredicted))} ${fix(py(observedRate))}`,
  );
  const points = bins.map(({ nRows, meanPredicted, observedRate }) => {
    const radius = 3 + 7 * Math.sqrt(nRows / most);
    return `<circle cx="${fix(px(meanPredicted))}" cy="${fix(py(observedRate))}" r="${fix(radius)}"/>`;
  });
  const diagonal = `<line x1="${fix(px(0))}" y1="${fix(py(0))}" x2="${fix(px(1))}" y2="${fix(py(1))}" stroke="${GREY}"/>`;
  const line = at.length < 2 ? "" : `<path d="M${at.join("L")}" fill="none" stroke="${BLUE}"/>`;
  const frame = axes({ x: "mean predicted probability", y: "observed rate" }, { low: 0, top: 1 });
  return svg(`${frame}${diagonal}${line}<g fill="${BLUE}" fill-opacity="0.5">${points.join("")}</g>`);
}

/** Values of trials by number, pruned ones grey, and the best complete one so far as a line. */
export function historyPlot(
  trials: readonly { number: number; isComplete: boolean; value: number; loss: number }[],
  metric: string,
): string {
  if (trials.length < 2) return "";
  const values = trials.map(({ value }) => value);
  const [low, top] = [Math.min(...values), Math.max(...values)];
  const last = Math.max(1, ...trials.map(({ number }) => number));
  const px = (number: number) => MARGIN + (number / last) * (WIDTH - 2 * MARGIN);
  const py = (value: number) =>
    HEIGHT - MARGIN - ((value - low) / Math.max(top - low, 1e-300)) * (HEIGHT - 2 * MARGIN);
  const circles = (isComplete: boolean) =>
    trials
      .filter((trial) => trial.isComplete === isComplete)
      .map(({ number, value }) => `<circle cx="${fix(px(number))}" cy="${fix(py(value))}" r="3"/>`)
      .join("");
  let best: (typeof trials)[number] | undefined;
  const line: string[] = [];
  for (const trial of trials.toSorted((a, b) => a.number - b.number)) {
    if (trial.isComplete && (best === undefined || trial.loss < best.loss)) {
      if (best !== undefined) line.push(`${fix(px(trial.number))} ${fix(py(best.value))}`);
      best = trial;
    }
    if (best !== undefined) line.push(`${fix(px(trial.number))} ${fix(py(best.value))}`);
  }
  const path = line.length < 2 ? "" : `<path d="M${line.join("L")}" fill="none" stroke="${RED}"/>`;
  const range = `${metric}, ${Number(low.toPrecision(4))} to ${Number(top.toPrecision(4))}: complete blue, pruned grey, best so far red`;
  const frame = axes({ x: "trial", y: range }, { low: 0, top: last });
  return svg(`${frame}<g fill="${GREY}">${circles(false)}</g><g fill="${BLUE}">${circles(true)}</g>${path}`);
}

/** What a column was, in what ranges it was forecast to be, and what it became; time in units of the farthest horizon. */
export function fanChart(
  { times, values, ahead }: Pick<Fan, "times" | "values" | "ahead">,
  names: { readonly x: string; readonly y: string },
): string {
  const all = [...values, ...ahead.flatMap(({ quantiles }) => quantiles)];
  const [low, top] = [Math.min(...all), Math.max(...all, Math.min(...all) + 1e-9)];
  const left = Math.min(0, ...times);
  const px = (time: number) => MARGIN + ((time - left) / (1 - left)) * (WIDTH - 2 * MARGIN);
  const py = (value: number) => HEIGHT - MARGIN - ((value - low) / (top - low)) * (HEIGHT - 2 * MARGIN);
  const at = (time: number, value: number) => `${fix(px(time))} ${fix(py(value))}`;
  const line = (q: number) => ahead.map(({ time, quantiles }) => at(time, quantiles[q] ?? Number.NaN));
  const nQuantiles = ahead[0]?.quantiles.length ?? 0;
  const bands = Array.from({ length: Math.floor(nQuantiles / 2) }, (_, q) => {
    const [lower, upper] = [line(q), line(nQuantiles - 1 - q).toReversed()];
    return `<path d="M${[...lower, ...upper].join("L")}Z" fill="${BLUE}" fill-opacity="0.2"/>`;
  });
  const middle =
    nQuantiles % 2 === 1
      ? `<path d="M${line((nQuantiles - 1) / 2).join("L")}" fill="none" stroke="${BLUE}" stroke-width="2"/>`
      : "";
  const points = times.map((time, i) => at(time, values[i] ?? Number.NaN));
  const series = points.length < 2 ? "" : `<path d="M${points.join("L")}" fill="none" stroke="#1c2430"/>`;
  const now = `<line x1="${fix(px(0))}" y1="${MARGIN}" x2="${fix(px(0))}" y2="${HEIGHT - MARGIN}" stroke="${GREY}" stroke-dasharray="4"/>`;
  const range = `${names.y}, ${Number(low.toPrecision(3))} to ${Number(top.toPrecision(3))}`;
  return svg(
    `${axes({ x: names.x, y: range }, { low: left, top: 1 })}${bands.join("")}${now}${series}${middle}`,
  );
}

/** Horizontal bars, largest first as given. */
export function barChart(rows: readonly { readonly label: string; readonly value: number }[]): string {
  if (rows.length === 0) return "";
  const top = Math.max(...rows.map((row) => row.value), 1e-12);
  const bars = rows.map(({ label, value }, i) => {
    const y = 8 + i * 20;
    const width = (value / top) * (WIDTH - 300);
    return `<text x="280" y="${y + 11}" text-anchor="end">${escapeHtml(label.slice(0, 40))}</text><rect x="288" y="${y}" width="${fix(width)}" height="14" fill="${BLUE}"/>`;
  });
  return svg(bars.join(""), 16 + rows.length * 20);
}

function axes(
  names: { readonly x: string; readonly y: string },
  { low, top }: { low: number; top: number },
): string {
  const [right, bottom] = [WIDTH - MARGIN, HEIGHT - MARGIN];
  return (
    `<path d="M${MARGIN} ${MARGIN}V${bottom}H${right}" fill="none" stroke="${GREY}"/>` +
    `<text x="${right}" y="${bottom + 30}" text-anchor="end">${escapeHtml(names.x)}</text>` +
    `<text x="${MARGIN}" y="${MARGIN - 8}">${escapeHtml(names.y)}</text>` +
    `<text x="${MARGIN}" y="${bottom + 16}">${Number(low.toPrecision(3))}</text>` +
    `<text x="${right}" y="${bottom + 16}" text-anchor="end">${Number(top.toPrecision(3))}</text>`
  );
}

function svg(content: string, height = HEIGHT): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" font-size="12" font-family="system-ui,sans-serif" role="img">${content}</svg>`;
}

const fix = (value: number) => value.toFixed(1);
const maxOf = (values: Float64Array) => values.reduce((a, b) => Math.max(a, b), -Infinity);
const minOf = (values: Float64Array) => values.reduce((a, b) => Math.min(a, b), Infinity);
