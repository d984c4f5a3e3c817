import type { FieldPath } from "../reading/yaml-document.ts";
import { REGIME_SLICE, sliceNames } from "../slice.ts";
import { DETECTOR_KINDS, foldsInTime } from "../training.ts";
import type { Candidate } from "../training.ts";
import { horizonsOf, lengthOf } from "../forecast.ts";
import type { ProblemKind } from "../label.ts";
import { durationMs } from "../time.ts";
import type { Span } from "../time.ts";
import { checkPart } from "./labels.ts";
import { METRIC_NAMES } from "./metric-names.ts";
import { checkTimeSpan, problemKindOf, report, reportUnknown } from "./scope.ts";
import type { Scope } from "./scope.ts";

/** Split, evaluation, candidates, metrics, gates and approval against the data and the task. */
export function checkTraining(scope: Scope): void {
  checkHoldout(scope);
  checkFoldsInTime(scope);
  checkEvaluation(scope);
  checkMetrics(scope);
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
  const { metrics, gates, champion, search } = scope.pipeline;
  const named: [FieldPath, string | undefined][] = [
    [["metrics", "primary"], metrics.primary],
    ...gates.map((g, i): [FieldPath, string] => [["gates", i, "metric"], g.metric]),
    ...champion.guards.map((g, i): [FieldPath, string] => [["champion", "guards", i, "metric"], g.metric]),
    ...(search?.objectives ?? []).map((name, i): [FieldPath, string] => [["search", "objectives", i], name]),
  ];
  for (const [path, name] of named) {
    if (name === undefined || known.includes(name)) continue;
    reportUnknown(scope, path, { what: `a metric of ${problem} tasks: ${known.join(", ")}`, name, known });
  }
}

function checkCandidates(scope: Scope): void {
  const { candidates } = scope.pipeline;
  const names = candidates.map((c) => c.name ?? c.kind);
  for (const [i, candidate] of candidates.entries()) {
    const name = names[i] ?? "";
    if (names.indexOf(name) !== i) {
      report(scope, ["candidates", i], "a name of its own for each candidate", `'${name}' again`);
    }
    checkKind(scope, candidate, i);
    checkForecaster(scope, candidate, i);
    checkBlend(scope, candidate, i);
    checkConstraints(scope, candidate, i);
    checkExternal(scope, candidate, i);
    checkClassWeight(scope, candidate, i);
  }
}

/** Problems whose candidates may weigh classes; detectors are refused by themselves. */
const CLASS_KINDS: ReadonlySet<ProblemKind> = new Set(["binary", "multiclass", "anomaly"]);

/** One number weighs the positive class, which several classes do not have. */
function checkClassWeight(scope: Scope, { classWeight }: Candidate, i: number): void {
  if (classWeight === undefined) return;
  const kind = problemKindOf(scope.pipeline);
  const isNumber = classWeight !== "balanced";
  if (CLASS_KINDS.has(kind) && !(kind === "multiclass" && isNumber)) return;
  const expected =
    kind === "multiclass" ? "balanced for several classes" : "class weights only for class tasks";
  report(scope, ["candidates", i, "classWeight"], expected, String(classWeight));
}

/** Settings of boosting that a forecast sets itself. */
const SET_BY_FORECAST = ["objective", "quantileLevel"];

/** Each quantile is learnt for itself; the mean of several candidates' quantiles is none of their mixture. */
function checkForecaster(scope: Scope, { kind, params, search }: Candidate, i: number): void {
  if (scope.pipeline.task.kind !== "forecast") return;
  if (kind === "blend" || kind === "external")
    report(scope, ["candidates", i, "kind"], "gbdt, forest or linear for the task forecast", kind);
  for (const name of SET_BY_FORECAST) {
    for (const [key, given] of [
      ["params", params],
      ["search", search ?? {}],
    ] as const) {
      if (!Object.hasOwn(given, name)) continue;
      report(scope, ["candidates", i, key, name], "none: the task's quantiles set it", name);
    }
  }
}

