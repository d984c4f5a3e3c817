/**
 * Collects what the operators need and writes it as one SELECT in layers:
 *
 *   base    readings, cleaned (a value that is not finite is missing), expressions, regimes
 *   placed  one window operator: position in the series, first value of a column, starts of time windows
 *   located places in blocks, and
 *   anchored  one window operator: values of blocks; both only for windows that lie far from the first value
 *   shifted c − first value of the asset, and other terms per row
 *   seen    one window operator: every aggregate, lag and end, all with the same partition and order,
 *           so that the rows are sorted once for all of them
 *   folded  what is made of several of these and used more than once
 *   joined  events (ASOF) and attributes
 *
 * Equal expressions are computed once. Layers nobody needs are left out: a table of single rows has no window.
 * Spreads are taken of values shifted by the asset's first one, so that a large offset does not eat the digits. Where a window is far
 * from that value (`unlessFar`), the statement fails, and the one with `isExact` does it by `SplitWindow`: those windows are rare.
 */
import { quoteLiteral } from "../schemas/text/sql-quoting.ts";
import type { BaseLayer } from "./base-layer.ts";
import { eventConditionSql } from "./event-filter.ts";
import type { EventFilter } from "./event-filter.ts";
import type { FeatureView } from "./feature-view.ts";
import type { WindowSpan } from "./windows/window-span.ts";

/** Table expressions by source name (from `SqlEngine.parquet`). */
export type SourceTables = Readonly<Record<string, string>>;

const SERIES = "PARTITION BY __asset ORDER BY __t, __seq";
const SO_FAR = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";

/** Expressions of one layer, each once, under short names. */
class Layer {
  readonly #prefix: string;
  readonly #names = new Map<string, string>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  add(expression: string): string {
    const known = this.#names.get(expression);
    if (known !== undefined) return known;
    const name = `${this.#prefix}${this.#names.size}`;
    this.#names.set(expression, name);
    return name;
  }

  get isEmpty(): boolean {
    return this.#names.size === 0;
  }

  /** `, expr AS name, …` */
  select(): string {
    return [...this.#names].map(([expression, name]) => `,\n  ${expression} AS ${name}`).join("");
  }
}

export interface SqlPlanInput {
  readonly view: FeatureView;
  readonly tables: SourceTables;
  readonly base: BaseLayer;
  /** Codes of a category feature. */
  codes(feature: string): readonly string[];
  /** Whether windows far from the first value are computed, instead of refused. */
  readonly isExact: boolean;
}

/** What a statement fails with that is to be run with `isExact`. */
export const FAR_WINDOW = "aura: a window is far from the first value of its series";

export class SqlPlan {
  readonly view: FeatureView;
  readonly #input: SqlPlanInput;
  readonly #placed = new Layer("o");
  readonly #located = new Layer("p");
  readonly #anchored = new Layer("a");
  readonly #shifted = new Layer("d");
  readonly #seen = new Layer("w");
  readonly #folded = new Layer("m");
  readonly #joins: string[] = [];
  readonly #joinNames = new Map<string, string>();
  readonly #features = new Map<string, string>();

  constructor(input: SqlPlanInput) {
    this.view = input.view;
    this.#input = input;
  }

  /** A numeric column of the base layer. */
  column(name: string): string {
    return requireAlias(this.#input.base.numbers, name);
  }

  /** A column as text, for categories. */
  text(name: string): string {
    return requireAlias(this.#input.base.texts, name);
  }

  /** The rows of the base layer as a table expression, for joins with other rows of an asset. */
  readings(): string {
    return `(${this.#input.base.sql})`;
  }

  /** An aggregate over the readings in (t, t + span]; for labels only. */
  ahead(call: string, span: number): string {
    const frame = `RANGE BETWEEN 1 FOLLOWING AND ${span} FOLLOWING`;
    return this.#placed.add(`${call} OVER (PARTITION BY __asset ORDER BY __t ${frame})`);
  }

  table(source: string): string {
    const table = this.#input.tables[source];
    if (table === undefined)
      throw new RangeError(`feature SQL: no files were given for the source ${source}`);
    return table;
  }

  /** Position in the asset's series, from 0. */
  index(): string {
    return this.#placed.add(`row_number() OVER (${SERIES}) - 1`);
  }

  /** First value of the column in the asset's series so far. */
  offset(name: string): string {
    return this.#placed.add(`first_value(${this.column(name)} IGNORE NULLS) OVER (${SERIES} ${SO_FAR})`);
  }

  /** First time of the asset's series. */
  firstTime(): string {
    return this.#placed.add(`first_value(__t) OVER (${SERIES} ${SO_FAR})`);
  }

  /** The column minus the asset's first value of it. */
  shifted(name: string): string {
    return this.term(`${this.column(name)} - ${this.offset(name)}`);
  }

  /** Any expression over base columns, index and offsets, computed before the windows. */
  term(expression: string): string {
    return this.#shifted.add(expression);
  }

  /** Frame of a window that includes the present row. */
  frame(span: WindowSpan): string {
    return `ROWS BETWEEN ${this.back(span)} PRECEDING AND CURRENT ROW`;
  }

  /** Number of the asset's readings up to a time before or after the present one's. */
  countUntil(bound: string): string {
    return this.#placed.add(
      `count(*) OVER (PARTITION BY __asset ORDER BY __t RANGE BETWEEN UNBOUNDED PRECEDING AND ${bound})`,
    );
  }

  /** An expression over what is placed, for frames of `anchor`. */
  located(expression: string): string {
    return this.#located.add(expression);
  }

  /** A window function over base columns whose value terms may use. */
  anchor(call: string, frame: string): string {
    return this.#anchored.add(`${call} OVER (${SERIES} ${frame})`);
  }

  /** An expression over the results of window functions that is used more than once. */
  fold(expression: string): string {
    return this.#folded.add(expression);
  }

  /**
   * A statistic about the first value, but of windows so far from it that this would take its digits.
   *
   * @param exact  the statistic of those
   */
  unlessFar(isFar: string, near: string, exact: () => string): string {
    const far = this.#input.isExact ? exact() : `CAST(error('${FAR_WINDOW}') AS DOUBLE)`;
    return `CASE WHEN ${isFar} THEN ${far} ELSE ${near} END`;
  }

  /** Rows of a window before the present one. */
  back(span: WindowSpan): string {
    if ("rows" in span) return `${span.rows - 1}`;
    return this.term(`${this.index()} - ${this.countUntil(`${span.us} PRECEDING`)}`);
  }

  /** Whether the column has one and the same value, or none, in all rows of a window. */
  isConstant(name: string, span: WindowSpan): string {
    const column = this.column(name);
    const before = this.#placed.add(
      `last_value(${column} IGNORE NULLS) OVER (${SERIES} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`,
    );
    const changed = this.term(`CASE WHEN ${column} <> ${before} THEN ${this.index()} END`);
    const lastChange = this.window(`last_value(${changed} IGNORE NULLS)`, SO_FAR);
    // A window may reach back to before the first reading.
    return `(coalesce(${lastChange}, 0) <= greatest(${this.index()} - ${this.back(span)}, 0))`;
  }

