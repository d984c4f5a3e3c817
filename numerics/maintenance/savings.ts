/**
 * What maintenance by a model would have cost, beside running to failure and beside replacing at a fixed age.
 *
 * A part that is replaced early lives shorter and is followed by another one: costs of a life cannot be compared, costs of a time
 * in operation can. So each strategy is judged by its cost rate, as in the theory of renewal rewards (Barlow & Proschan 1965, ch. 4):
 *
 *     rate = Σ costs of the lives / Σ times the lives were in operation
 *
 * The lives are given; what would have come after a life that a strategy ends early is taken to be another life like them.
 */
import { bootstrapIntervals } from "../evaluation/bootstrap.ts";
import type { Interval } from "../evaluation/bootstrap.ts";

/** One life of an asset as it was. Times in one unit, hours or cycles. */
export interface Life {
  readonly asset: string;
  /** When the life began. */
  readonly begin: number;
  /** From when on it is judged, at or after its begin. */
  readonly entry: number;
  /** When it failed, or was last seen. */
  readonly end: number;
  readonly hasFailed: boolean;
  /** When the model raises alarms, ascending. */
  readonly alarms: readonly number[];
}

export interface SavingsCosts {
  /** With downtime. */
  readonly failure: number;
  readonly planned: number;
  /** Of work that finds nothing. */
  readonly inspection: number;
  /** Of a unit of remaining life that is thrown away. */
  readonly unusedLife: number;
}

export interface SavingsPolicy {
  /** From an alarm to the work. */
  readonly lead: number;
  /**
   * Work that no failure would follow within it finds nothing: the alarm was a false one, and the life goes on. null: the part is
   * replaced whenever an alarm says so.
   */
  readonly horizon: number | null;
}

/** How a life went under the model. `late`: the alarm came, and the failure before the work. */
export type LifeOutcome = "prevented" | "late" | "missed" | "survived" | "replaced_unfailed";

export interface ModelledLife {
  readonly outcome: LifeOutcome;
  readonly cost: number;
  /** In operation. */
  readonly lived: number;
  readonly nFalseAlarms: number;
  /** Work at this time; null: none. */
  readonly workAt: number | null;
  /** From the alarm to the failure that was prevented; null where none was. */
  readonly warning: number | null;
}

/** A life under the model. */
export function liveByModel(life: Life, { lead, horizon }: SavingsPolicy, costs: SavingsCosts): ModelledLife {
  const { entry, end, hasFailed } = life;
  let nFalseAlarms = 0;
  const ended = (outcome: LifeOutcome, cost: number): ModelledLife => ({
    outcome,
    cost: cost + nFalseAlarms * costs.inspection,
    lived: end - entry,
    nFalseAlarms,
    workAt: null,
    warning: null,
  });
  for (const alarm of life.alarms) {
    const workAt = alarm + lead;
    const isNear = horizon === null || end - workAt <= horizon;
    // Nobody knows whether a failure would have followed: the asset was seen for less than the horizon.
    if (!isNear) {
      nFalseAlarms += 1;
      continue;
    }
    if (!hasFailed && horizon !== null) continue;
    if (workAt >= end) return hasFailed ? ended("late", costs.failure) : ended("survived", 0);
    return {
      outcome: hasFailed ? "prevented" : "replaced_unfailed",
      cost: costs.planned + costs.unusedLife * (end - workAt) + nFalseAlarms * costs.inspection,
      lived: Math.max(0, workAt - entry),
      nFalseAlarms,
      workAt,
      warning: hasFailed ? end - alarm : null,
    };
  }
  return hasFailed ? ended("missed", costs.failure) : ended("survived", 0);
}

export interface StrategyTotals {
  readonly cost: number;
  readonly lived: number;
  readonly failures: number;
  readonly works: number;
}

/** Nothing is done before a failure. */
export function runToFailure(lives: readonly Life[], costs: SavingsCosts): StrategyTotals {
  return replacedAt(lives, Infinity, costs);
}

