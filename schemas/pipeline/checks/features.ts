import type { FeatureDeclaration, OperatorName, OperatorParams } from "../features.ts";
import { usableColumns } from "../personal.ts";
import { weightColumnOf } from "../pipeline.ts";
import type { FieldPath } from "../reading/yaml-document.ts";
import type { Column } from "../source.ts";
import type { Span } from "../time.ts";
import { namesInFormula } from "./formula.ts";
import { checkWhere } from "./labels.ts";
import { checkTimeSpan, report, reportUnknown, sourceOfRole } from "./scope.ts";
import type { Scope } from "./scope.ts";

const NEEDS_ORDER: ReadonlySet<OperatorName> = new Set([
  "rolling",
  "lag",
  "difference",
  "exponential",
  "expanding",
  "baseline",
  "age",
  "event_count",
  "time_since",
  "correlation",
]);

/** Features and regimes: every name exists, is allowed as a feature, and the data has what the operator needs. */
export function checkFeatures(scope: Scope): void {
  if (scope.readings === undefined) return;
  const numeric = new Set(
    [...scope.columns.values()].filter((c) => isAllowed(scope, c) && c.type !== "text").map((c) => c.name),
  );
  for (const [i, declaration] of scope.pipeline.features.entries()) {
    const [operator] = Object.keys(declaration) as [OperatorName];
    const path = ["features", i, operator];
    if (NEEDS_ORDER.has(operator) && scope.timeKind === "none") {
      report(scope, path, "a time column in the readings", `${operator} without one`);
      continue;
    }
    checkOperator({ scope, path, numeric }, declaration);
  }
  checkRegimes(scope, numeric);
}

interface OperatorContext {
  readonly scope: Scope;
  readonly path: FieldPath;
  /** Columns usable as numbers; expressions add their names. */
  readonly numeric: Set<string>;
}

function checkOperator(context: OperatorContext, declaration: FeatureDeclaration): void {
  const { scope, path } = context;
  if ("expression" in declaration) return checkExpression(context, declaration.expression);
  if ("category" in declaration) return checkCategory(context, declaration.category.columns);
  if ("attribute" in declaration) return checkAttribute(context, declaration.attribute);
  if ("cyclical" in declaration) {
    if (scope.timeKind !== "timestamp")
      report(scope, path, "timestamps in the readings", `cyclical over ${scope.timeKind}`);
    return;
  }
  if ("event_count" in declaration) {
    for (const [i, w] of declaration.event_count.windows.entries())
      checkTimeSpan(scope, [...path, "windows", i], w);
    return checkEvents(context, path, declaration.event_count);
  }
  if ("time_since" in declaration) return checkEvents(context, path, declaration.time_since);
  if ("age" in declaration) {
    if (declaration.age.resetBy !== undefined)
      checkEvents(context, [...path, "resetBy"], declaration.age.resetBy);
    return;
  }
  if ("correlation" in declaration) {
    for (const [i, pair] of declaration.correlation.pairs.entries()) {
      for (const [j, name] of pair.entries()) checkNumeric(context, [...path, "pairs", i, j], name);
    }
    return checkWindows(context, declaration.correlation.windows);
  }
  const params = Object.values(declaration)[0] as { columns: "*" | string[]; windows?: Span[] };
  checkColumns(context, [...path, "columns"], params.columns);
  checkWindows(context, params.windows ?? []);
}

function checkColumns(context: OperatorContext, path: FieldPath, columns: "*" | readonly string[]): void {
  if (columns === "*") {
    if (context.numeric.size > 0) return;
    return report(context.scope, path, "numeric columns with use: feature", "'*' but there is none");
  }
  for (const [i, name] of columns.entries()) checkNumeric(context, [...path, i], name);
}