/** Detectors learn without a target, all others from one. */
function checkKind(scope: Scope, { kind, classWeight, seeds, features, search }: Candidate, i: number): void {
  const { task } = scope.pipeline;
  const isDetector = DETECTOR_KINDS.includes(kind);
  if ((task.kind === "anomaly") !== isDetector) {
    const expected =
      task.kind === "anomaly" ? DETECTOR_KINDS.join(" or ") : "gbdt, forest, linear, blend or external";
    report(scope, ["candidates", i, "kind"], `${expected} for the task ${task.kind}`, kind);
  }
  if (!isDetector) return;
  if (classWeight !== undefined) {
    report(
      scope,
      ["candidates", i, "classWeight"],
      "class weights only for class tasks",
      String(classWeight),
    );
  }
  if (kind === "pca_monitor" && (features ?? search?.["features"]) !== undefined) {
    report(
      scope,
      ["candidates", i, "features"],
      "all features, because what it does not see would be unusual",
      kind,
    );
  }
  if (kind === "pca_monitor" && seeds > 1) {
    report(scope, ["candidates", i, "seeds"], "one seed, because nothing is drawn", String(seeds));
  }
}

function checkExternal(scope: Scope, candidate: Candidate, i: number): void {
  const { kind, taskQueue, seeds, classWeight, features, search } = candidate;
  const path = ["candidates", i];
  if (kind !== "external") {
    if (taskQueue !== undefined)
      report(scope, [...path, "taskQueue"], "a task queue only for an external trainer", kind);
    return;
  }
  if (taskQueue === undefined)
    report(scope, [...path, "taskQueue"], "the task queue of its worker", "nothing");
  // What it does with seeds, weights and features is its own: it is told of them in `params`.
  if (seeds > 1)
    report(scope, [...path, "seeds"], "seeds in the params of an external trainer", String(seeds));
  if (classWeight !== undefined)
    report(
      scope,
      [...path, "classWeight"],
      "weights in the params of an external trainer",
      String(classWeight),
    );
  if (features !== undefined)
    report(scope, [...path, "features"], "features in the params of an external trainer", features);
  if (search !== undefined)
    report(scope, [...path, "search"], "a search inside the external trainer itself", "search");
}

function checkBlend(scope: Scope, candidate: Candidate, i: number): void {
  const path = ["candidates", i];
  const { kind, of, seeds, classWeight, search, features } = candidate;
  if (kind !== "blend") {
    checkMember(scope, candidate, i);
    if (of !== undefined) report(scope, [...path, "of"], "members only for a blend", kind);
    return;
  }
  const trained = scope.pipeline.candidates.filter(
    ({ kind: other }) => other !== "blend" && other !== "external",
  );
  const known = trained.map((other) => other.name ?? other.kind);
  if (of === undefined && trained.length < 2) {
    report(scope, path, "two other candidates or more to blend", String(trained.length));
  }
  for (const [j, name] of (of ?? []).entries()) {
    const at = [...path, "of", j];
    if (!known.includes(name))
      reportUnknown(scope, at, { what: "a candidate that is no blend", name, known });
    else if (of?.indexOf(name) !== j) report(scope, at, "each member once", `'${name}' again`);
  }
  if (candidate.alone === false) report(scope, [...path, "alone"], "a blend that may be chosen", "false");
  if (seeds > 1) report(scope, [...path, "seeds"], "seeds at the members of a blend", String(seeds));
  if (classWeight !== undefined) {
    report(scope, [...path, "classWeight"], "class weights at the members of a blend", String(classWeight));
  }
  if (search !== undefined)
    report(scope, [...path, "search"], "a search at the members of a blend", "one of the blend");
  if (features !== undefined)
    report(scope, [...path, "features"], "features at the members of a blend", features);
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

/** Only boosting has trees that can be held to them; of several classes not all can become likelier at once. */
function checkConstraints(scope: Scope, { kind, monotone, interactions }: Candidate, i: number): void {
  if (kind === "gbdt") {
    if (monotone !== undefined && problemKindOf(scope.pipeline) === "multiclass")
      report(scope, ["candidates", i, "monotone"], "an answer that can rise or fall", "several classes");
    return;
  }
  const expected = "constraints only for gbdt";
  if (monotone !== undefined) report(scope, ["candidates", i, "monotone"], expected, kind);
  if (interactions !== undefined) report(scope, ["candidates", i, "interactions"], expected, kind);
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

/** What is never chosen by itself must be of use to a blend. */
function checkMember(scope: Scope, { alone, name, kind }: Candidate, i: number): void {
  if (alone !== false) return;
  const isMember = scope.pipeline.candidates.some(
    (other) => other.kind === "blend" && (other.of === undefined || other.of.includes(name ?? kind)),
  );
  if (isMember) return;
  report(scope, ["candidates", i, "alone"], "a blend that it is a member of, or true", "false");
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