  soFar(): string {
    return SO_FAR;
  }

  /** A window function over terms and base columns. */
  window(call: string, frame = ""): string {
    return this.#seen.add(`${call} OVER (series ${frame})`);
  }

  /**
   * Number and last time of the events up to `t − back` (ASOF, so never of later ones).
   * @returns names of the two columns; both NULL when there is none
   */
  eventsUntil(filter: EventFilter, back = 0): { count: string; time: string } {
    const events = this.#eventTable(filter);
    const asset = filter.hasAsset ? (name: string) => `b.__asset = ${name}.__asset AND ` : () => "";
    const name = this.join(
      (joined) =>
        `ASOF LEFT JOIN ${events} AS ${joined} ON ${asset(joined)}b.__t - ${back} >= ${joined}.at_t`,
    );
    return { count: `${name}.n_until`, time: `${name}.at_t` };
  }

  /** First event after `t`; for labels only. */
  nextEvent(filter: EventFilter): string {
    const events = this.#eventTable(filter);
    const name = this.join(
      (joined) =>
        `ASOF LEFT JOIN ${events} AS ${joined} ON ${filter.hasAsset ? `b.__asset = ${joined}.__asset AND ` : ""}b.__t < ${joined}.at_t`,
    );
    return `${name}.at_t`;
  }

  /** Adds a join to the last layer, once per text; the present row is `b`. */
  join(write: (name: string) => string): string {
    const text = write("@");
    const known = this.#joinNames.get(text);
    if (known !== undefined) return known;
    const name = `j${this.#joinNames.size}`;
    this.#joinNames.set(text, name);
    this.#joins.push(write(name));
    return name;
  }

  /** Code of a text in the fitted values of a category feature; unseen = NULL. */
  code(feature: string, text: string): string {
    const values = this.#input.codes(feature);
    if (values.length === 0) return "NULL::DOUBLE";
    return `CAST(list_position([${values.map(quoteLiteral).join(", ")}], ${text}) - 1 AS DOUBLE)`;
  }

  /** Makes a finished feature known to later expressions. */
  defineFeature(name: string, alias: string): void {
    this.#features.set(name, alias);
  }

  feature(name: string): string {
    const alias = this.#features.get(name);
    if (alias === undefined) throw new RangeError(`feature SQL: no earlier feature ${name}`);
    return alias;
  }

  /** The FROM clause of the last layer, with the present row as `b`. */
  from(): string {
    const input = `(${this.#input.base.sql})`;
    const on = (from: string, layer: Layer, named = "") =>
      layer.isEmpty ? from : `(SELECT *${layer.select()}\nFROM ${from}${named})`;
    const placed = on(on(on(input, this.#placed), this.#located), this.#anchored);
    const seen = on(on(placed, this.#shifted), this.#seen, `\nWINDOW series AS (${SERIES})`);
    const folded = on(seen, this.#folded);
    return [`${folded} AS b`, ...this.#joins].join("\n");
  }

  #eventTable(filter: EventFilter): string {
    const asset = filter.hasAsset ? "__asset, " : "";
    const partition = filter.hasAsset ? "PARTITION BY __asset " : "";
    return (
      `(SELECT ${asset}__t AS at_t, CAST(sum(count(*)) OVER (${partition}ORDER BY __t ROWS UNBOUNDED PRECEDING) AS DOUBLE) AS n_until` +
      ` FROM ${this.table(filter.source)} WHERE ${eventConditionSql(filter)} GROUP BY ${asset}__t)`
    );
  }
}

function requireAlias(aliases: ReadonlyMap<string, string>, name: string): string {
  const alias = aliases.get(name);
  if (alias === undefined) throw new RangeError(`feature SQL: the view has no column ${name}`);
  return alias;
}
