import { matchesPatterns } from "../feature-patterns.ts";
import type { ProblemKind } from "../label.ts";
import { describe } from "../reading/schema-problems.ts";
import { DETECTOR_KINDS } from "../training.ts";
import type { Candidate } from "../training.ts";
import { problemKindOf, report, reportUnknown } from "./scope.ts";
import type { Scope } from "./scope.ts";

/** Each candidate against the task, the data and the other candidates. */
export function checkCandidates(scope: Scope): void {
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

/** What a class weight may be, by problem. */
const CLASS_WEIGHTS: Readonly<Partial<Record<ProblemKind, string>>> = {
  multiclass: "balanced or factors by class, e.g. { jam: 5 }, for several classes",
  binary: "balanced or a number, the weight of the positive class",
};

/** One number weighs the positive class, which several classes do not have; factors by class name each of those. */
function checkClassWeight(scope: Scope, { classWeight }: Candidate, i: number): void {
  if (classWeight === undefined) return;
  const kind = problemKindOf(scope.pipeline);
  // Detectors are refused by themselves.
  if (kind === "anomaly") return;
  if (kind === "multiclass" && typeof classWeight !== "number") return;
  if (kind === "binary" && typeof classWeight !== "object") return;
  const expected = CLASS_WEIGHTS[kind] ?? "class weights only for class tasks";
  report(scope, ["candidates", i, "classWeight"], expected, textOf(classWeight));
}

const textOf = (classWeight: Candidate["classWeight"]): string =>
  typeof classWeight === "object" ? describe(classWeight) : String(classWeight);

/** Settings of boosting that a forecast sets itself. */
const SET_BY_FORECAST = ["objective", "quantileLevel"];

/** Each quantile is learnt for itself; the mean of several candidates' quantiles is none of their mixture. */
function checkForecaster(scope: Scope, { kind, params, search }: Candidate, i: number): void {
  if (scope.pipeline.task.kind !== "forecast") return;
  if (kind === "blend")
    report(scope, ["candidates", i, "kind"], "gbdt, forest, linear or external for the task forecast", kind);
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
  // A trainer elsewhere is told of the task.
  if (kind === "external") return;
  const isDetector = DETECTOR_KINDS.includes(kind);
  if ((task.kind === "anomaly") !== isDetector) {
    const expected =
      task.kind === "anomaly"
        ? `${DETECTOR_KINDS.join(", ")} or external`
        : "gbdt, forest, linear, blend or external";
    report(scope, ["candidates", i, "kind"], `${expected} for the task ${task.kind}`, kind);
  }
  if (!isDetector) return;
  if (classWeight !== undefined) {
    report(
      scope,
      ["candidates", i, "classWeight"],
      "class weights only for class tasks",
      textOf(classWeight),
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
      textOf(classWeight),
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
    report(scope, [...path, "classWeight"], "class weights at the members of a blend", textOf(classWeight));
  }
  if (search !== undefined)
    report(scope, [...path, "search"], "a search at the members of a blend", "one of the blend");
  if (features !== undefined)
    report(scope, [...path, "features"], "features at the members of a blend", features);
}

/** Only boosting has trees that can be held to them; of several classes not all can become likelier at once. */
function checkConstraints(scope: Scope, { kind, monotone, interactions }: Candidate, i: number): void {
  if (kind === "gbdt") {
    if (monotone !== undefined && problemKindOf(scope.pipeline) === "multiclass")
      report(scope, ["candidates", i, "monotone"], "an answer that can rise or fall", "several classes");
    checkMonotoneForecast(scope, monotone ?? {}, i);
    return;
  }
  const expected = "constraints only for gbdt";
  if (monotone !== undefined) report(scope, ["candidates", i, "monotone"], expected, kind);
  if (interactions !== undefined) report(scope, ["candidates", i, "interactions"], expected, kind);
}

/** A forecast learns the change from the present value: along that value itself a rise of the change says nothing of the answer. */
function checkMonotoneForecast(
  { pipeline, problems }: Scope,
  monotone: NonNullable<Candidate["monotone"]>,
  i: number,
): void {
  const { task } = pipeline;
  if (task.kind !== "forecast") return;
  for (const [direction, patterns] of Object.entries(monotone)) {
    if (patterns === undefined || !matchesPatterns(patterns)(task.column)) continue;
    problems.push({
      path: ["candidates", i, "monotone", direction],
      expected: `features other than ${task.column}, the forecast column: its change is learnt, not its level`,
      found: `'${patterns}'`,
    });
  }
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
