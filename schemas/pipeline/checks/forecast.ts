import { lengthOf } from "../forecast.ts";
import type { ForecastTask } from "../forecast.ts";
import type { FieldPath } from "../reading/yaml-document.ts";
import type { Span } from "../time.ts";
import { checkTimeSpan, report, reportUnknown } from "./scope.ts";
import type { Scope } from "./scope.ts";

/** A forecast by itself: its column is a number that features may see, and its spans and levels make sense. */
export function checkForecast(scope: Scope, task: ForecastTask): void {
  if (!scope.hasAsset) {
    const expected = "an asset column in the readings (of one series, one that is always the same)";
    report(scope, ["task", "kind"], expected, "forecast without one");
  }
  if (scope.timeKind === "none")
    report(scope, ["task", "kind"], "a time column in the readings", "forecast without one");
  checkColumn(scope, task);
  checkHorizons(scope, task);
  checkQuantiles(scope, task);
  for (const key of ["tolerance", "season"] as const) checkSpan(scope, key, task[key]);
  checkTolerance(scope, task);
  checkJudging(scope);
}

/** The last reading of an asset has no later one; and skill is against the baseline of one run, which others do not have. */
function checkJudging(scope: Scope): void {
  const { evaluate, metrics, champion } = scope.pipeline;
  if (evaluate.rows === "last_per_asset")
    report(scope, ["evaluate", "rows"], "all: after the last reading nothing is known", evaluate.rows);
  const compared: [FieldPath, string | undefined][] = [
    [["metrics", "primary"], metrics.primary],
    ...champion.guards.map((one, i): [FieldPath, string] => [
      ["champion", "guards", i, "metric"],
      one.metric,
    ]),
  ];
  for (const [path, name] of compared)
    if (name === "skill")
      report(scope, path, "a metric that needs no baseline, e.g. pinball or mase", `'${name}'`);
}

function checkColumn(scope: Scope, { column: name }: ForecastTask): void {
  const path = ["task", "column"];
  const { features, regimes } = scope.pipeline;
  const expressions = features.flatMap((one) => ("expression" in one ? [one.expression.name] : []));
  if (Array.isArray(regimes?.normalize) && regimes.normalize.includes(name))
    report(scope, path, "a column that `regimes.normalize` leaves as it is", `'${name}'`);
  if (scope.readings === undefined || expressions.includes(name)) return;
  const column = scope.columns.get(name);
  const known = [...scope.columns.values()].filter(({ type }) => type !== "text").map((one) => one.name);
  if (column === undefined)
    reportUnknown(scope, path, { what: "a numeric column of the readings", name, known });
  else if (column.type === "text" || column.type === "timestamp")
    report(scope, path, "a numeric column", `'${name}' of type ${column.type}`);
  else if (column.use !== "feature") {
    const expected = "a column with use: feature, because a forecast begins at its present value";
    report(scope, path, expected, `'${name}' with use: ${column.use}`);
  }
}

function checkHorizons(scope: Scope, { horizons }: ForecastTask): void {
  const list = Array.isArray(horizons) ? horizons : [horizons];
  const pathOf = (i: number) => ["task", "horizons", ...(Array.isArray(horizons) ? [i] : [])];
  const lengths = list.map(lengthOf);
  for (const [i, horizon] of list.entries()) {
    checkTimeSpan(scope, pathOf(i), horizon);
    if (lengths[i] === 0) report(scope, pathOf(i), "a time ahead, above 0", String(horizon));
    else if (lengths.indexOf(lengths[i] as number) !== i)
      report(scope, pathOf(i), "each horizon once", `${horizon} again`);
  }
}

function checkQuantiles(scope: Scope, { quantiles }: ForecastTask): void {
  for (const [i, level] of quantiles.entries()) {
    if (quantiles.indexOf(level) !== i)
      report(scope, ["task", "quantiles", i], "each level once", `${level} again`);
  }
}

function checkSpan(scope: Scope, key: "tolerance" | "season", span: Span | undefined): void {
  if (span === undefined) return;
  checkTimeSpan(scope, ["task", key], span);
  if (key === "season" && lengthOf(span) === 0)
    report(scope, ["task", key], "a season above 0", String(span));
}

/** The reading of a horizon must be a later one. */
function checkTolerance(scope: Scope, { tolerance, horizons }: ForecastTask): void {
  if (tolerance === undefined) return;
  const list = Array.isArray(horizons) ? horizons : [horizons];
  const least = Math.min(...list.map(lengthOf));
  if (lengthOf(tolerance) < least) return;
  report(scope, ["task", "tolerance"], "less than the nearest horizon", String(tolerance));
}
