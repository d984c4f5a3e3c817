import type { ReplayLife, ReplayWindow } from "../../schemas/runs/replay-life.ts";
import { escapeHtml } from "../../schemas/text/html.ts";

const WIDTH = 960;
const HEIGHT = 420;
const MARGIN = { left: 64, right: 16, top: 44, bottom: 64 };
const BLUE = "#2b6cb0";
const GREY = "#718096";
const ORANGE = "#dd6b20";
const RED = "#c53030";
const GREEN = "#2f855a";

/** Labels under the axis: more would run into each other. */
const MAX_TICKS = 8;

interface Scale {
  readonly x: (index: number) => number;
  readonly y: (value: number) => number;
  readonly low: number;
  readonly high: number;
}

/**
 * Quality per window as one SVG: the loop with its intervals, the first model as a dashed line; triangles for drift
 * (filled where it was confirmed), vertical lines for trainings.
 */
export function qualityPlot(replay: ReplayLife): string {
  const { windows, metric } = replay;
  if (!windows.some(({ loop, frozen }) => loop.value !== null || frozen.value !== null))
    return "<p>No window has enough labels for a value.</p>";
  const scale = scaleOf(windows);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(metric.name)} per window" font-size="12">`,
    axes(replay, scale),
    trainingMarks(replay, scale),
    intervals(windows, scale),
    line(windows, "frozen", { scale, colour: GREY, dash: ' stroke-dasharray="6 4"' }),
    line(windows, "loop", { scale, colour: BLUE, dash: "" }),
    driftMarks(windows, scale),
    legend(),
    "</svg>",
  ].join("");
}

function scaleOf(windows: readonly ReplayWindow[]): Scale {
  const values = windows.flatMap(({ loop, frozen }) =>
    [loop.value, loop.low, loop.high, frozen.value].filter((value) => value !== null),
  );
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const low = Math.min(0, least);
  const high = most > low ? most : low + 1;
  const step = (WIDTH - MARGIN.left - MARGIN.right) / windows.length;
  return {
    low,
    high,
    x: (index) => MARGIN.left + (index + 0.5) * step,
    y: (value) =>
      HEIGHT - MARGIN.bottom - ((value - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom),
  };
}

function axes({ windows, metric }: ReplayLife, { x, y, low, high }: Scale): string {
  const bottom = HEIGHT - MARGIN.bottom;
  const levels = [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (high - low));
  const grid = levels.map(
    (value) =>
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${fix(y(value))}" y2="${fix(y(value))}" stroke="#e2e8f0"/>` +
      `<text x="${MARGIN.left - 6}" y="${fix(y(value) + 4)}" text-anchor="end">${Number(value.toPrecision(3))}</text>`,
  );
  const every = Math.ceil(windows.length / MAX_TICKS);
  const ticks = windows.flatMap(({ index, from }) =>
    index % every === 0
      ? [
          `<text x="${fix(x(index))}" y="${bottom + 18}" text-anchor="middle">${escapeHtml(from.slice(0, 10))}</text>`,
        ]
      : [],
  );
  const title = `<text x="${WIDTH / 2}" y="${HEIGHT - 14}" text-anchor="middle">windows, by their beginning</text>`;
  const name = `<text x="${MARGIN.left}" y="16">${escapeHtml(metric.name)}</text>`;
  return grid.join("") + ticks.join("") + title + name;
}

function line(
  windows: readonly ReplayWindow[],
  arm: "loop" | "frozen",
  { scale, colour, dash }: { readonly scale: Scale; readonly colour: string; readonly dash: string },
): string {
  const known = windows.flatMap((window) => {
    const { value } = window[arm];
    return value === null ? [] : [{ index: window.index, value }];
  });
  const points = known.map(({ index, value }) => `${fix(scale.x(index))},${fix(scale.y(value))}`);
  const dots = known.map(
    ({ index, value }) =>
      `<circle cx="${fix(scale.x(index))}" cy="${fix(scale.y(value))}" r="3.5" fill="${colour}"/>`,
  );
  return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>${dots.join("")}`;
}

function intervals(windows: readonly ReplayWindow[], { x, y }: Scale): string {
  return windows
    .map(({ index, loop: { low, high } }) =>
      low === null || high === null
        ? ""
        : `<line x1="${fix(x(index))}" x2="${fix(x(index))}" y1="${fix(y(low))}" y2="${fix(y(high))}" stroke="${BLUE}" stroke-opacity="0.35" stroke-width="5"/>`,
    )
    .join("");
}

/** Drift stands at the end of its window, when it was looked for. */
function driftMarks(windows: readonly ReplayWindow[], { x }: Scale): string {
  const top = MARGIN.top - 10;
  return windows
    .filter(({ drift }) => drift.state === "drift")
    .map(({ index, drift: { confirmed } }) => {
      const at = x(index);
      const fill = confirmed ? RED : "none";
      return `<path d="M${fix(at - 6)} ${top}h12l-6 10z" fill="${fill}" stroke="${RED}"/>`;
    })
    .join("");
}

/** A training stands between two windows: at the end of the one that gave rise to it. */
function trainingMarks({ windows, trainings }: ReplayLife, { x }: Scale): string {
  return trainings
    .map(({ at, outcome }) => {
      const after = windows.findIndex(({ from }) => from === at);
      const place = after < 0 ? undefined : x(after) - (x(1) - x(0)) / 2;
      if (place === undefined) return "";
      const colour = outcome === "promoted" ? GREEN : ORANGE;
      return `<line x1="${fix(place)}" x2="${fix(place)}" y1="${MARGIN.top}" y2="${HEIGHT - MARGIN.bottom}" stroke="${colour}" stroke-width="1.5"/>`;
    })
    .join("");
}

function legend(): string {
  const items: readonly (readonly [colour: string, text: string])[] = [
    [BLUE, "with the loop, 95 % interval"],
    [GREY, "without (first model)"],
    [RED, "▽ drift suspected, ▼ confirmed"],
    [GREEN, "trained and promoted"],
    [ORANGE, "trained, refused or failed"],
  ];
  return items
    .map(
      ([colour, text], i) =>
        `<text x="${MARGIN.left + 130 + i * 150}" y="16" fill="${colour}" font-size="10">${text}</text>`,
    )
    .join("");
}

const fix = (value: number): string => value.toFixed(1);
