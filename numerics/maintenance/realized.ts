import { quantile } from "../stats/quantile.ts";
import type { SavingsCosts } from "./savings.ts";

/** A closed work order. */
export interface ClosedWork {
  readonly result: "confirmed" | "replaced_part" | "false_alarm" | "no_fault_found" | "not_done";
  /** What it said it came to. */
  readonly cost?: number | undefined;
  /** From the recommendation to its closing. */
  readonly hours: number;
}

export interface RealizedSavings {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly precision: number | null;
  readonly medianHours: number | null;
  readonly reportedCost: number | null;
  readonly cost: number;
  readonly costIfNothingWasDone: number;
}

/**
 * What closed work orders came to, with the declared costs, beside what it would have been had nothing been done.
 *
 *     cost             = Σ C_failure (confirmed) + C_planned (replaced part) + C_inspection (false alarm, no fault found)
 *     had nothing been = Σ C_failure (confirmed, replaced part)
 *
 * The second takes every replaced part for one that would have failed: when it would have, nobody knows, so that the difference is
 * what is saved at most. Failures that nothing warned of are in neither.
 *
 * @returns null where there is none
 */
export function realizedSavings(works: readonly ClosedWork[], costs: SavingsCosts): RealizedSavings | null {
  if (works.length === 0) return null;
  const outcomes: Record<string, number> = {};
  for (const { result } of works) outcomes[result] = (outcomes[result] ?? 0) + 1;
  const count = (result: ClosedWork["result"]) => outcomes[result] ?? 0;
  const found = count("confirmed") + count("replaced_part");
  const sound = count("false_alarm") + count("no_fault_found");
  const reported = works.flatMap(({ cost }) => cost ?? []);
  return {
    outcomes,
    precision: found + sound === 0 ? null : found / (found + sound),
    medianHours: quantile(
      works.map(({ hours }) => hours),
      0.5,
    ),
    reportedCost: reported.length === 0 ? null : reported.reduce((sum, cost) => sum + cost, 0),
    cost:
      count("confirmed") * costs.failure + count("replaced_part") * costs.planned + sound * costs.inspection,
    costIfNothingWasDone: found * costs.failure,
  };
}