/** Every part is replaced at an age, or when it fails. A life that began too early to be judged at all is left out. */
export function replacedAt(lives: readonly Life[], age: number, costs: SavingsCosts): StrategyTotals {
  let [cost, lived, failures, works] = [0, 0, 0, 0];
  for (const { begin, entry, end, hasFailed } of lives) {
    const due = begin + age;
    if (due <= entry) continue;
    if (due < end) {
      cost += costs.planned + costs.unusedLife * (end - due);
      lived += due - entry;
      works += 1;
    } else {
      cost += hasFailed ? costs.failure : 0;
      lived += end - entry;
      failures += hasFailed ? 1 : 0;
    }
  }
  return { cost, lived, failures, works };
}

/** Ages that are tried: there is nothing to gain between two ends of lives. */
const MOST_AGES = 100;

/**
 * The age at which replacing costs least on these very lives: no plan could have known it, so that the model is held against the
 * best there is.
 *
 * @returns Infinity where never is best
 */
export function bestAge(lives: readonly Life[], costs: SavingsCosts): number {
  const ages = [...new Set(lives.map(({ begin, end }) => end - begin))].sort((a, b) => a - b);
  const step = Math.max(1, Math.ceil(ages.length / MOST_AGES));
  let best = Infinity;
  let least = rateOf(runToFailure(lives, costs));
  for (let i = 0; i < ages.length; i += step) {
    const rate = rateOf(replacedAt(lives, ages[i], costs));
    if (!(rate < least)) continue;
    best = ages[i];
    least = rate;
  }
  return best;
}

/** NaN where nothing was in operation. */
export const rateOf = ({ cost, lived }: Pick<StrategyTotals, "cost" | "lived">): number =>
  lived > 0 ? cost / lived : Number.NaN;

export interface Savings {
  readonly lives: readonly ModelledLife[];
  readonly model: StrategyTotals;
  readonly runToFailure: StrategyTotals;
  readonly fixedAge: StrategyTotals & { readonly age: number };
  /** Share of the cost rate that the model saves, against each; NaN where it has none. */
  readonly overRunToFailure: number;
  readonly overFixedAge: number;
  /** Of both, 95 %, by bootstrap over assets; empty with fewer than two of them. */
  readonly intervals: Readonly<Record<string, Interval>>;
}

/**
 * The three strategies on the same lives.
 *
 * @throws {RangeError} there is no life
 *
 * Cost: O(resamples · lives · ages). Deterministic for a seed.
 */
export function simulateSavings(
  lives: readonly Life[],
  {
    policy,
    costs,
    seed,
  }: { readonly policy: SavingsPolicy; readonly costs: SavingsCosts; readonly seed: number },
): Savings {
  if (lives.length === 0) throw new RangeError("savings: expected at least one life");
  const modelled = lives.map((life) => liveByModel(life, policy, costs));
  const age = bestAge(lives, costs);
  const shares = (rows: ArrayLike<number>) => {
    const some = Array.from(rows, (row) => lives[row]);
    const model = rateOf(totalsOf(Array.from(rows, (row) => modelled[row])));
    const fixed = rateOf(replacedAt(some, bestAge(some, costs), costs));
    return {
      overRunToFailure: 1 - model / rateOf(runToFailure(some, costs)),
      overFixedAge: 1 - model / fixed,
    };
  };
  return {
    lives: modelled,
    model: totalsOf(modelled),
    runToFailure: runToFailure(lives, costs),
    fixedAge: { ...replacedAt(lives, age, costs), age },
    ...shares(lives.map((_, i) => i)),
    intervals: bootstrapIntervals(
      lives.map(({ asset }) => asset),
      shares,
      { seed, nResamples: 300 },
    ),
  };
}

function totalsOf(lives: readonly ModelledLife[]): StrategyTotals {
  let [cost, lived, failures, works] = [0, 0, 0, 0];
  for (const life of lives) {
    cost += life.cost;
    lived += life.lived;
    failures += life.outcome === "late" || life.outcome === "missed" ? 1 : 0;
    works += life.workAt === null ? 0 : 1;
  }
  return { cost, lived, failures, works };
}
