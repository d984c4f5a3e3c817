import { METRIC_NAMES } from "./metric-names.ts";
import { problemKindOf, report, reportUnknown } from "./scope.ts";
import type { Scope } from "./scope.ts";

/** What drift is measured against, and the change envelope against the candidates, the metrics and the data. */
export function checkRetraining(scope: Scope): void {
  const { monitoring, retraining } = scope.pipeline;
  const { reference } = monitoring;
  if (reference !== undefined && scope.timeKind !== "timestamp")
    report(scope, ["monitoring", "reference"], "no span of time, as time is no timestamp", reference);
  const { envelope } = retraining;
  if (envelope === undefined) return;
  checkCandidateNames(scope);
  checkMetricNames(scope);
  const path = ["retraining", "envelope"];
  for (const key of ["maxAge", "minSpan", "maxSpan"] as const) {
    const span = envelope.data[key];
    if (span !== undefined && scope.timeKind !== "timestamp")
      report(scope, [...path, "data", key], "no span of time, as time is no timestamp", span);
  }
  const { approvers, quorum, onDeadline, escalateTo } = envelope.approval;
  if (approvers.length > 0 && quorum > approvers.length) {
    const expected = `at most ${approvers.length}, the number of approvers`;
    report(scope, [...path, "approval", "quorum"], expected, String(quorum));
  }
  if (onDeadline === "escalate" && escalateTo.length === 0)
    report(scope, [...path, "approval", "onDeadline"], "people under escalateTo", "escalate");
}

function checkCandidateNames(scope: Scope): void {
  const { retraining, candidates } = scope.pipeline;
  const known = candidates.map(({ name, kind }) => name ?? kind);
  const path = ["retraining", "envelope"];
  const named = [
    ...(retraining.envelope?.candidates ?? []).map((name, i) => ({ name, at: ["candidates", i] })),
    ...Object.keys(retraining.envelope?.params ?? {}).map((name) => ({ name, at: ["params", name] })),
  ];
  for (const { name, at } of named)
    if (!known.includes(name)) reportUnknown(scope, [...path, ...at], { what: "a candidate", name, known });
}

function checkMetricNames(scope: Scope): void {
  const { quality } = scope.pipeline.retraining.envelope ?? { quality: { gates: [], maxWorse: {} } };
  const problem = problemKindOf(scope.pipeline);
  const known = METRIC_NAMES[problem];
  const path = ["retraining", "envelope", "quality"];
  const named = [
    ...quality.gates.map(({ metric }, i) => ({ name: metric, at: ["gates", i, "metric"] })),
    ...Object.keys(quality.maxWorse).map((name) => ({ name, at: ["maxWorse", name] })),
  ];
  for (const { name, at } of named) {
    if (known.includes(name)) continue;
    reportUnknown(scope, [...path, ...at], { what: `a metric of ${problem} tasks`, name, known });
  }
}
