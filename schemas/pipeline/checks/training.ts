import type { FieldPath } from "../reading/yaml-document.ts";
import { REGIME_SLICE, sliceNames } from "../slice.ts";
import { foldsInTime } from "../training.ts";
import { horizonsOf, lengthOf } from "../forecast.ts";
import { durationMs } from "../time.ts";
import type { Span } from "../time.ts";
import { checkPart } from "./labels.ts";
import { checkCandidates } from "./candidates.ts";
import { METRIC_NAMES } from "./metric-names.ts";
import { checkTimeSpan, problemKindOf, report, reportUnknown } from "./scope.ts";
import type { Scope } from "./scope.ts";

/** Split, evaluation, candidates, metrics, gates and approval against the data and the task. */
export function checkTraining(scope: Scope): void {
  checkHoldout(scope);
  checkFoldsInTime(scope);
  checkEvaluation(scope);
  checkMetrics(scope);
  checkPerformance(scope);
  checkCalibration(scope);
  checkCandidates(scope);
  checkSearch(scope);
  checkWeight(scope);
  checkApproval(scope);
  if (!/^\d+[dwmy]$/.test(scope.pipeline.retention)) {
    report(
      scope,
      ["retention"],
      "a number and one of d, w, m, y, e.g. 90d or 5y",
      `'${scope.pipeline.retention}'`,
    );
  }
}

function checkHoldout(scope: Scope): void {
  const { holdout } = scope.pipeline.split;
  const path = ["split", "holdout"];
  if (holdout === undefined || scope.readings === undefined) return;
  if (holdout.by === "asset" && !scope.hasAsset) {
    report(scope, [...path, "by"], "an asset column in the readings, or by: row", "asset");
  }
  if (holdout.by === "row" && scope.hasAsset) {
    report(
      scope,
      [...path, "by"],
      "asset, parts or time, because rows of one asset must not be on both sides",
      "row",
    );
  }
  if (holdout.by === "time") {
    if (scope.timeKind === "none") report(scope, [...path, "by"], "a time column in the readings", "time");
    else if (holdout.gap !== undefined) {
      checkTimeSpan(scope, [...path, "gap"], holdout.gap);
      checkGap(scope, [...path, "gap"], holdout.gap);
    }
  }
  if (holdout.by === "parts") checkHoldoutParts(scope, [...path, "parts"], holdout.parts);
}

/** Blocks of time follow each other: the holdout comes after the last, and there is one way to cut them. */
function checkFoldsInTime(scope: Scope): void {
  const { split, task, label } = scope.pipeline;
  if (split.by === "time" && split.holdout?.by !== "time")
    report(scope, ["split", "by"], "group, or with it holdout: { by: time }", "time");
  if (
    split.by === "time" &&
    task.kind === "rul" &&
    label.kind !== "column" &&
    !("cap" in label && label.cap !== undefined)
  )
    report(scope, ["label", "cap"], "a cap, so that lives are known before the next block of time", "none");
  if (foldsInTime(scope.pipeline, scope.hasAsset) && split.repeats !== 1)
    report(scope, ["split", "repeats"], "1, because folds follow each other in time", String(split.repeats));
}

/** Only probabilities of classes have methods; `auto` and `none` suit every task. */
function checkCalibration(scope: Scope): void {
  const { calibration } = scope.pipeline;
  if (calibration === "auto" || calibration === "none") return;
  const kind = problemKindOf(scope.pipeline);
  if (kind === "binary" || kind === "multiclass") return;
  const expected = `auto or none: the task is ${kind}, which has no probabilities of classes`;
  report(scope, ["calibration"], expected, calibration);
}

/** A label that looks further ahead than the gap is made of held-out rows. */
function checkGap(scope: Scope, path: FieldPath, gap: Span): void {
  const { task } = scope.pipeline;
  const horizon =
    task.kind === "failure_within"
      ? task.horizon
      : task.kind === "forecast"
        ? horizonsOf(task).at(-1)
        : undefined;
  if (horizon === undefined || typeof gap !== typeof horizon || lengthOf(gap) >= lengthOf(horizon)) return;
  report(scope, path, `at least the horizon ${horizon}, or no gap to use the horizon`, String(gap));
}

function checkHoldoutParts(scope: Scope, path: FieldPath, parts: readonly string[]): void {
  for (const [i, part] of parts.entries()) checkPart(scope, [...path, i], part);
  const groups = scope.readings?.source.files ?? [];
  const isEverything =
    groups.length > 0 && groups.every((g) => g.part !== undefined && parts.includes(g.part));
  if (isEverything) report(scope, path, "at least one part left to train on", "all parts");
}

function checkEvaluation(scope: Scope): void {
  const { evaluate } = scope.pipeline;
  if (scope.readings === undefined) return;
  const isSeries = scope.hasAsset && scope.timeKind !== "none";
  if (evaluate.rows === "last_per_asset" && !isSeries) {
    report(scope, ["evaluate", "rows"], "asset and time columns in the readings, or all", "last_per_asset");
  }
  if (evaluate.cvRows === "cut_points" && !isSeries) {
    report(scope, ["evaluate", "cvRows"], "asset and time columns in the readings, or all", "cut_points");
  }
  checkSlices(scope);
}

