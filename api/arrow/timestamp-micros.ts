import { TimeUnit } from "apache-arrow";
import type { Vector } from "apache-arrow";

const MICROS_PER_UNIT = {
  [TimeUnit.SECOND]: 1_000_000,
  [TimeUnit.MILLISECOND]: 1_000,
  [TimeUnit.MICROSECOND]: 1,
  [TimeUnit.NANOSECOND]: 0.001,
} as const;

/**
 * Microseconds since 1970 of a column of timestamps, by row: the stored whole number, as what Arrow's own reader gives is in
 * milliseconds, and has lost the rest.
 */
export function microsReader(
  column: Vector,
  unit: keyof typeof MICROS_PER_UNIT,
): (row: number) => bigint | null {
  const factor = MICROS_PER_UNIT[unit];
  const raw = column.data.flatMap((data) =>
    Array.from({ length: data.length }, (_, i) =>
      data.getValid(i) ? BigInt(Math.floor(Number((data.values as BigInt64Array)[i]) * factor)) : null,
    ),
  );
  return (row) => raw[row] ?? null;
}
