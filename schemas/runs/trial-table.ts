import type { TrialView } from "./trial.ts";

/** Trials as one flat table: a row each, in order; null where a trial has no such value. */
export interface TrialTable {
  readonly columns: readonly { readonly name: string; readonly isNumber: boolean }[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

type Cells = ReadonlyMap<string, string | number>;

/**
 * Columns: candidate, number, state, loss, `objective.<metric>`, `param.<name>`, `metric.<name>`,
 * `fold.<repeat>.<fold>` (what the pruner saw), seconds, seed, message. A column is numeric where all of its values are.
 */
export function trialTable(trials: readonly TrialView[]): TrialTable {
  const rows = trials.map(cellsOf);
  const names = (prefix: string) => [
    ...new Set(rows.flatMap((row) => [...row.keys()].filter((name) => name.startsWith(prefix)))),
  ];
  const columns = [
    "candidate",
    "number",
    "state",
    "loss",
    ...names("objective."),
    ...names("param."),
    ...names("metric."),
    ...names("fold."),
    "seconds",
    "seed",
    "message",
  ];
  return {
    columns: columns.map((name) => ({ name, isNumber: !TEXTS.has(name) && isNumeric(rows, name) })),
    rows: rows.map((row) => columns.map((name) => row.get(name) ?? null)),
  };
}

const TEXTS: ReadonlySet<string> = new Set(["candidate", "state", "message"]);

function isNumeric(rows: readonly Cells[], name: string): boolean {
  return rows.every((row) => typeof (row.get(name) ?? 0) === "number");
}

function cellsOf(trial: TrialView): Cells {
  const { candidate, number, state, loss, seconds, seed, message } = trial;
  const cells = new Map<string, string | number>([
    ["candidate", candidate],
    ["number", number],
    ["state", state],
    ["seconds", seconds],
    ["seed", seed],
  ]);
  const put = (name: string, value: string | number | null | undefined) => {
    if (value !== null && value !== undefined) cells.set(name, value);
  };
  put("loss", loss);
  put("message", message);
  for (const { metric, value } of trial.objectives) put(`objective.${metric}`, value);
  for (const [name, value] of Object.entries(trial.parameters)) {
    put(`param.${name}`, typeof value === "boolean" ? String(value) : value);
  }
  for (const [name, value] of Object.entries(trial.metrics)) put(`metric.${name}`, value);
  for (const { repeat, fold, value } of trial.folds) put(`fold.${repeat}.${fold}`, value);
  return cells;
}
