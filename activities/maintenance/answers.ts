import type { Answer } from "../../schemas/maintenance/answer.ts";
import { lifeInUnits } from "../../schemas/pipeline/time.ts";
import { timeKindOf } from "../../schemas/pipeline/pipeline.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { MaintenancePolicy } from "../../schemas/pipeline/maintenance.ts";
import type { SeenFleetScore, SeenScore } from "../../stores/postgres/port/maintenance.ts";

/** A pipeline that says what comes of a predicted failure. */
export type MaintainedPipeline = Pipeline & { readonly maintenance: MaintenancePolicy };

/** A live answer as maintenance goes by it; undefined: it says nothing of a failure. */
export function liveAnswer(score: SeenScore, pipeline: MaintainedPipeline): Answer | undefined {
  const { prediction, model, asset, version, digest } = score;
  const { probability, probabilities, value, score: unusual, decision, interval } = prediction;
  const common = {
    model,
    asset,
    version,
    digest,
    timeKind: timeKindIn(pipeline),
    t: score.ts,
    predictionId: prediction.predictionId,
    scoreId: null,
    at: score.scoredAt,
  };
  const { when } = pipeline.maintenance;
  if (probability !== undefined) {
    const holds = when.probability === undefined ? decision === true : probability >= when.probability;
    return { ...common, kind: "probability", value: probability, unit: null, holds, ...horizonIn(pipeline) };
  }
  if (probabilities !== undefined) {
    const answer = ofClasses(prediction.class ?? "", probabilities, when);
    return { ...common, kind: "probability", unit: null, ...answer };
  }
  if (unusual !== undefined)
    return { ...common, kind: "anomaly", value: unusual, unit: null, holds: decision === true };
  if (value === undefined || pipeline.task.kind !== "rul") return undefined;
  return {
    ...common,
    kind: "remaining",
    value,
    unit: lifeUnitIn(pipeline),
    holds: isShort(value, pipeline),
    ...(interval === undefined ? {} : { interval }),
  };
}

/** A line of a fleet score likewise. Of several classes the ranking has the likeliest alone. */
export function fleetAnswer(line: SeenFleetScore, pipeline: MaintainedPipeline): Answer | undefined {
  const { model, asset, version, digest, value, kind, threshold, scoreId, scoredAt: at } = line;
  const timeKind = timeKindIn(pipeline);
  const t = timeKind === "cycle" ? Number(line.at) : Date.parse(line.at) * 1_000;
  if (!Number.isSafeInteger(t)) return undefined;
  const common = { model, asset, version, digest, timeKind, t, predictionId: null, scoreId, at };
  const { when } = pipeline.maintenance;
  if (kind === "rul")
    return {
      ...common,
      kind: "remaining",
      value,
      unit: lifeUnitIn(pipeline),
      holds: isShort(value, pipeline),
    };
  if (kind === "risk" || kind === "score") {
    const limit = kind === "risk" ? (when.probability ?? threshold) : threshold;
    const holds = limit !== null && value >= limit;
    if (kind === "score") return { ...common, kind: "anomaly", value, unit: null, holds };
    return { ...common, kind: "probability", value, unit: null, holds, ...horizonIn(pipeline) };
  }
  if (kind !== "class") return undefined;
  const label = line.classLabels?.[value];
  if (label === undefined) return undefined;
  const holds = when.probability === undefined && (when.classes ?? []).includes(label);
  return { ...common, kind: "probability", value: holds ? 1 : 0, unit: null, class: label, holds };
}

function ofClasses(
  likeliest: string,
  probabilities: Readonly<Record<string, number>>,
  { classes = [], probability }: MaintenancePolicy["when"],
): Pick<Answer, "value" | "class" | "holds"> {
  const value = Math.min(
    1,
    classes.reduce((sum, name) => sum + (probabilities[name] ?? 0), 0),
  );
  const holds = probability === undefined ? classes.includes(likeliest) : value >= probability;
  return { value, class: likeliest, holds };
}

function isShort(remaining: number, pipeline: MaintainedPipeline): boolean {
  const { remaining: limit } = pipeline.maintenance.when;
  return limit !== undefined && remaining <= lifeInUnits(limit, timeKindOf(pipeline));
}

const horizonIn = ({ task }: Pipeline): Pick<Answer, "horizon"> =>
  task.kind === "failure_within" ? { horizon: task.horizon } : {};

const timeKindIn = (pipeline: Pipeline): "timestamp" | "cycle" =>
  timeKindOf(pipeline) === "timestamp" ? "timestamp" : "cycle";

const lifeUnitIn = (pipeline: Pipeline): string => (timeKindIn(pipeline) === "timestamp" ? "h" : "cycles");
