import type { DatasetManifest, DatasetSource, StoredColumn } from "../schemas/data/dataset.ts";
import type { LifeCap, Where } from "../schemas/pipeline/label.ts";
import type { Span } from "../schemas/pipeline/time.ts";
import { durationMs, lifeInUnits, spanInTimeUnits } from "../schemas/pipeline/time.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import type { EventCondition, EventFilter } from "./event-filter.ts";
import type { DerivedColumn } from "./feature-view.ts";
import type { AttributeColumn, ExpandContext, InputColumn } from "./operators/operator.ts";
import { similarName } from "../schemas/text/similar-name.ts";
import { windowSpanOf } from "./windows/window-span.ts";
import type { WindowSpan } from "./windows/window-span.ts";

const CATEGORY_TYPES = ["text", "integer", "boolean"];
const NUMERIC = ["float", "integer", "boolean"];

/** Resolves names against a dataset's schema; every refusal is an `invalid_pipeline` that names the field. */
export class DatasetResolver implements ExpandContext {
  readonly readings: DatasetSource;
  readonly readingsName: string;
  readonly derived: DerivedColumn[] = [];
  readonly timeKind: "timestamp" | "cycle" | "none";
  readonly #manifest: DatasetManifest;
  readonly #readingColumns: readonly StoredColumn[];
  readonly #featureNames = new Set<string>();
  #path = "";

  /**
   * @param roles names of the asset and time columns, which are no columns here, and of those of the label and the weight,
   *   which no feature may use whatever their `use` says
   */
  constructor(
    manifest: DatasetManifest,
    source: string,
    roles: { readonly keys: readonly string[]; readonly labels: readonly (string | undefined)[] },
  ) {
    const readings = manifest.sources[source];
    if (readings === undefined)
      throw invalidPipeline("sources", `a dataset with the source ${source}`, "none");
    this.#manifest = manifest;
    this.readings = readings;
    this.readingsName = source;
    this.timeKind = readings.timeKind;
    this.#readingColumns = readings.columns
      .filter((column) => !roles.keys.includes(column.name))
      .map((column) => (roles.labels.includes(column.name) ? { ...column, use: "label" } : column));
  }

  /** Where the operator in hand sits in the file, e.g. `features.2.rolling`. */
  enter(path: string): void {
    this.#path = path;
  }

  addFeature(name: string): void {
    this.#featureNames.add(name);
  }

  get timeUnit(): string {
    return this.timeKind === "timestamp" ? "h" : "cycles";
  }

  numbers(selection: "*" | readonly string[], field: string): InputColumn[] {
    if (selection !== "*") return selection.map((name, i) => this.number(name, `${field}.${i}`));
    return this.#readingColumns
      .filter((column) => column.use === "feature" && NUMERIC.includes(column.type))
      .map(inputOf);
  }

  number(name: string, field: string): InputColumn {
    const derived = this.derived.find((column) => column.name === name);
    if (derived !== undefined) return inputOf(derived);
    const column = this.#feature(name, field);
    if (!NUMERIC.includes(column.type))
      this.fail(field, "a numeric column", `${name} of type ${column.type}`);
    return inputOf(column);
  }

  /** Operating settings: numeric columns, also ones that are kept out of the features. */
  settings(names: readonly string[], field: string): InputColumn[] {
    return names.map((name, i) => {
      const column = this.#columnOf(this.#readingColumns, name, `${field}.${i}`);
      if (!NUMERIC.includes(column.type) || column.use === "label")
        this.fail(`${field}.${i}`, "a numeric column that is no label", `${name} of type ${column.type}`);
      return inputOf(column);
    });
  }

