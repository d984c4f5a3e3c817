import { horizonsOf, horizonSpans } from "../../schemas/pipeline/forecast.ts";
import type { ForecastTask } from "../../schemas/pipeline/forecast.ts";
import type { Label, LifeCap, Task } from "../../schemas/pipeline/label.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { DatasetResolver } from "../expand-context.ts";
import type { EndPlan, LabelPlan, LifeTarget } from "./label-plan.ts";

/**
 * Resolves label and task against a dataset.
 *
 * @throws {PlatformError} invalid_pipeline for a label that does not go with the task, unknown columns or sources
 */
export function compileLabel(pipeline: Pipeline, resolver: DatasetResolver): LabelPlan {
  const { label, task } = pipeline;
  if (task.kind === "forecast") return forecastPlan(task, resolver);
  if (label.kind === "none") return { kind: "none" };
  if (label.kind === "column") return columnLabel(label, task, resolver);
  if (task.kind === "class") return resolver.fail("label.kind", "column (the task is class)", label.kind);
  if (resolver.timeKind === "none")
    return resolver.fail("label.kind", "column (the readings have no time)", label.kind);
  const target = lifeTarget(task, label.cap, resolver);
  if (label.kind === "end_of_life")
    return { kind: "end_of_life", ends: label.ends.map((end, i) => endPlan(end, i, resolver)), target };
  return {
    kind: "events",
    failures: eventsOf(label, resolver),
    target,
    ...replacementsOf(label, resolver),
    ...(target.task === "rul" && label.censored !== "drop" ? { keepsCensored: true } : {}),
    ...(label.ignoreAfter === undefined
      ? {}
      : { ignoreAfter: resolver.timeSpan(label.ignoreAfter, "label.ignoreAfter") }),
  };
}

function forecastPlan(task: ForecastTask, resolver: DatasetResolver): LabelPlan {
  const { column, statistic, season } = task;
  if (resolver.timeKind === "none" || !resolver.readings.hasAsset)
    return resolver.fail("task.kind", "readings with an asset and a time column", "forecast without one");
  resolver.number(column, "task.column");
  for (const horizon of horizonsOf(task)) resolver.timeSpan(horizon, "task.horizons");
  if (task.tolerance !== undefined) resolver.timeSpan(task.tolerance, "task.tolerance");
  return {
    kind: "forecast",
    column,
    statistic,
    horizons: horizonSpans(task, resolver.timeKind),
    ...(season === undefined ? {} : { season: resolver.timeSpan(season, "task.season") }),
  };
}

type LabelOf<K extends Label["kind"]> = Extract<Label, { kind: K }>;

function lifeTarget(
  task: Extract<Task, { kind: "rul" | "failure_within" | "anomaly" }>,
  cap: LifeCap | undefined,
  resolver: DatasetResolver,
): LifeTarget {
  if (task.kind === "rul")
    return { task: "rul", ...(cap === undefined ? {} : { cap: resolver.life(cap, "label.cap") }) };
  if (task.horizon === undefined)
    return resolver.fail("task.horizon", "how long before a failure a reading counts as unusual", "none");
  return { task: "failure_within", horizon: resolver.timeSpan(task.horizon, "task.horizon") };
}

function eventsOf(label: LabelOf<"events">, resolver: DatasetResolver) {
  resolver.enter("label");
  const failures = resolver.events(label.source, label.where, "source");
  resolver.enter("");
  return failures;
}

function replacementsOf({ replacements }: LabelOf<"events">, resolver: DatasetResolver) {
  if (replacements === undefined) return {};
  resolver.enter("label.replacements");
  const filter = resolver.events(replacements.source, replacements.where, "source");
  resolver.enter("");
  return { replacements: filter };
}

function endPlan(end: LabelOf<"end_of_life">["ends"][number], i: number, resolver: DatasetResolver): EndPlan {
  const parts = end.parts === undefined ? {} : { parts: end.parts };
  if (typeof end.at === "string") return { ...parts, at: end.at };
  const field = `label.ends.${i}.at`;
  const table = resolver.source(end.at.source, "labels", `${field}.source`);
  const column = resolver.columnOf(table, end.at.column, `${field}.column`);
  if (column.type === "text" || column.type === "timestamp")
    resolver.fail(`${field}.column`, "a numeric column", `${column.name} of type ${column.type}`);
  if (end.at.match === "asset" && !table.hasAsset)
    resolver.fail(`${field}.match`, "row_number, or a labels source with an asset column", "asset");
  return { ...parts, at: { source: end.at.source, physical: column.physical, match: end.at.match } };
}

function columnLabel(label: LabelOf<"column">, task: Task, resolver: DatasetResolver): LabelPlan {
  const column = resolver.columnOf(resolver.readings, label.column, "label.column");
  const isText = column.type === "text";
  if (column.type === "timestamp") resolver.fail("label.column", "a numeric or text column", "a timestamp");
  if (task.kind === "rul") {
    if (isText) resolver.fail("label.column", "a numeric column for rul", `${column.name} of type text`);
    return { kind: "column", physical: column.physical, isText, target: "number" };
  }
  const positive = label.positive ?? (task.kind === "failure_within" ? 1 : undefined);
  const conditions =
    positive === undefined
      ? []
      : resolver.conditions(resolver.readings, { [column.name]: positive }, "label.positive");
  const value = conditions[0]?.values[0];
  if (task.kind === "failure_within") {
    return {
      kind: "events",
      failures: { source: resolver.readingsName, hasAsset: true, conditions },
      target: { task: "failure_within", horizon: resolver.timeSpan(task.horizon, "task.horizon") },
    };
  }
  return {
    kind: "column",
    physical: column.physical,
    isText,
    target: "class",
    ...(value === undefined ? {} : { positive: value }),
  };
}
