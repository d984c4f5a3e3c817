import type { SearchView, TrialCurves, TrialView } from "../../schemas/runs/trial.ts";
import type { Output } from "../output.ts";
import { numberText } from "./evaluation-text.ts";
import { bestFirst } from "./best-first.ts";
import { textPlot } from "./text-plot.ts";

const WIDTH = 60;
const HEIGHT = 8;
const BAR_WIDTH = 30;

/** How a search came to its best: the first objective of each trial by its number, and the best so far. */
export function showHistory(output: Output, trials: readonly TrialView[]): void {
  const judged = trials.filter(({ state, loss }) => state !== "failed" && loss !== null);
  const pointsOf = (state: TrialView["state"]) =>
    judged
      .filter((trial) => trial.state === state)
      .map(({ number, objectives }) => [number, objectives[0]?.value ?? Number.NaN] as const);
  const lines = textPlot(
    [
      { mark: "─", points: bestSoFar(judged) },
      { mark: "×", points: pointsOf("pruned") },
      { mark: "●", points: pointsOf("complete") },
    ],
    { width: WIDTH, height: HEIGHT, xTitle: "trial", numberText },
  );
  if (judged.length < 2 || lines.length === 0) return;
  output.line(`${judged[0]?.objectives[0]?.metric ?? ""} by trial: ● complete, × pruned, ─ best so far`);
  for (const line of lines) output.line(line);
}

/** The best complete value so far, drawn through from the first trial to the last. */
function bestSoFar(judged: readonly TrialView[]): (readonly [number, number])[] {
  const last = Math.max(0, ...judged.map(({ number }) => number));
  return Array.from({ length: WIDTH }, (_, column) => {
    const number = (last * column) / (WIDTH - 1);
    const [best] = bestFirst(judged.filter((trial) => trial.state === "complete" && trial.number <= number));
    return [number, best?.objectives[0]?.value ?? Number.NaN] as const;
  });
}

/** The share of the loss's variance that each parameter explains by itself. */
export function showImportance(output: Output, { importance }: SearchView): void {
  if (importance.length === 0) return;
  output.line("what the first objective hangs on (share of its variance)");
  const margin = Math.max(...importance.map(({ parameter }) => parameter.length));
  const top = Math.max(...importance.map(({ share }) => share));
  for (const { parameter, share } of importance) {
    const bar = "█".repeat(Math.round((share / top) * BAR_WIDTH));
    output.line(`  ${parameter.padEnd(margin)}  ${share.toFixed(2)} ${bar}`.trimEnd());
  }
}

/** One trial: its parameters, what the pruner saw fold by fold, and the mean of its learning curves. */
export function showTrial(output: Output, trial: TrialView, { folds }: TrialCurves): void {
  output.line(
    `${output.style("bold", `trial ${trial.number} of ${trial.candidate}`)}  ${trial.state}${trial.message === undefined ? "" : `: ${trial.message}`}`,
  );
  output.table(
    ["parameter", "value"],
    Object.entries(trial.parameters).map(([name, value]) => [
      name,
      typeof value === "number" ? numberText(value) : String(value),
    ]),
  );
  output.line();
  output.table(
    ["repeat", "fold", `${trial.objectives[0]?.metric ?? "objective"} so far`, "rounds"],
    trial.folds.map(({ repeat, fold, value, rounds }) => [
      String(repeat),
      String(fold),
      numberText(value ?? undefined),
      rounds === null ? "–" : numberText(rounds),
    ]),
  );
  const curve = meanCurve(folds);
  const lines = textPlot([{ mark: "●", points: curve.points }], {
    width: WIDTH,
    height: HEIGHT,
    xTitle: "round",
    numberText,
  });
  if (lines.length === 0) return;
  output.line();
  output.line(
    `figure on the early-stopping rows (${figureText(trial)}), mean of ${curve.nFolds} fold${curve.nFolds === 1 ? "" : "s"}`,
  );
  for (const line of lines) output.line(line);
  const ended = curve.points.length;
  if (curve.longest > ended)
    output.line(
      `drawn as far as every fold has rounds: one ended after ${ended}, the longest after ${curve.longest}`,
    );
}

const HIGHER_IS_BETTER: ReadonlySet<unknown> = new Set(["rocAuc", "averagePrecision", "accuracy", "macroF1"]);

/** What early stopping watched: `stoppingMetric` where it was searched, else what the file says. */
function figureText({ parameters }: TrialView): string {
  const metric = parameters["stoppingMetric"];
  if (metric === undefined)
    return "the training loss, lower is better, unless the file's `stoppingMetric` names another";
  return `${String(metric)}, ${HIGHER_IS_BETTER.has(metric) ? "higher" : "lower"} is better`;
}

interface MeanCurve {
  readonly points: readonly (readonly [round: number, mean: number])[];
  /** Folds that have a curve. */
  readonly nFolds: number;
  /** Rounds of the fold that went on longest. */
  readonly longest: number;
}

/** The mean over the rounds that all folds have: later ones would be the mean of fewer, other folds. */
function meanCurve(folds: TrialCurves["folds"]): MeanCurve {
  const histories = folds.flatMap(({ history }) => (history.length === 0 ? [] : [history]));
  const lengths = histories.map(({ length }) => length);
  const shared = lengths.length === 0 ? 0 : Math.min(...lengths);
  const points = Array.from({ length: shared }, (_, round) => {
    const sum = histories.reduce((total, history) => total + (history[round] ?? Number.NaN), 0);
    return [round + 1, sum / histories.length] as const;
  });
  return { points, nFolds: histories.length, longest: Math.max(0, ...lengths) };
}
