import { PlatformError } from "../../schemas/platform-error.ts";
import type { ColumnProfile } from "./column-profile.ts";
import { guessLabel, guessLeaks } from "./guess.ts";
import { relateFiles } from "./relate-files.ts";
import type { FileGuess, LabelGuess, TimeGuess } from "./guess.ts";

/** A pipeline file as text, with what was guessed and what a person must look at. */
export interface DraftPipeline {
  readonly text: string;
  readonly guesses: readonly string[];
  readonly checks: readonly string[];
}

interface Draft {
  readonly lines: string[];
  readonly guesses: string[];
  readonly checks: string[];
}

/**
 * Writes a commented pipeline file from profiled files. It validates as it stands; whether it says the truth is for
 * the user, who is told what to check.
 *
 * @throws {PlatformError} bad_file: no file looks like readings, or nothing could be the label
 */
export function draftPipeline(name: string, given: readonly FileGuess[]): DraftPipeline {
  const related = relateFiles(given);
  const files = related.some((f) => f.role === "readings") ? related : related.map(asPlainTable);
  const readings = files
    .filter((f) => f.role === "readings")
    .sort((a, b) => b.sample.rows.length - a.sample.rows.length);
  const main = readings[0];
  if (main === undefined) throw new PlatformError("bad_file", "none of the files looks like sensor readings");
  const sameShape = readings.filter((f) => f.sample.columns.join("\n") === main.sample.columns.join("\n"));
  const others = files.filter((f) => f.role !== "readings");
  const draft: Draft = { lines: [], guesses: [], checks: [] };
  for (const left of readings.filter((f) => !sameShape.includes(f))) {
    draft.checks.push(`${left.sample.name} has other columns than ${main.sample.name} and is left out`);
  }
  const events = others.find((f) => f.role === "events");
  const label = guessLabel(main, events);
  if (label === undefined) {
    throw new PlatformError(
      "bad_file",
      events === undefined
        ? `${main.sample.name}: no column could be the label: add one, or a file of failure events`
        : `${main.sample.name}: no column names the machine and the time as ${events.sample.name} does: give both files the same columns for that`,
    );
  }
  const leaks = guessLeaks(main, label);
  draft.lines.push(
    "# Drafted by `aura init` from the first rows of your files. Lines with CHECK are guesses to look at.",
    `name: ${name}`,
    "owner: unassigned # CHECK: who answers for this data and model",
    "",
    "sources:",
  );
  writeSource(draft, "readings", sameShape, { label, leaks });
  for (const other of others)
    writeSource(draft, other === events ? "events" : sourceNameOf(other), [other], { label, leaks: [] });
  writeLabel(draft, main, label);
  writeFeatures(draft, main, label, leaks);
  writeRest(draft, main, label);
  return { text: `${draft.lines.join("\n")}\n`, guesses: draft.guesses, checks: draft.checks };
}

/** A table with one row per id and nothing beside it is what there is to learn from. */
function asPlainTable(file: FileGuess): FileGuess {
  if (file.role !== "attributes") return file;
  return { sample: file.sample, columns: file.columns, role: "readings" };
}

function sourceNameOf(file: FileGuess): string {
  const stem = (file.sample.name.split("/").at(-1) ?? "").replace(/\..*$/, "").toLowerCase();
  const name = stem.replaceAll(/[^a-z0-9_-]+/g, "-").replaceAll(/^[^a-z0-9]+/g, "");
  return name === "" || name === "readings" ? file.role : name.slice(0, 64);
}

interface Known {
  readonly label: LabelGuess;
  readonly leaks: readonly string[];
}

function writeSource(draft: Draft, name: string, files: readonly FileGuess[], known: Known): void {
  const first = files[0];
  if (first === undefined) return;
  const { sample, role, asset, time } = first;
  draft.lines.push(`  ${name}:`);
  if (role !== "readings") draft.lines.push(`    role: ${role}`);
  const paths = files.map((f) => q(f.sample.name));
  draft.lines.push(paths.length === 1 ? `    files: ${paths[0]}` : `    files: [${paths.join(", ")}]`);
  const format = formatText(first);
  if (format !== "") draft.lines.push(`    format: { ${format} }`);
  draft.guesses.push(
    `${files.map((f) => f.sample.name).join(", ")}: ${role}${format === "" ? "" : ` (${format})`}`,
  );
  if (asset !== undefined) {
    draft.lines.push(`    asset: ${q(asset)} # CHECK: the column that names the machine`);
    draft.guesses.push(`${name}: asset is '${asset}'`);
  }
  if (time !== undefined) {
    writeTime(draft, name, time);
  }
  for (const key of first.columns) {
    if (key.name === asset || key.name === time?.column) tellStrays(draft, first, key);
  }
  draft.lines.push(
    `    columns:${sample.hasHeader ? "" : " # by position: the file has no header; give them better names"}`,
  );
  const isKey = (c: ColumnProfile): boolean => c.name === asset || c.name === time?.column;
  const listed = first.columns.filter((c) => !sample.hasHeader || sample.type !== "csv" || !isKey(c));
  for (const column of listed)
    draft.lines.push(columnLine(draft, first, column, { ...known, isKey: isKey(column) }));
  if (listed.length === 0)
    draft.lines.push(`      - { name: ${q(asset ?? time?.column ?? "value")}, type: text }`);
  draft.lines.push("");
}

