import { compareWithChampion } from "../../numerics/evaluation/champion.ts";
import type { ChampionResult } from "../../numerics/evaluation/champion.ts";
import { evaluateGates } from "../../numerics/evaluation/gates.ts";
import type { Evaluation, GateResult, MetricSet } from "../../schemas/models/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";

export interface GateDecision {
  readonly passed: boolean;
  readonly gates: readonly GateResult[];
  /** One line for the run's log; for a refusal by the champion rule the sentence of S4.18. */
  readonly message: string;
}

interface Champion {
  readonly version: number;
  /** Identity of the rows it was scored on. */
  readonly rows: string;
  readonly metrics: MetricSet;
}

/** What a file asks of a version that is in use already: whether it still keeps the bounds, and nothing beside another. */
export function ownGates(
  pipeline: Pick<Pipeline, "gates">,
  evaluation: Pick<Evaluation, "metrics" | "checks">,
): GateResult[] {
  const gates: GateResult[] = evaluation.checks.map((check) => ({ ...check }));
  for (const on of ["test", "cv"] as const) {
    const declared = pipeline.gates.filter((gate) => gate.on === on);
    const bounds = declared.map((gate) =>
      gate.max === undefined
        ? ({ metric: gate.metric, op: ">=", threshold: gate.min ?? 0 } as const)
        : ({ metric: gate.metric, op: "<=", threshold: gate.max } as const),
    );
    for (const row of evaluateGates(evaluation.metrics[on], bounds).rows) {
      gates.push({ name: `${row.metric} on ${on}`, passed: row.passed, detail: row.text });
    }
  }
  return gates;
}

/**
 * All gates of one version: the evaluation's own checks, the declared metric bounds, and the champion rule on the same
 * frozen rows. Every gate is listed, not only the failed ones.
 *
 * @param champion metrics of the present champion and the rows they are of; undefined when there is none
 * @throws {PlatformError} conflict when champion and challenger cannot be compared
 */
export function decideGates(
  pipeline: Pipeline,
  evaluation: Evaluation,
  champion: Champion | undefined,
): GateDecision {
  const gates = ownGates(pipeline, evaluation);
  const refusal = addChampionGate(gates, { pipeline, evaluation, champion });
  const failed = gates.filter((gate) => !gate.passed);
  const passed = failed.length === 0;
  const message = passed
    ? `${gates.length} gates passed`
    : (refusal ?? failed.map((g) => g.detail).join("; "));
  return { passed, gates, message };
}

function addChampionGate(
  gates: GateResult[],
  given: {
    pipeline: Pipeline;
    evaluation: Evaluation;
    champion: Champion | undefined;
  },
): string | undefined {
  const { pipeline, evaluation, champion } = given;
  if (champion === undefined) {
    gates.push({ name: "champion", passed: true, detail: "there is no champion to compare with" });
    return undefined;
  }
  const result = compare(pipeline, evaluation, champion);
  const passed = result.outcome === "promote";
  gates.push({ name: `champion @${champion.version}`, passed, detail: result.reason });
  return passed ? undefined : result.reason;
}

/** Rows or metrics that differ stay different: the run ends instead of trying again. */
function compare(pipeline: Pipeline, evaluation: Evaluation, champion: Champion): ChampionResult {
  try {
    return compareWithChampion(
      { rows: champion.rows, metrics: champion.metrics },
      { rows: evaluation.holdout, metrics: evaluation.metrics.test },
      {
        metric: evaluation.primaryMetric,
        margin: pipeline.champion.margin,
        guards: pipeline.champion.guards.map((g) => ({ metric: g.metric, maxLoss: g.maxWorse })),
      },
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new PlatformError("conflict", `compare with champion @${champion.version}: ${error.message}`, {
      cause: error,
    });
  }
}
