import { formatIsoMicros } from "../../schemas/text/iso-time.ts";
import type { LiveSource } from "../../schemas/live/source.ts";
import type { Column } from "../../schemas/pipeline/source.ts";
import type { StoredReading } from "../../stores/postgres/port/live.ts";

export interface ShownReading {
  readonly asset: string;
  readonly source: string;
  /** ISO 8601, or the cycle. */
  readonly time: string | number;
  readonly epoch: number;
  readonly seq: number;
  readonly values: Readonly<Record<string, ShownValue>>;
}

/** A stored reading as the API gives it: values by name, in the types they were declared with; masked ones are null. */
export function shownReading(
  { asset, source, epoch, ts, seq, values }: Omit<StoredReading, "schemaVersion">,
  document: LiveSource,
): ShownReading {
  const named: Record<string, ShownValue> = {};
  document.columns.forEach((column, place) => {
    const value = values[place] ?? null;
    // What is masked leaves no trace, not even of being missing.
    if (document.pii.includes(column.name)) named[column.name] = null;
    else if (value !== null) named[column.name] = shownValue(column, value);
  });
  const time = document.time.kind === "cycle" ? ts : formatIsoMicros(ts);
  return { asset, source, time, epoch, seq, values: named };
}

export type ShownValue = string | number | boolean | null;

function shownValue({ type, values: words }: Column, value: number): ShownValue {
  switch (type) {
    case "text":
      return words?.[value] ?? null;
    case "boolean":
      return value === 1;
    case "timestamp":
      return formatIsoMicros(value);
    case "float":
    case "integer":
      return value;
  }
}