function writeTime(draft: Draft, name: string, time: TimeGuess): void {
  const { column, kind, epochUnit, format } = time;
  const unit = epochUnit === undefined ? "" : `, epochUnit: ${epochUnit}`;
  const written = format === undefined ? "" : `, format: '${format.format}'`;
  const zone =
    format === undefined ? "" : ": in which time zone? UTC unless you add e.g. timezone: Europe/Berlin";
  draft.lines.push(`    time: { column: ${q(column)}, kind: ${kind}${unit}${written} } # CHECK${zone}`);
  draft.guesses.push(
    `${name}: time is '${column}' (${kind}${format === undefined ? "" : `, written as ${format.format}, in UTC`})`,
  );
  if (format?.isAmbiguous === true)
    draft.checks.push(
      `${name}: day and month of '${column}' cannot be told apart: ${format.format} is assumed, day first`,
    );
}

/** Says which values of a column are not of its type; they go to quarantine. */
function tellStrays(draft: Draft, { sample }: FileGuess, column: ColumnProfile): string | undefined {
  if (column.strays === undefined) return undefined;
  const { count, row, value } = column.strays;
  const what = column.type === "timestamp" ? "time as guessed" : "number";
  const text = `${count === 1 ? "1 value is" : `${count} values are`} no ${what}: ${count === 1 ? "" : "first in "}line ${sample.lines[row]}`;
  draft.checks.push(`${sample.name}: '${column.name}': ${text} ('${value.slice(0, 40)}')`);
  return text;
}

function formatText({ sample, columns }: FileGuess): string {
  const parts: string[] = [];
  if (sample.type === "jsonl") return "type: jsonl";
  if (sample.delimiter !== ",")
    parts.push(`delimiter: ${sample.delimiter === "\t" ? '"\\t"' : q(sample.delimiter)}`);
  if (!sample.hasHeader) parts.push("header: false");
  if (columns.some((c) => c.hasDecimalComma)) parts.push('decimal: ","');
  return parts.join(", ");
}

function columnLine(
  draft: Draft,
  file: FileGuess,
  column: ColumnProfile,
  known: Known & { readonly isKey: boolean },
): string {
  const settings = [`name: ${q(column.name)}`];
  const notes: string[] = [];
  // A second time in a form of its own could not be read: only the time column has a format.
  const type = column.timeFormat === undefined || known.isKey ? column.type : "text";
  if (type !== "float") settings.push(`type: ${type}`);
  if (column.unit !== undefined && !known.isKey) settings.push(`unit: ${q(column.unit)}`);
  const strays = known.isKey ? undefined : tellStrays(draft, file, column);
  if (strays !== undefined) notes.push(`CHECK: ${strays}`);
  if (column.min !== undefined && column.max !== undefined) notes.push(`seen ${column.min} to ${column.max}`);
  if (column.missingShare > 0) notes.push(`${(column.missingShare * 100).toFixed(1)} % missing`);
  if (column.type === "text" && column.nDistinct <= 6)
    notes.push(column.values.map((v) => v.value).join(", "));
  if (!known.isKey && file.role === "readings") {
    const reason = ignoreReason(column, known);
    if (known.label.kind === "column" && known.label.column === column.name) settings.push("use: label");
    else if (reason !== undefined) {
      settings.push("use: ignore");
      notes.push(reason);
      if (reason.startsWith("CHECK"))
        draft.checks.push(`'${column.name}' is left out: ${reason.replace("CHECK: ", "")}`);
    }
  }
  const note = notes.length === 0 ? "" : ` # ${notes.join("; ").replaceAll(/[\r\n]/g, " ")}`;
  return `      - { ${settings.join(", ")} }${note}`;
}

function ignoreReason(column: ColumnProfile, known: Known): string | undefined {
  if (known.leaks.includes(column.name))
    return "CHECK: gives the label away; is it known before the failure?";
  if (column.nDistinct === 0) return "empty in the rows looked at";
  if (column.nDistinct === 1) return "constant";
  if (column.timeFormat !== undefined) return "another time";
  if (column.isUnique && (column.type === "text" || column.plusOneShare > 0.9))
    return "a row number or serial number";
  if (column.type === "text" && column.nDistinct > 50) return "many different texts";
  return undefined;
}

