import type { SearchView, TrialList, TrialView } from "../../schemas/runs/trial.ts";
import type { Output } from "../output.ts";
import { showHistory, showImportance } from "./search-plots.ts";
import { bestFirst } from "./best-first.ts";
import { numberText } from "./evaluation-text.ts";

/** Trials shown of each search: the best ones. */
const MOST_SHOWN = 10;

/** What the searches of a run came to: counts, the best trials, and the front where there are several objectives. */
export function showTrials(output: Output, { items, searches }: TrialList): void {
  for (const search of searches) {
    const trials = items.filter(({ candidate }) => candidate === search.candidate);
    output.line();
    output.line(`${output.style("bold", `search of ${search.candidate}`)}  ${countText(search)}`);
    output.table(
      titlesOf(trials),
      bestFirst(trials)
        .slice(0, MOST_SHOWN)
        .map((trial) => cellsOf(trial, trials, search)),
    );
    if (trials.length > MOST_SHOWN) output.line(`and ${trials.length - MOST_SHOWN} more`);
    output.line();
    showHistory(output, trials);
    showImportance(output, search);
    if (isOfSeveral(trials)) output.line(`pareto front: ${search.pareto.join(", ")}`);
  }
}

function countText({ trials, complete, pruned, failed, seconds, wallSeconds }: SearchView): string {
  return `${trials} trials in ${wallSeconds.toFixed(1)} s (${seconds.toFixed(1)} s of training): ${complete} complete, ${pruned} pruned, ${failed} failed`;
}

const isOfSeveral = (trials: readonly TrialView[]): boolean =>
  trials.some(({ objectives }) => objectives.length > 1);

const metricsOf = (trials: readonly TrialView[]): string[] => [
  ...new Set(trials.flatMap(({ objectives }) => objectives.map(({ metric }) => metric))),
];
const namesOf = (trials: readonly TrialView[]): string[] => [
  ...new Set(trials.flatMap(({ parameters }) => Object.keys(parameters))),
];

function titlesOf(trials: readonly TrialView[]): string[] {
  return ["", "trial", "state", ...metricsOf(trials), ...namesOf(trials), "folds", "seconds"];
}

function cellsOf(trial: TrialView, trials: readonly TrialView[], { best }: SearchView): string[] {
  const value = (metric: string) => trial.objectives.find((one) => one.metric === metric)?.value;
  return [
    trial.number === best ? "★" : "",
    String(trial.number),
    trial.state,
    ...metricsOf(trials).map((metric) => numberText(value(metric))),
    ...namesOf(trials).map((name) => parameterText(trial.parameters[name])),
    String(trial.folds.length),
    trial.seconds.toFixed(1),
  ];
}

function parameterText(value: TrialView["parameters"][string] | undefined): string {
  return typeof value === "number" ? numberText(value) : String(value ?? "–");
}
