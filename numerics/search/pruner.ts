/**
 * Ends trials that are unlikely to win, from their intermediate losses. Like proposals, a decision depends on a fixed
 * set of earlier trials only, so that it is the same for any number of workers.
 *
 * With several objectives each one judges by itself, and a trial ends only where all of them would end it: one that is
 * good at anything may still be on the Pareto front.
 */

/** Intermediate losses of a trial, lower is better. */
export interface TrialCurve {
  readonly number: number;
  /**
   * losses[k][s] of objective k after step s (fold, or rung of rounds); shorter for a trial that was pruned. NaN where
   * the metric is undefined: that says nothing.
   */
  readonly losses: readonly (readonly number[])[];
  readonly isPruned: boolean;
}

export type PrunerName = "none" | "median" | "successiveHalving";

export interface PrunerSettings {
  readonly pruner: PrunerName;
  /** Median: complete trials there must be before any is pruned. */
  readonly startupTrials: number;
  /** Median: steps of a trial that are never pruned. */
  readonly warmupSteps: number;
  /** Successive halving: one of this many goes on at each rung. */
  readonly reductionFactor: number;
}

/** Named and set as in Optuna. */
export const PRUNER_DEFAULTS: PrunerSettings = {
  pruner: "median",
  startupTrials: 5,
  warmupSteps: 0,
  reductionFactor: 4,
};

/**
 * Whether a trial should end after its newest step.
 *
 * @param losses  of this trial so far: by objective, then by step; at least one
 * @param earlier curves of the trials that it may see
 *
 * Source: median: Golovin et al. 2017 (doi:10.1145/3097983.3098043), section 3.1.3, as Optuna has it: the trial's best
 * loss so far against the others' losses at this step; successive halving: Li et al. 2020 (arXiv:1810.05934), with
 * rungs at powers of the reduction factor. Checked: tests/peers/search.
 */
export function shouldPrune(
  settings: PrunerSettings,
  losses: readonly (readonly number[])[],
  earlier: readonly TrialCurve[],
): boolean {
  if (settings.pruner === "none") return false;
  const judge = settings.pruner === "median" ? isAboveMedian : isBelowRung;
  return (
    losses.length > 0 && losses.every((own, objective) => judge(settings, own, curvesOf(earlier, objective)))
  );
}

/** Curve of one objective. */
interface Curve {
  readonly losses: readonly number[];
  readonly isPruned: boolean;
}

function curvesOf(earlier: readonly TrialCurve[], objective: number): Curve[] {
  return earlier.map(({ losses, isPruned }) => ({ losses: losses[objective] ?? [], isPruned }));
}

function isAboveMedian(
  { startupTrials, warmupSteps }: PrunerSettings,
  losses: readonly number[],
  earlier: readonly Curve[],
): boolean {
  const step = losses.length - 1;
  const complete = earlier.filter((curve) => !curve.isPruned);
  if (step < warmupSteps || complete.length < Math.max(1, startupTrials)) return false;
  const others = knownAt(complete, step);
  const best = Math.min(...losses.filter((loss) => !Number.isNaN(loss)));
  if (others.length === 0 || Number.isNaN(losses[step])) return false;
  const middle = others.length >>> 1;
  const median = others.length % 2 === 1 ? others[middle] : (others[middle - 1] + others[middle]) / 2;
  return best > median;
}

function isBelowRung(
  { reductionFactor }: PrunerSettings,
  losses: readonly number[],
  earlier: readonly Curve[],
): boolean {
  const own = losses[losses.length - 1];
  if (!isRung(losses.length, reductionFactor) || Number.isNaN(own)) return false;
  const all = [...knownAt(earlier, losses.length - 1), own].sort((a, b) => a - b);
  // Of fewer than η the best goes on.
  const nPromoted = Math.max(1, Math.floor(all.length / reductionFactor));
  return own > all[nPromoted - 1];
}

/** Losses after a step, ascending; of trials that came so far. */
function knownAt(curves: readonly Curve[], step: number): number[] {
  return curves
    .filter(({ losses }) => losses.length > step && !Number.isNaN(losses[step]))
    .map(({ losses }) => losses[step])
    .sort((a, b) => a - b);
}

/** Whether `resource` steps are 1, η, η², … */
function isRung(resource: number, factor: number): boolean {
  let rung = 1;
  while (rung < resource) rung *= factor;
  return rung === resource;
}
