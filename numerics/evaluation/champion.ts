import { findMetric } from "../metrics/metric-table.ts";
import { requireInRange } from "../stats/checked-array.ts";

/** What a refused challenger is told; shown to people and matched by scripts. */
export const NOT_PROMOTING = "New model does not outperform the current production model. Not promoting.";

/** Gains below this share of the champion's value are rounding, not progress: they count as a tie. */
const TIE_RATIO = 1e-12;

/** Metrics of one model on the shared frozen rows. */
export interface Contender {
  /** hash of the row set the metrics were computed on */
  readonly rows: string;
  readonly metrics: Readonly<Record<string, number>>;
}

/** When a challenger replaces the champion. */
export interface ChampionRule {
  /** key of the deciding metric */
  readonly metric: string;
  /** gain the challenger must reach, in the unit of the metric; 0: any real gain, below 0: the loss that is allowed */
  readonly margin?: number;
  /** metrics that may not get worse by more than `maxLoss` (≥ 0, in their unit) */
  readonly guards?: readonly { readonly metric: string; readonly maxLoss: number }[];
}

/** One metric of both, with the gain signed so that positive is better whatever its direction. */
export interface MetricComparison {
  readonly metric: string;
  readonly champion: number;
  readonly challenger: number;
  readonly gain: number;
  /** the gain that was required; negative for a guard that allows a loss */
  readonly required: number;
  readonly passed: boolean;
}

/** The verdict on a challenger. */
export interface ChampionResult {
  readonly outcome: "promote" | "keep";
  readonly reason: string;
  readonly deciding: MetricComparison;
  readonly guards: readonly MetricComparison[];
}

/**
 * Decide between the production model and a new one on the same frozen rows. A tie keeps the champion.
 *
 * @param champion   metrics of the production model
 * @param challenger metrics of the new model, computed on the same rows
 * @param rule       deciding metric, margin, guards
 * @returns the outcome with every number it rests on and a sentence for people
 * @throws {RangeError} when the row sets differ, a metric is unknown or missing, or a margin is no number
 */
export function compareWithChampion(
  champion: Contender,
  challenger: Contender,
  rule: ChampionRule,
): ChampionResult {
  if (champion.rows !== challenger.rows) {
    throw new RangeError(
      `champion and challenger must be scored on the same rows, got ${champion.rows} and ${challenger.rows}`,
    );
  }
  const margin = rule.margin ?? 0;
  requireInRange("margin", margin, [-Number.MAX_VALUE, Number.MAX_VALUE]);
  const pair = { champion: champion.metrics, challenger: challenger.metrics };
  const deciding = compareMetric(pair, {
    metric: rule.metric,
    required: margin,
    mustGain: margin >= 0,
  });
  const guards = (rule.guards ?? []).map((guard) => {
    requireInRange(`maxLoss of ${guard.metric}`, guard.maxLoss, [0, Number.MAX_VALUE]);
    return compareMetric(pair, { metric: guard.metric, required: 0 - guard.maxLoss, mustGain: false });
  });
  const failed = guards.filter((guard) => !guard.passed);
  const outcome = deciding.passed && failed.length === 0 ? "promote" : "keep";
  return { outcome, reason: reasonOf(deciding, failed), deciding, guards };
}

interface Pair {
  readonly champion: Readonly<Record<string, number>>;
  readonly challenger: Readonly<Record<string, number>>;
}

interface Demand {
  readonly metric: string;
  readonly required: number;
  /** true: equal values fail even when `required` is 0 */
  readonly mustGain: boolean;
}

function compareMetric(pair: Pair, { metric, required, mustGain }: Demand): MetricComparison {
  const { direction } = findMetric(metric);
  const champion = metricValue(pair.champion, metric, "champion");
  const challenger = metricValue(pair.challenger, metric, "challenger");
  const gain = direction === "higher" ? challenger - champion : champion - challenger;
  const rounding = TIE_RATIO * Math.abs(champion);
  const passed = gain >= required - rounding && (!mustGain || gain > rounding);
  return { metric, champion, challenger, gain, required, passed };
}

function metricValue(metrics: Readonly<Record<string, number>>, key: string, who: string): number {
  const value = Object.hasOwn(metrics, key) ? metrics[key] : undefined;
  if (value === undefined || !Number.isFinite(value)) {
    throw new RangeError(`${who} has no metric ${key}, got ${Object.keys(metrics).join(", ") || "none"}`);
  }
  return value;
}

function reasonOf(deciding: MetricComparison, failed: readonly MetricComparison[]): string {
  const numbers = `${deciding.metric} ${format(deciding.challenger)} against ${format(deciding.champion)}`;
  if (!deciding.passed) {
    const { required } = deciding;
    const needed =
      required > 0
        ? `, a gain of ${format(required)} is required`
        : required < 0
          ? `, a loss of ${format(-required)} is allowed`
          : "";
    return `${NOT_PROMOTING} (${numbers}${needed})`;
  }
  if (failed.length === 0)
    return deciding.gain > 0
      ? `New model outperforms the current production model (${numbers}).`
      : `New model is as good as the current production model, within the loss of ${format(-deciding.required)} that is allowed (${numbers}).`;
  const losses = failed.map(
    (guard) => `${guard.metric} ${format(guard.challenger)} against ${format(guard.champion)}`,
  );
  return `${NOT_PROMOTING} (${numbers}, but the guard fails: ${losses.join("; ")})`;
}

function format(value: number): string {
  return String(Number(value.toPrecision(6)));
}
