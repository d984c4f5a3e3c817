import { checkTimeSpan, problemKindOf, report } from "./scope.ts";
import type { Scope } from "./scope.ts";

const ROOT = "maintenance";

/** Whether what comes of a predicted failure fits the task and the data. */
export function checkMaintenance(scope: Scope): void {
  const { maintenance } = scope.pipeline;
  if (maintenance === undefined) return;
  const kind = problemKindOf(scope.pipeline);
  if (kind === "forecast")
    report(scope, [ROOT], "the task rul, failure_within, class or anomaly", "forecast");
  if (!scope.hasAsset && scope.readings !== undefined)
    report(scope, [ROOT], "an asset column in the readings: work is done on assets", "none");
  checkWhen(scope, kind);
  for (const key of ["leadTime", "opportunity"] as const)
    if (maintenance[key] !== undefined) checkTimeSpan(scope, [ROOT, key], maintenance[key]);
  checkDeciders(scope);
}

function checkWhen(scope: Scope, kind: ReturnType<typeof problemKindOf>): void {
  const when = scope.pipeline.maintenance?.when;
  if (when === undefined) return;
  const path = (key: string) => [ROOT, "when", key];
  const isMulticlass = kind === "multiclass";
  if (kind === "regression" && when.remaining === undefined)
    report(scope, path("remaining"), "the remaining life from which work is due, e.g. 72h or 20", "none");
  if (kind !== "regression" && when.remaining !== undefined)
    report(scope, path("remaining"), "the task rul", scope.pipeline.task.kind);
  if (typeof when.remaining === "string" && scope.timeKind !== "timestamp")
    report(scope, path("remaining"), "a number of cycles, because time is no timestamp", when.remaining);
  if (kind !== "binary" && !isMulticlass && when.probability !== undefined)
    report(scope, path("probability"), "a task with probabilities of classes", scope.pipeline.task.kind);
  if (isMulticlass && when.classes === undefined)
    report(scope, path("classes"), "the classes that call for maintenance", "none");
  if (!isMulticlass && when.classes !== undefined)
    report(scope, path("classes"), "a task with several classes", scope.pipeline.task.kind);
}

/** Who decides on critical assets is a person with a name; where it is escalated to, as well. */
function checkDeciders(scope: Scope): void {
  const { maintenance } = scope.pipeline;
  if (maintenance === undefined) return;
  const { critical, deciders } = maintenance;
  const hasCritical = critical.assets.length > 0 || critical.classes.length > 0;
  if (hasCritical && deciders.approvers.length === 0)
    report(scope, [ROOT, "deciders", "approvers"], "who decides on critical assets, by name", "nobody");
  const isAsked = hasCritical || maintenance.others === "ask";
  if (isAsked && deciders.onDeadline === "escalate" && deciders.escalateTo.length === 0)
    report(
      scope,
      [ROOT, "deciders", "escalateTo"],
      "who may decide after the deadline, or onDeadline: expire or reject",
      "nobody",
    );
  if (
    deciders.approvers.length > 0 &&
    deciders.quorum > deciders.approvers.length + deciders.escalateTo.length
  )
    report(
      scope,
      [ROOT, "deciders", "quorum"],
      `at most ${deciders.approvers.length + deciders.escalateTo.length}, the number of deciders`,
      String(deciders.quorum),
    );
}
