import type { Column, Source } from "../source.ts";
import { unitFault } from "./unit-fault.ts";
import type { FieldPath } from "../reading/yaml-document.ts";
import { report, reportUnknown } from "./scope.ts";
import type { Scope } from "./scope.ts";

/** Sources by themselves: roles, keys, units, and settings that contradict each other. */
export function checkSources(scope: Scope): void {
  const entries = Object.entries(scope.pipeline.sources);
  if (scope.readings === undefined) {
    const n = entries.filter(([, s]) => s.role === "readings").length;
    report(scope, ["sources"], "exactly one source with role readings", n === 0 ? "none" : String(n));
  }
  checkSites(scope, entries);
  for (const [name, source] of entries) checkSource(scope, ["sources", name], source);
}

/** One source says where the assets are; two could say different things. */
function checkSites(scope: Scope, entries: readonly [string, Source][]): void {
  const declaring = entries.filter(([, s]) => s.site !== undefined || s.customer !== undefined);
  for (const [i, [name, source]] of declaring.entries()) {
    const path = ["sources", name] as const;
    if (i > 0) report(scope, [...path, "site"], "a site in one source only", `'${name}' as well`);
    if (source.site === undefined)
      report(scope, [...path, "customer"], "`site` beside it, because sites belong to customers", "none");
    if (source.asset === undefined || (source.role !== "readings" && source.role !== "attributes")) {
      report(scope, [...path, "site"], "readings or attributes with an asset column", source.role);
    }
    for (const key of ["site", "customer"] as const) checkSiteColumn(scope, [...path, key], source);
  }
}

function checkSiteColumn(
  scope: Scope,
  path: readonly [string, string, "site" | "customer"],
  source: Source,
): void {
  const name = source[path[2]];
  if (name === undefined) return;
  const known = source.columns.filter((c) => c.type === "text").map((c) => c.name);
  if (!known.includes(name)) reportUnknown(scope, [...path], { what: "a text column", name, known });
}

function checkSource(scope: Scope, path: FieldPath, source: Source): void {
  const names = source.columns.map((c) => c.name);
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) !== i) {
      report(scope, [...path, "columns", i, "name"], "each column once", `'${name}' again`);
    }
  }
  checkKeys(scope, path, source);
  checkTime(scope, path, source);
  if (source.format.type !== "csv" && !source.format.header) {
    report(scope, [...path, "format", "header"], "header: false only for csv", source.format.type);
  }
  for (const [i, column] of source.columns.entries()) checkColumn(scope, [...path, "columns", i], column);
  checkPersonal(scope, path, source);
}

/** Ids, times and places are shown wherever an asset is: what is personal in them must be replaced before it comes here. */
function checkPersonal(scope: Scope, path: FieldPath, source: Source): void {
  const { pii = [], asset, time, site, customer } = source;
  const shown: readonly (string | undefined)[] = [asset, time?.column, site, customer];
  const known = source.columns.map((c) => c.name).filter((name) => !shown.includes(name));
  for (const [i, name] of pii.entries()) {
    const at = [...path, "pii", i];
    if (shown.includes(name))
      report(scope, at, "columns that are not the asset, time, site or customer", `'${name}'`);
    else if (!known.includes(name)) reportUnknown(scope, at, { what: "a column of the source", name, known });
  }
}

function checkKeys(scope: Scope, path: FieldPath, source: Source): void {
  if (source.asset !== undefined && source.asset === source.time?.column) {
    report(scope, [...path, "time", "column"], "another column than the asset", `'${source.asset}'`);
  }
  if (source.role === "attributes" && source.asset === undefined) {
    report(scope, path, "an asset column, because attributes are joined by it", "none");
  }
  if (source.role === "events" && source.time === undefined) {
    report(scope, path, "a time column, because events happen at a time", "none");
  }
  if (source.role === "events" && scope.hasAsset && source.asset === undefined) {
    report(scope, path, "an asset column, as the readings have", "none");
  }
  const kind = source.time?.kind;
  if (
    source.role === "events" &&
    kind !== undefined &&
    scope.timeKind !== "none" &&
    kind !== scope.timeKind
  ) {
    report(scope, [...path, "time", "kind"], `${scope.timeKind}, as the readings have`, kind);
  }
  if (source.format.type !== "csv" || source.format.header) return;
  const known = source.columns.map((c) => c.name);
  const positional: [string | undefined, FieldPath][] = [
    [source.asset, [...path, "asset"]],
    [source.time?.column, [...path, "time", "column"]],
  ];
  for (const [name, at] of positional) {
    if (name === undefined || known.includes(name)) continue;
    reportUnknown(scope, at, { what: "a name under columns, because the file has no header", name, known });
  }
}

function checkTime(scope: Scope, path: FieldPath, source: Source): void {
  const time = source.time;
  if (time === undefined) return;
  if (time.kind === "cycle" && time.format !== undefined) {
    report(scope, [...path, "time", "format"], "no format for cycles", time.format);
  }
  if (time.kind === "cycle" && time.epochUnit !== undefined) {
    report(scope, [...path, "time", "epochUnit"], "no epoch unit for cycles", time.epochUnit);
  }
  if (time.format !== undefined && time.epochUnit !== undefined) {
    report(scope, [...path, "time", "epochUnit"], "either format or epochUnit", "both");
  }
  if (!isTimeZone(time.timezone)) {
    report(scope, [...path, "time", "timezone"], "an IANA zone such as Europe/Berlin", `'${time.timezone}'`);
  }
}

function checkColumn(scope: Scope, path: FieldPath, column: Column): void {
  const fault = column.unit === undefined ? undefined : unitFault(column.unit, scope.pipeline.units);
  if (fault !== undefined) report(scope, [...path, "unit"], fault, `'${column.unit}'`);
  const isNumeric = column.type === "float" || column.type === "integer";
  if (column.range !== undefined && !isNumeric) {
    report(scope, [...path, "range"], "a range only for float and integer columns", column.type);
  }
  if (column.values !== undefined && column.type !== "text") {
    report(scope, [...path, "values"], "allowed values only for text columns", column.type);
  }
}

function isTimeZone(zone: string): boolean {
  try {
    Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
