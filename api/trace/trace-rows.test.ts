import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { encodeTraceBatch, schemaMessage, wholeMessagesLength } from "./arrow-batch.ts";
import { tracedFeatures, traceRowsOf } from "./trace-rows.ts";
import type { TraceRow } from "./trace-row.ts";

const row = (i: number): TraceRow => ({
  predictionId: `p-${i}`,
  requestId: `r-${i}`,
  model: "pump",
  version: 3,
  digest: "d".repeat(64),
  asset: i === 1 ? null : `unit-${i}`,
  atMicros: 1_800_000_000_000_000 + i * 1_000,
  actor: "local",
  t: null,
  role: "answer",
  features: Float64Array.of(i, NaN),
  outputs: Float64Array.of(i / 4),
  value: i / 4,
});

test("time and role are read as they were written", () => {
  const times = [1_700_000_000_000_001, null, 0, -3, 12.5];
  const rows = times.map((t, i): TraceRow => ({ ...row(i), t, role: i % 2 === 1 ? "shadow" : "answer" }));
  const bytes = Buffer.concat([
    schemaMessage(),
    encodeTraceBatch(rows.slice(0, 2)),
    encodeTraceBatch(rows.slice(2)),
  ]);
  expect([...traceRowsOf(bytes)].map(({ t, role }) => ({ t, role }))).toEqual(
    rows.map(({ t, role }) => ({ t, role })),
  );
});

// Written by the release before the two columns were added: what it left in a spool is shipped and read like any other.
test("a segment of the first form has no times, and answers alone", () => {
  const bytes = readFileSync(new URL("../../tests/support/segment-of-first-form.arrow", import.meta.url));
  expect(wholeMessagesLength(bytes)).toBe(bytes.length);
  expect([...traceRowsOf(bytes)]).toEqual(
    [0, 1, 2].map((i) => {
      const { atMicros, features: _features, value: _value, ...kept } = row(i);
      return { ...kept, at: new Date(atMicros / 1_000).toISOString() };
    }),
  );
  expect(tracedFeatures(bytes, { rowNumber: 2, predictionId: "p-2" })).toEqual(row(2).features);
});
