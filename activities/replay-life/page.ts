import type { ReplayLife, ReplayTraining, ReplayWindow } from "../../schemas/runs/replay-life.ts";
import { escapeHtml } from "../../schemas/text/html.ts";
import { qualityPlot } from "./quality-plot.ts";

/**
 * One self-contained page of a replay: quality per window with and without the loop, what happened when, and what the
 * rules decided. No scripts, no network, no times of its own; all text is escaped.
 */
export function renderReplayPage(replay: ReplayLife): string {
  const { pipeline, options, metric, summary } = replay;
  const title = `${pipeline}: history replayed`;
  const better = metric.direction === "higher" ? "higher is better" : "lower is better";
  const body = [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="summary">${escapeHtml(summary.text)}.</p>`,
    `<p>Trained at ${escapeHtml(options.start)} on what was known since ${escapeHtml(options.begin)}, then scored forward in windows of ${escapeHtml(options.every)} to ${escapeHtml(options.end)}; outcomes are known ${escapeHtml(options.labelDelay)} after they happened. Dataset <code>${replay.dataset.slice(0, 16)}</code>.</p>`,
    section(`${metric.name} per window (${better})`, qualityPlot(replay)),
    section("Windows", windowTable(replay)),
    section("Trainings, and what the rules decided", trainingTable(replay)),
    section(
      "What to know",
      `<ul>${replay.notes.map((note) => `<li>${escapeHtml(note)}</li>`).join("")}</ul>`,
    ),
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>${body.join("\n")}</body></html>\n`;
}

const STYLE =
  "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1c2430}" +
  "table{border-collapse:collapse}td,th{padding:.2rem .7rem;border-bottom:1px solid #d8dee6;text-align:right}" +
  "td:first-child,th:first-child,td.text,th.text{text-align:left}h2{margin-top:2rem}.summary{font-size:1.2rem;font-weight:bold}" +
  "svg{max-width:100%;height:auto}";

const section = (title: string, content: string): string => `<h2>${escapeHtml(title)}</h2>\n${content}`;

function windowTable({ windows, metric, currency }: ReplayLife): string {
  const hasCost = windows.some(({ loop }) => loop.cost !== undefined);
  const head = [
    "window from",
    "to",
    "predictions",
    "labelled",
    `${metric.name} with loop`,
    "95 %",
    "without",
    "model",
    "drift",
  ];
  const isWatched = windows.some(({ performance }) => performance !== undefined);
  if (isWatched) head.push("quality, by the labels known then");
  if (hasCost) head.push(`cost with loop (${currency ?? ""})`, "without");
  return table(
    head,
    windows.map(({ from, to, rows, loop, frozen, drift, performance }) => [
      from,
      to,
      String(rows),
      String(loop.rows),
      loop.reason ?? show(loop.value),
      loop.low === null ? "" : `${show(loop.low)} … ${show(loop.high)}`,
      frozen.reason === undefined ? show(frozen.value) : "",
      `#${loop.training}`,
      driftText(drift),
      ...(isWatched ? [performanceText(performance)] : []),
      ...(hasCost ? [show(loop.cost ?? null), show(frozen.cost ?? null)] : []),
    ]),
  );
}

export function driftText({ state, confirmed, nDrifted, drifted }: ReplayWindow["drift"]): string {
  if (state !== "drift") return state.replaceAll("_", " ");
  const more = nDrifted > drifted.length ? ", …" : "";
  return `${confirmed ? "drift, confirmed" : "drift, suspected"}: ${drifted.join(", ")}${more}`;
}

function performanceText(performance: ReplayWindow["performance"]): string {
  if (performance === undefined) return "";
  const { state, confirmed, reason } = performance;
  if (state !== "degraded") return state.replaceAll("_", " ");
  return `${confirmed ? "fell, confirmed" : "fell, suspected"}: ${reason}`;
}

function trainingTable({ trainings, metric }: ReplayLife): string {
  return table(
    [
      "training",
      "at",
      "known until",
      "why",
      "outcome",
      "judged on",
      metric.name,
      "champion's",
      "what the rules said",
    ],
    trainings.map((training) => [
      `#${training.number}`,
      training.at,
      training.knownUntil,
      training.reason,
      training.outcome,
      judgedText(training),
      show(training.judgedOn?.metrics[metric.name] ?? null),
      show(training.judgedOn?.championMetrics?.[metric.name] ?? null),
      training.message,
    ]),
  );
}

function judgedText({ judgedOn }: ReplayTraining): string {
  if (judgedOn === undefined) return "";
  const basis = judgedOn.basis === "newest" ? "newest labelled rows of the holdout" : "the holdout";
  return `${judgedOn.rows} ${basis}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: string) =>
    row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("");
  return `<table><tr>${cells(head, "th")}</tr>${rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("")}</table>`;
}

function show(value: number | null): string {
  return value === null ? "" : String(Number(value.toPrecision(4)));
}
