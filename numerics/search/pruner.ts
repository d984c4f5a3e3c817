/**
 * Ends trials that are unlikely to win, from their intermediate losses. Like proposals, a decision depends on trials
 * of earlier generations only, so that it is the same for any number of workers.
 */

/** Intermediate losses of a trial by step (fold, or rung of rounds), lower is better. */
export interface TrialCurve {
  readonly number: number;
  /** losses[s] after step s; shorter for a trial that was pruned. */
  readonly losses: readonly number[];
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

/** Named and set as in Optuna 4. */
export const PRUNER_DEFAULTS: PrunerSettings = {
  pruner: "median",
  startupTrials: 5,
  warmupSteps: 0,
  reductionFactor: 4,
};

/**
 * Whether a trial should end after its newest step.
 *
 * @param losses  of this trial so far, at least one
 * @param earlier curves of all trials before its generation
 *
 * Source: median: Golovin et al. 2017 (doi:10.1145/3097983.3098043), section 3.1.3, with best-so-far values as in
 * Optuna; successive halving: Li et al. 2020 (arXiv:1810.05934), with rungs at powers of the reduction factor.
 */
export function shouldPrune(
  settings: PrunerSettings,
  losses: readonly number[],
  earlier: readonly TrialCurve[],
): boolean {
  const step = losses.length - 1;
  if (step < 0 || settings.pruner === "none") return false;
  if (!Number.isFinite(losses[step])) return true;
  const best = Math.min(...losses);
  return settings.pruner === "median"
    ? isAboveMedian(settings, step, best, earlier)
    : isBelowRung(settings, step, best, earlier);
}

function isAboveMedian(
  { startupTrials, warmupSteps }: PrunerSettings,
  step: number,
  best: number,
  earlier: readonly TrialCurve[],
): boolean {
  const complete = earlier.filter((curve) => !curve.isPruned && curve.losses.length > step);
  if (complete.length < Math.max(1, startupTrials) || step < warmupSteps) return false;
  const others = complete.map((curve) => Math.min(...curve.losses.slice(0, step + 1))).sort((a, b) => a - b);
  const middle = others.length >>> 1;
  const median = others.length % 2 === 1 ? others[middle] : (others[middle - 1] + others[middle]) / 2;
  return best > median;
}

function isBelowRung(
  { reductionFactor }: PrunerSettings,
  step: number,
  best: number,
  earlier: readonly TrialCurve[],
): boolean {
  if (!isRung(step + 1, reductionFactor)) return false;
  const others = earlier.filter((curve) => curve.losses.length > step);
  const nPromoted = Math.floor((others.length + 1) / reductionFactor);
  if (nPromoted === 0) return others.length > 0 && others.every((curve) => bestUntil(curve, step) < best);
  const sorted = [...others.map((curve) => bestUntil(curve, step)), best].sort((a, b) => a - b);
  return best > sorted[nPromoted - 1];
}

const bestUntil = (curve: TrialCurve, step: number): number => Math.min(...curve.losses.slice(0, step + 1));

/** Whether `resource` steps are 1, η, η², … */
function isRung(resource: number, factor: number): boolean {
  let rung = 1;
  while (rung < resource) rung *= factor;
  return rung === resource;
}
