/** Reads and checks what a training was asked for, beyond the numbers of its parameter table. */
import { checkRowIndices } from "../matrix.ts";
import type { TaskTarget } from "../task-kind.ts";
import { countOutputs } from "../task-kind.ts";
import type { ObjectiveChoice, TargetRows } from "./objectives/objective.ts";
import { DEFAULT_LOSS, LOSSES } from "./objectives/table.ts";
import type { GbdtParameters } from "./parameters.ts";
import { STOPPING_METRICS } from "./stopping-metric.ts";
import type { StoppingMetric } from "./stopping-metric.ts";

/**
 * @param censored 1 for training rows whose target is a lower bound
 * @throws {RangeError} when the objective is not one of the task, cannot use lower bounds that are there, or has
 *   nothing else
 */
export function chooseObjective(
  target: TaskTarget,
  parameters: GbdtParameters,
  censored: Uint8Array,
): ObjectiveChoice {
  const chosen = parameters.objective;
  const nBounds = censored.reduce((sum, flag) => sum + flag, 0);
  const usual =
    target.taskKind === "regression" && nBounds > 0 ? "censoredNormal" : DEFAULT_LOSS[target.taskKind];
  const name = chosen === "auto" ? usual : chosen;
  if (LOSSES[name].taskKind !== target.taskKind) {
    throw new RangeError(
      `objective ${name} is for ${LOSSES[name].taskKind}, got a ${target.taskKind} target`,
    );
  }
  if (nBounds > 0 && LOSSES[name].takesBounds !== true) {
    throw new RangeError(
      `objective ${name} takes targets that are known, got ${nBounds} rows with a lower bound; use censoredNormal or leave them out`,
    );
  }
  if (nBounds > 0 && nBounds === censored.length) {
    throw new RangeError(
      `the target must be known of at least one training row, got ${nBounds} rows that are all lower bounds`,
    );
  }
  return { name, nScores: countOutputs(target), settings: parameters };
}

/** @throws {RangeError} when the metric is not one of the task */
export function chooseMetric(target: TaskTarget, { stoppingMetric }: GbdtParameters): StoppingMetric | null {
  if (stoppingMetric === "loss") return null;
  const metric = STOPPING_METRICS[stoppingMetric];
  if (metric.taskKind !== target.taskKind) {
    throw new RangeError(
      `stoppingMetric ${stoppingMetric} is for ${metric.taskKind}, got a ${target.taskKind} target`,
    );
  }
  return metric;
}

/**
 * Places of the rows that a stopping metric is computed on: those whose target is known.
 *
 * @throws {RangeError} when there is none, or the metric is undefined on them: every round would be as good as the first
 */
export function knownPlaces(
  { targets, censored }: TargetRows,
  metric: StoppingMetric,
  { stoppingMetric, nScores }: Pick<GbdtParameters, "stoppingMetric"> & { readonly nScores: number },
): Int32Array {
  const all = Int32Array.from(targets, (_, place) => place);
  if (targets.length === 0) return all;
  const known = censored.length === 0 ? all : all.filter((place) => censored[place] === 0);
  if (known.length === 0) {
    throw new RangeError(
      `stoppingMetric ${stoppingMetric} needs a validation row whose target is known, got ${targets.length} lower bounds`,
    );
  }
  const values = Float64Array.from(known, (place) => targets[place]);
  if (Number.isNaN(metric.compute(values, new Float64Array(known.length * nScores)))) {
    throw new RangeError(
      `stoppingMetric ${stoppingMetric} needs validation rows of both classes, got ${known.length} of class ${values[0]} alone; loss needs one`,
    );
  }
  return known;
}

export function checkMonotone(monotone: readonly number[] | undefined, nColumns: number): Int32Array {
  const signs = Int32Array.from(monotone ?? { length: nColumns }, (sign: number | undefined) => sign ?? 0);
  if (signs.length !== nColumns) {
    throw new RangeError(`monotone must have one sign per column [${nColumns}], got ${signs.length}`);
  }
  monotone?.forEach((sign, column) => {
    if (sign !== 0 && sign !== 1 && sign !== -1) {
      throw new RangeError(`monotone[${column}] must be −1, 0 or 1, got ${sign}`);
    }
  });
  return signs;
}

/** Groups as sets; columns in none get a group of their own. */
export function groupColumns(
  groups: readonly (readonly number[])[] | undefined,
  nColumns: number,
): readonly ReadonlySet<number>[] | null {
  if (groups === undefined) return null;
  groups.forEach((group, place) => checkRowIndices(`interactions[${place}]`, group, nColumns));
  const grouped = new Set(groups.flat());
  const alone = Array.from({ length: nColumns }, (_, column) => column).filter(
    (column) => !grouped.has(column),
  );
  return [...groups, ...alone.map((column) => [column])].map((group) => new Set(group));
}
