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

/** Closed orders of one outcome. */
export interface OutcomeCosts {
  readonly result: ClosedWork["result"];
  readonly orders: number;
  /** Of all of them, as declared. */
  readonly declaredCost: number;
  /** Orders that said what they came to. */
  readonly reporting: number;
  /** What these came to; null: none said it. */
  readonly reportedCost: number | null;
  /** Of these alone, as declared: what `reportedCost` is to be held against. */
  readonly declaredOfReporting: number;
}

export interface RealizedSavings {
  readonly outcomes: Readonly<Record<string, number>>;
  /** In the order in which outcomes are listed everywhere; those without an order are left out. */
  readonly byOutcome: readonly OutcomeCosts[];
  readonly precision: number | null;
  readonly medianHours: number | null;
  readonly reporting: number;
  readonly reportedCost: number | null;
  readonly declaredOfReporting: number;
  readonly cost: number;
  readonly costIfNothingWasDone: number;
}

const RESULTS = ["confirmed", "replaced_part", "false_alarm", "no_fault_found", "not_done"] as const;

/**
 * What closed work orders came to, with the declared costs, beside what it would have been had nothing been done.
 *
 *     cost             = Σ C_failure (confirmed) + C_planned (replaced part) + C_inspection (false alarm, no fault found)
 *     of an order that was not done: 0
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
  const byOutcome = RESULTS.flatMap((result) => outcomeCosts(works, result, costs));
  const total = (of: (one: OutcomeCosts) => number) => byOutcome.reduce((sum, one) => sum + of(one), 0);
  const reporting = total((one) => one.reporting);
  return {
    outcomes,
    byOutcome,
    precision: found + sound === 0 ? null : found / (found + sound),
    medianHours: quantile(
      works.map(({ hours }) => hours),
      0.5,
    ),
    reporting,
    reportedCost: reporting === 0 ? null : total((one) => one.reportedCost ?? 0),
    declaredOfReporting: total((one) => one.declaredOfReporting),
    cost: total((one) => one.declaredCost),
    costIfNothingWasDone: found * costs.failure,
  };
}

function outcomeCosts(
  works: readonly ClosedWork[],
  result: ClosedWork["result"],
  costs: SavingsCosts,
): OutcomeCosts[] {
  const own = works.filter((work) => work.result === result);
  if (own.length === 0) return [];
  const reported = own.flatMap(({ cost }) => cost ?? []);
  const each = declaredOf(result, costs);
  return [
    {
      result,
      orders: own.length,
      declaredCost: own.length * each,
      reporting: reported.length,
      reportedCost: reported.length === 0 ? null : reported.reduce((sum, cost) => sum + cost, 0),
      declaredOfReporting: reported.length * each,
    },
  ];
}

function declaredOf(result: ClosedWork["result"], { failure, planned, inspection }: SavingsCosts): number {
  switch (result) {
    case "confirmed":
      return failure;
    case "replaced_part":
      return planned;
    case "false_alarm":
    case "no_fault_found":
      return inspection;
    case "not_done":
      return 0;
  }
}
