import type { FeatureView } from "../../features/feature-view.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { clientMicros, expectedTime } from "./client-time.ts";

/**
 * What rows are about, as traces have it: the times that a client sends beside them, read as those of readings are.
 *
 * @param times one per row; null where it is not known
 * @returns microseconds since 1970 UTC, or cycles
 * @throws {PlatformError} invalid_signature_input naming the row
 */
export function readRowTimes(
  { timeKind, times: declared, source }: Pick<FeatureView, "timeKind" | "times" | "source">,
  times: readonly unknown[],
): (number | null)[] {
  if (timeKind === "none") throw refuse("times", "nothing: the readings of this model have no time", "times");
  const time = declared?.[source];
  const expected = timeKind === "cycle" ? "the cycle as a whole number" : expectedTime(time);
  return times.map((value, row) => {
    if (value === null) return null;
    const t = timeKind === "cycle" ? cycleOf(value) : clientMicros(value, time);
    if (t === undefined) throw refuse(`times.${row}`, `${expected}, or null`, "another value");
    return t;
  });
}

function cycleOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

function refuse(field: string, expected: string, found: string): PlatformError {
  return new PlatformError(
    "invalid_signature_input",
    `predict [${field}]: expected ${expected}, got ${found}`,
    { locations: [{ field, expected, found }] },
  );
}