function checkSlices(scope: Scope): void {
  const known = sliceNames(scope.pipeline);
  for (const [i, name] of scope.pipeline.evaluate.slices.entries()) {
    const found = known.get(name) ?? [];
    const path = ["evaluate", "slices", i];
    if (found.length === 0) {
      const what = `a text, integer or boolean column of the readings, an attribute, or ${REGIME_SLICE} where regimes are declared`;
      reportUnknown(scope, path, { what, name, known: known.keys() });
    } else if (found.length > 1) {
      const ways = found.flatMap((s) => (s.kind === "attribute" ? [`${s.source}.${s.column}`] : []));
      report(
        scope,
        path,
        `a name that one table alone has, e.g. ${ways.join(" or ")}`,
        `'${name}' of several`,
      );
    } else if (scope.pipeline.evaluate.slices.indexOf(name) !== i) {
      report(scope, path, "each slice once", `'${name}' again`);
    }
  }
}

function checkMetrics(scope: Scope): void {
  const problem = problemKindOf(scope.pipeline);
  const known = METRIC_NAMES[problem];
  const { metrics, gates, champion, search, performance } = scope.pipeline;
  const named: [FieldPath, string | undefined][] = [
    [["metrics", "primary"], metrics.primary],
    [["performance", "metric"], performance.metric],
    ...gates.map((g, i): [FieldPath, string] => [["gates", i, "metric"], g.metric]),
    ...champion.guards.map((g, i): [FieldPath, string] => [["champion", "guards", i, "metric"], g.metric]),
    ...(search?.objectives ?? []).map((name, i): [FieldPath, string] => [["search", "objectives", i], name]),
  ];
  for (const [path, name] of named) {
    if (name === undefined || known.includes(name)) continue;
    reportUnknown(scope, path, { what: `a metric of ${problem} tasks: ${known.join(", ")}`, name, known });
  }
}

/** Cycles begin anew with each life, so that of a reading nobody knows which life it saw. */
function checkPerformance(scope: Scope): void {
  const { performance } = scope.pipeline;
  if (performance.seen === "readings" && scope.timeKind !== "timestamp")
    report(scope, ["performance", "seen"], "labels, or readings with timestamps", "readings");
}

/** Detectors and forecasts have no rows that could count more or less. */
function checkWeight(scope: Scope): void {
  const { training, task } = scope.pipeline;
  const { weight } = training;
  if (weight === undefined) return;
  const path = ["training", "weight"];
  const found = weight === "perAsset" ? weight : weight.column;
  if (task.kind === "anomaly" || task.kind === "forecast") {
    report(
      scope,
      path,
      "weights only for the tasks rul, failure_within and class",
      `${found} for ${task.kind}`,
    );
    return;
  }
  if (scope.readings === undefined) return;
  if (weight === "perAsset") {
    if (!scope.hasAsset) report(scope, path, "an asset column in the readings", "perAsset without one");
    return;
  }
  const column = scope.columns.get(weight.column);
  const at = [...path, "column"];
  if (column === undefined) {
    reportUnknown(scope, at, {
      what: "a numeric column of the readings",
      name: weight.column,
      known: scope.columns.keys(),
    });
  } else if (column.type === "text" || column.type === "timestamp") {
    report(scope, at, "a numeric column", `${weight.column} of type ${column.type}`);
  }
}

function checkSearch(scope: Scope): void {
  const { search, candidates, metrics } = scope.pipeline;
  const isSearched = candidates.some((candidate) => candidate.search !== undefined);
  if (isSearched && search?.objectives === undefined)
    checkObjective(scope, ["metrics", "primary"], metrics.primary ?? "");
  if (search === undefined) return;
  const { budget, objectives = [] } = search;
  if (budget.time !== undefined && durationMs(budget.time) <= 0) {
    report(scope, ["search", "budget", "time"], "a time above 0, e.g. 30m", budget.time);
  }
  for (const [i, name] of objectives.entries()) {
    const path = ["search", "objectives", i];
    if (objectives.indexOf(name) !== i) report(scope, path, "each objective once", `'${name}' again`);
    checkObjective(scope, path, name);
  }
  if (!isSearched) {
    const found = "none";
    report(scope, ["search"], "a candidate with a `search`, or no settings of one", found);
  }
}

/** Some metrics are of what was chosen, or beside the baseline: a trial has none of them. */
function checkObjective(scope: Scope, path: FieldPath, name: string): void {
  const expected = name.startsWith("interval")
    ? "a metric of answers, and not of their intervals"
    : name === "skill"
      ? "pinball, which orders answers as skill does"
      : undefined;
  if (expected !== undefined) report(scope, path, `${expected}, for a search`, `'${name}'`);
}

function checkApproval(scope: Scope): void {
  const { approval } = scope.pipeline;
  if (approval.approvers.length > 0 && approval.quorum > approval.approvers.length) {
    const expected = `at most ${approval.approvers.length}, the number of approvers`;
    report(scope, ["approval", "quorum"], expected, String(approval.quorum));
  }
  if (approval.onDeadline === "escalate" && approval.escalateTo.length === 0) {
    report(scope, ["approval", "onDeadline"], "people under escalateTo", "escalate");
  }
}
