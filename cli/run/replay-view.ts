import type { ReplayLife, ReplayWindow } from "../../schemas/runs/replay-life.ts";
import { safeText } from "../output.ts";
import type { Output } from "../output.ts";
import { numberText } from "./evaluation-text.ts";
import { textPlot } from "./text-plot.ts";

const PLOT = { width: 72, height: 14 };

/** Prints a replay: what it comes to, the plot, its windows, and what the rules decided about each training. */
export function showReplay(output: Output, replay: ReplayLife): void {
  const { summary, windows, trainings, metric, notes } = replay;
  output.line(output.style("bold", safeText(summary.text)));
  output.line();
  for (const line of qualityPlot(replay)) output.line(line);
  output.line();
  output.table(
    ["window", "from", "labelled", `${metric.name} with loop`, "95 %", "without", "model", "found"],
    windows.map((window) => windowRow(window)),
  );
  output.line();
  output.table(
    ["training", "at", "outcome", "why", "what the rules said"],
    trainings.map(({ number, at, outcome, reason, message }) =>
      [`#${number}`, at, outcome, clipped(reason), clipped(message)].map(safeText),
    ),
  );
  for (const note of notes) output.note(safeText(note));
}

function qualityPlot({ windows, metric }: ReplayLife): string[] {
  const points = (arm: "loop" | "frozen") =>
    windows.map((window) => [window.index + 1, window[arm].value ?? Number.NaN] as const);
  const lines = textPlot(
    [
      { mark: "o", points: points("frozen") },
      { mark: "●", points: points("loop") },
    ],
    { ...PLOT, xTitle: "window", numberText },
  );
  return lines.length === 0 ? lines : [`${metric.name}: ● with the loop, o without it`, ...lines];
}

function windowRow({ index, from, loop, frozen, drift, performance }: ReplayWindow): string[] {
  const interval = loop.low === null ? "" : `${numberText(loop.low)} … ${numberText(loop.high)}`;
  const fell =
    performance?.state === "degraded" ? `; quality fell${performance.confirmed ? ", confirmed" : ""}` : "";
  const confirmed = drift.confirmed ? ", confirmed" : drift.state === "drift" ? ", suspected" : "";
  return [
    String(index + 1),
    from,
    String(loop.rows),
    loop.reason === undefined ? numberText(loop.value) : loop.reason,
    interval,
    numberText(frozen.value),
    `#${loop.training}`,
    `${drift.state.replaceAll("_", " ")}${confirmed}${fell}`,
  ].map(safeText);
}

const MAX_TEXT = 90;

const clipped = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text);
