import { expectedCost } from "../../numerics/maintenance/expected-cost.ts";
import { remainingLife, timeAtRisk, withinHorizon } from "../../numerics/maintenance/failure-time.ts";
import type { FailureTime } from "../../numerics/maintenance/failure-time.ts";
import type { Answer } from "../../schemas/maintenance/answer.ts";
import type { Assessment, ExpectedCosts } from "../../schemas/maintenance/recommendation.ts";
import type { MaintenanceCosts, MaintenancePolicy } from "../../schemas/pipeline/maintenance.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import type { Span } from "../../schemas/pipeline/time.ts";
import type { Task } from "../../schemas/pipeline/label.ts";
import { actionText } from "./action-text.ts";
import { isOfPattern } from "../../alerting/text-pattern.ts";

const HOUR_MS = 3_600_000;
const HOUR_MICROS = HOUR_MS * 1_000;

export interface AssessedCase {
  readonly answer: Answer;
  readonly policy: MaintenancePolicy;
  readonly task: Pick<Task, "kind"> & { readonly horizon?: Span | undefined };
  readonly assetClass: string | null;
  readonly reasons: Assessment["reasons"];
  readonly reasonsMissing: string | null;
  /** Of the version's probabilities on the holdout; undefined: nobody measured it. */
  readonly calibrationError: number | undefined;
  /** ms since 1970. */
  readonly now: number;
}

/** What is to be done, why, by when, and what acting and waiting cost. Pure. */
export function assess(given: AssessedCase): Assessment {
  const { answer, policy, reasons, reasonsMissing } = given;
  const isCritical = isCriticalAsset(policy, answer.asset, given.assetClass);
  const time = failureTimeOf(given);
  const due = time === undefined ? null : dueOf(given, time);
  const costs = costsOf(given, time);
  const feature = reasons?.[0]?.feature;
  return {
    action: actionText(policy, { answer, due, ...(feature === undefined ? {} : { feature }) }),
    isCritical,
    mode: isCritical || policy.others === "ask" ? "ask" : "order",
    reasons,
    reasonsMissing,
    due,
    ...(typeof costs === "string" ? { costs: null, costsMissing: costs } : { costs, costsMissing: null }),
  };
}

/** Whether an asset is declared critical, by its id or by its class. */
export function isCriticalAsset(
  { critical }: MaintenancePolicy,
  asset: string,
  assetClass: string | null,
): boolean {
  return (
    critical.assets.some((pattern) => isOfPattern(asset, pattern)) ||
    (assetClass !== null && critical.classes.some((pattern) => isOfPattern(assetClass, pattern)))
  );
}

/** In hours, or cycles. */
function failureTimeOf({ answer, task }: AssessedCase): FailureTime | undefined {
  if (answer.kind === "remaining") return remainingLife(answer.value, answer.interval);
  if (answer.kind !== "probability" || task.kind !== "failure_within" || task.horizon === undefined)
    return undefined;
  return withinHorizon(answer.value, lengthOf(task.horizon));
}

/** When the work is to be begun, so that it is done before the risk is passed; at once where that was before the answer. */
function dueOf({ answer, policy, now }: AssessedCase, time: FailureTime): Assessment["due"] {
  const lead = policy.leadTime === undefined ? 0 : lengthOf(policy.leadTime);
  const left = timeAtRisk(time, policy.risk);
  if (left === Infinity) return null;
  const wait = Math.max(0, left - lead);
  const isLate = left < lead;
  if (answer.timeKind === "cycle")
    return { by: answer.t + Math.floor(wait), risk: policy.risk, isOverdue: isLate };
  const atMs = (answer.t + wait * HOUR_MICROS) / 1_000;
  return { by: new Date(atMs).toISOString(), risk: policy.risk, isOverdue: isLate || atMs < now };
}

/** @returns why there are none */
function costsOf(given: AssessedCase, time: FailureTime | undefined): ExpectedCosts | string {
  const { answer, policy, task, calibrationError } = given;
  const { costs } = policy;
  if (costs === undefined) return "the pipeline declares no maintenance.costs";
  if (time === undefined)
    return answer.kind === "anomaly"
      ? "how unusual a reading is says nothing of how likely a failure is"
      : "the probability of a class says nothing of when the asset fails";
  if (answer.kind === "probability" && calibrationError === undefined)
    return "nobody measured how well the version's probabilities are calibrated";
  const span = policy.opportunity ?? (task.kind === "failure_within" ? task.horizon : policy.leadTime);
  if (span === undefined) return "the pipeline declares no maintenance.opportunity to wait for";
  const until = lengthOf(span);
  const { acting, waiting, probability } = expectedCost(time, workCostsOf(costs), until);
  return {
    currency: costs.currency,
    acting,
    waiting,
    probability,
    until,
    advice: acting <= waiting ? "act" : "wait",
    calibrationError: answer.kind === "probability" ? (calibrationError ?? null) : null,
    basis: basisOf(answer),
  };
}

function basisOf({ kind, interval }: Answer): string {
  if (kind === "probability") return "constant hazard over the horizon";
  if (interval === undefined) return "the remaining life taken at its word: the version has no interval";
  return `split normal distribution through the ${Number((interval.level * 100).toPrecision(3))} % interval`;
}

/** Failure and planned work with their downtime. */
export function workCostsOf(costs: MaintenanceCosts): {
  readonly failure: number;
  readonly planned: number;
  readonly unusedLife: number;
} {
  const { failure, planned, downtimePerHour, failureHours, plannedHours, unusedLife } = costs;
  return {
    failure: failure + downtimePerHour * failureHours,
    planned: planned + downtimePerHour * plannedHours,
    unusedLife,
  };
}

/** Hours, or cycles. */
export const lengthOf = (span: Span): number =>
  typeof span === "number" ? span : durationMs(span) / HOUR_MS;
