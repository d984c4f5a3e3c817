import { usableColumns } from "../personal.ts";
import type { LifeCap, Task, Where } from "../label.ts";
import type { Source } from "../source.ts";
import { durationMs } from "../time.ts";
import type { FieldPath } from "../reading/yaml-document.ts";
import { checkForecast } from "./forecast.ts";
import { checkTimeSpan, namesIn, report, reportUnknown, sourceOfRole } from "./scope.ts";
import type { Scope } from "./scope.ts";

const LABELS_OF_TASK: Readonly<Record<string, readonly string[]>> = {
  rul: ["end_of_life", "events"],
  failure_within: ["events", "end_of_life"],
  class: ["column"],
  anomaly: ["none", "column", "events", "end_of_life"],
  forecast: ["none"],
};

/** Label and task: what they refer to exists, and the one can be made from the other. */
export function checkLabel(scope: Scope): void {
  const { label, task } = scope.pipeline;
  const fitting = LABELS_OF_TASK[task.kind];
  if (fitting !== undefined && !fitting.includes(label.kind)) {
    report(scope, ["label", "kind"], `${fitting.join(" or ")} for the task ${task.kind}`, label.kind);
  }
  if (task.kind === "failure_within") checkTimeSpan(scope, ["task", "horizon"], task.horizon);
  if (task.kind === "anomaly") checkAnomalyLabel(scope, task);
  if (task.kind === "forecast") checkForecast(scope, task);
  if (scope.readings === undefined || label.kind === "none") return;
  if (label.kind === "end_of_life") checkEndOfLife(scope);
  else if (label.kind === "events") checkEventLabel(scope);
  else checkColumnLabel(scope);
}

/** What of the label says that a reading is unusual. */
function checkAnomalyLabel(scope: Scope, task: Extract<Task, { kind: "anomaly" }>): void {
  const { label } = scope.pipeline;
  const isLife = label.kind === "events" || label.kind === "end_of_life";
  if (isLife && task.horizon === undefined) {
    report(scope, ["task", "horizon"], "how long before a failure a reading counts as unusual", "none");
  }
  if (!isLife && task.horizon !== undefined) {
    report(scope, ["task", "horizon"], "a horizon only with failures as label", String(task.horizon));
  }
  if (task.horizon !== undefined) checkTimeSpan(scope, ["task", "horizon"], task.horizon);
  if (label.kind === "column" && label.positive === undefined) {
    report(scope, ["label", "positive"], "the value that means unusual", "none");
  }
  if (label.kind === "none" && task.healthy === "labelled") {
    report(scope, ["task", "healthy"], "a label that says which rows are usual, or all", "labelled");
  }
  if (task.alerts?.perAssetMonth !== undefined && (!scope.hasAsset || scope.timeKind !== "timestamp")) {
    const expected = "asset and timestamps in the readings, or a share";
    report(scope, ["task", "alerts", "perAssetMonth"], expected, String(task.alerts.perAssetMonth));
  }
}

function checkEndOfLife(scope: Scope): void {
  const { label } = scope.pipeline;
  if (label.kind !== "end_of_life") return;
  requireSeries(scope, ["label", "kind"], "end_of_life");
  checkCap(scope, label.cap);
  if (label.ends.every(({ at }) => at === "not_failed")) {
    report(
      scope,
      ["label", "ends"],
      "a part of which it is known when its assets failed",
      "not_failed alone",
    );
  }
  for (const [i, end] of label.ends.entries()) {
    const path = ["label", "ends", i];
    for (const [j, part] of (end.parts ?? []).entries()) checkPart(scope, [...path, "parts", j], part);
    if (typeof end.at === "string") continue;
    const source = sourceOfRole(scope, [...path, "at", "source"], { name: end.at.source, role: "labels" });
    if (source === undefined) continue;
    const known = usableColumns(source).map((c) => c.name);
    if (!known.includes(end.at.column)) {
      reportUnknown(scope, [...path, "at", "column"], {
        what: "a column of the labels source",
        name: end.at.column,
        known,
      });
    }
    if (end.at.match === "asset" && source.asset === undefined) {
      report(scope, [...path, "at", "match"], "an asset column in the labels source, or row_number", "asset");
    }
  }
}

function checkEventLabel(scope: Scope): void {
  const { label } = scope.pipeline;
  if (label.kind !== "events") return;
  requireSeries(scope, ["label", "kind"], "events");
  checkCap(scope, label.cap);
  const source = sourceOfRole(scope, ["label", "source"], { name: label.source, role: "events" });
  if (source !== undefined) checkWhere(scope, ["label", "where"], { where: label.where, source });
  const { task } = scope.pipeline;
  if (label.replacements !== undefined) {
    const { source: name, where } = label.replacements;
    const path = ["label", "replacements"];
    const replacing = sourceOfRole(scope, [...path, "source"], { name, role: "events" });
    if (replacing !== undefined) checkWhere(scope, [...path, "where"], { where, source: replacing });
  }
  if (label.censored !== undefined && task.kind !== "rul") {
    const found = `${label.censored} for ${task.kind}`;
    report(scope, ["label", "censored"], "the task rul, which alone has lives that have not ended", found);
  }
  if (label.ignoreAfter !== undefined) checkTimeSpan(scope, ["label", "ignoreAfter"], label.ignoreAfter);
}

function checkCap(scope: Scope, cap: LifeCap | undefined): void {
  if (typeof cap !== "string") return;
  const path = ["label", "cap"];
  if (scope.timeKind === "cycle") checkTimeSpan(scope, path, cap);
  else if (durationMs(cap) === 0) report(scope, path, "a duration above 0", cap);
}

function checkColumnLabel(scope: Scope): void {
  const { label } = scope.pipeline;
  if (label.kind !== "column" || scope.columns.has(label.column)) return;
  const known = scope.columns.keys();
  reportUnknown(scope, ["label", "column"], { what: "a column of the readings", name: label.column, known });
}

/** Reports a part that no file group of the readings has. */
export function checkPart(scope: Scope, path: FieldPath, part: string): void {
  if (scope.parts.has(part)) return;
  reportUnknown(scope, path, { what: "a part of the readings' files", name: part, known: scope.parts });
}

/** Reports columns of a row filter that the source does not have. */
export function checkWhere(
  scope: Scope,
  path: FieldPath,
  filter: { readonly where: Where | undefined; readonly source: Source },
): void {
  const known = namesIn(filter.source);
  for (const name of Object.keys(filter.where ?? {})) {
    if (!known.has(name))
      reportUnknown(scope, [...path, name], { what: "a column of that source", name, known });
  }
}

function requireSeries(scope: Scope, path: FieldPath, kind: string): void {
  if (!scope.hasAsset) report(scope, path, "an asset column in the readings", `${kind} without one`);
  if (scope.timeKind === "none") report(scope, path, "a time column in the readings", `${kind} without one`);
}
