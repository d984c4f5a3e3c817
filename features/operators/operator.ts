import type { OperatorName, OperatorParams } from "../../schemas/pipeline/features.ts";
import type { Span } from "../../schemas/pipeline/time.ts";
import type { Where } from "../../schemas/pipeline/label.ts";
import type { EventFilter } from "../event-filter.ts";
import type { SqlPlan } from "../sql-plan.ts";
import type { WindowSpan } from "../windows/window-span.ts";

/** One feature an operator expands to, before it gets its physical name. `args` is plain JSON. */
export interface ConcreteFeature<A extends object = object> {
  readonly name: string;
  readonly kind: "number" | "category";
  readonly unit?: string;
  readonly args: A;
}

/** A resolved input column. */
export interface InputColumn {
  readonly name: string;
  readonly unit?: string;
}

/** A resolved column of an attributes source. */
export interface AttributeColumn extends InputColumn {
  readonly physical: string;
  readonly isText: boolean;
}

/** What operators may ask while a view is compiled. Every refusal names the field. */
export interface ExpandContext {
  readonly timeKind: "timestamp" | "cycle" | "none";
  /** h or cycles: what times in features are counted in. */
  readonly timeUnit: string;
  /** `"*"` or names → numeric columns. */
  numbers(selection: "*" | readonly string[], field: string): InputColumn[];
  /** One numeric column. */
  number(name: string, field: string): InputColumn;
  /** Text, integer or boolean columns that become categories. */
  categories(names: readonly string[], field: string): InputColumn[];
  /** Columns of an attributes source. */
  attributes(source: string, names: readonly string[], field: string): AttributeColumn[];
  /** An events source and the rows of it that count. */
  events(source: string, where: Where | undefined, field: string): EventFilter;
  /** A window over readings: a count, or a duration where time is a timestamp. */
  window(span: Span, field: string): WindowSpan;
  /** A span of time in units of `__t`. */
  timeSpan(span: Span, field: string): number;
  /** Whether an earlier feature or column has this name. */
  isFeature(name: string): boolean;
  isColumn(name: string): boolean;
  /** Names a column that later operators may use. */
  defineColumn(name: string, formula: string, unit: string | undefined): void;
  /** Names near to `name`, for messages. */
  unknown(name: string, field: string): never;
  fail(field: string, expected: string, found: string): never;
}

/** One live reading, as operators see it. */
export interface StateRow {
  /** Position in the asset's series, from 0. */
  readonly index: number;
  /** `__t`: microseconds or cycle. */
  readonly t: number;
  /** Value of a numeric column after expressions and regimes; NaN = missing. */
  number(column: string): number;
  text(column: string): string | null;
  attribute(source: string, column: string): number | string | null;
  /** Times ≤ t of the events that pass the filter, ascending. Good until the next row is asked. */
  eventTimes(filter: EventFilter): readonly number[];
  /** An earlier feature's value of this same row. */
  feature(name: string): number;
  /** Code of a category, NaN when unseen in training. */
  code(feature: string, value: string | null): number;
}

/** Numbers of a state as JSON has them: null = NaN. */
export type SavedNumbers = readonly (number | null)[];

/** Incremental form: readings of one asset in order. */
export interface FeatureState {
  /** @returns the feature at this reading, NaN = missing */
  push(row: StateRow): number;
  /**
   * What it knows of readings that no window reaches back to, in a few numbers; absent where that is nothing. A state that was
   * given the newest readings and then this goes on as the one that it was saved of.
   */
  save?(): SavedNumbers;
  load?(saved: SavedNumbers): void;
}

/** A whole series of one asset, for the reference evaluators. */
export interface Series {
  readonly nRows: number;
  readonly t: Float64Array;
  row(index: number): StateRow;
  /** A numeric column; NaN = missing. */
  numbers(column: string): Float64Array;
}

/**
 * One operator of the feature language: three executions of one definition, held equal by a property test.
 *
 * `needs`: `row` looks at the present row only, `time` also at its time, `series` at earlier rows of the asset.
 */
export interface Operator<K extends OperatorName = OperatorName, A extends object = object> {
  readonly name: K;
  readonly needs: "row" | "time" | "series";
  expand(params: OperatorParams<K>, context: ExpandContext): ConcreteFeature<A>[];
  /** SQL scalar over the plan's aliases; NULL = missing. `feature` is the feature's own name. */
  sql(args: A, plan: SqlPlan, feature: string): string;
  /** `shared`: what features of one asset may have in common, by a key of the operator's own. */
  state(args: A, feature: string, shared?: Map<string, unknown>): FeatureState;
  /** The definition, written as plainly as possible. */
  reference(args: A, series: Series, feature: string): Float64Array;
}

/** Reference form of operators that look at the present row alone. */
export function rowReference(series: Series, state: FeatureState): Float64Array {
  return Float64Array.from({ length: series.nRows }, (_, i) => state.push(series.row(i)));
}
