import { numberLiteral, quoteIdentifier, quoteLiteral } from "../schemas/text/sql-quoting.ts";

/** Rows of an events source that count. Every condition must hold; each lists the values that pass. */
export interface EventFilter {
  readonly source: string;
  readonly hasAsset: boolean;
  readonly conditions: readonly EventCondition[];
}

export interface EventCondition {
  readonly column: string;
  readonly physical: string;
  /** Text for text columns, numbers (booleans as 0 and 1) for the others. */
  readonly values: readonly (string | number)[];
}

/** One event as it comes live: its time in units of `__t` and its values by column name. */
export interface LiveEvent {
  readonly t: number;
  readonly values: Readonly<Record<string, string | number | boolean | null>>;
}

/** SQL condition over the physical columns of the events source. */
export function eventConditionSql(filter: EventFilter): string {
  const parts = filter.conditions.map(({ physical, values }) => {
    const list = values.map((v) => (typeof v === "string" ? quoteLiteral(v) : numberLiteral(v)));
    return `${quoteIdentifier(physical)} IN (${list.join(", ")})`;
  });
  return parts.length === 0 ? "true" : parts.join(" AND ");
}

/** The same condition on a live event. */
export function passesFilter(filter: EventFilter, event: LiveEvent): boolean {
  return filter.conditions.every(({ column, values }) => {
    const value = event.values[column] ?? null;
    const comparable = typeof value === "boolean" ? Number(value) : value;
    return comparable !== null && values.includes(comparable);
  });
}