function writeLabel(draft: Draft, main: FileGuess, label: LabelGuess): void {
  const { lines, checks, guesses } = draft;
  const horizon = main.time?.kind === "cycle" ? "30" : "72h";
  if (label.kind === "column") {
    const column = main.columns.find((c) => c.name === label.column);
    const isNumber = column?.type === "integer";
    const positive =
      label.positive === undefined ? "" : `, positive: ${isNumber ? label.positive : q(label.positive)}`;
    lines.push(
      `label: { kind: column, column: ${q(label.column)}${positive} } # CHECK: what happened, and the value that means failure`,
    );
    lines.push("task: { kind: class }", "");
    guesses.push(
      `the label is '${label.column}'${label.positive === undefined ? "" : `, failure is ${label.positive}`}`,
    );
    if (!label.isNamed)
      checks.push(`no column is named like a label: '${label.column}' is the last with few values`);
  } else if (label.kind === "events") {
    const where =
      label.where === undefined ? "" : `, where: { ${q(label.where.column)}: ${q(label.where.value)} }`;
    lines.push(`label: { kind: events, source: events${where} } # CHECK: which events are failures`);
    lines.push(
      `task: { kind: failure_within, horizon: ${horizon} } # CHECK: how long before a failure you want to know`,
      "",
    );
    guesses.push(
      `failures are rows of events${label.where === undefined ? "" : ` with ${label.where.column} = ${label.where.value}`}; horizon ${horizon}`,
    );
    checks.push("the horizon: how long before a failure can you still act?");
  } else {
    const cap = main.time?.kind === "timestamp" ? "30d" : "125 (cycles)";
    lines.push(
      "# CHECK: this says that every machine FAILED at its last reading. Is that so? Else give failure events.",
    );
    lines.push("label: { kind: end_of_life, ends: [{ at: last_reading }] }", "task: { kind: rul }");
    lines.push(...forecastHint(main), "");
    guesses.push("every machine ran until it failed, at its last reading; the task is remaining useful life");
    checks.push(`a cap for the label, e.g. cap: ${cap}: far from a failure nothing tells how long is left`);
    checks.push("did every machine really fail at its last reading? If not, declare failure events");
  }
}

/** Readings of machines over time can be forecast, whatever is known of failures. */
function forecastHint({ columns, time, asset }: FileGuess): string[] {
  const sensor = columns.find(
    ({ name, type, nDistinct }) =>
      name !== asset && name !== time?.column && (type === "float" || type === "integer") && nDistinct > 0,
  );
  if (time === undefined || asset === undefined || sensor === undefined) return [];
  const horizons = time.kind === "timestamp" ? "1h, 24h" : "1, 10";
  return [
    `# To forecast a column instead: task: { kind: forecast, column: ${q(sensor.name)}, horizons: [${horizons}] }, without a label.`,
  ];
}

function writeFeatures(draft: Draft, main: FileGuess, label: LabelGuess, leaks: readonly string[]): void {
  const usable = main.columns.filter(
    (c) =>
      c.name !== main.asset &&
      c.name !== main.time?.column &&
      !(label.kind === "column" && label.column === c.name) &&
      ignoreReason(c, { label, leaks }) === undefined,
  );
  const hasNumbers = usable.some((c) => c.type !== "text" && c.type !== "timestamp");
  const texts = usable.filter((c) => c.type === "text");
  if (!hasNumbers && texts.length === 0) {
    throw new PlatformError("bad_file", `${main.sample.name}: no column is left that could be a feature`);
  }
  draft.lines.push("features:");
  if (hasNumbers)
    draft.lines.push("  - current: { columns: '*' } # '*': every numeric column above with use: feature");
  if (hasNumbers && main.time !== undefined && main.asset !== undefined) {
    draft.lines.push(
      "  - rolling: { columns: '*', stats: [mean, std], windows: [5, 30] } # CHECK: windows count readings; 24h counts time",
      "  - baseline: { columns: '*' } # difference from the machine's own past",
      "  - age: {}",
    );
  }
  if (texts.length > 0)
    draft.lines.push(`  - category: { columns: [${texts.map((c) => q(c.name)).join(", ")}] }`);
  draft.lines.push("");
}

function writeRest(draft: Draft, main: FileGuess, label: LabelGuess): void {
  const by = main.asset === undefined ? "row" : "asset";
  draft.lines.push(
    "quality: { maxBadShare: 0.01, maxNullShare: 0.5 }",
    "",
    "split:",
    `  holdout: { by: ${by}, share: 0.2 } # kept apart until the end, to judge the model`,
    "  folds: 5",
    "",
  );
  if (label.kind !== "end_of_life") {
    draft.lines.push("# costs: { missedFailure: 10000, falseAlarm: 500, currency: EUR } # CHECK: yours", "");
  }
  draft.lines.push("approval: { quorum: 1, deadline: 7d } # a person decides before the model is used");
}

/** A text as YAML, in quotes whenever it might be read as something else. */
function q(text: string): string {
  if (/^[a-zA-Z_][\w./-]*$/.test(text) && !/^(?:true|false|yes|no|on|off|null|y|n)$/i.test(text)) return text;
  return JSON.stringify(text).replaceAll(
    /[\u007F-\u009F\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