function checkNumeric(context: OperatorContext, path: FieldPath, name: string): void {
  if (context.numeric.has(name)) return;
  const { scope } = context;
  const column = scope.columns.get(name);
  if (column === undefined) {
    return reportUnknown(scope, path, {
      what: "a numeric column or an earlier expression",
      name,
      known: context.numeric,
    });
  }
  report(
    scope,
    path,
    reasonNotFeature(scope, column) ?? "a numeric column; text columns need category",
    `'${name}'`,
  );
}

/** A number counts readings and always fits; a duration needs timestamps. */
function checkWindows(context: OperatorContext, windows: readonly Span[]): void {
  for (const [i, w] of windows.entries()) {
    if (typeof w === "number" || context.scope.timeKind === "timestamp") continue;
    const expected = "a whole number of readings, because time is a cycle";
    report(context.scope, [...context.path, "windows", i], expected, w);
  }
}

function checkCategory(context: OperatorContext, columns: readonly string[]): void {
  const { scope, path } = context;
  const text = [...scope.columns.values()]
    .filter((c) => c.type === "text" && isAllowed(scope, c))
    .map((c) => c.name);
  for (const [i, name] of columns.entries()) {
    if (text.includes(name)) continue;
    const column = scope.columns.get(name);
    const reason = column === undefined ? undefined : reasonNotFeature(scope, column);
    if (reason === undefined)
      reportUnknown(scope, [...path, "columns", i], { what: "a text column", name, known: text });
    else report(scope, [...path, "columns", i], reason, `'${name}'`);
  }
}

function checkAttribute(context: OperatorContext, params: OperatorParams<"attribute">): void {
  const { scope, path } = context;
  const source = sourceOfRole(scope, [...path, "source"], { name: params.source, role: "attributes" });
  const known = source === undefined ? [] : usableColumns(source).map((c) => c.name);
  for (const [i, name] of params.columns.entries()) {
    if (source === undefined || known.includes(name)) continue;
    reportUnknown(scope, [...path, "columns", i], { what: "a column of that source", name, known });
  }
}

function checkEvents(context: OperatorContext, path: FieldPath, params: OperatorParams<"time_since">): void {
  const source = sourceOfRole(context.scope, [...path, "source"], { name: params.source, role: "events" });
  if (source !== undefined) checkWhere(context.scope, [...path, "where"], { where: params.where, source });
}

/** Names in a formula; whether it parses is the feature compiler's business. */
function checkExpression(context: OperatorContext, params: OperatorParams<"expression">): void {
  const { scope, path, numeric } = context;
  if (numeric.has(params.name)) {
    report(
      scope,
      [...path, "name"],
      "a name that is no column and no earlier expression",
      `'${params.name}'`,
    );
  }
  for (const name of namesInFormula(params.formula)) {
    // Features of earlier operators are named after their column, e.g. s2_mean_30.
    if ([...numeric].some((n) => name === n || name.startsWith(`${n}_`))) continue;
    checkNumeric(context, [...path, "formula"], name);
  }
  numeric.add(params.name);
}

function checkRegimes(scope: Scope, numeric: Set<string>): void {
  const { regimes } = scope.pipeline;
  if (regimes === undefined) return;
  const context = { scope, path: ["regimes"], numeric };
  // Settings tell regimes apart; whether the model sees them as well is for `use` to say.
  const ignored = [...scope.columns.values()].filter((c) => c.use === "ignore" && c.type !== "text");
  const settings = new Set([...numeric, ...ignored.map(({ name }) => name)]);
  checkColumns({ ...context, numeric: settings }, ["regimes", "columns"], regimes.columns);
  checkColumns(context, ["regimes", "normalize"], regimes.normalize);
}

function isAllowed(scope: Scope, column: Column): boolean {
  return reasonNotFeature(scope, column) === undefined;
}

function reasonNotFeature(scope: Scope, column: Column): string | undefined {
  const { label } = scope.pipeline;
  if (label.kind === "column" && label.column === column.name) return "a column that is not the label";
  if (weightColumnOf(scope.pipeline) === column.name) return "a column that is not the weight of the rows";
  if (column.use !== "feature") return `a column with use: feature (this one has use: ${column.use})`;
  return undefined;
}