  /** Stored columns a view may read: those of features, and the settings of regimes. */
  usedColumns(settings: readonly string[]): StoredColumn[] {
    return this.#readingColumns.filter(
      (column) => column.use === "feature" || settings.includes(column.name),
    );
  }

  categories(names: readonly string[], field: string): InputColumn[] {
    return names.map((name, i) => {
      const column = this.#feature(name, `${field}.${i}`);
      if (!CATEGORY_TYPES.includes(column.type))
        this.fail(`${field}.${i}`, "a text, integer or boolean column", `${name} of type ${column.type}`);
      return inputOf(column);
    });
  }

  attributes(source: string, names: readonly string[], field: string): AttributeColumn[] {
    const table = this.source(source, "attributes", "source");
    if (!table.hasAsset) this.fail("source", "an attributes source with an asset column", source);
    return names.map((name, i) => {
      const column = this.#columnOf(table.columns, name, `${field}.${i}`);
      if (column.type === "timestamp")
        this.fail(`${field}.${i}`, "a numeric or text column", `${name} of type timestamp`);
      return { ...inputOf(column), physical: column.physical, isText: column.type === "text" };
    });
  }

  events(source: string, where: Where | undefined, field: string): EventFilter {
    const table = this.source(source, "events", field);
    if (table.timeKind !== this.timeKind)
      this.fail(
        field,
        `an events source with time of kind ${this.timeKind}`,
        `${source} with ${table.timeKind}`,
      );
    return { source, hasAsset: table.hasAsset, conditions: this.conditions(table, where, "where") };
  }

  conditions(table: DatasetSource, where: Where | undefined, field: string): EventCondition[] {
    return Object.entries(where ?? {}).map(([name, wanted]) => {
      const column = this.#columnOf(table.columns, name, `${field}.${name}`);
      const values = (Array.isArray(wanted) ? wanted : [wanted]).map((value) => {
        if (column.type === "text") return String(value);
        if (column.type !== "timestamp" && typeof value !== "string") return Number(value);
        return this.fail(`${field}.${name}`, `a value of a ${column.type} column`, String(value));
      });
      return { column: name, physical: column.physical, values };
    });
  }

  window(span: Span, field: string): WindowSpan {
    if (typeof span !== "number" && this.timeKind !== "timestamp")
      this.fail(field, "a number of readings (time is not a timestamp)", `the duration ${span}`);
    if (typeof span !== "number" && durationMs(span) <= 0) this.fail(field, "a duration above 0", span);
    return windowSpanOf(span);
  }

  timeSpan(span: Span, field: string): number {
    if (this.timeKind === "none") this.fail(field, "a readings source with a time column", "none");
    try {
      return spanInTimeUnits(span, this.timeKind === "timestamp" ? "timestamp" : "cycle");
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      const expected = this.timeKind === "cycle" ? "a whole number of cycles" : "a duration such as 72h";
      return this.fail(field, expected, String(span));
    }
  }

  /** A remaining life in hours or cycles. */
  life(life: LifeCap, field: string): number {
    try {
      return lifeInUnits(life, this.timeKind);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      const expected = this.timeKind === "timestamp" ? "a duration above 0" : "a number of cycles";
      return this.fail(field, expected, String(life));
    }
  }

  isFeature(name: string): boolean {
    return this.#featureNames.has(name);
  }

  isColumn(name: string): boolean {
    const column = this.#readingColumns.find((c) => c.name === name);
    return (
      (column?.use === "feature" && NUMERIC.includes(column.type)) ||
      this.derived.some((c) => c.name === name)
    );
  }

  defineColumn(name: string, formula: string, unit: string | undefined): void {
    if (this.readings.columns.some((c) => c.name === name) || this.derived.some((c) => c.name === name))
      this.fail("name", "a name that no column has", name);
    this.derived.push({ name, formula, ...(unit === undefined ? {} : { unit }) });
  }

  /** A source of a role; unknown names and wrong roles are refused. */
  source(name: string, role: DatasetSource["role"], field: string): DatasetSource {
    const table = this.#manifest.sources[name];
    if (table === undefined) return this.unknown(name, field, Object.keys(this.#manifest.sources));
    if (table.role !== role)
      this.fail(field, `a source with role ${role}`, `${name} with role ${table.role}`);
    return table;
  }

  columnOf(table: DatasetSource, name: string, field: string): StoredColumn {
    return this.#columnOf(table.columns, name, field);
  }

  unknown(name: string, field: string, candidates?: readonly string[]): never {
    const known = candidates ?? [
      ...this.#readingColumns.map((c) => c.name),
      ...this.derived.map((c) => c.name),
      ...this.#featureNames,
    ];
    const near = similarName(name, known);
    const expected = near === undefined ? `one of ${known.slice(0, 12).join(", ")}` : `${near} (similar)`;
    return this.fail(field, expected, `the unknown name ${name}`);
  }

  fail(field: string, expected: string, found: string): never {
    throw invalidPipeline(this.#path === "" ? field : `${this.#path}.${field}`, expected, found);
  }

  #feature(name: string, field: string): StoredColumn {
    const column = this.#columnOf(this.#readingColumns, name, field);
    if (column.use !== "feature")
      this.fail(field, "a column with `use: feature`", `${name} with \`use: ${column.use}\``);
    return column;
  }

  #columnOf(columns: readonly StoredColumn[], name: string, field: string): StoredColumn {
    const column = columns.find((c) => c.name === name);
    return (
      column ??
      this.unknown(
        name,
        field,
        columns.map((c) => c.name),
      )
    );
  }
}

function inputOf(column: { readonly name: string; readonly unit?: string | undefined }): InputColumn {
  return { name: column.name, ...(column.unit === undefined ? {} : { unit: column.unit }) };
}

/** One located `invalid_pipeline`. */
export function invalidPipeline(field: string, expected: string, found: string): PlatformError {
  return new PlatformError("invalid_pipeline", `${field}: expected ${expected}, found ${found}`, {
    locations: [{ field, expected, found }],
  });
}
