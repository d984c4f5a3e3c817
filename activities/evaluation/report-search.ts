import { parameterImportance } from "../../numerics/search/importance.ts";
import type { TrialView } from "../../schemas/runs/trial.ts";
import { escapeHtml } from "../../schemas/text/html.ts";
import { barChart, historyPlot } from "./report-plots.ts";

/**
 * What the searches came to, a section each: how the first objective went on from trial to trial, and which parameters
 * it hangs on. Without times: the same trials give the same page.
 */
export function searchSections(
  trials: readonly TrialView[],
): { readonly title: string; readonly content: string }[] {
  const candidates = [...new Set(trials.map(({ candidate }) => candidate))];
  return candidates.map((candidate) => ({
    title: `Search of ${candidate}`,
    content: sectionOf(trials.filter((trial) => trial.candidate === candidate)),
  }));
}

function sectionOf(trials: readonly TrialView[]): string {
  const count = (state: TrialView["state"]) => trials.filter((trial) => trial.state === state).length;
  const judged = trials.flatMap(({ number, state, objectives }) => {
    const [first] = objectives;
    return first === undefined
      ? []
      : [{ number, isComplete: state === "complete", value: first.value, loss: first.loss }];
  });
  const metric = trials.find(({ objectives }) => objectives.length > 0)?.objectives[0]?.metric ?? "objective";
  const complete = trials.filter(({ state }) => state === "complete");
  const importance = parameterImportance(
    complete.map(({ parameters, loss }) => ({ point: parameters, loss: loss ?? Number.NaN })),
  );
  const bars = barChart(importance.map(({ parameter, share }) => ({ label: parameter, value: share })));
  return [
    `<p>${trials.length} trials: ${count("complete")} complete, ${count("pruned")} pruned, ${count("failed")} failed.</p>`,
    historyPlot(judged, metric),
    bars === ""
      ? ""
      : `<p>Share of the variance of ${escapeHtml(metric)} that each parameter explains by itself:</p>${bars}`,
  ].join("");
}
